package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Querier is a pool or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, arguments ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, arguments ...any) *sql.Row
}

// Row is one row of a result.
type Row interface{ Scan(columns ...any) error }

// Collect scans every row of a query and closes it.
func Collect[T any](rows *sql.Rows, err error, scan func(Row) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// Micros is how a time is stored; the zero time is NULL.
func Micros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

// Stored is t as it is read back.
func Stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

// OrNull is how a reference is stored; 0 is none.
func OrNull(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }

// Window are the arguments before, from and to of a page of rows that are numbered and have
// a time. Before 0 begins at the newest, and a zero time bounds nothing.
func Window(before int64, from, to time.Time) []any {
	number, first, end := int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxInt64)
	if before != 0 {
		number = before
	}
	if !from.IsZero() {
		first = from.UnixMicro()
	}
	if !to.IsZero() {
		end = to.UnixMicro()
	}
	return []any{sql.Named("before", number), sql.Named("from", first), sql.Named("to", end)}
}

// TimeInto scans what Micros made.
func TimeInto(to *time.Time) sql.Scanner { return timeColumn{to} }

type timeColumn struct{ to *time.Time }

// Scan sets the time.
func (c timeColumn) Scan(value any) error {
	switch value := value.(type) {
	case nil:
		*c.to = time.Time{}
	case int64:
		*c.to = time.UnixMicro(value).UTC()
	default:
		return fmt.Errorf("a time is a %T", value)
	}
	return nil
}

// ScanJSON reads a column that holds JSON.
func ScanJSON(value, to any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("the JSON is a %T", value)
	}
	return json.Unmarshal([]byte(text), to)
}

// Failure names the action that failed; nil stays nil.
func Failure(err error, action string, arguments ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(action, arguments...), err)
}
