package trial

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/volume"
)

// restored is a ledger of a backup: its apps and their live releases.
type restored struct {
	apps     []app.App
	releases map[app.Name]app.Release
}

func (r restored) ListApps(context.Context) ([]app.App, error) { return r.apps, nil }

func (r restored) FindRelease(_ context.Context, id app.ReleaseID) (app.Release, error) {
	found, ok := r.releases[id.App]
	if !ok {
		return app.Release{}, problem.ErrNotFound
	}
	return found, nil
}

// recipe is how each instance is started, as a release would be.
type recipe struct{}

func (recipe) MaskOf(context.Context, app.Release) (*environment.Mask, error) {
	return environment.NewMask(map[string]string{"TOKEN": "a-secret-canary"}), nil
}

func (recipe) StartOptionsOf(_ context.Context, of app.App, live app.Release, run app.ServiceRun, name string) (docker.StartOptions, error) {
	if run.Image == "gone" {
		return docker.StartOptions{}, docker.ErrNotFound
	}
	return docker.StartOptions{
		App: string(of.Name), Release: live.Number, Name: name, Service: run.Spec,
		Labels: map[string]string{"traefik.enable": "true"}, Record: "a record",
		Mounts: []docker.Mount{{Volume: "photos", Target: "/photos"}}, Volumes: map[string]string{"data": "the live volume"},
	}, nil
}

// engine starts what it is told, and lets it do as the test says.
type engine struct {
	started         []docker.StartOptions
	states          map[string]docker.Condition // by the service, before "drill-"
	retired, closed []string
}

func (e *engine) InstanceName(app string, _ int64, service string) string { return app + "." + service }

func (e *engine) VolumeName(name volume.Name) string { return "engine:" + string(name) }

func (e *engine) RemoveNetwork(_ context.Context, app string, release int64) error {
	if release != NetworkNumber {
		return errors.New("the network is one of a release")
	}
	e.closed = append(e.closed, app)
	return nil
}

func (e *engine) Start(_ context.Context, o docker.StartOptions) (docker.Instance, error) {
	e.started = append(e.started, o)
	return docker.Instance{Name: o.Name}, nil
}

func (e *engine) Inspect(_ context.Context, name string) (docker.Instance, error) {
	_, service, _ := strings.Cut(name, ".drill-")
	state, told := e.states[service]
	if !told {
		state = docker.Condition{Running: true}
	}
	return docker.Instance{Name: name, Port: 8000, Condition: state}, nil
}

func (e *engine) Listening(ctx context.Context, _ string, each func([]netip.AddrPort)) error {
	each([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:8000")})
	each([]netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:8000")})
	return ctx.Err()
}

func (e *engine) Tail(_ context.Context, _ string, _ docker.TailOptions, each func(docker.Line) error) error {
	return each(docker.Line{Text: "no such table, token a-secret-canary"})
}

func (e *engine) Retire(_ context.Context, name string, _ time.Duration) error {
	e.retired = append(e.retired, name)
	return nil
}

// sole is a live app of one service.
func sole(name app.Name, service plan.Service) (app.App, app.Release) {
	return app.App{Name: name, Live: 3, Wanted: app.WantedRunning}, app.Release{
		ReleaseID: app.ReleaseID{App: name, Number: 3},
		Services:  []app.ServiceRun{{Spec: service, Main: true}},
	}
}

func run(t *testing.T, of restored, on *engine) []Result {
	t.Helper()
	results, err := Run(t.Context(), Options{
		Ledger: of, Releases: recipe{}, Engine: on,
		Restored: func(name volume.Name) volume.Name { return "aside-" + name },
		Aside:    func(_ []string, _ app.Name, work func()) { work() },
		Told:     func(app.Name) {}, Failed: func(app.Name, error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestRun_StartsEachAppOnTheRestoredVolumesAndRemovesIt(t *testing.T) {
	t.Parallel()
	shop, release := sole("shop", plan.Service{Name: "web", Aliases: []string{"web"}, Mounts: []plan.Mount{{Volume: "data", Target: "/data"}}})
	still := app.App{Name: "still", Live: 1, Wanted: app.WantedStopped}
	on := &engine{}
	results := run(t, restored{apps: []app.App{shop, still}, releases: map[app.Name]app.Release{"shop": release}}, on)
	if len(results) != 2 || results[0].Reason != "" || results[0].Stopped || results[0].Took == 0 || !results[1].Stopped {
		t.Fatalf("%+v", results)
	}
	if len(on.started) != 1 {
		t.Fatalf("%d instances were started", len(on.started))
	}
	o := on.started[0]
	if o.Labels != nil || o.Record != "" || o.Service.Name != "drill-web" || !slices.Equal(o.Service.Aliases, []string{"web"}) {
		t.Errorf("it could be taken for the app: %+v", o)
	}
	if o.Mounts[0].Volume != "aside-photos" || o.Volumes["data"] != "engine:aside-"+string(volume.OfApp("shop", "data")) {
		t.Errorf("it has the volumes %v and %v", o.Mounts, o.Volumes)
	}
	if !slices.Equal(on.retired, []string{"shop.drill-web"}) || !slices.Equal(on.closed, []string{"shop"}) {
		t.Errorf("removed: %v, networks %v", on.retired, on.closed)
	}
}

func TestRun_SaysWhyAnAppDoesNotStart(t *testing.T) {
	t.Parallel()
	ended := docker.Condition{ExitCode: 3, FinishedAt: time.Now()}
	for name, test := range map[string]struct {
		image string
		state docker.Condition
		said  string
	}{
		"it ends":            {state: ended, said: "The app ended with exit code 3. It said last: no such table, token [secret TOKEN]."},
		"it ends repeatedly": {state: docker.Condition{Running: true, Restarts: 1, ExitCode: 3}, said: "exit code 3"},
		"its image is gone":  {image: "gone", said: "Its image is not here any more."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken, release := sole("broken", plan.Service{Name: "web"})
			release.Services[0].Image = test.image
			whole, second := sole("whole", plan.Service{Name: "main"})
			on := &engine{states: map[string]docker.Condition{"web": test.state}}
			results := run(t, restored{apps: []app.App{broken, whole}, releases: map[app.Name]app.Release{"broken": release, "whole": second}}, on)
			if !strings.Contains(results[0].Reason, test.said) || strings.Contains(results[0].Reason, "canary") {
				t.Errorf("it says %q", results[0].Reason)
			}
			if results[1].Reason != "" || !slices.Contains(on.retired, "broken.drill-web") || len(on.closed) != 2 {
				t.Errorf("the other app: %+v; removed %v, networks %v", results[1], on.retired, on.closed)
			}
		})
	}
}

func TestRun_WaitsForTheHealthCheckOfEachService(t *testing.T) {
	t.Parallel()
	shop, release := sole("shop", plan.Service{Name: "web"})
	store := app.ServiceRun{Spec: plan.Service{Name: "store", Health: &plan.Healthcheck{Test: []string{"CMD", "ready"}}}}
	release.Services = []app.ServiceRun{store, release.Services[0]}
	on := &engine{states: map[string]docker.Condition{"store": {Running: true, Health: "healthy"}}}
	if results := run(t, restored{apps: []app.App{shop}, releases: map[app.Name]app.Release{"shop": release}}, on); results[0].Reason != "" || len(on.started) != 2 {
		t.Errorf("%+v, started %d", results, len(on.started))
	}
	sick := &engine{states: map[string]docker.Condition{"store": {Restarts: 1, Running: true, Health: "starting"}}}
	results := run(t, restored{apps: []app.App{shop}, releases: map[app.Name]app.Release{"shop": release}}, sick)
	if !strings.HasPrefix(results[0].Reason, "Service store: ") || len(sick.started) != 1 {
		t.Errorf("%+v, started %d", results, len(sick.started))
	}
}
