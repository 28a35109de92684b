package store

import (
	"context"
	"database/sql"
	"fmt"
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
