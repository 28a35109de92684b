// Package moves keeps the moves of apps to other servers in the ledger.
package moves

import (
	"context"
	"database/sql"

	"berth/controller/app"
	"berth/controller/moving"
	"berth/controller/store/sqlite"
)

// Moves keeps moves as moving.Ledger asks for.
type Moves struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

const selectMoves = `SELECT app, server, fingerprint, private, address, token, step, state, was_running, reason, hint, target, created_by, began_at, ended_at FROM moves `

// SaveMove adds the move of an app, or replaces it. It does nothing for an app that is gone.
func (m Moves) SaveMove(ctx context.Context, move moving.Move) error {
	token := move.Token
	if token == nil {
		token = []byte{}
	}
	_, err := m.Writer.ExecContext(ctx, `
INSERT OR REPLACE INTO moves (app, server, fingerprint, private, address, token, step, state, was_running, reason, hint, target, created_by, began_at, ended_at)
SELECT name, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15 FROM apps WHERE name = ?1`,
		move.App, move.To, move.Fingerprint, move.Private, move.Address, token, move.Step, move.State, move.WasRunning,
		move.Reason, move.Hint, move.Target, move.By, sqlite.Micros(move.BeganAt), sqlite.Micros(move.EndedAt))
	return sqlite.Failure(err, "save move of %s", move.App)
}

// FindMove returns problem.ErrNotFound where the app has no move.
func (m Moves) FindMove(ctx context.Context, name app.Name) (moving.Move, error) {
	found, err := scanMove(m.Reader.QueryRowContext(ctx, selectMoves+`WHERE app = ?`, name))
	return found, sqlite.Failure(sqlite.OrNotFound(err), "find move of %s", name)
}

// ListMoves returns all moves, by app.
func (m Moves) ListMoves(ctx context.Context) ([]moving.Move, error) {
	rows, err := m.Reader.QueryContext(ctx, selectMoves+`ORDER BY app`)
	all, err := sqlite.Collect(rows, err, scanMove)
	return all, sqlite.Failure(err, "list moves")
}

// DeleteMove forgets the move of an app, if there is one.
func (m Moves) DeleteMove(ctx context.Context, name app.Name) error {
	_, err := m.Writer.ExecContext(ctx, `DELETE FROM moves WHERE app = ?`, name)
	return sqlite.Failure(err, "delete move of %s", name)
}

func scanMove(columns sqlite.Row) (found moving.Move, err error) {
	err = columns.Scan(&found.App, &found.To, &found.Fingerprint, &found.Private, &found.Address, &found.Token, &found.Step, &found.State, &found.WasRunning,
		&found.Reason, &found.Hint, &found.Target, &found.By, sqlite.TimeInto(&found.BeganAt), sqlite.TimeInto(&found.EndedAt))
	return found, err
}
