package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"berth/controller/importing"
)

// importedJSON is one app of a plan as --json shows it.
type importedJSON struct {
	*importing.App
	There    bool       `json:"there"` // the server has it live, and it stays as it is
	Services []string   `json:"services,omitempty"`
	Volumes  []dataJSON `json:"volumes,omitempty"`
	Adds     []string   `json:"adds,omitempty"` // routes that it gets once it is live
}

type dataJSON struct {
	Volume string   `json:"volume"`
	From   string   `json:"from"`
	Copied bool     `json:"copied"`
	Users  []string `json:"users,omitempty"`
}

// show prints the plan, with what the server and the engine say of it.
func (w *importWork) show() error {
	if *w.wish.line.json {
		return w.showJSON()
	}
	table := w.program.table()
	for _, step := range w.steps {
		w.showApp(table, step)
	}
	for _, text := range w.plan.LeftOut {
		_, _ = fmt.Fprintf(table, "Left out: %s\n", text)
	}
	return table.Flush()
}

func (w *importWork) showJSON() error {
	made := struct {
		Form    importing.Form `json:"form"`
		Apps    []importedJSON `json:"apps"`
		LeftOut []string       `json:"left_out"`
	}{Form: w.plan.Form, LeftOut: w.plan.LeftOut}
	for _, step := range w.steps {
		one := importedJSON{App: step.app, There: !step.deploys(), Services: step.preview.Services, Adds: step.domains}
		for _, data := range step.data {
			one.Volumes = append(one.Volumes, dataJSON{string(data.Volume), data.From.String(), !data.Kept && !data.Empty, data.Users})
		}
		made.Apps = append(made.Apps, one)
	}
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	return w.program.printJSON(text)
}

func (w *importWork) showApp(table *tabwriter.Writer, step *importStep) {
	one := step.app
	line := func(what, format string, args ...any) {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", what, fmt.Sprintf(format, args...))
	}
	many := func(what string, texts []string) {
		for _, text := range texts {
			line(what, "%s", text)
		}
	}
	_, _ = fmt.Fprintln(table, one.Name)
	if !step.deploys() {
		line("there", "An app of this name is live as r%d. It stays as it is; --name gives the import another name.", step.there.Release)
		many("adds route", step.domains)
		many("fault", faultsOf(one))
		return
	}
	if step.there != nil {
		line("there", "It was never live. The import goes on with its next release.")
	}
	line("made of", "%s", sourceText(one.Source))
	if len(step.preview.Services) > 1 {
		line("services", "%s", strings.Join(step.preview.Services, ", "))
	}
	line("answers at", "%s", strings.Join(append([]string{one.Route}, step.domains...), ", "))
	if one.Main != "" {
		line("main service", "%s", one.Main)
	}
	if one.Port != 0 {
		line("port", "%d", one.Port)
	}
	if text := limitsText(one.Limits); text != "" {
		line("limits", "%s", text)
	}
	showVariables(line, one.Variables)
	for _, data := range step.data {
		line("volume", "%s", data.text())
	}
	many("changed", one.Notes)
	many("server", w.said(step))
	many("left out", one.LeftOut)
	many("fault", faultsOf(one))
}

// said are the server's reasons, without those about a file .env: its variables are given.
func (w *importWork) said(step *importStep) []string {
	return slices.DeleteFunc(slices.Clone(step.preview.Reasons), func(text string) bool { return strings.Contains(text, ".env was not read") })
}

func faultsOf(one *importing.App) []string {
	var texts []string
	for _, fault := range one.Faults {
		texts = append(texts, fault.Reason)
	}
	return texts
}

func sourceText(source importing.Source) string {
	switch {
	case source.Image != "":
		return "image " + source.Image
	case source.Compose != "":
		return "the export's compose file"
	case source.Folder == "":
		return "nothing"
	case len(source.Files) > 0:
		return "folder " + source.Folder + " with " + strings.Join(source.Files, ", ")
	case source.Dockerfile != "":
		return "folder " + source.Folder + " with " + source.Dockerfile
	default:
		return "folder " + source.Folder
	}
}

func limitsText(limits importing.Limits) string {
	var parts []string
	if limits.MemoryMB != 0 {
		parts = append(parts, fmt.Sprintf("%d MB", limits.MemoryMB))
	}
	if limits.CPUPercent != 0 {
		parts = append(parts, fmt.Sprintf("%d%% of a core", limits.CPUPercent))
	}
	return strings.Join(parts, ", ")
}

// showVariables prints names alone: a value may be a secret.
func showVariables(line func(what, format string, args ...any), variables []importing.Variable) {
	for _, secret := range []bool{true, false} {
		what, names := "variables", []string(nil)
		if secret {
			what = "secrets"
		}
		for _, variable := range variables {
			if variable.Secret == secret {
				names = append(names, variable.Name)
			}
		}
		if len(names) > 0 {
			line(what, "%s", strings.Join(names, ", "))
		}
	}
}

// text says what becomes of the volume.
func (d *dataStep) text() string {
	name := string(d.Volume)
	if d.Target != "" {
		name += " at " + d.Target
	}
	switch {
	case d.Empty:
		return name + " is not copied"
	case d.Kept:
		return name + " holds files already, which stay; --replace-data copies them again"
	}
	said := fmt.Sprintf("%s is a copy of the %s", name, d.From)
	if d.Root != 0 {
		said += fmt.Sprintf("; files of root become those of the user %d, because the service does not run as root", d.Root)
	}
	if len(d.Users) > 0 {
		said += fmt.Sprintf(". %s runs with it: stop it first, or the copy may lack what is written meanwhile", strings.Join(d.Users, ", "))
	}
	return said
}
