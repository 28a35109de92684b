package router

import (
	"context"
	"fmt"
	"net/http"

	"berth/controller/app"
	"berth/controller/difference"
	"berth/controller/problem"
	"berth/router/openapi"
)

// diffJSON is how a release differs from another one.
type diffJSON struct {
	App       app.Name           `json:"app"`
	From      int64              `json:"from"` // number of the base
	To        int64              `json:"to"`
	Same      bool               `json:"same"` // nothing that could be compared differs
	Files     diffFilesJSON      `json:"files"`
	Images    []diffImageJSON    `json:"images"`
	Variables []diffVariableJSON `json:"variables"` // by name; no value is shown
	Settings  []diffSettingJSON  `json:"settings"`
	Notes     []string           `json:"notes,omitempty"` // on what could not be compared
}

// diffFilesJSON is how the archives differ.
type diffFilesJSON struct {
	Compared bool           `json:"compared"`
	Note     string         `json:"note,omitempty"` // why files were not compared
	Added    int            `json:"added"`
	Removed  int            `json:"removed"`
	Changed  int            `json:"changed"`
	List     []diffFileJSON `json:"list"` // the first of them, by path
}

type diffFileJSON struct {
	Path      string          `json:"path"`
	Change    difference.Kind `json:"change"` // added, removed or changed
	FromBytes int64           `json:"from_bytes"`
	ToBytes   int64           `json:"to_bytes"`
	Lines     []string        `json:"lines,omitempty"` // of a unified difference, from its first @@ on; secrets are masked
	Note      string          `json:"note,omitempty"`  // on lines that are not shown
}

type diffImageJSON struct {
	Service string          `json:"service"`
	Change  difference.Kind `json:"change"`
	From    string          `json:"from"` // the digest of the registry, or the id of the engine
	To      string          `json:"to"`
}

type diffVariableJSON struct {
	Service string          `json:"service,omitempty"` // of a compose file; none: it is the app's
	Name    string          `json:"name"`
	Change  difference.Kind `json:"change"`
}

type diffSettingJSON struct {
	Service string `json:"service,omitempty"` // none: it is of the whole app
	Name    string `json:"name"`
	From    string `json:"from"` // empty: not set, or hidden
	To      string `json:"to"`
	Hidden  bool   `json:"hidden"` // the texts can hold secrets
}

// diffQuery are the parameters of apiShowDiff.
var diffQuery = []openapi.Query{{Name: diffWith, Number: true, Text: "Number of the base. None: the newest earlier release that ran."}}

func (a *admin) apiShowDiff(v *visit) error { return a.apiCompare(v, a.sources.Compare) }

// apiShowDiffLines shows the lines of the files too, which are a part of the archives.
func (a *admin) apiShowDiffLines(v *visit) error { return a.apiCompare(v, a.sources.CompareLines) }

func (a *admin) apiCompare(v *visit, compare func(ctx context.Context, from, to app.Release) (difference.Difference, error)) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	releases, err := a.releases.Releases(v.context(), id.App)
	if err != nil {
		return err
	}
	base, release, err := a.compared(v, id, releases)
	if err != nil {
		return err
	}
	if base.Number == 0 {
		return problem.NotFound(
			fmt.Sprintf("No earlier release than r%d ran.", id.Number),
			"Name the release to compare it with, such as ?with=3.",
		)
	}
	found, err := compare(v.context(), base, release)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, diffJSONOf(found))
}

func diffJSONOf(found difference.Difference) diffJSON {
	files := found.Files
	made := diffJSON{
		App: found.To.App, From: found.From.Number, To: found.To.Number, Same: found.None(), Notes: found.Notes,
		Files:  diffFilesJSON{Compared: files.Compared, Note: files.Note, Added: files.Added, Removed: files.Removed, Changed: files.Changed, List: []diffFileJSON{}},
		Images: []diffImageJSON{}, Variables: []diffVariableJSON{}, Settings: []diffSettingJSON{},
	}
	for _, file := range files.List {
		text := files.Texts[file.Path]
		made.Files.List = append(made.Files.List, diffFileJSON{
			Path: file.Path, Change: file.Kind, FromBytes: file.From, ToBytes: file.To, Lines: text.Lines, Note: text.Note,
		})
	}
	for _, image := range found.Images {
		made.Images = append(made.Images, diffImageJSON{Service: image.Service, Change: image.Kind, From: image.From, To: image.To})
	}
	for _, variable := range found.Variables {
		made.Variables = append(made.Variables, diffVariableJSON{Service: variable.Service, Name: variable.Name, Change: variable.Kind})
	}
	for _, setting := range found.Settings {
		made.Settings = append(made.Settings, diffSettingJSON(setting))
	}
	return made
}
