package hook_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/backup/hook"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/oneoff"
	"berth/controller/plan"
	"berth/controller/problem"
)

// house is an app with a web service and a database, and an engine that runs one command.
type house struct {
	hook.Ledger
	live    app.Release
	started []docker.StartOptions
	retired []string
	aside   []string
	prints  string
	exit    int
	onStart error
}

func newHouse() *house {
	service := func(name, image string, mounts ...plan.Mount) app.ServiceRun {
		return app.ServiceRun{
			Spec: plan.Service{Name: name, Image: image, Mounts: mounts, Aliases: []string{name}, Hostname: name, Port: 80},
			Main: name == "web", Instances: []string{"berth-shop-r3." + name},
		}
	}
	return &house{live: app.Release{ReleaseID: app.ReleaseID{App: "shop", Number: 3}, Services: []app.ServiceRun{
		service("web", "", plan.Mount{Volume: "files", Target: "/srv", ReadOnly: true}),
		service("db", "docker.io/library/postgres:16@sha256:abc", plan.Mount{Volume: "rows", Target: "/var/lib/postgresql/data"}),
	}}}
}

func (h *house) hooks() hook.Hooks {
	return hook.Hooks{Ledger: h, Commands: oneoff.Runner{Ledger: h, Engine: h, Releases: h}}
}

func (h *house) FindLive(context.Context, app.Name) (app.App, app.Release, error) {
	return app.App{Name: "shop", Live: 3, Wanted: app.WantedRunning}, h.live, nil
}

func (*house) InstanceName(app string, _ int64, service string) string {
	return "berth-" + app + "-r3." + service
}

func (h *house) Start(_ context.Context, o docker.StartOptions) (docker.Instance, error) {
	h.started = append(h.started, o)
	return docker.Instance{}, h.onStart
}

func (h *house) Inspect(context.Context, string) (docker.Instance, error) {
	return docker.Instance{Condition: docker.Condition{ExitCode: h.exit}}, nil
}

func (h *house) Tail(_ context.Context, _ string, _ docker.TailOptions, each func(docker.Line) error) error {
	return each(docker.Line{Text: h.prints})
}

func (h *house) Retire(_ context.Context, name string, _ time.Duration) error {
	h.retired = append(h.retired, name)
	return nil
}

func (*house) StartOptionsOf(_ context.Context, _ app.App, _ app.Release, run app.ServiceRun, name string) (docker.StartOptions, error) {
	return docker.StartOptions{App: "shop", Release: 3, Name: name, Service: run.Spec, Labels: map[string]string{"a": "b"}, Aliases: []string{"alias"}}, nil
}

func (*house) OpenEnvironmentOf(context.Context, app.ReleaseID) (environment.OpenEnvironment, error) {
	return environment.OpenEnvironment{}, nil
}

func (h *house) Aside(name string, work func()) {
	h.aside = append(h.aside, name)
	go work()
}

func dump() hook.Hook {
	return hook.Hook{App: "shop", Service: "db", Before: []string{"pg_dump", "--file=/x"}}
}

func TestRun_IsInAContainerOfItsOwnThatNobodyTakesForTheService(t *testing.T) {
	h := newHouse()
	if err := h.hooks().Run(t.Context(), dump(), dump().Before); err != nil {
		t.Fatal(err)
	}
	made := h.started[0]
	service := made.Service
	if !slices.Equal(service.Entrypoint, []string{"pg_dump"}) || !slices.Equal(service.Command, []string{"--file=/x"}) || len(service.Mounts) != 1 {
		t.Errorf("it runs %v %v with %v", service.Entrypoint, service.Command, service.Mounts)
	}
	if made.Labels != nil || made.Aliases != nil || service.Aliases != nil || service.Hostname != "" || service.Restart.Mode != plan.Never || service.Health.Test[0] != "NONE" {
		t.Errorf("made %+v", made)
	}
	if !slices.Contains(service.Environment, "BERTH_HOST=berth-shop-r3.db") {
		t.Errorf("it has %v", service.Environment)
	}
	if !slices.Equal(h.retired, []string{made.Name}) || !slices.Equal(h.aside, h.retired) || made.Name == "berth-shop-r3.db" {
		t.Errorf("retired %v, aside %v", h.retired, h.aside)
	}
}

func TestRun_SaysWhyACommandFailed(t *testing.T) {
	h := newHouse()
	h.exit, h.prints = 2, "no such host"
	err := h.hooks().Run(t.Context(), dump(), dump().Before)
	if err == nil || !strings.Contains(err.Error(), "exit code 2. It said last: no such host.") || len(h.retired) != 1 {
		t.Errorf("%v, retired %v", err, h.retired)
	}
	h.onStart = &docker.StartError{Message: "The program pg_dump is not in the image.", Err: docker.ErrNotFound}
	if err := h.hooks().Run(t.Context(), dump(), dump().Before); problem.KindOf(err) != problem.KindConflict || !strings.Contains(err.Error(), "not in the image") || len(h.retired) != 2 {
		t.Errorf("%v, retired %v", err, h.retired)
	}
	gone := dump()
	gone.Service = "old"
	if err := h.hooks().Run(t.Context(), gone, gone.Before); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("a service that is gone: %v", err)
	}
}

func TestParse_SaysAllThatIsWrongAtOnce(t *testing.T) {
	live := newHouse().live
	if made, err := hook.Parse(dump(), live); err != nil || made.Service != "db" {
		t.Errorf("%+v, %v", made, err)
	}
	for name, c := range map[string]struct {
		wish hook.Hook
		want []string
	}{
		"no service and no command": {hook.Hook{Service: "x"}, []string{hook.FieldService, hook.FieldBefore}},
		"reads volumes alone":       {hook.Hook{Before: []string{"dump"}}, []string{hook.FieldService}},
		"no program":                {hook.Hook{Service: "db", Before: []string{"", "x"}, After: []string{"a\x00"}}, []string{hook.FieldBefore, hook.FieldAfter}},
		"too long":                  {hook.Hook{Service: "db", Before: []string{strings.Repeat("x", 5000)}}, []string{hook.FieldBefore}},
	} {
		_, err := hook.Parse(c.wish, live)
		var fields []string
		if several, ok := err.(problem.Problems); ok { //nolint:errorlint // it is the type itself
			for _, fault := range several {
				fields = append(fields, fault.Field)
			}
		}
		if slices.Sort(fields); !slices.Equal(fields, slices.Sorted(slices.Values(c.want))) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOffers_KnowAnImageByItsNameAndItsVolume(t *testing.T) {
	live := newHouse().live
	offers := hook.Offers(live)
	if len(offers) != 1 || offers[0].Database != "PostgreSQL" || offers[0].Service != "db" {
		t.Fatalf("offered %+v", offers)
	}
	if file := "/var/lib/postgresql/data/berth-dump.sql"; offers[0].Before[4] != file || offers[0].After[2] != file {
		t.Errorf("offered %+v", offers[0])
	}
	if _, err := hook.Parse(offers[0].Hook, live); err != nil {
		t.Error(err)
	}
	for image, want := range map[string]string{
		"mysql": "MySQL", "mariadb:11": "MariaDB", "mongo:7": "MongoDB", "redis:7-alpine": "Redis", "registry.example.com:5000/team/postgis:1": "PostgreSQL", "my-postgres-tool": "",
	} {
		live.Services[1].Spec.Image = image
		got := ""
		if offers := hook.Offers(live); len(offers) > 0 {
			got = offers[0].Database
		}
		if got != want {
			t.Errorf("%s is offered %q", image, got)
		}
	}
	live.Services[1].Spec.Image, live.Services[1].Spec.Mounts = "postgres", nil
	if offers := hook.Offers(live); len(offers) != 0 {
		t.Errorf("without a volume: %+v", offers)
	}
}
