// Command helper is the volume helper without the rest of Berth.
package main

import (
	"os"

	"berth/controller/volume"
)

func main() {
	root, err := os.OpenRoot("/volume")
	if err == nil {
		err = volume.Serve(root, os.Stdin, os.Stdout)
	}
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}
