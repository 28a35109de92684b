package controller_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/uploads"
	"berth/test/patience"
)

// killsAtOnce is how many processes of one deed are killed beside each other.
const killsAtOnce = 8

// killedFile is an app with every kind of thing that Berth makes: secrets and configs
// as files, a service with data, one that is built and one that runs once.
const killedFile = `
services:
  web:
    build: ./web
    ports: ["8080:8000"]
    environment: {TITLE: "${TITLE:-none}"}
    secrets: [token]
    configs: [{source: page, target: /etc/page}]
    depends_on: {store: {condition: service_healthy}}
    labels: {berth.main_service: "true"}
  store:
    build: ./store
    volumes: ["entries:/data"]
    secrets: [token]
    healthcheck: {test: [CMD, /store, check]}
volumes: {entries: }
secrets: {token: {file: ./token.txt}}
configs: {page: {file: ./page.txt}}
`

// form is one way to describe an app.
type form struct {
	name    string
	archive func(h *house) *uploads.Archive
}

func (f form) accept(h *house) error {
	route, err := h.Routing().ParseRoute("/book")
	if err != nil {
		return err
	}
	_, err = h.Accept(h.t.Context(), controller.Upload{
		Name: "book", Route: route, Archive: f.archive(h), By: "test",
		Environment: []app.VariableWish{{Name: "KEY", Value: "a-secret-in-a-file", Secret: true, File: f.name == "single"}},
	})
	return err
}

func forms() []form {
	return []form{
		{"single", func(h *house) *uploads.Archive { return h.good() }},
		{"compose", func(h *house) *uploads.Archive {
			return h.guestbook("compose.yaml", killedFile, "page.txt", "a page")
		}},
	}
}

// deed is what is under way when the process is killed; before is what was done ahead.
type deed struct {
	name   string
	before func(h *house, f form)
	do     func(h *house, f form) error
}

func deeds() []deed {
	base := func(h *house, f form) {
		if err := f.accept(h); err != nil {
			h.t.Fatal(err)
		}
		h.live(app.Release{ReleaseID: app.ReleaseID{App: "book", Number: 1}})
	}
	update := func(h *house, f form) error {
		_, err := h.AcceptUpdate(h.t.Context(), "book", f.archive(h), "test")
		return err
	}
	return []deed{
		{"create", func(*house, form) {}, func(h *house, f form) error { return f.accept(h) }},
		{"update", base, update},
		{"rollback", func(h *house, f form) {
			base(h, f)
			if err := update(h, f); err != nil {
				h.t.Fatal(err)
			}
			h.live(app.Release{ReleaseID: app.ReleaseID{App: "book", Number: 2}})
		}, func(h *house, _ form) error {
			_, err := h.Rollback(h.t.Context(), "book", 1, "test")
			return err
		}},
		{"rename", base, func(h *house, _ form) error {
			_, _, err := h.rename("book", "shelf", false)
			return err
		}},
		{"delete", base, func(h *house, _ form) error { return h.Delete(h.t.Context(), "book", "book") }},
		{"environment", base, func(h *house, _ form) error {
			if _, err := h.UpdateEnvironment(h.t.Context(), "book", setVariable("TITLE", "other")); err != nil {
				return err
			}
			_, err := h.ApplyEnvironment(h.t.Context(), "book", "test")
			return err
		}},
		{"mounts", func(h *house, f form) {
			h.volume("data")
			base(h, f)
		}, func(h *house, _ form) error {
			_, err := h.UpdateMounts(h.t.Context(), "book", written("data"), "test")
			return err
		}},
	}
}

// TestKill_AtEveryCallLeavesNothingThatNoReleaseOwns kills the process before and after
// each call that changes the engine, and looks at what the next one makes of it.
func TestKill_AtEveryCallLeavesNothingThatNoReleaseOwns(t *testing.T) {
	if testing.Short() {
		t.Skip("it kills hundreds of processes")
	}
	t.Parallel()
	for _, form := range forms() {
		for _, deed := range deeds() {
			t.Run(deed.name+" "+form.name, func(t *testing.T) {
				t.Parallel()
				killEverywhere(t, form, deed)
			})
		}
	}
}

func killEverywhere(t *testing.T, f form, d deed) {
	t.Helper()
	calls := (&killing{form: f, deed: d}).count(t)
	slots := make(chan struct{}, killsAtOnce)
	var all sync.WaitGroup
	for at := 1; at <= len(calls); at++ {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			t.Run(fmt.Sprintf("%d %s", at, calls[at-1]), func(t *testing.T) { (&killing{form: f, deed: d, at: at}).run(t) })
		})
	}
	all.Wait()
}

// killing is one process that is killed at a call, and the next one.
type killing struct {
	form form
	deed deed
	at   int // which pass of the door it does not survive; 0 survives

	mu      sync.Mutex
	passes  []string
	killed  bool
	reached chan struct{}
	dead    chan struct{}
	next    *house
}

func (k *killing) open(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.engine.contents.put("store", "store v1")
	h.engine.contents.put("web", "web v1")
	h.engine.onLook.set(wellBehaved)
	k.reached, k.dead = make(chan struct{}), make(chan struct{})
	k.deed.before(h, k.form)
	h.engine.door.set(func(call string) { k.pass(h, call) })
	return h
}

// count does the deed undisturbed, and returns the passes.
func (k *killing) count(t *testing.T) []string {
	t.Helper()
	h := k.open(t)
	if err := k.deed.do(h, k.form); err != nil {
		t.Fatal(err)
	}
	h.clean()
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.passes)
}

func (k *killing) run(t *testing.T) {
	t.Helper()
	h := k.open(t)
	done := make(chan struct{})
	go func() { defer close(done); _ = k.deed.do(h, k.form) }() // one that is killed may never come back
	select {
	case <-k.reached:
	case <-time.After(patience.Of(5 * time.Second)):
		close(k.dead)
		<-done // this time there were fewer calls, or the machine was slow
		h.clean()
		return
	}
	close(k.dead)
	h.stop()
	k.next.open()
	t.Cleanup(func() { k.next.stop() })
	k.next.clean()
}

// pass keeps what the next process finds, and holds everything up from there on.
func (k *killing) pass(h *house, call string) {
	k.mu.Lock()
	k.passes = append(k.passes, call)
	if len(k.passes) == k.at {
		k.killed = true
		k.next = &house{
			t: h.t, folder: h.t.TempDir(), engine: h.engine.copied(), proxy: &proxy{}, keeper: h.keeper, audit: h.audit, key: h.key,
			logged: h.logged, resolver: h.resolver,
		}
		h.copyFolder(k.next.folder)
		close(k.reached)
	}
	killed := k.killed
	k.mu.Unlock()
	if killed {
		<-k.dead
	}
}

// clean waits until everything in the engine and the uploads is a release's.
func (h *house) clean() {
	h.t.Helper()
	var left []string
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if left = h.leftovers(); len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			h.t.Fatalf("left are %q\n%s", left, h.logged)
		}
	}
}

// leftovers is what no release owns, and what a release is without.
func (h *house) leftovers() []string {
	wanted, err := h.wanted()
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	used := make(map[string]bool)
	for name, instance := range h.engine.instances {
		found = append(found, "instance "+name)
		used[instance.Image] = true
	}
	for name := range h.engine.networks {
		found = append(found, "network "+name)
	}
	for _, extra := range h.engine.extras {
		_, there := h.engine.instances[extra.Instance]
		if !there && !used[extra.ID] && !slices.Contains(wanted, "image "+extra.ID) {
			found = append(found, string(extra.Kind)+" "+extra.ID)
		}
	}
	for _, file := range h.uploads() {
		found = append(found, "archive "+file)
	}
	return slices.Concat(withoutAll(found, wanted), slices.DeleteFunc(withoutAll(wanted, found), func(name string) bool {
		return strings.HasPrefix(name, "image ")
	}))
}

func withoutAll(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// wanted is what the ledger's releases have; nobody is under way any more.
func (h *house) wanted() ([]string, error) {
	name, err := h.App(context.Background(), "book")
	if problem.KindOf(err) == problem.KindNotFound {
		name, err = h.App(context.Background(), "shelf") // it was renamed
	}
	var fault *problem.Problem
	if errors.As(err, &fault) && fault.Kind == problem.KindNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if name.UnderWay != nil || name.Live == 0 {
		return nil, errors.New("a release is under way")
	}
	live, err := h.Release(context.Background(), app.ReleaseID{App: name.Name, Number: name.Live})
	if err != nil {
		return nil, err
	}
	wanted := []string{"network " + networkName("book", live.Network())}
	for _, name := range live.Instances {
		wanted = append(wanted, "instance "+name)
	}
	for number := int64(1); number <= live.Number; number++ {
		old, err := h.Release(context.Background(), app.ReleaseID{App: name.Name, Number: number})
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, "image "+old.Image)
		if old.Archive != "" && (old.State == app.ReleaseLive || old.State == app.ReleaseSuperseded) {
			wanted = append(wanted, "archive "+old.Archive)
		}
		for _, run := range old.Services {
			wanted = append(wanted, "image "+run.Image)
		}
	}
	return wanted, nil
}
