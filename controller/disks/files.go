package disks

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/retention"
)

// The folders in the data folder, and the end of a log's name: logs/APP/NUMBER.log.
const (
	logsFolder    = "logs"
	uploadsFolder = "uploads"
	pushesFolder  = "git"
	auditFile     = "audit.log"
	logSuffix     = ".log"
)

// logFile is the log of one release.
type logFile struct {
	number int64
	name   string // in the folder of logs
	info   fs.FileInfo
}

// eachLog counts the logs. What is free is given to remove, which may be nil. The folder
// is a root: no link of it leads elsewhere.
func (d *Disks) eachLog(rules retention.Rules, item *Item, remove func(root *os.Root, name string) error) error {
	root, err := os.OpenRoot(filepath.Join(d.DataFolder, logsFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	folders, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	before := d.daysAgo(rules.LogDays)
	var errs []error
	for _, folder := range folders {
		logs, err := logsIn(root, folder.Name())
		errs = append(errs, err)
		for at, log := range logs {
			free := at < len(logs)-1 && log.info.ModTime().Before(before)
			item.add(app.Name(folder.Name()), log.info.Size(), free)
			if free && remove != nil {
				errs = append(errs, remove(root, log.name))
			}
		}
	}
	item.sort()
	return errors.Join(errs...)
}

// logsIn returns the logs of an app, the newest release last. Anything else in its folder
// is not Berth's.
func logsIn(root *os.Root, folder string) ([]logFile, error) {
	entries, err := fs.ReadDir(root.FS(), folder)
	if err != nil {
		return nil, err
	}
	var logs []logFile
	for _, entry := range entries {
		number, err := strconv.ParseInt(strings.TrimSuffix(entry.Name(), logSuffix), 10, 64)
		if err != nil || !strings.HasSuffix(entry.Name(), logSuffix) || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // its app was deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		logs = append(logs, logFile{number, path.Join(folder, entry.Name()), info})
	}
	slices.SortFunc(logs, func(a, b logFile) int { return int(a.number - b.number) })
	return logs, nil
}

// cleanLogs removes the logs whose time is over.
func (d *Disks) cleanLogs(rules retention.Rules) error {
	return d.eachLog(rules, new(Item), func(root *os.Root, name string) error {
		if err := root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// lookAppLogs counts the logs of apps. Berth itself keeps their bounds all the time.
func (d *Disks) lookAppLogs(_ context.Context, item *Item) error {
	for name, bytes := range d.Logs.Sizes() {
		item.add(name, bytes, false)
	}
	item.sort()
	return nil
}

// lookMetrics counts the database of measurements, with what SQLite puts beside it.
func (d *Disks) lookMetrics(_ context.Context, item *Item) error {
	found, err := filepath.Glob(filepath.Join(d.DataFolder, "metrics.db*"))
	for _, name := range found {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
			item.add("", info.Size(), false)
		}
	}
	return err
}

// lookUploads counts the archives that are kept or received.
func (d *Disks) lookUploads(_ context.Context, item *Item) error {
	entries, err := os.ReadDir(filepath.Join(d.DataFolder, uploadsFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			item.add("", info.Size(), false)
		}
	}
	return err
}
