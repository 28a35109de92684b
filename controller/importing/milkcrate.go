package importing

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"berth/controller/problem"
)

// milkcrateApp is a row of the table deployed_apps.
type milkcrateApp struct {
	Name   string `json:"app_name"`
	Route  string `json:"public_route"`
	Port   int    `json:"internal_port"`
	Kind   string `json:"deployment_type"` // dockerfile or docker-compose
	Main   string `json:"main_service"`
	Mounts string `json:"volume_mounts"` // JSON: the engine's name of a volume, and where it is mounted
	Status string `json:"status"`
}

// readMilkcrate reads the folder in which Milkcrate runs: its database, or the rows of its
// table deployed_apps as JSON in apps.json, and what it has unpacked in extracted_apps.
func readMilkcrate(into *Plan, wish Wish) error {
	folder, err := filepath.Abs(wish.Path)
	if err != nil {
		return err
	}
	var rows []milkcrateApp
	found, err := readJSON(filepath.Join(folder, "apps.json"), &rows)
	if err == nil && !found {
		rows, err = openMilkcrate(folder)
	}
	if err != nil {
		return err
	}
	for _, row := range rows {
		made := newApp(row.Name)
		made.Route, made.Main = row.Route, row.Main
		row.source(made, folder)
		if row.Status == "stopped" {
			made.note("It was stopped there, and runs here.")
		}
		into.Apps = append(into.Apps, made)
	}
	into.leave("Milkcrate's password, its audit log and its certificates. The app that / led to: see berth home set.")
	return nil
}

// findMilkcrate returns where the database is: in the folder that the backup of Milkcrate
// holds, or in that folder itself.
func findMilkcrate(folder string) (string, error) {
	const usual = "instance/milkcrate.sqlite"
	for _, name := range []string{usual, "milkcrate.sqlite"} {
		if name = filepath.Join(folder, name); isFile(name) {
			return name, nil
		}
	}
	return "", problem.NotFound(fmt.Sprintf("The folder %s has no %s.", folder, usual), "Give the folder in which Milkcrate runs, or an unpacked backup of it.")
}

// milkcrateUnpacked is how Milkcrate names the folder of an upload: the app's name and the
// time, of an update too.
var milkcrateUnpacked = regexp.MustCompile(`^(.+?)(_update)?_(\d{8}_\d{6})$`)

// source is the newest folder of the app, with its volumes.
func (r milkcrateApp) source(made *App, folder string) {
	newest := ""
	entries, _ := os.ReadDir(filepath.Join(folder, "extracted_apps")) // the app has no source then, which is a fault
	for _, entry := range entries {
		parts := milkcrateUnpacked.FindStringSubmatch(entry.Name())
		if len(parts) == 0 || parts[1] != r.Name || !entry.IsDir() || parts[3] <= newest {
			continue
		}
		newest, made.Source.Folder = parts[3], filepath.Join(folder, "extracted_apps", entry.Name())
	}
	if r.Kind == "docker-compose" {
		r.compose(made)
		return
	}
	made.Port = r.Port
	var mounts map[string]struct{ Bind, Mode string }
	if r.Mounts != "" && json.Unmarshal([]byte(r.Mounts), &mounts) != nil {
		made.Fault("The volumes of the app cannot be read from the database.", "The column volume_mounts holds no JSON.")
	}
	for _, volume := range slices.Sorted(maps.Keys(mounts)) {
		made.mount(Place{Volume: volume}, mounts[volume].Bind, mounts[volume].Mode == "ro")
	}
}

// compose fills the volumes of the compose file from those of the project, which Milkcrate
// names after the app.
func (r milkcrateApp) compose(made *App) {
	if made.Source.Folder == "" {
		return
	}
	made.Source.Files = []string{"docker-compose.yml"}
	text, err := readFile(filepath.Join(made.Source.Folder, "docker-compose.yml"))
	if err != nil {
		made.Fault("Its docker-compose.yml cannot be read.", "Check "+made.Source.Folder+".")
		return
	}
	project := "milkcrate-" + strings.ReplaceAll(strings.ToLower(r.Name), "-", "_")
	made.fillComposed(string(text), func(own string) string { return project + "_" + own })
}
