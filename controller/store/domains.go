package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"berth/controller/certificates"
	"berth/controller/store/sqlite"
	"berth/traefik"
)

const selectDomains = `SELECT host, source, redirect, hsts, chain, key, seen FROM domains`

// ListDomains returns every host that has a row, by name.
func (s *Store) ListDomains(ctx context.Context) ([]certificates.Domain, error) {
	rows, err := s.reader.QueryContext(ctx, selectDomains+` ORDER BY host`)
	domains, err := sqlite.Collect(rows, err, scanDomain)
	return domains, sqlite.Failure(err, "list domains")
}

// FindDomain returns the host's row.
func (s *Store) FindDomain(ctx context.Context, host traefik.Host) (certificates.Domain, error) {
	domain, err := scanDomain(s.reader.QueryRowContext(ctx, selectDomains+` WHERE host = ?`, host))
	if err != nil {
		return certificates.Domain{}, fmt.Errorf("find domain %s: %w", host, sqlite.OrNotFound(err))
	}
	return domain, nil
}

// UpdateDomain sets what was decided about the host, also for the first time.
func (s *Store) UpdateDomain(ctx context.Context, d certificates.Domain) error {
	_, err := s.writer.ExecContext(ctx, `
INSERT INTO domains (host, source, redirect, hsts, chain, key) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (host) DO UPDATE SET source = excluded.source, redirect = excluded.redirect, hsts = excluded.hsts,
    chain = excluded.chain, key = excluded.key`,
		d.Host, d.Source, d.Redirect, int64(d.HSTS/time.Second), d.Chain, d.Sealed)
	return sqlite.Failure(err, "update domain %s", d.Host)
}

// UpdateSeen sets what was seen of the host, also for the first time.
func (s *Store) UpdateSeen(ctx context.Context, host traefik.Host, seen certificates.Seen) error {
	_, err := s.writer.ExecContext(ctx, `
INSERT INTO domains (host, seen) VALUES (?, ?) ON CONFLICT (host) DO UPDATE SET seen = excluded.seen`, host, seenColumn{&seen})
	return sqlite.Failure(err, "update what was seen of %s", host)
}

func scanDomain(columns sqlite.Row) (d certificates.Domain, err error) {
	var seconds int64
	err = columns.Scan(&d.Host, &d.Source, &d.Redirect, &seconds, &d.Chain, &d.Sealed, seenColumn{&d.Seen})
	d.HSTS = time.Duration(seconds) * time.Second
	return d, err
}

// seenColumn stores what was seen as a JSON object.
type seenColumn struct{ seen *certificates.Seen }

// Value returns the object.
func (c seenColumn) Value() (driver.Value, error) {
	text, err := json.Marshal(c.seen)
	return string(text), err
}

// Scan sets what was seen.
func (c seenColumn) Scan(value any) error {
	*c.seen = certificates.Seen{}
	return sqlite.Failure(sqlite.ScanJSON(value, c.seen), "read what was seen")
}
