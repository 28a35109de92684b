// Package logins keeps in the ledger how Berth signs in to registries of images.
package logins

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"berth/controller/problem"
	"berth/controller/registries"
	"berth/controller/store/sqlite"
)

// Logins keeps logins in the ledger.
type Logins struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

const selectLogins = `SELECT host, user, sealed, changed_at FROM registry_logins `

// ListRegistryLogins returns all logins, by host.
func (l Logins) ListRegistryLogins(ctx context.Context) ([]registries.Login, error) {
	rows, err := l.Reader.QueryContext(ctx, selectLogins+`ORDER BY host`)
	all, err := sqlite.Collect(rows, err, scanLogin)
	return all, sqlite.Failure(err, "list logins of registries")
}

// FindRegistryLogin returns the login of a host, or problem.ErrNotFound.
func (l Logins) FindRegistryLogin(ctx context.Context, host string) (registries.Login, error) {
	found, err := scanLogin(l.Reader.QueryRowContext(ctx, selectLogins+`WHERE host = ?`, host))
	if errors.Is(err, sql.ErrNoRows) {
		return registries.Login{}, problem.ErrNotFound
	}
	return found, sqlite.Failure(err, "find the login of a registry")
}

// SaveRegistryLogin keeps a login, in the place of the one that the host had.
func (l Logins) SaveRegistryLogin(ctx context.Context, login registries.Login) error {
	_, err := l.Writer.ExecContext(ctx, `
INSERT INTO registry_logins (host, user, sealed, changed_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (host) DO UPDATE SET user = ?2, sealed = ?3, changed_at = ?4`,
		login.Host, login.User, login.Sealed, login.ChangedAt.UnixMicro())
	return sqlite.Failure(err, "save the login of a registry")
}

// DeleteRegistryLogin forgets the login of a host, or says problem.ErrNotFound.
func (l Logins) DeleteRegistryLogin(ctx context.Context, host string) error {
	err := sqlite.OneRow(l.Writer.ExecContext(ctx, `DELETE FROM registry_logins WHERE host = ?`, host))
	return sqlite.Failure(err, "forget the login of a registry")
}

func scanLogin(row sqlite.Row) (login registries.Login, err error) {
	var changed int64
	err = row.Scan(&login.Host, &login.User, &login.Sealed, &changed)
	login.ChangedAt = time.UnixMicro(changed)
	return login, err
}
