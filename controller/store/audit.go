package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"berth/controller/audit"
	"berth/controller/event"
	"berth/controller/store/events"
	"berth/controller/store/sqlite"
)

// listedAccounts is how many accounts a list of those in the audit log holds.
const listedAccounts = 100

const selectAudit = `
SELECT sequence, at, action, resource, success, account, address, user_agent, request_id, detail, previous, hash
FROM audit`

const whereAudit = `
WHERE sequence < :before AND sequence > :after
  AND (:action = '' OR action = :action)
  AND (:account = '' OR account LIKE :account ESCAPE '\')
  AND (:success IS NULL OR success = :success)
  AND at >= :from AND at < :to
  AND (:text = '' OR action LIKE :text ESCAPE '\' OR resource LIKE :text ESCAPE '\' OR account LIKE :text ESCAPE '\'
       OR address LIKE :text ESCAPE '\' OR user_agent LIKE :text ESCAPE '\' OR request_id LIKE :text ESCAPE '\'
       OR detail LIKE :text ESCAPE '\'
       OR EXISTS (SELECT 1 FROM former_names f WHERE f.app = :exact AND at < f.until AND (resource = 'app ' || f.former OR resource LIKE 'release ' || f.former || ' r%')))`

// AppendAudit stores the entries that follow the head, and the head that follows them.
func (s *Store) AppendAudit(
	ctx context.Context, next func(head audit.Head, free int64) ([]audit.Entry, audit.Head),
) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		head, err := findAuditHead(ctx, tx)
		if err != nil {
			return err
		}
		free, err := findFreeSequence(ctx, tx, head.Count)
		if err != nil {
			return err
		}
		entries, head := next(head, free)
		if len(entries) == 0 {
			return nil
		}
		for _, entry := range entries {
			if err := insertAudit(ctx, tx, entry); err != nil {
				return err
			}
		}
		return updateAuditHead(ctx, tx, head)
	})
	return sqlite.Failure(err, "append to audit log")
}

// FindAuditHead returns the head, and the highest sequence, of one moment.
func (s *Store) FindAuditHead(ctx context.Context) (head audit.Head, last int64, err error) {
	err = s.reader.QueryRowContext(ctx, `
SELECT coalesce(h.count, 0), coalesce(h.hash, ''), coalesce(h.written, 0), coalesce(h.mac, ''), l.last
FROM (SELECT coalesce(max(sequence), 0) AS last FROM audit) l LEFT JOIN audit_head h ON h.id = 1`).
		Scan(&head.Count, &head.Hash, &head.Written, &head.MAC, &last)
	if err != nil {
		return audit.Head{}, 0, fmt.Errorf("find head of audit log: %w", err)
	}
	return head, last, nil
}

// FindAudit returns one entry.
func (s *Store) FindAudit(ctx context.Context, sequence int64) (audit.Entry, error) {
	entry, err := scanAudit(s.reader.QueryRowContext(ctx, selectAudit+` WHERE sequence = ?`, sequence))
	if err != nil {
		return audit.Entry{}, fmt.Errorf("find audit entry %d: %w", sequence, sqlite.OrNotFound(err))
	}
	return entry, nil
}

// ListAudit returns a page of the entries that pass the filter, the newest first.
func (s *Store) ListAudit(
	ctx context.Context, filter audit.Filter, page audit.Page,
) ([]audit.Entry, error) {
	order := ` ORDER BY sequence DESC LIMIT :limit`
	if page.After != 0 {
		order = ` ORDER BY sequence LIMIT :limit`
	}
	rows, err := s.reader.QueryContext(ctx, selectAudit+whereAudit+order, auditArguments(filter, page)...)
	entries, err := sqlite.Collect(rows, err, scanAudit)
	if err != nil {
		return nil, fmt.Errorf("list audit log: %w", err)
	}
	if page.After != 0 {
		slices.Reverse(entries)
	}
	return entries, nil
}

// ListAuditFrom returns entries from a sequence on, the oldest first.
func (s *Store) ListAuditFrom(ctx context.Context, sequence int64, limit int) ([]audit.Entry, error) {
	rows, err := s.reader.QueryContext(ctx, selectAudit+` WHERE sequence >= ? ORDER BY sequence LIMIT ?`, sequence, limit)
	entries, err := sqlite.Collect(rows, err, scanAudit)
	return entries, sqlite.Failure(err, "list audit log from %d", sequence)
}

// ListAuditActions returns the actions that there are entries of.
func (s *Store) ListAuditActions(ctx context.Context) ([]audit.Action, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT DISTINCT action FROM audit ORDER BY action`)
	actions, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (action audit.Action, err error) {
		err = columns.Scan(&action)
		return action, err
	})
	return actions, sqlite.Failure(err, "list actions of audit log")
}

// ListAuditAccounts returns the accounts that there are entries of.
func (s *Store) ListAuditAccounts(ctx context.Context) ([]string, error) {
	rows, err := s.reader.QueryContext(ctx, `
SELECT DISTINCT account FROM audit WHERE account <> '' ORDER BY account LIMIT ?`, listedAccounts)
	accounts, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (account string, err error) {
		err = columns.Scan(&account)
		return account, err
	})
	return accounts, sqlite.Failure(err, "list accounts of audit log")
}

func findAuditHead(ctx context.Context, from sqlite.Querier) (head audit.Head, err error) {
	err = from.QueryRowContext(ctx, `SELECT count, hash, written, mac FROM audit_head WHERE id = 1`).
		Scan(&head.Count, &head.Hash, &head.Written, &head.MAC)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Head{}, nil
	}
	return head, err
}

// findFreeSequence returns the first sequence after count that no row has. It is
// the next one, unless somebody has put rows in.
func findFreeSequence(ctx context.Context, from sqlite.Querier, count int64) (free int64, err error) {
	err = from.QueryRowContext(ctx, `
SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM audit WHERE sequence = :count + 1) THEN :count + 1 ELSE (
    SELECT a.sequence + 1 FROM audit a
    WHERE a.sequence > :count AND NOT EXISTS (SELECT 1 FROM audit WHERE sequence = a.sequence + 1)
    ORDER BY a.sequence LIMIT 1) END`, sql.Named("count", count)).Scan(&free)
	return free, err
}

func updateAuditHead(ctx context.Context, tx *sql.Tx, head audit.Head) error {
	_, err := tx.ExecContext(ctx, `
INSERT INTO audit_head (id, count, hash, written, mac) VALUES (1, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET count = excluded.count, hash = excluded.hash, written = excluded.written, mac = excluded.mac`,
		head.Count, head.Hash, head.Written, head.MAC)
	return err
}

func insertAudit(ctx context.Context, tx *sql.Tx, entry audit.Entry) error {
	_, err := tx.ExecContext(ctx, `
INSERT INTO audit (sequence, at, action, resource, success, account, address, user_agent, request_id, detail, previous, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		entry.Sequence, sqlite.Micros(entry.At), entry.Action, entry.Resource, entry.Success, entry.Account, entry.Address,
		entry.UserAgent, entry.RequestID, entry.Detail, entry.Previous, entry.Hash)
	if err != nil {
		return err
	}
	return note(ctx, tx)(event.OfAudit(entry.Event))
}

// note writes the event of a change, if it has one, in the transaction of the change.
func note(ctx context.Context, tx *sql.Tx) func(event.Event, bool) error {
	return func(e event.Event, some bool) error {
		if !some {
			return nil
		}
		return events.Insert(ctx, tx, e)
	}
}

func auditArguments(filter audit.Filter, page audit.Page) []any {
	var success sql.NullBool
	if filter.Outcome != "" {
		success = sql.NullBool{Bool: filter.Outcome == audit.Succeeded, Valid: true}
	}
	return append(sqlite.Window(page.Before, filter.From, filter.To),
		sql.Named("after", page.After), sql.Named("action", filter.Action),
		sql.Named("account", containing(filter.Account)), sql.Named("success", success),
		sql.Named("text", containing(filter.Text)), sql.Named("exact", filter.Text), sql.Named("limit", page.Limit))
}

// containing is the LIKE pattern of what holds the text; empty for no text.
func containing(text string) string {
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

func scanAudit(columns sqlite.Row) (e audit.Entry, err error) {
	err = columns.Scan(&e.Sequence, sqlite.TimeInto(&e.At), &e.Action, &e.Resource, &e.Success, &e.Account, &e.Address,
		&e.UserAgent, &e.RequestID, &e.Detail, &e.Previous, &e.Hash)
	return e, err
}
