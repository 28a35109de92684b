// Package proofs keeps what probes found out in the SQLite ledger.
package proofs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/reach"
	"berth/controller/store/sqlite"
)

// Proofs implements the part of reach.Ledger that is about proofs.
type Proofs struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

const liveReleases = `FROM releases r JOIN apps a ON a.name = r.app AND a.wanted = 'running'`

// ListUnproven returns the live releases without a proof, or with a bad one of before.
func (p Proofs) ListUnproven(ctx context.Context, badBefore time.Time) ([]app.ReleaseID, error) {
	rows, err := p.Reader.QueryContext(ctx, `
SELECT r.app, r.number `+liveReleases+` LEFT JOIN proofs p ON p.app = r.app AND p.release = r.number
WHERE r.state = 'live' AND (p.at IS NULL OR p.at < ? AND (p.answered = 0 OR p.leaks <> '[]'))
ORDER BY r.app`, sqlite.Micros(badBefore))
	ids, err := sqlite.Collect(rows, err, scanID)
	return ids, sqlite.Failure(err, "list releases without a proof")
}

// ListLive returns the live releases of running apps.
func (p Proofs) ListLive(ctx context.Context) ([]app.ReleaseID, error) {
	rows, err := p.Reader.QueryContext(ctx, `SELECT r.app, r.number `+liveReleases+` WHERE r.state = 'live' ORDER BY r.app`)
	ids, err := sqlite.Collect(rows, err, scanID)
	return ids, sqlite.Failure(err, "list live releases")
}

// SaveProof keeps the proof of a release that is live.
func (p Proofs) SaveProof(ctx context.Context, proof reach.Proof) error {
	leaks, err := list(proof.Leaks)
	if err != nil {
		return err
	}
	_, err = p.Writer.ExecContext(ctx, `
INSERT INTO proofs (app, release, at, answered, leaks)
SELECT app, number, ?3, ?4, ?5 FROM releases WHERE app = ?1 AND number = ?2 AND state = 'live'
ON CONFLICT (app, release) DO UPDATE SET at = ?3, answered = ?4, leaks = ?5`,
		proof.Release.App, proof.Release.Number, sqlite.Micros(proof.At), proof.Answered, leaks)
	return sqlite.Failure(err, "save proof of %s", proof.Release)
}

// FindProof returns the proof of a release.
func (p Proofs) FindProof(ctx context.Context, id app.ReleaseID) (reach.Proof, error) {
	proof, err := scanProof(p.Reader.QueryRowContext(ctx, `SELECT app, release, at, answered, leaks FROM proofs WHERE app = ? AND release = ?`, id.App, id.Number))
	return proof, sqlite.Failure(sqlite.OrNotFound(err), "find proof of %s", id)
}

// ListProofs returns the proofs of the live releases.
func (p Proofs) ListProofs(ctx context.Context) ([]reach.Proof, error) {
	rows, err := p.Reader.QueryContext(ctx, `
SELECT p.app, p.release, p.at, p.answered, p.leaks `+liveReleases+` JOIN proofs p ON p.app = r.app AND p.release = r.number
WHERE r.state = 'live' ORDER BY r.app`)
	all, err := sqlite.Collect(rows, err, scanProof)
	return all, sqlite.Failure(err, "list proofs")
}

// SaveReport keeps the last whole probe.
func (p Proofs) SaveReport(ctx context.Context, report reach.Report) error {
	results, err := list(report.Results)
	if err != nil {
		return err
	}
	_, err = p.Writer.ExecContext(ctx, `
INSERT INTO probes (id, at, results) VALUES (1, ?1, ?2) ON CONFLICT (id) DO UPDATE SET at = ?1, results = ?2`, sqlite.Micros(report.At), results)
	return sqlite.Failure(err, "save probe")
}

// FindReport returns the last whole probe.
func (p Proofs) FindReport(ctx context.Context) (report reach.Report, err error) {
	var results any
	err = p.Reader.QueryRowContext(ctx, `SELECT at, results FROM probes`).Scan(sqlite.TimeInto(&report.At), &results)
	if err == nil {
		err = sqlite.ScanJSON(results, &report.Results)
	}
	return report, sqlite.Failure(sqlite.OrNotFound(err), "find probe")
}

func scanID(columns sqlite.Row) (id app.ReleaseID, err error) {
	err = columns.Scan(&id.App, &id.Number)
	return id, err
}

func scanProof(columns sqlite.Row) (proof reach.Proof, err error) {
	var leaks any
	err = columns.Scan(&proof.Release.App, &proof.Release.Number, sqlite.TimeInto(&proof.At), &proof.Answered, &leaks)
	if err == nil {
		err = sqlite.ScanJSON(leaks, &proof.Leaks)
	}
	return proof, err
}

// list is a JSON array, also of nothing.
func list[T any](values []T) (string, error) {
	if values == nil {
		values = []T{}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("write results: %w", err)
	}
	return string(text), nil
}
