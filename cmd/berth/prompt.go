package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminal is where a person types. What is no terminal gives one line for each question.
type terminal struct {
	program *program
	lines   *bufio.Reader
}

func (p *program) openTerminal() *terminal {
	return &terminal{program: p, lines: bufio.NewReader(io.LimitReader(p.stdin, maxSettingsFile))}
}

// ask asks a question and returns the line that was typed.
func (t *terminal) ask(ctx context.Context, question string) (string, error) {
	return t.read(ctx, question, t.line)
}

// askHidden is ask for a secret, which a terminal does not show.
func (t *terminal) askHidden(ctx context.Context, question string) (string, error) {
	file, ok := t.program.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return t.read(ctx, question, t.line)
	}
	state, err := term.GetState(int(file.Fd()))
	if err != nil {
		return "", err
	}
	answer, err := t.read(ctx, question, func() (string, error) {
		typed, err := term.ReadPassword(int(file.Fd()))
		return string(typed), err
	})
	_ = term.Restore(int(file.Fd()), state) // it shows letters again, also where the person gave up
	_, _ = fmt.Fprintln(t.program.stderr)
	return answer, err
}

// read ends with ctx, although what waits for the terminal does not.
func (t *terminal) read(ctx context.Context, question string, next func() (string, error)) (string, error) {
	_, _ = fmt.Fprint(t.program.stderr, question+": ")
	type answer struct {
		text string
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := next()
		typed <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-typed:
		if errors.Is(got.err, io.EOF) {
			return "", &usageError{fmt.Errorf("nobody answered %q", question)}
		}
		return got.text, got.err
	}
}

func (t *terminal) line() (string, error) {
	text, err := t.lines.ReadString('\n')
	if text != "" && errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimRight(text, "\r\n"), err
}

// confirm asks whether something that cannot be taken back is meant.
func (p *program) confirm(ctx context.Context, what string) error {
	answer, err := p.openTerminal().ask(ctx, what+". Type yes to go on")
	if _, nobody := errors.AsType[*usageError](err); nobody {
		return &usageError{fmt.Errorf("nothing was changed: %w; --yes answers it", err)}
	}
	if err != nil {
		return err
	}
	if answer != "yes" {
		return &usageError{errors.New("nothing was changed: the answer was not yes; --yes answers it")}
	}
	return nil
}
