package recipe

import (
	"path"
	"slices"
	"strings"

	"berth/controller/archive"
	"berth/controller/printable"
)

// siteSettings are the files that the build of a site reads its settings from. They may
// hold secrets, and such an image holds only what the build has made.
var siteSettings = []string{"!.env", "!.env.local", "!.env.production", "!.env.production.local"}

// tellSettings names the files of settings that the build does not get.
func (r *recipe) tellSettings(p *project, keep func(archive.Entry) bool) {
	var dropped []string
	for _, entry := range p.tree.Entries() {
		known, _ := path.Match(".env*", entry.Path)
		if known && entry.Kind == archive.File && !keep(entry) {
			dropped = append(dropped, printable.Name(entry.Path, 60))
		}
	}
	if slices.Sort(dropped); len(dropped) > 0 {
		r.because("The image does not get %s, which may hold secrets: save what the app needs as variables.", printable.List(dropped))
	}
}

// declare lets the next steps of a build read the variables.
func (r *recipe) declare(variables []string) {
	for _, name := range variables {
		r.add("ARG", name)
	}
	if len(variables) > 0 {
		r.because("The build script gets %s.", strings.Join(variables, ", "))
	}
}
