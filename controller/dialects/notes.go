package dialects

import (
	"fmt"
	"slices"
	"strings"

	"berth/controller/dialect"
	"berth/controller/printable"
)

// labels are the platforms as people call them.
var labels = map[dialect.Name]string{dialect.Dokploy: "Dokploy", dialect.Coolify: "Coolify"}

// notes says what becomes of the template. The app's route leads to the service main.
func (t *template) notes(main string) []string {
	var notes []string
	for _, name := range t.names {
		notes = append(notes, fmt.Sprintf("%s is a template of %s: Berth reads it as plain compose.", printable.Name(name, 200), labels[t.form.Dialect]))
	}
	var made, hosts, known []string
	for _, variable := range t.form.Variables {
		if t.holdsKind(variable.Value, isAddress) {
			hosts = append(hosts, variable.Name)
		}
		if variable.Secret && isLiteral(variable.Value) {
			known = append(known, variable.Name)
		}
		if t.holdsKind(variable.Value, func(kind dialect.Kind) bool { return !isAddress(kind) }) {
			made = append(made, variable.Name)
		}
	}
	if len(made) > 0 {
		notes = append(notes, fmt.Sprintf("Berth makes the values of %s once, and keeps them among the app's variables.", strings.Join(made, ", ")))
	}
	if len(known) > 0 {
		notes = append(notes, fmt.Sprintf("The template itself holds the value of %s, for anyone to read: give a value of your own where it is a secret.", strings.Join(known, ", ")))
	}
	if len(hosts) > 0 {
		notes = append(notes, fmt.Sprintf("%s: the app's host stands there as it was at the first upload, and %s where the app had none. Change the value if the host changes.", strings.Join(hosts, ", "), noHost))
	}
	return append(append(notes, t.routeNotes(main)...), t.form.Notes...)
}

func isAddress(kind dialect.Kind) bool { return kind == dialect.KindHost || kind == dialect.KindScheme }

// routeNotes names the domains of the template that the app's route does not cover.
func (t *template) routeNotes(main string) (notes []string) {
	for _, route := range t.form.Routes {
		service, where := printable.Name(route.Service, 60), ""
		if route.Port != 0 {
			where = fmt.Sprintf(", port %d", route.Port)
		}
		if route.Path != "/" {
			where += ", path " + route.Path
		}
		note := fmt.Sprintf("The template also has a domain for %s%s. The app's route leads to %s.", service, where, main)
		switch {
		case route.Service == main && route.Path == "/" && (route.Port == 0 || route.Port == t.form.Port):
			continue
		case route.Service == main && route.Path != "/":
			note = fmt.Sprintf("The template wants %s at the path %s: choose that path for the app's route.", service, route.Path)
		}
		if !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	return notes
}
