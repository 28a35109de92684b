package webhooks

import (
	"context"
	"database/sql"
	"errors"

	"berth/controller/app"
	"berth/controller/store/sqlite"
)

// Reseal seals anew what the webhook of an app holds, which has its new name already.
func Reseal(ctx context.Context, tx *sql.Tx, r app.Renaming) error {
	found, err := scanWebhook(tx.QueryRowContext(ctx, selectWebhooks+`WHERE app = ?`, r.To))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return sqlite.Failure(err, "find webhook of %s", r.To)
	}
	found.App = r.App
	sealed := found.Renamed(r.To, r.Reseal)
	_, err = tx.ExecContext(ctx, `UPDATE webhooks SET token = ?, deploy_key = ?, path = ?, secret = ?, status_token = ? WHERE app = ?`,
		orEmpty(sealed.Token), orEmpty(sealed.DeployKey), sealed.Path, sealed.Secret, orEmpty(sealed.StatusToken), r.To)
	return sqlite.Failure(err, "reseal webhook of %s", r.To)
}
