package controller_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/uploads"
)

const ada, grace = "account 1", "account 2"

func (h *house) site() *uploads.Archive {
	received := h.receive(map[string]string{"index.html": "<h1>Hello</h1>"})
	received.Name = "site.zip"
	return received
}

// check examines a static site as a new app and holds it.
func (h *house) check(owner string) (controller.Held, controller.HeldKey) {
	h.t.Helper()
	received := h.site()
	preview, err := h.Examine(h.t.Context(), h.wish("site", received))
	if err != nil {
		h.t.Fatal(err)
	}
	held := h.Hold(owner, "", received, preview)
	return held, controller.HeldKey{Owner: owner, ID: held.ID}
}

func (h *house) wish(name string, received *uploads.Archive) controller.Upload {
	h.t.Helper()
	route, err := h.Routing().ParseRoute("/" + name)
	if err != nil {
		h.t.Fatal(err)
	}
	return controller.Upload{Name: app.Name(name), Route: route, Archive: received, By: "test"}
}

func (h *house) wantApps(want int) {
	h.t.Helper()
	if apps, err := h.Apps(h.t.Context()); err != nil || len(apps) != want {
		h.t.Errorf("there are %d apps, want %d: %v", len(apps), want, err)
	}
}

func TestExamine_SaysHowAnArchiveWillBeBuiltAndClaimsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, test := range map[string]struct {
		files     map[string]string
		kind, own string
		says      []string // in the Dockerfile that Berth wrote
	}{
		"a site":         {map[string]string{"index.html": "x"}, "Static site", "", []string{"# Written by Berth", "FROM scratch"}},
		"Go":             {map[string]string{"go.mod": "module x\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() {}\n"}, "Go", "", []string{"FROM golang:"}},
		"its own":        {map[string]string{"Dockerfile": "FROM scratch\nCOPY . /\n", "index.html": "x"}, "Dockerfile", "Dockerfile", nil},
		"a hostile name": {map[string]string{"package.json": `{"name":"<script>alert(1)</script>\nRUN id","scripts":{"start":"node ."}}`, "index.js": ""}, "Node.js", "", []string{"FROM node"}},
	} {
		received := h.receive(test.files)
		preview, err := h.Examine(t.Context(), h.wish("hello", received))
		received.Discard()
		if err != nil || preview.Kind != test.kind || preview.Own != test.own || !slices.Equal(preview.Services, []string{"main"}) {
			t.Errorf("%s: %+v, %v", name, preview, err)
		}
		for _, text := range test.says {
			if !strings.Contains(preview.Dockerfile, text) {
				t.Errorf("%s: %q is not in %s", name, text, preview.Dockerfile)
			}
		}
		if len(test.says) == 0 && preview.Dockerfile != "" || strings.Contains(preview.Dockerfile, "RUN id") {
			t.Errorf("%s: wrote %s", name, preview.Dockerfile)
		}
	}
	h.wantApps(0)
	if left := h.uploads(); len(left) != 0 || len(h.audit.taken()) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestExamine_RefusesWhatAcceptWouldRefuse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	taken := h.wish("other", h.site())
	taken.Route = h.wish("hello", nil).Route
	for field, wish := range map[string]controller.Upload{
		"name": h.wish("hello", h.site()), "route": taken,
		"archive": h.wish("other", h.receive(map[string]string{"notes.txt": "nothing to run"})),
	} {
		_, err := h.Examine(t.Context(), wish)
		problem, ok := errors.AsType[*problem.Problem](err)
		if !ok || problem.Field != field {
			t.Errorf("at %s: %v", field, err)
		}
	}
	if _, err := h.ExamineUpdate(t.Context(), "missing", h.site()); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("an app that is missing: %v", err)
	}
}

func TestHeld_IsDeployedWithoutBeingSentAgainAndItsFileIsGoneAfterwards(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	held, key := h.check(ada)
	if held.Name != "site.zip" || held.Bytes == 0 || held.Preview.Dockerfile == "" || len(h.uploads()) != 1 {
		t.Fatalf("held is %+v, uploads %q", held, h.uploads())
	}
	release, err := h.AcceptHeld(t.Context(), key, h.wish("site", nil))
	if err != nil {
		t.Fatal(err)
	}
	ended := h.wait(release.ReleaseID)
	if ended.State != app.ReleaseLive || ended.ArchiveName != "site.zip" {
		t.Errorf("release is %+v", ended)
	}
	if left := h.uploads(); !slices.Equal(left, []string{ended.Archive}) {
		t.Errorf("left behind: %q", left)
	}

	received := h.site()
	preview, err := h.ExamineUpdate(t.Context(), "site", received)
	if err != nil {
		t.Fatal(err)
	}
	key.ID = h.Hold(ada, "site", received, preview).ID
	if _, err := h.AcceptHeld(t.Context(), key, h.wish("other", nil)); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("an update became a new app: %v", err)
	}
	if release, err = h.AcceptHeldUpdate(t.Context(), key, "site", "test"); err != nil || release.Number != 2 {
		t.Fatalf("%+v, %v", release, err)
	}
	h.wait(release.ReleaseID)
	h.wantApps(1)
}

func TestHeld_ManyClicksOnDeployAreOneApp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, key := h.check(ada)
	var clicks sync.WaitGroup
	for range 8 {
		clicks.Go(func() {
			release, err := h.AcceptHeld(t.Context(), key, h.wish("site", nil))
			if err != nil || release.Number != 1 || release.App != "site" {
				t.Errorf("%+v, %v", release, err)
			}
		})
	}
	clicks.Wait()
	h.wantApps(1)
	h.wait(app.ReleaseID{App: "site", Number: 1})
}

func TestHeld_BelongsToWhoSentIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, key := h.check(ada)
	for _, owner := range []string{grace, "token 1", ""} {
		foreign := controller.HeldKey{Owner: owner, ID: key.ID}
		_, err := h.Held(foreign)
		_, deployErr := h.AcceptHeld(t.Context(), foreign, h.wish("site", nil))
		h.Drop(foreign)
		if problem.KindOf(err) != problem.KindConflict || problem.KindOf(deployErr) != problem.KindConflict {
			t.Errorf("%q: %v, %v", owner, err, deployErr)
		}
	}
	h.wantApps(0)
	if _, err := h.Held(key); err != nil {
		t.Errorf("its owner has lost it: %v", err)
	}
	h.Drop(key)
	if _, err := h.Held(key); err == nil || len(h.uploads()) != 0 {
		t.Errorf("dropped, and still there: %q", h.uploads())
	}
}

func TestHeld_StaysAfterARefusal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	_, key := h.check(ada)
	if _, err := h.AcceptHeld(t.Context(), key, h.wish("hello", nil)); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("a name that is taken: %v", err)
	}
	release, err := h.AcceptHeld(t.Context(), key, h.wish("site", nil))
	if err != nil {
		t.Fatal(err)
	}
	h.wait(release.ReleaseID)
}

func TestHeld_OldestOfAnOwnerGivesWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, others := h.check(grace)
	var keys []controller.HeldKey
	for range 4 {
		_, key := h.check(ada)
		keys = append(keys, key)
	}
	for i, key := range append(keys, others) {
		if _, err := h.Held(key); (err == nil) != (i > 0) {
			t.Errorf("archive %d: %v", i, err)
		}
	}
	if left := h.uploads(); len(left) != 4 {
		t.Errorf("%d files are held", len(left))
	}
}

func TestHeld_IsGoneAfterARestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, key := h.check(ada)
	h.stop()
	h.open()
	_, err := h.AcceptHeld(t.Context(), key, h.wish("site", nil))
	problem, _ := errors.AsType[*problem.Problem](err)
	if problem == nil || problem.Field != "archive" || !strings.Contains(problem.Hint, "not over a restart") {
		t.Errorf("after a restart: %v", err)
	}
	h.eventually("the file to be swept", func() bool { return len(h.uploads()) == 0 })
	h.wantApps(0)
}

func TestParseHeldID_TakesNothingElse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "1", "hello", strings.Repeat("A", 25), strings.Repeat("A", 27), strings.Repeat("a", 26), strings.Repeat("/", 26)} {
		if _, err := controller.ParseHeldID(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
