package router

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"berth/controller/app"
	"berth/controller/difference"
	"berth/controller/printable"
	"berth/controller/problem"
)

// The fields of the form that chooses two releases, as they stand in addresses.
const (
	diffWith = "with" // the base
	diffTo   = "to"   // of the page's form alone: the release whose address is meant
)

type diffPage struct {
	frame
	App     appRow
	Release releaseRow
	Base    releaseRow // with the number 0: there is none
	Choices []releaseRow
	Diff    difference.Difference
	Files   []diffFile
}

// diffFile is a file as the page shows it.
type diffFile struct {
	difference.File
	Name  string // printable
	Lines []diffLine
	Note  string // on lines that are not shown
}

// diffLine is a line of a unified difference.
type diffLine struct {
	Kind string // the class that the page shows it with: added, removed, place, or none
	Text string
}

// showDiff compares a release with the one that the address names, or with the newest
// earlier one that ran.
func (a *admin) showDiff(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	if chosen := v.gin.Query(diffTo); chosen != "" {
		return a.seeDiff(v, id, chosen)
	}
	releases, err := a.releases.Releases(v.context(), id.App)
	if err != nil {
		return err
	}
	base, release, err := a.compared(v, id, releases)
	if err != nil {
		return err
	}
	view, err := a.apps.App(v.context(), id.App)
	if err != nil {
		return err
	}
	page := diffPage{
		frame: v.frame(fmt.Sprintf("Compare %s r%d", id.App, id.Number)).on(id.App, tabReleases),
		App:   v.appRow(view), Release: releaseRowOf(release), Choices: diffChoices(releases, base, release),
	}
	if base.Number != 0 {
		page.Base = releaseRowOf(base)
		if page.Diff, err = a.sources.CompareLines(v.context(), base, release); err != nil {
			return err
		}
		for _, file := range page.Diff.Files.List {
			page.Files = append(page.Files, diffFileOf(file, page.Diff.Files.Texts[file.Path]))
		}
	}
	return v.page(http.StatusOK, "release_diff", page)
}

func diffFileOf(file difference.File, text difference.Text) diffFile {
	shown := diffFile{File: file, Name: printable.Name(file.Path, len(file.Path)), Note: text.Note}
	kinds := map[byte]string{'+': "added", '-': "removed", '@': "place"}
	for _, line := range text.Lines {
		shown.Lines = append(shown.Lines, diffLine{Kind: kinds[line[0]], Text: line})
	}
	return shown
}

// seeDiff goes from the form, which works without script, to the address of the chosen
// release.
func (a *admin) seeDiff(v *visit, id app.ReleaseID, chosen string) error {
	number, err := parseReleaseNumber(chosen)
	if err != nil {
		return problem.AtField(diffTo, err)
	}
	path := releasePath(app.ReleaseID{App: id.App, Number: number}) + "/diff"
	if with := v.gin.Query(diffWith); with != "" {
		path += "?" + url.Values{diffWith: {with}}.Encode()
	}
	return v.seeOther(path)
}

// compared returns the two releases that the address names. The zero base says that it
// names none, and that no earlier release ran.
func (a *admin) compared(v *visit, id app.ReleaseID, releases []app.Release) (base, release app.Release, err error) {
	if release, err = a.releases.Release(v.context(), id); err != nil {
		return app.Release{}, app.Release{}, err
	}
	text := v.gin.Query(diffWith)
	if text == "" {
		return difference.Base(releases, id.Number), release, nil
	}
	number, err := parseReleaseNumber(text)
	if err != nil {
		return app.Release{}, app.Release{}, problem.AtField(diffWith, err)
	}
	base, err = a.releases.Release(v.context(), app.ReleaseID{App: id.App, Number: number})
	return base, release, err
}

// diffChoices are the releases of the form's lists, the newest first. A list of releases
// may not go back to those that are compared.
func diffChoices(releases []app.Release, compared ...app.Release) []releaseRow {
	var rows []releaseRow
	for _, release := range slices.Concat(releases, compared) {
		known := slices.ContainsFunc(rows, func(row releaseRow) bool { return row.Number == release.Number })
		if !known && release.Number != 0 {
			rows = append(rows, releaseRowOf(release))
		}
	}
	slices.SortFunc(rows, func(a, b releaseRow) int { return int(b.Number - a.Number) })
	return rows
}
