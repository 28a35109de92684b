// Command berth is the PaaS controller and its command line.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	report(os.Stderr, err)
	os.Exit(exitCode(err))
}

// run is the whole program on the process's own input. An environment is a list of
// NAME=value.
func run(ctx context.Context, args, environment []string, stdout, stderr io.Writer) error {
	p := &program{environment: environment, stdin: os.Stdin, stdout: stdout, stderr: stderr}
	return p.run(ctx, args)
}

// run finds the command that args name and runs it.
func (p *program) run(ctx context.Context, args []string) error {
	command, rest := findCommand(args)
	if command == nil && len(args) == 2 && slices.Contains([]string{"-h", "-help", "--help"}, args[1]) {
		return runHelp(ctx, p, args[:1]) // of a noun
	}
	if command == nil {
		return noCommand(args)
	}
	p.command = command
	err := command.run(ctx, p, rest)
	if errors.Is(err, flag.ErrHelp) { // asked for, and printed
		return nil
	}
	return err
}
