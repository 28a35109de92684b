//go:build linux && cgo

package importing

import (
	"database/sql"
	"errors"

	"berth/controller/problem"
	"berth/controller/store/sqlite"
)

// openMilkcrate reads the rows of Milkcrate's database, and writes nothing. Columns that an
// older Milkcrate lacks are empty.
func openMilkcrate(folder string) (rows []milkcrateApp, err error) {
	name, err := findMilkcrate(folder)
	if err != nil {
		return nil, err
	}
	pool, err := sqlite.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	found, err := pool.Query("SELECT * FROM deployed_apps ORDER BY app_name") //nolint:noctx // a file on this machine
	if err != nil {
		return nil, problem.Invalid("The database of Milkcrate cannot be read.", "Check that "+name+" is one, and that you may read it.").Because(err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	return scanMilkcrate(found)
}

func scanMilkcrate(found *sql.Rows) (rows []milkcrateApp, err error) {
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	for found.Next() {
		var kind, main, mounts sql.NullString
		var row milkcrateApp
		places := map[string]any{
			"app_name": &row.Name, "public_route": &row.Route, "internal_port": &row.Port, "status": &row.Status,
			"deployment_type": &kind, "main_service": &main, "volume_mounts": &mounts,
		}
		into := make([]any, len(names))
		for i, name := range names {
			if into[i] = places[name]; into[i] == nil {
				into[i] = new(any)
			}
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		row.Kind, row.Main, row.Mounts = kind.String, main.String, mounts.String
		rows = append(rows, row)
	}
	return rows, found.Err()
}
