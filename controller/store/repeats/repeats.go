// Package repeats keeps in the ledger which uploads are known again where they are sent a second time.
package repeats

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"berth/controller/app"
	"berth/controller/store/sqlite"
)

// Repeats keeps uploads in the ledger.
type Repeats struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

// Digest is of a key, or of what an upload sent.
type Digest = [sha256.Size]byte

// FindRepeat returns the release that the upload under the key has made, and the digest of
// what it sent; the zero ReleaseID where that is not known, or no longer at that time.
func (r Repeats) FindRepeat(ctx context.Context, key Digest, now time.Time) (release app.ReleaseID, content Digest, err error) {
	var sent []byte
	err = r.Reader.QueryRowContext(ctx, `SELECT app, release, content FROM repeats WHERE key = ? AND until > ?`, key[:], now.UnixMicro()).
		Scan(&release.App, &release.Number, &sent)
	if errors.Is(err, sql.ErrNoRows) {
		return app.ReleaseID{}, Digest{}, nil
	}
	if err != nil {
		return app.ReleaseID{}, Digest{}, sqlite.Failure(err, "find a repeated upload")
	}
	return release, Digest(sent), nil
}

// SaveRepeat keeps an upload until then, and forgets those whose time is over at that time.
// An app that is gone has none.
func (r Repeats) SaveRepeat(ctx context.Context, key, content Digest, release app.ReleaseID, now, until time.Time) error {
	if _, err := r.Writer.ExecContext(ctx, `DELETE FROM repeats WHERE until <= ?`, now.UnixMicro()); err != nil {
		return sqlite.Failure(err, "forget old uploads")
	}
	_, err := r.Writer.ExecContext(ctx, `
INSERT INTO repeats (key, content, app, release, until) SELECT ?1, ?2, name, ?4, ?5 FROM apps WHERE name = ?3
ON CONFLICT (key) DO UPDATE SET content = ?2, app = ?3, release = ?4, until = ?5`,
		key[:], content[:], release.App, release.Number, until.UnixMicro())
	return sqlite.Failure(err, "save an upload of %s", release.App)
}
