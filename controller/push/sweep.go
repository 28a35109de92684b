package push

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"berth/controller/app"
)

// What is kept of pushes: the next push of an app is a whole one after that.
const (
	KeepDays  = 30      // after the last push of an app
	KeepBytes = 4 << 30 // of all apps; those that were pushed to longest ago go first

	sweepEvery = time.Hour
)

// Run forgets repositories that nobody needs, until ctx ends.
func (p *Pushes) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := p.Sweep(ctx); err != nil && ctx.Err() == nil {
			p.logger.WarnContext(ctx, "forget old pushes", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// kept is the repository of an app on the disk.
type kept struct {
	name  app.Name
	bytes int64
	last  time.Time // of a push that went live; the zero time without one
}

// Sweep forgets the repositories of apps that are gone, those whose time is over, and the
// oldest ones where all together are too large.
func (p *Pushes) Sweep(ctx context.Context) error {
	all, err := p.list()
	errs := []error{err}
	// Listed afterwards: the former name of an app that is renamed meanwhile has no folder.
	apps, err := p.ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	there := map[app.Name]bool{}
	for _, app := range apps {
		there[app.Name] = true
	}
	slices.SortFunc(all, func(a, b kept) int { return b.last.Compare(a.last) })
	var bytes int64
	oldest := p.now().AddDate(0, 0, -KeepDays)
	for _, one := range all {
		if bytes += one.bytes; there[one.name] && !one.last.Before(oldest) && bytes <= KeepBytes {
			continue
		}
		bytes -= one.bytes
		errs = append(errs, p.forget(one.name))
	}
	return errors.Join(errs...)
}

// forget removes a repository, unless a push is under way.
func (p *Pushes) forget(name app.Name) error {
	done, free := p.take(name)
	if !free {
		return nil
	}
	defer done()
	return p.root.RemoveAll(p.folder(name))
}

func (p *Pushes) list() ([]kept, error) {
	folders, err := fs.ReadDir(p.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("list repositories: %w", err)
	}
	var all []kept
	for _, folder := range folders {
		one := kept{name: app.Name(p.names.Name(folder.Name()))}
		files, err := fs.ReadDir(p.root.FS(), folder.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return all, fmt.Errorf("list repository of %s: %w", one.name, err)
		}
		for _, file := range files {
			info, err := p.root.Lstat(path.Join(folder.Name(), file.Name()))
			if err != nil {
				continue // it was removed meanwhile
			}
			one.bytes += info.Size()
			if file.Name() == refFile {
				one.last = info.ModTime()
			}
		}
		all = append(all, one)
	}
	return all, nil
}
