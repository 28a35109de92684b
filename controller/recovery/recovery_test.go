package recovery

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/secret"
	"berth/controller/volume"
	"berth/traefik"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func options(t *testing.T) Options {
	t.Helper()
	key, err := secret.DeriveKey(secret.Text(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return Options{Key: key, VolumeName: func(name volume.Name) string { return "berth-vol-" + string(name) }, Now: noon}
}

// shop is an app of two services at its third release; the database is of its first.
func shop() (app.App, app.Release) {
	settings := app.DefaultSettings()
	settings.Port, settings.MemoryBytes, settings.Readiness.StartTime = 8000, 64<<20, time.Minute
	shop := app.App{Name: "shop"}
	shop.Lead(traefik.Route{Host: "shop.example.com", Path: "/"}, app.Destination{})
	shop.Lead(traefik.Route{Path: "/api"}, app.Destination{Service: "api", Port: 9000})
	return shop, app.Release{
		ReleaseID: app.ReleaseID{App: "shop", Number: 3}, Settings: settings,
		Mounts:  []app.Mount{{Volume: "shared", Target: "/shared"}},
		Address: "berth-shop-r3.web:8000", Addresses: map[string]string{"web": "berth-shop-r3.web:8000"},
		Services: []app.ServiceRun{
			{
				Spec:      plan.Service{Name: "db", Environment: []string{"PASSWORD=hunter2"}, Mounts: []plan.Mount{{Volume: "data", Target: "/data"}}},
				Instances: []string{"berth-shop-r1.db"}, Image: "sha256:db", KeptFrom: 1,
			},
			{
				Spec: plan.Service{Name: "web", Port: 8000, Command: []string{"serve"}, Files: []plan.File{{Path: "/x", Content: []byte("hunter2")}}},
				Main: true, Instances: []string{"berth-shop-r3.web"}, Image: "sha256:web",
			},
		},
	}
}

// traced are the traces of the release's containers.
func traced(found app.App, release app.Release) []docker.Trace {
	var all []docker.Trace
	for _, run := range release.Services {
		number, labels := release.Number, map[string]string{}
		if run.KeptFrom != 0 {
			number = run.KeptFrom
		}
		if run.Main {
			labels["traefik.http.services.x"] = "y"
		}
		for _, name := range run.Instances {
			trace := docker.Trace{Record: Describe(found, release, run)}
			trace.Name, trace.App, trace.Release, trace.Service = name, string(found.Name), number, run.Spec.Name
			trace.Image, trace.Labels, trace.Condition.Running, trace.Port = run.Image, labels, true, run.Spec.Port
			all = append(all, trace)
		}
	}
	return all
}

func TestRecord_HoldsNoVariableAndNoFile(t *testing.T) {
	found, release := shop()
	for _, run := range release.Services {
		text := Describe(found, release, run)
		if text == "" || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", run.Spec.Name, text)
		}
	}
}

func TestRecord_IsLeftOutWhereItWouldBeTooLong(t *testing.T) {
	found, release := shop()
	release.Services[1].Spec.Command = []string{strings.Repeat("x", mostRecord)}
	if text := Describe(found, release, release.Services[1]); text != "" {
		t.Errorf("%d bytes", len(text))
	}
}

func TestRecovery_MakesTheReleaseAgainAndClosesItsRoutes(t *testing.T) {
	found, release := shop()
	traces := traced(found, release)
	traces[0].Environment = []string{"PASSWORD=hunter2", "PORT=1"}
	o := options(t)
	all, left := o.From(traces)
	if len(all) != 1 || len(left) != 0 {
		t.Fatalf("%+v, %v", all, left)
	}
	got := all[0]
	if !got.App.Access.Closed() || got.App.Wanted != app.WantedRunning {
		t.Errorf("access %+v, wanted %s", got.App.Access, got.App.Wanted)
	}
	if !slices.Equal(got.App.Routes, found.Routes) || !reflect.DeepEqual(got.App.Destinations, found.Destinations) {
		t.Errorf("routes %v, %v", got.App.Routes, got.App.Destinations)
	}
	is, was := got.Release, release
	if is.Number != 3 || !reflect.DeepEqual(is.Settings, was.Settings) || !reflect.DeepEqual(is.Mounts, was.Mounts) || is.Address != was.Address || !reflect.DeepEqual(is.Addresses, was.Addresses) {
		t.Errorf("the release: %+v", is)
	}
	for at, run := range was.Services {
		run.Spec.Environment, run.Spec.Files = nil, nil
		if at == 0 {
			run.Spec.Environment = []string{"PASSWORD=" + plan.SecretReference("DB_PASSWORD")}
		}
		if !reflect.DeepEqual(is.Services[at], run) {
			t.Errorf("service %d: %+v", at, is.Services[at])
		}
	}
	variables := got.App.Variables
	if len(variables) != 1 || variables[0].Name != "DB_PASSWORD" || variables[0].Value != "" {
		t.Fatalf("variables %+v", variables)
	}
	if value, err := o.Key.Open(variables[0].Sealed, app.EnvironmentPlace("shop", "DB_PASSWORD")); err != nil || string(value) != "hunter2" {
		t.Errorf("opened %q, %v", value, err)
	}
}

func TestRecovery_OfTwoReleasesTakesTheOneThatWasLiveForCertain(t *testing.T) {
	found, release := shop()
	release.Services = release.Services[1:]
	next := release
	next.Number, next.Services = 4, slices.Clone(release.Services)
	next.Services[0].Instances = []string{"berth-shop-r4.web"}
	all, _ := options(t).From(append(traced(found, next), traced(found, release)...))
	if len(all) != 1 || all[0].Release.Number != 3 || !slices.Equal(all[0].Release.Instances, []string{"berth-shop-r3.web"}) {
		t.Errorf("%+v", all)
	}
}

func TestRecovery_OfContainersWithoutARecordSaysWhatIsNotKnown(t *testing.T) {
	trace := docker.Trace{
		Environment: []string{"TOKEN=x", "bad-name=y"}, SecretFiles: true,
		Mounts: []docker.TracedMount{{Volume: "berth-vol-notes_data", Target: "/data"}, {Volume: "berth-vol-shared", Target: "/shared", ReadOnly: true}},
	}
	trace.Name, trace.App, trace.Release, trace.Service, trace.Port, trace.Image = "berth-notes-r2", "notes", 2, plan.MainService, 8080, "sha256:n"
	trace.Labels = map[string]string{"traefik.http.services.x": "y"}
	all, _ := options(t).From([]docker.Trace{trace})
	if len(all) != 1 {
		t.Fatal(all)
	}
	got := all[0]
	if got.App.Wanted != app.WantedStopped || got.Release.Address != "berth-notes-r2:8080" || got.Release.Settings.Port != 8080 || !got.Release.Services[0].Sole {
		t.Errorf("%+v", got)
	}
	if mounts := got.Release.Mounts; len(mounts) != 1 || mounts[0] != (app.Mount{Volume: "shared", Target: "/shared", ReadOnly: true}) {
		t.Errorf("mounts %+v", mounts)
	}
	if mounts := got.Release.Services[0].Spec.Mounts; len(mounts) != 1 || mounts[0].Volume != "data" {
		t.Errorf("mounts of the service %+v", mounts)
	}
	if len(got.App.Variables) != 1 || got.App.Variables[0].Name != "TOKEN" || got.App.Routes[0].String() != "/notes" {
		t.Errorf("%+v %v", got.App.Variables, got.App.Routes)
	}
	if len(got.Unknown) != 4 {
		t.Errorf("not known: %q", got.Unknown)
	}
}

func TestRecovery_LeavesOutWhatNamesNoAppAndGivesARouteToOneAppOnly(t *testing.T) {
	found, release := shop()
	other := found
	other.Name = "another"
	traces := append(traced(found, release), traced(other, release)...)
	traces = append(traces, docker.Trace{Record: "{"})
	side := docker.Trace{}
	side.Name, side.App, side.Release, side.Service = "berth-side-r1.db", "side", 1, "db"
	all, left := options(t).From(append(traces, side))
	if len(all) != 2 || len(left) != 2 {
		t.Fatalf("%d apps, left %q", len(all), left)
	}
	if all[0].App.Name != "another" || len(all[0].App.Routes) != 2 || all[1].App.Routes[0].String() != "/shop" || len(all[1].App.Routes) != 1 {
		t.Errorf("%v and %v", all[0].App.Routes, all[1].App.Routes)
	}
}

func TestRecovery_GivesARenamedAppItsNameAndItsHandle(t *testing.T) {
	t.Parallel()
	found, release := shop()
	found.Name, found.Handle, release.App, release.Handle = "store", "shop", "store", "shop"
	traces := traced(found, release)
	for i := range traces {
		traces[i].App = "shop" // as the label has it
	}
	other, first := shop()
	other.Handle, first.Handle = "shop--2", "shop--2" // which got the former name
	others := traced(other, first)
	for i := range others {
		others[i].App = "shop--2"
	}
	made, left := options(t).From(append(traces, others...))
	if len(made) != 2 || len(left) != 0 || made[1].App.Name != "shop" || made[1].App.Handle != "shop--2" {
		t.Fatalf("found %+v, left %v", made, left)
	}
	if got := made[0]; got.App.Name != "store" || got.App.Handle != "shop" || got.Release.App != "store" || got.Release.OwnVolume("data") != "shop_data" {
		t.Errorf("it is %+v", got.App)
	}
}
