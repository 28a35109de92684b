// Package alerts keeps rules, channels, states and messages of alerts in the SQLite ledger.
package alerts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"berth/controller/alert"
	"berth/controller/problem"
	"berth/controller/store/sqlite"
)

// Ledger is the part of the ledger that keeps alerts.
type Ledger struct {
	Writer sqlite.Writer
	Reader *sql.DB
}

// ErrNameTaken refuses a second channel of one name.
var ErrNameTaken = errors.New("a channel has this name")

// FindAlerts returns all that a pass reads.
func (l Ledger) FindAlerts(ctx context.Context) (book alert.Book, err error) {
	err = l.Reader.QueryRowContext(ctx, `SELECT event FROM alert_cursor`).Scan(&book.Cursor)
	if book.Started = err == nil; err != nil && !errors.Is(err, sql.ErrNoRows) {
		return alert.Book{}, fmt.Errorf("find cursor of alerts: %w", err)
	}
	rows, err := l.Reader.QueryContext(ctx, `SELECT id, rule FROM alert_rules ORDER BY id`)
	if book.Rules, err = sqlite.Collect(rows, err, scanRule); err != nil {
		return alert.Book{}, fmt.Errorf("list rules: %w", err)
	}
	rows, err = l.Reader.QueryContext(ctx, `SELECT id, name, settings, sealed, failing_since, last_at, last_error FROM alert_channels ORDER BY name`)
	if book.Channels, err = sqlite.Collect(rows, err, scanChannel); err != nil {
		return alert.Book{}, fmt.Errorf("list channels: %w", err)
	}
	if book.Mutes, err = l.listMutes(ctx); err != nil {
		return alert.Book{}, err
	}
	rows, err = l.Reader.QueryContext(ctx, `SELECT state FROM alert_states ORDER BY rule, subject`)
	book.States, err = sqlite.Collect(rows, err, scanState)
	return book, sqlite.Failure(err, "list states of alerts")
}

// StartAlerts writes the first rules, once. Events from before count for nothing.
func (l Ledger) StartAlerts(ctx context.Context, rules []alert.Rule) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `
INSERT INTO alert_cursor (id, event) SELECT 1, coalesce((SELECT max(id) FROM events), 0) WHERE true ON CONFLICT DO NOTHING`)
		if errors.Is(sqlite.OneRow(result, err), problem.ErrNotFound) {
			return nil // begun already
		}
		for _, rule := range rules {
			if err == nil {
				_, err = insertRule(ctx, tx, rule)
			}
		}
		return err
	})
	return sqlite.Failure(err, "begin alerts")
}

// CommitPass stores what a pass leaves. States of rules that are gone are left out.
func (l Ledger) CommitPass(ctx context.Context, pass alert.Pass) error {
	err := l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE alert_cursor SET event = ?`, pass.Cursor); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM alert_states`); err != nil {
			return err
		}
		for _, state := range pass.States {
			text, err := json.Marshal(state)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `
INSERT INTO alert_states (rule, subject, state) SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM alert_rules WHERE id = ?1)`,
				state.Rule, state.Subject.Key(), string(text)); err != nil {
				return err
			}
		}
		if err := deleteMutes(ctx, tx, pass.Ended); err != nil {
			return err
		}
		return insertOutbox(ctx, tx, pass.Outbox)
	})
	return sqlite.Failure(err, "keep alerts")
}

// SaveRule creates the rule, or replaces the one with its ID, whose alerts begin anew.
func (l Ledger) SaveRule(ctx context.Context, rule alert.Rule) (id int64, err error) {
	err = l.Writer.Transact(ctx, func(tx *sql.Tx) (err error) {
		if rule.ID == 0 {
			id, err = insertRule(ctx, tx, rule)
			return err
		}
		id = rule.ID
		text, err := json.Marshal(rule)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `UPDATE alert_rules SET rule = ? WHERE id = ?`, string(text), rule.ID)
		if err := sqlite.OneRow(result, err); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM alert_states WHERE rule = ?`, rule.ID)
		return err
	})
	return id, sqlite.Failure(err, "save rule")
}

// DeleteRule removes a rule with its alerts.
func (l Ledger) DeleteRule(ctx context.Context, id int64) error {
	return sqlite.Failure(l.Writer.ExecRow(ctx, `DELETE FROM alert_rules WHERE id = ?`, id), "delete rule %d", id)
}

// SaveChannel creates the channel, or replaces what the one with its ID is told.
func (l Ledger) SaveChannel(ctx context.Context, c alert.Channel) (id int64, err error) {
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return 0, err
	}
	sealed := append([]byte{}, c.Sealed...) // never NULL
	err = l.Writer.Transact(ctx, func(tx *sql.Tx) error {
		if c.ID == 0 {
			return tx.QueryRowContext(ctx, `INSERT INTO alert_channels (name, settings, sealed, last_error) VALUES (?, ?, ?, '') RETURNING id`,
				c.Name, string(settings), sealed).Scan(&id)
		}
		id = c.ID
		result, err := tx.ExecContext(ctx, `UPDATE alert_channels SET name = ?, settings = ?, sealed = ?, failing_since = NULL, last_error = '' WHERE id = ?`,
			c.Name, string(settings), sealed, c.ID)
		return sqlite.OneRow(result, err)
	})
	if sqlite.IsTaken(err) {
		return 0, ErrNameTaken
	}
	return id, sqlite.Failure(err, "save channel")
}

// DeleteChannel removes a channel with the messages that wait for it.
func (l Ledger) DeleteChannel(ctx context.Context, id int64) error {
	return sqlite.Failure(l.Writer.ExecRow(ctx, `DELETE FROM alert_channels WHERE id = ?`, id), "delete channel %d", id)
}

func insertRule(ctx context.Context, tx *sql.Tx, rule alert.Rule) (id int64, err error) {
	text, err := json.Marshal(rule)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO alert_rules (rule) VALUES (?) RETURNING id`, string(text)).Scan(&id)
	return id, err
}

func scanRule(columns sqlite.Row) (rule alert.Rule, err error) {
	var id int64
	var text any
	if err = columns.Scan(&id, &text); err == nil {
		err = sqlite.ScanJSON(text, &rule)
	}
	rule.ID = id
	return rule, err
}

func scanChannel(columns sqlite.Row) (c alert.Channel, err error) {
	var settings any
	err = columns.Scan(&c.ID, &c.Name, &settings, &c.Sealed, sqlite.TimeInto(&c.FailingSince), sqlite.TimeInto(&c.LastAt), &c.LastError)
	if err == nil {
		err = sqlite.ScanJSON(settings, &c.Settings)
	}
	return c, err
}

func scanState(columns sqlite.Row) (state alert.State, err error) {
	var text any
	if err = columns.Scan(&text); err == nil {
		err = sqlite.ScanJSON(text, &state)
	}
	return state, err
}
