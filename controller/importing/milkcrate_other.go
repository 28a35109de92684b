//go:build !linux || !cgo

package importing

import "berth/controller/problem"

// openMilkcrate needs SQLite, which the client alone has not.
func openMilkcrate(folder string) ([]milkcrateApp, error) {
	name, err := findMilkcrate(folder)
	if err != nil {
		return nil, err
	}
	return nil, problem.Invalid("This program is the client alone, which cannot read Milkcrate's database.",
		"Write its rows beside it: sqlite3 -json "+name+" 'SELECT * FROM deployed_apps' > apps.json")
}
