//go:build linux && cgo

package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"berth/traefik"
)

// sweepInterrupted removes the files that an earlier process was writing when it was
// killed, before this one writes any. A second process that is about to serve has failed
// on the port by then.
func sweepInterrupted(config Config, logger *slog.Logger) error {
	var errs []error
	for folder, prefix := range map[string]string{
		config.DataFolder:                       ".secret-",
		filepath.Join(config.DataFolder, "tls"): ".tls-",
		config.ProxyFolder:                      traefik.TemporaryPrefix,
		config.ACMEFolder:                       traefik.TemporaryPrefix,
	} {
		errs = append(errs, sweepFolder(folder, prefix, logger))
	}
	return errors.Join(errs...)
}

// sweepFolder removes the files of the folder whose names begin with the prefix.
func sweepFolder(folder, prefix string, logger *slog.Logger) error {
	if folder == "" {
		return nil
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is made later
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !strings.HasPrefix(entry.Name(), prefix) {
			continue
		}
		name := filepath.Join(folder, entry.Name())
		logger.Info("removing what an earlier run did not finish writing", "file", name)
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}
