package main

import (
	"fmt"
	"io"
	"os"
)

const maxSettingsFile = 1 << 20 // bytes, for the file and for each file of a secret

// standardInput is its name where it is read as a file, on Windows too.
const standardInput = "/dev/stdin"

// readBounded reads a small file.
func readBounded(name string) ([]byte, error) {
	file := os.Stdin
	if name != standardInput {
		opened, err := os.Open(name) //nolint:gosec // the person who runs the program names the file
		if err != nil {
			return nil, err
		}
		defer func() { _ = opened.Close() }()
		file = opened
	}
	content, err := io.ReadAll(io.LimitReader(file, maxSettingsFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxSettingsFile {
		return nil, fmt.Errorf("%s is larger than %d KB", name, maxSettingsFile>>10)
	}
	return content, nil
}
