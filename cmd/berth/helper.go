package main

import (
	"context"
	"fmt"
	"os"

	"berth/controller/docker"
	"berth/controller/volume"
)

// runHelper works on the files of the one volume that its container has,
// as the controller on the other side of its standard input asks. It ends when
// that does.
func runHelper(_ context.Context, p *program, args []string) error {
	if err := p.parseFlagsOnly(newFlags("helper"), args); err != nil {
		return err
	}
	root, err := os.OpenRoot(docker.HelperFolder)
	if err != nil {
		return fmt.Errorf("open volume: %w", err)
	}
	defer root.Close()
	return volume.Serve(root, os.Stdin, p.stdout)
}
