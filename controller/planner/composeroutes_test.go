package planner

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/plan"
	"berth/controller/problem"
)

func TestFrom_ReadsTheRoutesThatServicesAskFor(t *testing.T) {
	made := mustCompose(t, `
services:
  web:
    image: web:1
    ports: ["80:3000"]
  api:
    image: api:1
    x-berth: {route: /api, host: "${DOMAIN:-api.example.com}", port: 8080}
  admin:
    image: admin:1
    x-berth:
      - route: /manage
      - host: admin.example.com
        port: "9000"
    x-other: {route: /nothing}
`, plan.Options{})
	var got []string
	for _, wish := range made.Routes {
		got = append(got, wish.String())
	}
	want := []string{"api.example.com/api leads to api, port 8080", "/manage leads to admin", "admin.example.com leads to admin, port 9000"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
	if wish := made.Routes[2]; wish.File != "compose.yaml" || wish.Line != 13 {
		t.Errorf("its place is %s, line %d", wish.File, wish.Line)
	}
}

func TestFrom_RefusesRoutesThatAreNoneAllAtOnce(t *testing.T) {
	_, err := composed(t, `
services:
  web: {image: "web:1", x-berth: /api}
  b: {image: "b:1", x-berth: {port: 80}}
  c: {image: "c:1", x-berth: {route: api}}
  d: {image: "d:1", x-berth: {route: /d, port: 99999}}
  e: {image: "e:1", x-berth: {host: "e.example.com/e"}}
  f: {image: "f:1", x-berth: {route: [/f]}}
  g: {image: "g:1", x-berth: {route: /g, middlewares: [strip]}}
  h: {image: "h:1", x-berth: {route: "/${TOKEN}"}}
`, plan.Options{Secrets: []string{"TOKEN"}})
	faults := problem.RefusalsIn(err)
	for _, want := range []string{"x-berth of web is no mapping", "x-berth of b has neither", "no path", "port of d", "no domain", "x-berth of f", "middlewares", "secret"} {
		if !slices.ContainsFunc(faults, func(fault *problem.Refusal) bool {
			return strings.Contains(fault.Reason, want) && fault.Line > 2 && fault.Hint != ""
		}) {
			t.Errorf("nothing says %q in %v", want, err)
		}
	}
}
