package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/controller/store/sqlite"
	"berth/traefik"
)

// forgottenAfter is how long what was checked or asked for is kept.
const forgottenAfter = 30 * 24 * time.Hour

// SaveHostCheck keeps the last check of a host.
func (s *Store) SaveHostCheck(ctx context.Context, check app.HostCheck) error {
	findings, err := json.Marshal(append([]domaincheck.Finding{}, check.Findings...)) // never null
	if err != nil {
		return fmt.Errorf("encode check of %s: %w", check.Host, err)
	}
	err = s.writer.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM host_checks WHERE checked_at < ?`, sqlite.Micros(check.At.Add(-forgottenAfter))); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
INSERT INTO host_checks (host, checked_at, findings) VALUES (?, ?, ?)
ON CONFLICT (host) DO UPDATE SET checked_at = excluded.checked_at, findings = excluded.findings`,
			check.Host, sqlite.Micros(check.At), string(findings))
		return err
	})
	return sqlite.Failure(err, "save check of %s", check.Host)
}

// ListHostChecks returns the last check of each host that had one.
func (s *Store) ListHostChecks(ctx context.Context) (map[traefik.Host]app.HostCheck, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT host, checked_at, findings FROM host_checks`)
	list, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (check app.HostCheck, err error) {
		var findings string
		if err := columns.Scan(&check.Host, sqlite.TimeInto(&check.At), &findings); err != nil {
			return check, err
		}
		err = json.Unmarshal([]byte(findings), &check.Findings)
		return check, err
	})
	if err != nil {
		return nil, fmt.Errorf("list checks of hosts: %w", err)
	}
	checks := make(map[traefik.Host]app.HostCheck, len(list))
	for _, check := range list {
		checks[check.Host] = check
	}
	return checks, nil
}

// NoteCertificateOrder counts a certificate that is asked for.
func (s *Store) NoteCertificateOrder(ctx context.Context, host traefik.Host, domain string, at time.Time) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM certificate_orders WHERE asked_at < ?`, sqlite.Micros(at.Add(-forgottenAfter))); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO certificate_orders (host, domain, asked_at) VALUES (?, ?, ?)`, host, domain, sqlite.Micros(at))
		return err
	})
	return sqlite.Failure(err, "note certificate order of %s", host)
}

// CountCertificateOrders counts the certificates that were asked for since then.
func (s *Store) CountCertificateOrders(ctx context.Context, host traefik.Host, domain string, since time.Time) (ofDomain, ofHost int, err error) {
	err = s.reader.QueryRowContext(ctx, `
SELECT count(*), count(*) FILTER (WHERE host = ?) FROM certificate_orders WHERE domain = ? AND asked_at >= ?`,
		host, domain, sqlite.Micros(since)).Scan(&ofDomain, &ofHost)
	if err != nil {
		return 0, 0, fmt.Errorf("count certificate orders of %s: %w", domain, err)
	}
	return ofDomain, ofHost, nil
}
