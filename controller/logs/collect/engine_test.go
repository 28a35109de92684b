package collect

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/logs"
	"berth/controller/logs/journal"
	"berth/controller/plan"
	"berth/controller/problem"
)

// fakeEngine has containers whose output it keeps, as an engine does.
type fakeEngine struct {
	mu         sync.Mutex
	changed    *sync.Cond
	containers map[string]*fakeContainer // by id
	events     []chan docker.Event
	tails      int // that are under way
}

type fakeContainer struct {
	docker.Instance
	proxy bool
	lines []docker.Line
}

func newFakeEngine() *fakeEngine {
	e := &fakeEngine{containers: make(map[string]*fakeContainer)}
	e.changed = sync.NewCond(&e.mu)
	return e
}

func (e *fakeEngine) change(how func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	how()
	e.changed.Broadcast()
}

// start starts a container of a release of the app, and makes it if it is new.
func (e *fakeEngine) start(name app.Name, service string, release int64) (id string) {
	id = fmt.Sprintf("%012d%s-%s", release, name, service)
	e.change(func() {
		if e.containers[id] == nil {
			e.containers[id] = &fakeContainer{Instance: docker.Instance{ID: id, Name: "berth-" + id, App: string(name), Service: service, Release: release}}
		}
		e.containers[id].Condition.Running = true
		for _, events := range e.events {
			events <- docker.Event{Action: docker.ActionStart, Role: docker.RoleApp, Name: "berth-" + id, App: string(name), Release: release}
		}
	})
	return id
}

func (e *fakeEngine) print(id string, lines ...docker.Line) {
	e.change(func() { e.containers[id].lines = append(e.containers[id].lines, lines...) })
}

func (e *fakeEngine) stop(id string) {
	e.change(func() { e.containers[id].Condition.Running = false })
}

func (e *fakeEngine) Instances(context.Context) (all []docker.Instance, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, container := range e.containers {
		if !container.proxy {
			all = append(all, container.Instance)
		}
	}
	return all, nil
}

func (e *fakeEngine) Places(context.Context) (all []docker.Place, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, container := range e.containers {
		if container.proxy {
			all = append(all, docker.Place{Instance: container.Instance, Role: docker.RoleProxy})
		}
	}
	return all, nil
}

func (e *fakeEngine) Watch(ctx context.Context, each func(docker.Event)) error {
	events := make(chan docker.Event, 1000)
	e.change(func() { e.events = append(e.events, events) })
	for {
		select {
		case event := <-events:
			each(event)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *fakeEngine) TailProxy(ctx context.Context, id string, o docker.TailOptions, each func(docker.Line) error) error {
	return e.Tail(ctx, id, o, each)
}

func (e *fakeEngine) Tail(ctx context.Context, id string, o docker.TailOptions, each func(docker.Line) error) error {
	defer context.AfterFunc(ctx, func() { e.change(func() {}) })()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tails++
	defer func() { e.tails-- }()
	for at := 0; ; {
		container := e.containers[id]
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case container == nil:
			return nil
		case at < len(container.lines):
			line := container.lines[at]
			at++
			if line.At.Before(o.Since) {
				continue
			}
			e.mu.Unlock()
			err := each(line)
			e.mu.Lock()
			if err != nil {
				return err
			}
		case !o.Follow || !container.Condition.Running:
			return nil
		default:
			e.changed.Wait()
		}
	}
}

// fakeLedger has any release of its apps.
type fakeLedger struct {
	mu   sync.Mutex
	apps []app.Name
}

func (l *fakeLedger) ListApps(context.Context) (all []app.App, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range l.apps {
		all = append(all, app.App{Name: name})
	}
	return all, nil
}

func (l *fakeLedger) FindRelease(_ context.Context, id app.ReleaseID) (app.Release, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.apps, id.App) {
		return app.Release{}, problem.ErrNotFound
	}
	return app.Release{ReleaseID: id, Services: []app.ServiceRun{{Spec: plan.Service{Name: plan.MainService}}}}, nil
}

const canary = "canary-6f1d"

type fakeMasks struct{}

func (fakeMasks) MaskOf(context.Context, app.Release) (*environment.Mask, error) {
	return environment.NewMask(map[string]string{"PASSWORD": canary}), nil
}

// house is a collector and its journal, which run.
type house struct {
	t       *testing.T
	engine  *fakeEngine
	ledger  *fakeLedger
	journal *journal.Journal
	folder  string
	stop    func()
}

func newHouse(t *testing.T, apps ...app.Name) *house {
	t.Helper()
	h := &house{t: t, engine: newFakeEngine(), ledger: &fakeLedger{apps: apps}, folder: t.TempDir()}
	h.open()
	return h
}

// open starts Berth on the folder.
func (h *house) open() {
	h.t.Helper()
	kept, err := journal.Open(journal.Options{
		Folder: h.folder, Days: func(context.Context) int { return 0 }, MostApp: 1 << 30, MostAll: 1 << 30, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.journal = kept
	collector := New(Options{Engine: h.engine, Ledger: h.ledger, Masks: fakeMasks{}, Journal: kept, Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, run := range []func(context.Context) error{kept.Run, collector.Run} {
		group.Go(func() {
			if err := run(ctx); err != nil {
				h.t.Error(err)
			}
		})
	}
	h.stop = sync.OnceFunc(func() {
		cancel()
		group.Wait()
	})
	h.t.Cleanup(h.stop)
}

// texts is all of a stream, or of all services.
func (h *house) texts(name app.Name, q logs.Query) (all []string) {
	h.t.Helper()
	var at logs.Position
	for {
		page, err := h.journal.Newer(context.Background(), name, q, at, 1000)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, line := range page.Lines {
			all = append(all, line.Text)
		}
		if !page.More {
			return all
		}
		at = page.Next
	}
}

func printed(at time.Time, text string) docker.Line { return docker.Line{At: at, Text: text} }
