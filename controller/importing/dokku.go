package importing

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"berth/controller/problem"
)

// dokkuConfig is the file that makes a folder that of an app.
const dokkuConfig = "config.json"

// readDokku reads a folder with what dokku's commands print of one app, or a folder of such
// folders, each named as its app.
func readDokku(into *Plan, wish Wish) error {
	top, err := filepath.Abs(wish.Path)
	if err != nil {
		return err
	}
	if isFile(filepath.Join(top, dokkuConfig)) {
		return into.addDokku(top)
	}
	entries, err := os.ReadDir(top)
	if err != nil {
		return problem.NotFound(fmt.Sprintf("There is no folder %s.", wish.Path), "Make the export as docs/import.md says.").Because(err)
	}
	for _, entry := range entries {
		folder := filepath.Join(top, entry.Name())
		if !isFile(filepath.Join(folder, dokkuConfig)) {
			continue
		}
		if err := into.addDokku(folder); err != nil {
			return err
		}
	}
	into.leave("Dokku's users, keys, certificates and plugins: databases of plugins are services of their own.")
	return nil
}

func (p *Plan) addDokku(folder string) error {
	values := map[string]string{}
	if _, err := readJSON(filepath.Join(folder, dokkuConfig), &values); err != nil {
		return err
	}
	reports := map[string]map[string]string{}
	for _, name := range []string{"domains", "ports", "storage", "resource", "git", "ps"} {
		report, err := readReport(folder, name)
		if err != nil {
			return err
		}
		reports[name] = report
	}
	made := newApp(filepath.Base(folder))
	made.setVariables(values, isDokkus)
	if enabled := reports["domains"]["app-enabled"]; enabled == "" || enabled == "true" {
		made.addRoutes(strings.Fields(reports["domains"]["app-vhosts"])...)
	}
	made.dokkuPorts(reports["ports"])
	made.dokkuStorage(reports["storage"]["deploy-mounts"])
	made.dokkuLimits(reports["resource"])
	source := filepath.Join(folder, "source")
	switch image := reports["git"]["source-image"]; {
	case isFolder(source):
		made.Source.Folder = source
	case image != "":
		made.Source.Image = image
	}
	if count, _ := strconv.Atoi(reports["ps"]["processes"]); count > 1 {
		made.leave("It had %d processes. Here one runs: the web process of a Procfile.", count)
	}
	p.Apps = append(p.Apps, made)
	return nil
}

// isDokkus reports whether Dokku sets the variable itself.
func isDokkus(name string) bool {
	return strings.HasPrefix(name, "DOKKU_") || name == "GIT_REV" || name == "NO_VHOST"
}

// readReport reads what dokku NAME:report printed: NAME.txt as it is, or NAME.json of
// --format json. The keys have no name of the report before them, and hyphens between.
func readReport(folder, name string) (map[string]string, error) {
	lines := map[string]string{}
	if _, err := readJSON(filepath.Join(folder, name+".json"), &lines); err != nil {
		return nil, err
	}
	content, err := readFile(filepath.Join(folder, name+".txt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(content)) {
		if key, value, found := strings.Cut(line, ":"); found && !strings.HasPrefix(strings.TrimSpace(line), "=====>") {
			lines[key] = value
		}
	}
	report := map[string]string{}
	for key, value := range lines {
		key = strings.NewReplacer(" ", "-", ".", "-").Replace(strings.ToLower(strings.TrimSpace(key)))
		report[strings.TrimPrefix(strings.TrimPrefix(key, "--"), name+"-")] = strings.TrimSpace(value)
	}
	return report, nil
}

// dokkuPorts takes the container's port of SCHEME:HOST:CONTAINER.
func (a *App) dokkuPorts(report map[string]string) {
	mapped := report["map"]
	if mapped == "" {
		mapped = report["map-detected"]
	}
	for one := range strings.FieldsSeq(mapped) {
		parts := strings.Split(one, ":")
		if len(parts) != 3 {
			continue
		}
		if parts[1] == "80" || parts[1] == "443" || a.Port == 0 {
			a.Port = 0
			a.takePort(parts[2])
		}
		if parts[1] != "80" && parts[1] != "443" {
			a.note("It answered on port %s of the server. Here it answers at its routes.", parts[1])
		}
	}
}

// dokkuStorage takes -v FROM:TARGET[:OPTIONS] over, a volume or a folder.
func (a *App) dokkuStorage(mounts string) {
	for one := range strings.FieldsSeq(mounts) {
		parts := strings.Split(one, ":")
		if one == "-v" || len(parts) < 2 {
			continue
		}
		a.mount(placeOf(parts[0]), parts[1], len(parts) > 2 && strings.Contains(","+parts[2]+",", ",ro,"))
	}
}

// dokkuLimits takes the limits of the web process, else those of all. Dokku counts memory
// in MB, and processors as Docker does.
func (a *App) dokkuLimits(report map[string]string) {
	of := func(kind string) string {
		if text := report["web-limit-"+kind]; text != "" {
			return text
		}
		return report["_default_-limit-"+kind]
	}
	a.setMemory(strings.TrimSuffix(of("memory"), "m") + "m")
	a.setCPU(of("cpu"))
}
