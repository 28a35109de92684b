package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"berth/controller/app"
	"berth/controller/store/sqlite"
)

// FindEnvironment returns what was saved for the app, by name, and its number.
func (s *Store) FindEnvironment(ctx context.Context, app app.Name) (number int64, variables []app.Variable, err error) {
	err = s.reader.QueryRowContext(ctx, `
SELECT coalesce(a.environment, 0), coalesce(e.variables, '[]')
FROM apps a LEFT JOIN environments e ON e.id = a.environment WHERE a.name = ?`, app).Scan(&number, variablesColumn{&variables})
	if err != nil {
		return 0, nil, fmt.Errorf("find environment of %s: %w", app, sqlite.OrNotFound(err))
	}
	return number, variables, nil
}

// FindEnvironmentOf returns what the release runs with, by name.
func (s *Store) FindEnvironmentOf(ctx context.Context, id app.ReleaseID) (variables []app.Variable, err error) {
	err = s.reader.QueryRowContext(ctx, `
SELECT coalesce(e.variables, '[]')
FROM releases r LEFT JOIN environments e ON e.id = r.environment WHERE r.app = ? AND r.number = ?`, id.App, id.Number).
		Scan(variablesColumn{&variables})
	return variables, sqlite.Failure(sqlite.OrNotFound(err), "find environment of %s", id)
}

// UpdateEnvironment makes the variables the app's environment, unless it is not the
// one of the number any more. The former one goes, unless a release has it.
func (s *Store) UpdateEnvironment(ctx context.Context, app app.Name, was int64, variables []app.Variable) error {
	err := s.writer.Transact(ctx, func(tx *sql.Tx) error {
		number, err := insertEnvironment(ctx, tx, app, variables)
		if err != nil {
			return err
		}
		if err := replaceEnvironment(ctx, tx, app, was, number); err != nil {
			return err
		}
		return deleteUnusedEnvironment(ctx, tx, was)
	})
	return sqlite.Failure(err, "update environment of %s", app)
}

func insertEnvironment(ctx context.Context, tx *sql.Tx, app app.Name, variables []app.Variable) (number int64, err error) {
	err = tx.QueryRowContext(ctx, `
INSERT INTO environments (app, variables) SELECT name, ? FROM apps WHERE name = ? AND wanted <> 'deleted' RETURNING id`,
		variablesColumn{&variables}, app).Scan(&number)
	return number, sqlite.OrNotFound(err)
}

func replaceEnvironment(ctx context.Context, tx *sql.Tx, name app.Name, was, number int64) error {
	result, err := tx.ExecContext(ctx, `UPDATE apps SET environment = ? WHERE name = ? AND environment IS ?`, number, name, sqlite.OrNull(was))
	if err != nil {
		return err
	}
	changed, err := result.RowsAffected()
	if err == nil && changed == 0 {
		err = app.ErrStale
	}
	return err
}

// restoreEnvironment makes the environment of an earlier release the app's again.
func restoreEnvironment(ctx context.Context, tx *sql.Tx, app app.Name, number int64) error {
	var was sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT environment FROM apps WHERE name = ?`, app).Scan(&was)
	if err != nil {
		return sqlite.OrNotFound(err)
	}
	err = sqlite.OneRow(tx.ExecContext(ctx, `UPDATE apps SET environment = ? WHERE name = ?`, sqlite.OrNull(number), app))
	if err != nil || was.Int64 == number {
		return err
	}
	return deleteUnusedEnvironment(ctx, tx, was.Int64)
}

func deleteUnusedEnvironment(ctx context.Context, tx *sql.Tx, number int64) error {
	_, err := tx.ExecContext(ctx, `
DELETE FROM environments WHERE id = ?1
AND NOT EXISTS (SELECT 1 FROM releases WHERE environment = ?1) AND NOT EXISTS (SELECT 1 FROM apps WHERE environment = ?1)`, number)
	return err
}

// variablesColumn stores an environment as a JSON array.
type variablesColumn struct{ variables *[]app.Variable }

// storedVariable is one element of the array.
type storedVariable struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
	Sealed []byte `json:"sealed,omitempty"`
	File   bool   `json:"file,omitempty"`
	Build  bool   `json:"build,omitempty"`
}

// Value returns the array.
func (c variablesColumn) Value() (driver.Value, error) {
	elements := make([]storedVariable, 0, len(*c.variables))
	for _, variable := range *c.variables {
		elements = append(elements, storedVariable(variable))
	}
	text, err := json.Marshal(elements)
	return string(text), err
}

// Scan sets the variables.
func (c variablesColumn) Scan(value any) error {
	var elements []storedVariable
	*c.variables = nil
	if value == "[]" {
		return nil
	}
	if err := sqlite.ScanJSON(value, &elements); err != nil {
		return fmt.Errorf("read variables: %w", err)
	}
	*c.variables = make([]app.Variable, 0, len(elements))
	for _, element := range elements {
		*c.variables = append(*c.variables, app.Variable(element))
	}
	return nil
}
