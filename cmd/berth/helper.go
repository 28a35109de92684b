//go:build linux && cgo

package main

import (
	"context"
	"fmt"
	"os"

	half "berth/controller/aside"
	"berth/controller/docker"
	sockets "berth/controller/listen"
	"berth/controller/probe"
	"berth/controller/volume"
)

// runHelper does what its one argument names: with listen, it tells what listens in the
// network that it shares with an app's container; with probe, it tries connections from a
// network of its own. Without, it works on the files of the one volume that its container has,
// as the controller on the other side of its standard input asks. It ends when
// that does.
func runHelper(ctx context.Context, p *program, args []string) error {
	if len(args) == 1 && args[0] == sockets.Command {
		return sockets.Serve(ctx, p.stdin, p.stdout)
	}
	if len(args) == 1 && args[0] == probe.Command {
		return probe.Serve(ctx, p.stdin, p.stdout)
	}
	flags := newFlags("helper")
	leaveHalf := flags.Bool("aside", false, "leave half of the processors to apps")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	if *leaveHalf {
		half.Process()
	}
	root, err := os.OpenRoot(docker.HelperFolder)
	if err != nil {
		return fmt.Errorf("open volume: %w", err)
	}
	defer root.Close()
	return volume.Serve(root, docker.TransferFolder, p.stdin, p.stdout)
}
