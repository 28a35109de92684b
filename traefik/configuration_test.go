package traefik

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

func TestGenerate_RefusesTwoClaimsToOneRoute(t *testing.T) {
	a, b := helloTarget(t), helloTarget(t)
	b.App = "other"
	if _, err := Generate(Table{Targets: []Target{a, b}}); err == nil {
		t.Error("two apps got one route")
	}
	b.Proving = true
	if _, err := Generate(Table{Targets: []Target{a, b}}); err != nil {
		t.Errorf("a proving target claims its routes: %v", err)
	}
}

func TestGenerate_RefusesOneReleaseTwice(t *testing.T) {
	a, b := helloTarget(t), helloTarget(t)
	b.Proving = true
	if _, err := Generate(Table{Targets: []Target{a, b}}); err == nil {
		t.Error("a release is live and proving at once")
	}
}

func TestGenerate_RefusesForgedTargets(t *testing.T) {
	for name, forge := range map[string]func(*Target){
		"template as host":       func(t *Target) { t.Routes[0].Host = "{{ env `SECRET` }}" },
		"backtick in path":       func(t *Target) { t.Routes[0].Path = "/a`) || PathPrefix(`/" },
		"upper-case host":        func(t *Target) { t.Routes[0].Host = "A.example" },
		"zero route":             func(t *Target) { t.Routes[0] = Route{} },
		"no route":               func(t *Target) { t.Routes = nil },
		"route twice":            func(t *Target) { t.Routes = append(t.Routes, t.Routes[0]) },
		"dot in app name":        func(t *Target) { t.App = "a.b" },
		"no app name":            func(t *Target) { t.App = "" },
		"release zero":           func(t *Target) { t.Release = 0 },
		"address with path":      func(t *Target) { t.Address = "hello:8000/x" },
		"address with user":      func(t *Target) { t.Address = "a@hello:8000" },
		"address with template":  func(t *Target) { t.Address = "{{.}}:8000" },
		"address without port":   func(t *Target) { t.Address = "hello" },
		"address with port zero": func(t *Target) { t.Address = "hello:0" },
		"address with port +80":  func(t *Target) { t.Address = "hello:+80" },
	} {
		t.Run(name, func(t *testing.T) {
			target := helloTarget(t)
			forge(&target)
			if configuration, err := Generate(Table{Targets: []Target{target}}); err == nil {
				t.Errorf("taken: %+v", configuration.HTTP)
			}
		})
	}
}

// An app that nobody may use and that does not run says nothing at all; the others
// are published as before.
func TestGenerate_LeavesOutAnAppThatIsClosedAndDoesNotRun(t *testing.T) {
	shut, open := helloTarget(t), helloTarget(t)
	shut.App, shut.Routes = "shut", []Route{mustParseRoute(t, "/shut")}
	shut.Access.Password, shut.Unavailable = true, true
	whole, err := Generate(Table{Targets: []Target{shut, open}, Pages: "pages:8002"})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := Generate(Table{Targets: []Target{open}, Pages: "pages:8002"})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(whole, alone) {
		t.Errorf("a closed app that does not run changed the configuration: %+v", whole)
	}
}

func TestGenerate_IsDeafToOrder(t *testing.T) {
	targets := manyTargets(t, 20)
	want, err := Generate(Table{Targets: targets})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(targets)
	got, err := Generate(Table{Targets: targets})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("another order gave another configuration (error %v)", err)
	}
}

func TestGenerate_KeepsAppsApartWhoseNamesLookAlike(t *testing.T) {
	var targets []Target
	for i, app := range []string{"a", "a-0", "a-0-web", "a-r1", "a-r1-verify", "dashboard", "a-0-0"} {
		target := Target{App: app, Release: 1, Address: app + ":80", Routes: []Route{mustParseRoute(t, fmt.Sprintf("/%d", i))}}
		proving := target
		proving.Release, proving.Proving = 2, true
		targets = append(targets, target, proving)
	}
	configuration, err := Generate(Table{Targets: targets})
	if err != nil {
		t.Fatal(err)
	}
	live := len(targets) / 2
	if got, want := len(configuration.HTTP.Routers), 3*live; got != want {
		t.Errorf("%d routers, want %d", got, want)
	}
	if got, want := len(configuration.HTTP.Services), 2*live; got != want {
		t.Errorf("%d services, want %d", got, want)
	}
	if got, want := len(configuration.HTTP.Middlewares), 2*live+2; got != want {
		t.Errorf("%d middlewares, want %d", got, want)
	}
	if configuration.HTTP.Routers[EntryPointDashboard] != nil {
		t.Error("an app took the name of the dashboard's router")
	}
}

func manyTargets(t testing.TB, count int) []Target {
	t.Helper()
	targets := make([]Target, count)
	for i := range targets {
		app := fmt.Sprintf("app-%04d", i)
		targets[i] = Target{App: app, Release: 7, Address: "berth-" + app + "-r7:8000", Routes: []Route{mustParseRoute(t, "/"+app)}}
	}
	return targets
}

func BenchmarkGenerate_ThousandApps(b *testing.B) {
	targets := manyTargets(b, 1000)
	for b.Loop() {
		if _, err := Generate(Table{Targets: targets}); err != nil {
			b.Fatal(err)
		}
	}
}
