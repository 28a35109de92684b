package controller_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/renaming"
	"berth/controller/volume"
	"berth/traefik"
)

func (h *house) rename(name, to string, redirect bool) (app.Name, app.Release, error) {
	renames := renaming.Renames{Story: h, Ledger: h.ledger, Routing: h.Routing(), Key: h.key}
	return renames.Rename(h.t.Context(), renaming.Wish{App: app.Name(name), To: to, Redirect: redirect, By: "test"})
}

func (h *house) renamed(name, to string) app.Release {
	h.t.Helper()
	_, release, err := h.rename(name, to, false)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

func TestRename_RunsWhatIsLiveUnderTheNewNameAndItsRouteFollows(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.deploy("hello")
	release := h.renamed("hello", "store")
	if release.State != app.ReleaseLive || release.ReleaseID != (app.ReleaseID{App: "store", Number: 2}) || release.Image != first.Image {
		t.Fatalf("release is %+v", release)
	}
	if _, err := h.App(t.Context(), "hello"); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("the former name is there: %v", err)
	}
	found, err := h.App(t.Context(), "store")
	if err != nil || !slices.Equal(found.Routes, []traefik.Route{{Path: "/store"}}) || found.Live != 2 {
		t.Errorf("routes %v, live %d, %v", found.Routes, found.Live, err)
	}
	h.eventually("the old instance to be retired", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello-r2"}) })
	if text := h.log(app.Release{ReleaseID: app.ReleaseID{App: "store", Number: 1}}); text == "" {
		t.Error("the log of the first release is gone")
	}
	if kept := h.networks(); !slices.Equal(kept, []string{"hello"}) {
		t.Errorf("networks are %v", kept)
	}
}

func TestRename_AFailedReleaseLeavesWhatRanUnderTheNewName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.proxy.status.set(502)
	h.engine.exited.put("berth-hello-r2", docker.Condition{ExitCode: 1})
	if release := h.renamed("hello", "store"); release.State != app.ReleaseFailed {
		t.Fatalf("release is %+v", release)
	}
	if found, err := h.App(t.Context(), "store"); err != nil || found.Live != 1 {
		t.Errorf("live release is %d, %v", found.Live, err)
	}
	h.eventually("the first instance to go on alone", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello-r1"}) })
	h.eventually("requests to go to it alone", func() bool { return slices.Equal(h.proxy.servers(), []string{"http://berth-hello-r1:8000"}) })
}

func TestRename_AnotherAppMayHaveTheFormerName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.renamed("hello", "store")
	if other := h.deploy("hello"); other.State != app.ReleaseLive || other.Number != 1 {
		t.Fatalf("release is %+v", other)
	}
	h.eventually("one instance of each", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello--2-r1", "berth-hello-r2"}) })
	if err := h.Delete(t.Context(), "hello", "hello"); err != nil {
		t.Fatal(err)
	}
	h.eventually("the renamed app alone", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello-r2"}) })
	if text := h.log(app.Release{ReleaseID: app.ReleaseID{App: "store", Number: 2}}); text == "" {
		t.Error("the other app's deletion took the logs of this one")
	}
	if back := h.renamed("store", "hello"); back.State != app.ReleaseLive || back.Number != 3 {
		t.Errorf("back again: %+v", back)
	}
}

func TestRename_ComposeAppKeepsItsDataAndItsSecrets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onLook.set(wellBehaved)
	before := h.live(h.deployBook())
	after := h.renamed("book", "shelf")
	if after.State != app.ReleaseLive {
		t.Fatalf("release is %+v\n%s", after, h.log(after))
	}
	volumes := func(release app.Release) (names []string) {
		for _, mount := range release.AllMounts() {
			names = append(names, string(mount.Volume))
		}
		return names
	}
	if was, is := volumes(before), volumes(after); len(was) == 0 || !slices.Equal(was, is) {
		t.Errorf("volumes were %v and are %v", was, is)
	}
	// A file of the archive is sealed for the app: the next start opens it.
	if _, err := h.Shipper().MaskOf(t.Context(), after); err != nil {
		t.Errorf("secrets cannot be opened: %v", err)
	}
	if again := h.live(h.updateOf("shelf")); again.Number != after.Number+1 {
		t.Errorf("the next release is %+v", again)
	}
}

func (h *house) updateOf(name app.Name) app.Release {
	h.t.Helper()
	release, err := h.AcceptUpdate(h.t.Context(), name, h.guestbook(), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return release
}

func TestRename_NobodyMakesAVolumeThatLooksLikeThatOfAnApp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.renamed("hello", "store")
	for name, want := range map[volume.Name]problem.Kind{"hello_data": problem.KindConflict, "store_data": problem.KindConflict} {
		if err := h.Volumes().Create(t.Context(), name, ""); problem.KindOf(err) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := h.Volumes().Create(t.Context(), "other_data", ""); err != nil {
		t.Error(err)
	}
}

func TestRename_StoppedAppStaysStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	if err := h.Stop(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	to, release, err := h.rename("hello", "store", false)
	if err != nil || to != "store" || release.Number != 0 {
		t.Fatalf("%s, %+v, %v", to, release, err)
	}
	if err := h.Start(t.Context(), "store"); err != nil {
		t.Errorf("start: %v", err)
	}
}

func TestRename_FormerPathRedirectsIfAskedUntilAnAppHasIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	_, release, err := h.rename("hello", "store", true)
	if err != nil {
		t.Fatal(err)
	}
	h.wait(release.ReleaseID)
	redirects := func() bool {
		table, err := h.ledger.Table(t.Context())
		return err == nil && slices.ContainsFunc(table.Routings, func(r app.Routing) bool {
			return r.App == "store" && r.Moved == "/store" && slices.Equal(r.Routes, []traefik.Route{{Path: "/hello"}})
		})
	}
	if !redirects() {
		t.Fatal("the former path does not redirect")
	}
	if rules := h.proxy.rules(); !slices.ContainsFunc(slices.Collect(maps.Keys(rules)), func(rule string) bool { return strings.Contains(rule, "`/hello`") }) {
		t.Errorf("the proxy was told of no redirect: %v\n%s", rules, h.logged)
	}
	h.deploy("hello")
	if redirects() {
		t.Error("a path that an app has redirects")
	}
}

func TestRename_SaysAllThatIsWrongWithTheName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.deploy("other")
	if _, err := h.accept("third", "/store"); err != nil {
		t.Fatal(err)
	}
	h.wait(app.ReleaseID{App: "third", Number: 1})
	for to, words := range map[string]string{
		"No Name": "is not a name for an app", "hello": "is called hello already", "other": "There is an app called other already",
		"store": "the app third has it", "admin": "/admin",
	} {
		_, _, err := h.rename("hello", to, false)
		fault, ok := errors.AsType[*problem.Problem](err)
		if !ok || fault.Field != renaming.FieldName || !strings.Contains(fault.Message, words) || fault.Hint == "" {
			t.Errorf("%s: %v", to, err)
		}
	}
	if _, _, err := h.rename("none", "store", false); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("of no app: %v", err)
	}
	if found, err := h.App(t.Context(), "hello"); err != nil || found.Live != 1 {
		t.Errorf("a refused name changed something: %v", err)
	}
}

func TestRename_RefusesWhileAReleaseIsUnderWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	held := make(chan struct{})
	h.engine.onStart.set(func(docker.StartOptions) error { <-held; return nil })
	release, err := h.AcceptUpdate(t.Context(), "hello", h.good(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.rename("hello", "store", false); problem.KindOf(err) != problem.KindConflict || !strings.Contains(err.Error(), "under way") {
		t.Errorf("it was renamed: %v", err)
	}
	close(held)
	h.wait(release.ReleaseID)
}
