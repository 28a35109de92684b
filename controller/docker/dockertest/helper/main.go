// Command helper is the helper without the rest of Berth.
package main

import (
	"context"
	"os"

	"berth/controller/listen"
	"berth/controller/probe"
	"berth/controller/volume"
)

func main() {
	if len(os.Args) == 3 && os.Args[2] == listen.Command {
		if listen.Serve(context.Background(), os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[2] == probe.Command {
		if probe.Serve(context.Background(), os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
		return
	}
	root, err := os.OpenRoot("/volume")
	if err == nil {
		err = volume.Serve(root, "/transfer", os.Stdin, os.Stdout)
	}
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}
