package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"berth/controller/limit"
	"berth/controller/store/sqlite"
)

const (
	selectCounter = `
SELECT class, subject, windows, refused, limited_since, limited_until, ends_at FROM limit_counters`
	saveCounter = `
INSERT INTO limit_counters (class, subject, windows, refused, limited_since, limited_until, ends_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (class, subject) DO UPDATE
SET windows = excluded.windows, refused = excluded.refused, limited_since = excluded.limited_since,
    limited_until = excluded.limited_until, ends_at = excluded.ends_at`
	deleteCounter = `DELETE FROM limit_counters WHERE class = ? AND subject = ?`
)

// Limits is the ledger as a limiter uses it.
func (s *Store) Limits() limit.Ledger {
	return limit.Ledger{Counters: s, Addresses: s, Budgets: s, Refusals: s}
}

// ChangeCounters reads the counters of the keys, lets change alter them and
// keeps the result, in one transaction.
func (s *Store) ChangeCounters(ctx context.Context, keys []limit.Key, change func([]limit.Counter)) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		counters := make([]limit.Counter, 0, len(keys))
		for _, key := range keys {
			counter, err := findCounter(ctx, tx, key)
			if err != nil {
				return err
			}
			counters = append(counters, counter)
		}
		change(counters)
		return writeCounters(ctx, tx, counters)
	})
	return sqlite.Failure(err, "change counters")
}

// SaveCounters replaces the counters, or makes them.
func (s *Store) SaveCounters(ctx context.Context, counters []limit.Counter) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error { return writeCounters(ctx, tx, counters) })
	return sqlite.Failure(err, "save counters")
}

// ListCounters returns the counters of a class.
func (s *Store) ListCounters(ctx context.Context, class limit.Class) ([]limit.Counter, error) {
	rows, err := s.reader.QueryContext(ctx, selectCounter+` WHERE class = ?`, class)
	counters, err := sqlite.Collect(rows, err, scanCounter)
	return counters, sqlite.Failure(err, "list counters")
}

// ListSubjects returns whom a class has counters of.
func (s *Store) ListSubjects(ctx context.Context, class limit.Class) ([]limit.Subject, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT subject FROM limit_counters WHERE class = ?`, class)
	subjects, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (subject limit.Subject, err error) {
		err = columns.Scan(&subject)
		return subject, err
	})
	return subjects, sqlite.Failure(err, "list subjects")
}

// HasCounter reports whether there is a counter of that key.
func (s *Store) HasCounter(ctx context.Context, key limit.Key) (has bool, err error) {
	err = s.reader.QueryRowContext(ctx, `
SELECT EXISTS (SELECT 1 FROM limit_counters WHERE class = ? AND subject = ?)`, key.Class, key.Subject).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("find counter: %w", err)
	}
	return has, nil
}

// FindCounter returns the counter of the key, an empty one where there is none.
func (s *Store) FindCounter(ctx context.Context, key limit.Key) (limit.Counter, error) {
	counter, err := findCounter(ctx, s.reader, key)
	if err != nil {
		return limit.Counter{}, fmt.Errorf("find counter: %w", err)
	}
	return counter, nil
}

// CountCounters says how many counters of the class there are.
func (s *Store) CountCounters(ctx context.Context, class limit.Class) (count int, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT count(*) FROM limit_counters WHERE class = ?`, class).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("count counters: %w", err)
	}
	return count, nil
}

// TallyCounters counts the counters of each class, and those that are limited.
func (s *Store) TallyCounters(ctx context.Context, now time.Time) ([]limit.Tally, error) {
	rows, err := s.reader.QueryContext(ctx, `
SELECT class, count(*), count(CASE WHEN limited_until > ? THEN 1 END)
FROM limit_counters WHERE ends_at > ? GROUP BY class`, sqlite.Micros(now), sqlite.Micros(now))
	tallies, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (tally limit.Tally, err error) {
		err = columns.Scan(&tally.Class, &tally.Counted, &tally.Limited)
		return tally, err
	})
	return tallies, sqlite.Failure(err, "tally counters")
}

// ListLimited returns up to most counters that are limited, the latest first.
func (s *Store) ListLimited(ctx context.Context, now time.Time, most int) ([]limit.Counter, error) {
	rows, err := s.reader.QueryContext(ctx, `
SELECT class, subject, '[]', refused, limited_since, limited_until, ends_at FROM limit_counters
WHERE limited_until > ? ORDER BY limited_since DESC LIMIT ?`, sqlite.Micros(now), most)
	counters, err := sqlite.Collect(rows, err, scanCounter)
	return counters, sqlite.Failure(err, "list limited")
}

// DeleteCounters removes the counters of the keys.
func (s *Store) DeleteCounters(ctx context.Context, keys []limit.Key) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		for _, key := range keys {
			if _, err := tx.ExecContext(ctx, deleteCounter, key.Class, key.Subject); err != nil {
				return err
			}
		}
		return nil
	})
	return sqlite.Failure(err, "delete counters")
}

// DeleteCountersOf removes every counter of the class.
func (s *Store) DeleteCountersOf(ctx context.Context, class limit.Class) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM limit_counters WHERE class = ?`, class)
	return sqlite.Failure(err, "delete counters")
}

// DeleteEndedCounters removes every counter that counts nothing at the moment now.
func (s *Store) DeleteEndedCounters(ctx context.Context, now time.Time) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM limit_counters WHERE ends_at <= ?`, sqlite.Micros(now))
	return sqlite.Failure(err, "delete ended counters")
}

// findCounter returns the counter of the key, an empty one where there is none.
func findCounter(ctx context.Context, from sqlite.Querier, key limit.Key) (limit.Counter, error) {
	row := from.QueryRowContext(ctx, selectCounter+` WHERE class = ? AND subject = ?`, key.Class, key.Subject)
	counter, err := scanCounter(row)
	if errors.Is(err, sql.ErrNoRows) {
		return limit.Counter{Key: key}, nil
	}
	return counter, err
}

func writeCounters(ctx context.Context, tx *sql.Tx, counters []limit.Counter) error {
	for _, c := range counters {
		if c.Ends.IsZero() {
			if _, err := tx.ExecContext(ctx, deleteCounter, c.Class, c.Subject); err != nil {
				return err
			}
			continue
		}
		windows, err := json.Marshal(c.Windows)
		if err != nil {
			return fmt.Errorf("encode windows: %w", err)
		}
		_, err = tx.ExecContext(ctx, saveCounter, c.Class, c.Subject, string(windows), c.Refused,
			sqlite.Micros(c.Since), sqlite.Micros(c.Until), sqlite.Micros(c.Ends))
		if err != nil {
			return err
		}
	}
	return nil
}

func scanCounter(columns sqlite.Row) (counter limit.Counter, err error) {
	var windows any
	err = columns.Scan(&counter.Class, &counter.Subject, &windows, &counter.Refused,
		sqlite.TimeInto(&counter.Since), sqlite.TimeInto(&counter.Until), sqlite.TimeInto(&counter.Ends))
	if err != nil {
		return limit.Counter{}, err
	}
	return counter, sqlite.ScanJSON(windows, &counter.Windows)
}
