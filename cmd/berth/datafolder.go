//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"berth/controller/problem"
	"berth/controller/room"
	"berth/controller/store"
)

const dataFolderMode fs.FileMode = 0o700

// guarded is what Berth keeps in its data folder: folders before what is in them.
var guarded = []struct {
	name string // a pattern of path.Match
	mode fs.FileMode
	// A TLS key that others could read is no secret any more, and a new one costs nothing.
	remake bool
}{
	{name: "berth.db", mode: 0o600},
	{name: "berth.db-*", mode: 0o600}, // what SQLite puts beside it
	{name: "metrics.db*", mode: 0o600},
	{name: "secret.key", mode: 0o600},
	{name: room.ReserveName, mode: 0o600},
	{name: "audit.log*", mode: 0o600},
	{name: "uploads", mode: fs.ModeDir | 0o700},
	{name: appLogsFolder, mode: fs.ModeDir | 0o700},
	{name: "logs", mode: fs.ModeDir | 0o700},
	{name: "tls", mode: fs.ModeDir | 0o700},
	{name: "tls/*.key", mode: 0o600, remake: true},
	{name: "tls/*.crt", mode: 0o644},
}

// prepareDataFolder makes the data folder and keeps everybody else out of it: what
// is open to others is closed and reported, and what is not Berth's own (a link, a
// file of another user) is refused before anything is read from it.
func prepareDataFolder(folder string, logger *slog.Logger) error {
	if err := os.MkdirAll(folder, dataFolderMode); err != nil {
		return dataFolderProblem(folder, err)
	}
	info, err := os.Stat(folder)
	if err != nil {
		return dataFolderProblem(folder, err)
	}
	if err := checkOwner(info); err != nil {
		return notOurs(folder, err)
	}
	if info.Mode().Perm()&^dataFolderMode != 0 {
		logger.Warn("the data folder was open to others and is closed now", "folder", folder, "mode", info.Mode().Perm().String())
	}
	if err := os.Chmod(folder, dataFolderMode); err != nil { // whatever the umask has left of a new one
		return dataFolderProblem(folder, err)
	}
	return guardFiles(folder, logger)
}

func guardFiles(folder string, logger *slog.Logger) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return dataFolderProblem(folder, err)
	}
	defer func() { _ = root.Close() }()
	for _, guard := range guarded {
		names, err := namesLike(root, guard.name)
		if err != nil {
			return dataFolderProblem(folder, err)
		}
		for _, name := range names {
			info, err := root.Lstat(name)
			if err == nil {
				err = errors.Join(checkType(info, guard.mode), checkOwner(info))
			}
			if err != nil {
				return notOurs(filepath.Join(folder, name), err)
			}
			if err := closeToOthers(root, name, info, guard.mode, guard.remake, logger); err != nil {
				return dataFolderProblem(folder, err)
			}
		}
	}
	return nil
}

// namesLike lists what the pattern matches; links are named and not followed.
func namesLike(root *os.Root, pattern string) ([]string, error) {
	parent := path.Dir(pattern)
	entries, err := fs.ReadDir(root.FS(), parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if matched, err := path.Match(path.Base(pattern), entry.Name()); err == nil && matched {
			names = append(names, path.Join(parent, entry.Name()))
		}
	}
	return names, nil
}

func closeToOthers(root *os.Root, name string, info fs.FileInfo, wanted fs.FileMode, remake bool, logger *slog.Logger) error {
	found := info.Mode().Perm()
	if found&^wanted.Perm() == 0 {
		return nil
	}
	if remake {
		logger.Warn("a key was open to others and is replaced", "file", name, "mode", found.String())
		return root.Remove(name)
	}
	logger.Warn("a file was open to others and is closed now", "file", name, "mode", found.String(), "now", wanted.Perm().String())
	return root.Chmod(name, wanted.Perm())
}

func checkType(info fs.FileInfo, wanted fs.FileMode) error {
	switch found := info.Mode().Type(); {
	case found == wanted.Type():
		return nil
	case found == fs.ModeSymlink:
		return errors.New("it is a symbolic link")
	case wanted.IsDir():
		return errors.New("it is not a folder")
	default:
		return errors.New("it is not a regular file")
	}
}

func checkOwner(info fs.FileInfo) error {
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(status.Uid) == os.Geteuid() {
		return nil
	}
	return fmt.Errorf("it belongs to the user %d, and Berth runs as %d", status.Uid, os.Geteuid())
}

// openLedger opens the ledger that a server has made, for the commands that work
// beside it. Where there is none it refuses, instead of making an empty one in
// the wrong place.
func openLedger(ctx context.Context, config Config) (*store.Store, error) {
	if _, err := os.Stat(config.ledgerFile()); err != nil {
		return nil, problem.NotFound(
			fmt.Sprintf("There is no Berth in %s.", config.DataFolder),
			"Name its data folder with --data.folder (BERTH_DATA_FOLDER), or start it once with berth serve.",
		).Because(err)
	}
	return store.Open(ctx, config.ledgerFile())
}

func dataFolderProblem(path string, err error) error {
	return problem.Unavailable(
		fmt.Sprintf("The data folder %s cannot be used.", path),
		"Give it to the user that Berth runs as, or name another with --data.folder (BERTH_DATA_FOLDER).",
	).Because(err)
}

// notOurs refuses what somebody else may have put there.
func notOurs(path string, err error) error {
	return problem.Unavailable(
		fmt.Sprintf("Berth does not trust %s.", path),
		"Find out who put it there. Then give it to the user that Berth runs as (chown), or put the real file in its place.",
	).Because(err)
}
