// Package folder opens a folder that only the program may enter.
package folder

import (
	"fmt"
	"os"
)

// OpenPrivate makes the folder if needed, narrows its mode to 0700 and opens it as a root.
func OpenPrivate(path string) (*os.Root, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		return nil, fmt.Errorf("narrow folder: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	return root, nil
}
