// Package webhooks keeps webhooks and what came of their deliveries in the SQLite ledger.
package webhooks

import (
	"context"
	"database/sql"
	"time"

	"berth/controller/app"
	"berth/controller/store/sqlite"
	"berth/controller/webhook"
	"berth/controller/webhook/inbox"
)

// Webhooks implements inbox.Ledger.
type Webhooks struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

const selectWebhooks = `SELECT app, enabled, repository, branch, folder, token, deploy_key, host_key, path, path_hash, secret, deployed, status_token, provider, chosen FROM webhooks `

// FindWebhook returns the webhook of an app.
func (w Webhooks) FindWebhook(ctx context.Context, name app.Name) (inbox.Webhook, error) {
	found, err := scanWebhook(w.Reader.QueryRowContext(ctx, selectWebhooks+`WHERE app = ?`, name))
	return found, sqlite.Failure(sqlite.OrNotFound(err), "find webhook of %s", name)
}

// FindWebhookAt returns the webhook whose address has the hash. An app that is wanted deleted
// has none.
func (w Webhooks) FindWebhookAt(ctx context.Context, hash string) (inbox.Webhook, error) {
	found, err := scanWebhook(w.Reader.QueryRowContext(ctx, selectWebhooks+`WHERE path_hash = ? AND app IN (SELECT name FROM apps WHERE wanted <> 'deleted')`, hash))
	return found, sqlite.Failure(sqlite.OrNotFound(err), "find webhook")
}

func scanWebhook(columns sqlite.Row) (found inbox.Webhook, err error) {
	err = columns.Scan(
		&found.App, &found.On, &found.Address, &found.Branch, &found.Folder, &found.Token, &found.DeployKey, &found.HostKey,
		&found.Path, &found.Hash, &found.Secret, &found.Commit, &found.StatusToken, &found.Provider, &found.Chosen,
	)
	return found, err
}

// SaveWebhook keeps the webhook of an app; an app that is gone has none.
func (w Webhooks) SaveWebhook(ctx context.Context, wish inbox.Webhook) error {
	err := w.Writer.ExecRow(ctx, `
INSERT INTO webhooks (app, enabled, repository, branch, folder, token, path, path_hash, secret, deployed, deploy_key, host_key, status_token, provider, chosen)
SELECT name, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15 FROM apps WHERE name = ?1 AND wanted <> 'deleted'
ON CONFLICT (app) DO UPDATE SET enabled = ?2, repository = ?3, branch = ?4, folder = ?5, token = ?6, path = ?7, path_hash = ?8, secret = ?9, deployed = ?10,
                               deploy_key = ?11, host_key = ?12, status_token = ?13, provider = ?14, chosen = ?15`,
		wish.App, wish.On, wish.Address, wish.Branch, wish.Folder, orEmpty(wish.Token), wish.Path, wish.Hash, wish.Secret, wish.Commit,
		orEmpty(wish.DeployKey), wish.HostKey, orEmpty(wish.StatusToken), wish.Provider, wish.Chosen)
	return sqlite.Failure(err, "save webhook of %s", wish.App)
}

// orEmpty is a blob that is not null.
func orEmpty(blob []byte) []byte { return append([]byte{}, blob...) }

// SaveWebhookCommit keeps which commit was deployed last, and of what kind the git host is.
func (w Webhooks) SaveWebhookCommit(ctx context.Context, name app.Name, commit string, provider webhook.Provider) error {
	_, err := w.Writer.ExecContext(ctx, `UPDATE webhooks SET deployed = ?, provider = ? WHERE app = ?`, commit, provider, name)
	return sqlite.Failure(err, "save commit of the webhook of %s", name)
}

// ClaimDelivery remembers a delivery. It reports false for one that is remembered already.
func (w Webhooks) ClaimDelivery(ctx context.Context, name app.Name, sum string, at time.Time) (bool, error) {
	result, err := w.Writer.ExecContext(ctx, `
INSERT INTO webhook_claims (app, sum, at, settled) SELECT name, ?2, ?3, 0 FROM apps WHERE name = ?1
ON CONFLICT (app, sum) DO NOTHING`, name, sum, sqlite.Micros(at))
	if err != nil {
		return false, sqlite.Failure(err, "claim delivery to %s", name)
	}
	rows, err := result.RowsAffected()
	return rows == 1, sqlite.Failure(err, "claim delivery to %s", name)
}

// SettleDelivery remembers a delivery for good, or gives it back.
func (w Webhooks) SettleDelivery(ctx context.Context, name app.Name, sum string, done bool) error {
	statement := `DELETE FROM webhook_claims WHERE app = ? AND sum = ?`
	if done {
		statement = `UPDATE webhook_claims SET settled = 1 WHERE app = ? AND sum = ?`
	}
	_, err := w.Writer.ExecContext(ctx, statement, name, sum)
	return sqlite.Failure(err, "settle delivery to %s", name)
}

// FreeDeliveries gives back what nobody settled.
func (w Webhooks) FreeDeliveries(ctx context.Context) error {
	_, err := w.Writer.ExecContext(ctx, `DELETE FROM webhook_claims WHERE settled = 0`)
	return sqlite.Failure(err, "free deliveries of webhooks")
}

// ForgetDeliveries forgets what was claimed before a time.
func (w Webhooks) ForgetDeliveries(ctx context.Context, before time.Time) error {
	_, err := w.Writer.ExecContext(ctx, `DELETE FROM webhook_claims WHERE settled = 1 AND at < ?`, sqlite.Micros(before))
	return sqlite.Failure(err, "forget deliveries of webhooks")
}

// AddDelivery adds to the history of an app, and removes what is too old for it.
func (w Webhooks) AddDelivery(ctx context.Context, name app.Name, d inbox.Delivery) error {
	err := w.Writer.Transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
INSERT INTO webhook_deliveries (app, at, provider, name, result, reason, release) SELECT name, ?2, ?3, ?4, ?5, ?6, ?7 FROM apps WHERE name = ?1`,
			name, sqlite.Micros(d.At), d.Provider, d.Name, d.Result, d.Reason, d.Release)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
DELETE FROM webhook_deliveries WHERE app = ?1 AND id NOT IN (SELECT id FROM webhook_deliveries WHERE app = ?1 ORDER BY id DESC LIMIT ?2)`, name, inbox.KeepLast)
		return err
	})
	return sqlite.Failure(err, "add delivery to %s", name)
}

// ListDeliveries returns the history of an app, the newest first.
func (w Webhooks) ListDeliveries(ctx context.Context, name app.Name) ([]inbox.Delivery, error) {
	rows, err := w.Reader.QueryContext(ctx, `
SELECT at, provider, name, result, reason, release FROM webhook_deliveries WHERE app = ? ORDER BY id DESC`, name)
	all, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (d inbox.Delivery, err error) {
		err = columns.Scan(sqlite.TimeInto(&d.At), &d.Provider, &d.Name, &d.Result, &d.Reason, &d.Release)
		return d, err
	})
	return all, sqlite.Failure(err, "list deliveries to %s", name)
}
