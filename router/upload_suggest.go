package router

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"berth/controller"
	"berth/controller/app"
	"berth/traefik"
)

// mostSuggested is how many names are tried before a person has to find one.
const mostSuggested = 100

var (
	archiveEnding = regexp.MustCompile(`(?i)\.(zip|tar|tgz|txz|tzst|tar\.(gz|xz|zst))$`)
	notOfNames    = regexp.MustCompile(`[^a-z0-9]+`)
)

// plainServices are names of services that tell nothing of the app.
var plainServices = []string{"", "main", "app", "web", "server", "backend", "frontend", "proxy", "nginx", "api"}

// suggest fills in a name and a route that are valid and free, where nothing was typed.
func (a *admin) suggest(v *visit, form *upload, from heldView) error {
	if form.fields[fieldName] != "" && form.fields[fieldRoute] != "" {
		return nil
	}
	views, err := a.apps.Apps(v.context())
	if err != nil {
		return err
	}
	base := suggestedBase(from)
	for i := range mostSuggested {
		name := base
		if i > 0 {
			name = fmt.Sprintf("%s-%d", base, i+1)
		}
		if form.fields[fieldName] != "" {
			name = form.fields[fieldName]
		}
		route, err := a.routing.ParseRoute("/" + name)
		if err == nil && isFree(views, name, route, form.fields[fieldName] != "") {
			form.fill(fieldName, name)
			form.fill(fieldRoute, "/"+name)
			return nil
		}
	}
	return nil
}

// isFree reports whether no app has the route, nor the name where it is suggested too.
func isFree(views []controller.AppView, name string, route traefik.Route, named bool) bool {
	return !slices.ContainsFunc(views, func(view controller.AppView) bool {
		return !named && string(view.Name) == name || slices.Contains(view.Routes, route)
	})
}

// suggestedBase is a name for the app, by what a person gave.
func suggestedBase(from heldView) string {
	text := archiveEnding.ReplaceAllString(from.Name, "")
	switch {
	case from.ID == "": // an image
		text, _, _ = strings.Cut(path.Base(from.Name), "@")
		text, _, _ = strings.Cut(text, ":")
	case text == "compose.yaml" || text == "Dockerfile": // it was pasted
		text = from.Preview.Main().Name
		if slices.Contains(plainServices, text) {
			text = "app"
		}
	}
	name := strings.Trim(notOfNames.ReplaceAllString(strings.ToLower(text), "-"), "-")
	name = strings.TrimRight(name[:min(len(name), 36)], "-") // with room for a number
	if _, err := app.ParseName(name); err != nil {
		return "app"
	}
	return name
}

// fill sets a field where it is empty.
func (u *upload) fill(field, value string) {
	if u.fields[field] == "" {
		u.fields[field] = value
	}
}
