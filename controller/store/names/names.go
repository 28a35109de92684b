// Package names changes the name of an app in every table of the ledger that has it.
package names

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/store/sqlite"
)

// inAlerts lets rules, states and mutes of alerts follow. A rule names apps in its JSON.
var inAlerts = []string{
	`UPDATE alert_rules SET rule = json_set(rule, '$.apps', json((
    SELECT json_group_array(CASE value WHEN ?1 THEN ?2 ELSE value END) FROM json_each(alert_rules.rule, '$.apps'))))
WHERE EXISTS (SELECT 1 FROM json_each(alert_rules.rule, '$.apps') WHERE value = ?1)`,
	`DELETE FROM alert_states WHERE subject = 'app/' || ?2`,
	`UPDATE alert_states SET subject = 'app/' || ?2, state = json_set(state, '$.subject.app', ?2) WHERE subject = 'app/' || ?1`,
	`DELETE FROM alert_mutes WHERE subject = 'app/' || ?2`,
	`UPDATE alert_mutes SET subject = 'app/' || ?2 WHERE subject = 'app/' || ?1`,
}

// Rename changes the name in every table that has a column app, and in alerts, and remembers
// the former one. The row of the app itself has the new name already.
func Rename(ctx context.Context, tx *sql.Tx, from, to app.Name) error {
	rows, err := tx.QueryContext(ctx, `
SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'app' WHERE m.type = 'table'`)
	tables, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (table string, err error) {
		err = columns.Scan(&table)
		return table, err
	})
	if err != nil {
		return err
	}
	statements := slices.Clone(inAlerts)
	for _, table := range tables {
		statements = append(statements, `UPDATE `+table+` SET app = ?2 WHERE app = ?1`)
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement, from, to); err != nil {
			return fmt.Errorf("change the name: %w", err)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO former_names (app, former, until) VALUES (?, ?, ?)`, to, from, sqlite.Micros(time.Now()))
	return err
}
