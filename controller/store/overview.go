package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"

	"berth/controller/app"
)

// overview is what the dashboard shows of all apps, kept in memory for as long as
// nobody writes to the ledger: reading a hundred apps anew costs as much as all
// else of the page.
type overview struct {
	mu      sync.Mutex
	watch   *sql.Conn // of the reader, kept so that its data_version can be compared
	version int64
	apps    []app.App
	latest  map[app.Name]*app.Release
}

// ListOverview returns every app by name, and the newest release of each. What it
// returns is shared: the caller changes none of it.
func (s *Store) ListOverview(ctx context.Context) ([]app.App, map[app.Name]*app.Release, error) {
	o := &s.overview
	o.mu.Lock()
	defer o.mu.Unlock()
	version, err := o.read(ctx, s.reader)
	if err != nil {
		return nil, nil, fmt.Errorf("read version of the ledger: %w", err)
	}
	if o.latest != nil && version == o.version {
		return o.apps, o.latest, nil
	}
	// The version was read first: what is written from here on makes it an older one.
	if o.apps, err = s.ListApps(ctx); err != nil {
		o.latest = nil
		return nil, nil, err
	}
	if o.latest, err = s.ListLatest(ctx); err != nil {
		return nil, nil, err
	}
	o.version = version
	return o.apps, o.latest, nil
}

// FindLive returns an app and its live release, the zero release where there is none. It
// costs no reading of rows while nobody writes to the ledger. What it returns is shared:
// the caller changes none of it.
func (s *Store) FindLive(ctx context.Context, name app.Name) (app.App, app.Release, error) {
	found, live, err := s.overview.find(ctx, s.reader, name)
	if err != nil {
		return app.App{}, app.Release{}, fmt.Errorf("read version of the ledger: %w", err)
	}
	if live != nil {
		return found, *live, nil
	}
	if found, err = s.FindApp(ctx, name); err != nil || found.Live == 0 {
		return found, app.Release{}, err
	}
	release, err := s.FindRelease(ctx, app.ReleaseID{App: name, Number: found.Live})
	return found, release, err
}

// find returns an app and its live release where both are kept and as they are in the
// ledger; nil is no such release.
func (o *overview) find(ctx context.Context, pool *sql.DB, name app.Name) (app.App, *app.Release, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	version, err := o.read(ctx, pool)
	if err != nil || o.latest == nil || version != o.version {
		return app.App{}, nil, err
	}
	at, ok := slices.BinarySearchFunc(o.apps, name, func(a app.App, name app.Name) int { return cmp.Compare(a.Name, name) })
	if latest := o.latest[name]; ok && latest != nil && latest.Number == o.apps[at].Live {
		return o.apps[at], latest, nil
	}
	return app.App{}, nil, nil
}

// read gives a number that changes with every commit of another connection, in
// this process or another. It can only be compared with what the same connection
// gave, so a connection that failed takes what was kept with it.
func (o *overview) read(ctx context.Context, pool *sql.DB) (version int64, err error) {
	if o.watch == nil {
		o.latest = nil
		if o.watch, err = pool.Conn(ctx); err != nil {
			return 0, err
		}
	}
	err = o.watch.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version)
	if err != nil {
		_ = o.watch.Close()
		o.watch = nil
	}
	return version, err
}

func (o *overview) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.watch == nil {
		return nil
	}
	return o.watch.Close()
}
