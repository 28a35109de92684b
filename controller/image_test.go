package controller_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/release"
)

const (
	webTag  = "registry.example/web:1"
	digestA = "registry.example/web@sha256:aaaa"
	digestB = "registry.example/web@sha256:bbbb"
)

// registry lets the engine pull what it has under the tag at the moment.
func (h *house) registry(id, digest string) {
	h.engine.onPull.set(func(o docker.PullOptions) (docker.Image, string, error) {
		if o.Reference == digestA { // what a digest names never changes
			return docker.Image{ID: "image-a", Exposed: []uint16{8000}}, digestA, nil
		}
		return docker.Image{ID: id, Exposed: []uint16{8000}}, digest, nil
	})
}

func (h *house) noRegistry() {
	h.engine.onPull.set(func(docker.PullOptions) (docker.Image, string, error) {
		return docker.Image{}, "", &docker.PullError{Message: "Its registry cannot be reached.", Hint: "Check the server's connection.", Err: errors.New("dial")}
	})
}

func (h *house) deployImage(name string) app.Release {
	h.t.Helper()
	route, err := h.Routing().ParseRoute("/" + name)
	if err != nil {
		h.t.Fatal(err)
	}
	release, err := h.Accept(h.t.Context(), controller.Upload{Name: app.Name(name), Route: route, Image: webTag, By: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

func (h *house) updateImage(name string) app.Release {
	h.t.Helper()
	release, err := h.AcceptImage(h.t.Context(), app.Name(name), webTag, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

func (h *house) logOf(id app.ReleaseID) string {
	h.t.Helper()
	log, err := h.ReleaseLog(id)
	if err != nil {
		h.t.Fatal(err)
	}
	defer log.Close()
	text, err := io.ReadAll(log)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

func TestImage_ReleaseIsPinnedToTheDigestOfItsRegistry(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registry("image-a", digestA)
	release := h.deployImage("web")
	if release.State != app.ReleaseLive || release.Image != "image-a" || release.Reference != webTag || release.Pinned() != digestA {
		t.Fatalf("release is %+v", release)
	}
	if left := h.uploads(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestImage_SameTagAgainIsANewReleaseAndARollbackRunsTheOldDigest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registry("image-a", digestA)
	h.deployImage("web")
	h.registry("image-b", digestB)
	second := h.updateImage("web")
	if second.Number != 2 || second.State != app.ReleaseLive || second.Image != "image-b" || second.Pinned() != digestB {
		t.Fatalf("release is %+v", second)
	}
	back, err := h.Rollback(t.Context(), "web", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	if back = h.wait(back.ReleaseID); back.State != app.ReleaseLive || back.Image != "image-a" || back.Pinned() != digestA {
		t.Errorf("release is %+v", back)
	}
}

func TestImage_RollbackPullsADigestThatTheServerHasLost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registry("image-a", digestA)
	h.deployImage("web")
	h.registry("image-b", digestB)
	h.updateImage("web")
	h.engine.mu.Lock()
	delete(h.engine.images, "image-a")
	h.engine.mu.Unlock()
	back, err := h.Rollback(t.Context(), "web", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	if back = h.wait(back.ReleaseID); back.State != app.ReleaseLive || back.Image != "image-a" {
		t.Errorf("release is %+v", back)
	}
}

func TestImage_WithoutARegistryTheOneOnTheServerRunsAndIsSaidSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.noRegistry()
	h.engine.mu.Lock()
	h.engine.images[webTag] = true
	h.engine.mu.Unlock()
	release := h.deployImage("web")
	if release.State != app.ReleaseLive || release.Digest != "" || release.Pinned() != webTag {
		t.Fatalf("release is %+v", release)
	}
	if log := h.logOf(release.ReleaseID); !strings.Contains(log, "Its registry cannot be reached.") || !strings.Contains(log, "on the server is used") {
		t.Errorf("the log does not say so: %s", log)
	}
}

func TestImage_ThatCannotBeHadFailsWithTheNextStepAndLeavesTheOldOneServing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registry("image-a", digestA)
	h.deployImage("web")
	h.noRegistry()
	release := h.updateImage("web")
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "cannot be reached") || release.Hint != "Check the server's connection." {
		t.Errorf("release is %+v", release)
	}
	if app, err := h.App(t.Context(), "web"); err != nil || app.Live != 1 {
		t.Errorf("live is r%d, %v", app.Live, err)
	}
}

func TestImage_OfAFailedReleaseIsNotRemovedFromTheServer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registry("image-a", digestA)
	h.engine.onStart.set(func(docker.StartOptions) error {
		return &docker.StartError{Message: "No.", Err: errors.New("no")}
	})
	if release := h.deployImage("web"); release.State != app.ReleaseFailed {
		t.Fatalf("release is %+v", release)
	}
	if _, err := h.engine.FindImage(t.Context(), "image-a"); err != nil {
		t.Errorf("the image is gone: %v", err)
	}
}

func TestImage_WithLabelsOfOursIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onPull.set(func(docker.PullOptions) (docker.Image, string, error) {
		return docker.Image{}, "", &docker.ForgedLabelError{Label: "traefik.enable"}
	})
	release := h.deployImage("web")
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "traefik.enable") {
		t.Errorf("release is %+v", release)
	}
}

func TestImage_RunsUnderTheSamePolicy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registry("image-a", digestA)
	started := h.recordStarts()
	h.deployImage("web")
	service := started("berth-web-r1").Service
	if service.Limits != plan.DefaultLimits() || service.Waivers.WritableRoot || service.Waivers.RunsAsRoot() {
		t.Errorf("it was started as %+v", service)
	}
}

func TestImage_KnownDatabaseThatDiesIsOfferedTheWaiver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registry("image-a", digestA)
	h.proxy.status.set(502)
	h.engine.exited.put("berth-db-r1", docker.Condition{ExitCode: 1})
	route, _ := h.Routing().ParseRoute("/db")
	release, err := h.Accept(t.Context(), controller.Upload{Name: "db", Route: route, Image: "docker.io/library/postgres:17", By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if release = h.wait(release.ReleaseID); !strings.Contains(release.Hint, `security exception "root start"`) || !strings.Contains(release.Hint, "postgres") {
		t.Errorf("release is %+v", release)
	}
}

func TestParseImage_WordsWhatIsWrongAtItsField(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "nginx", "Not An Image", "a:b:c", strings.Repeat("a", 600) + ":1", "nginx:1\n--privileged"} {
		_, err := release.ParseImage(text)
		wantProblem(t, err, problem.KindInvalid, "image")
	}
	if image, err := release.ParseImage(" nginx:1.27 "); err != nil || image != "docker.io/library/nginx:1.27" {
		t.Errorf("got %q, %v", image, err)
	}
}

func TestWaivers_OfTheOperatorsListAreRefusedEverywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	loose := app.DefaultSettings()
	loose.Database = true
	h.updateSettings("hello", loose)
	h.updateSettings("hello", app.DefaultSettings()) // r3; r2 holds the waiver
	h.updateSettings("hello", loose)                 // r4, live
	h.stop()
	h.forbidden = []app.Waiver{app.WaiverDatabase}
	h.open()

	form := loose.Form()
	_, err := h.ParseSettings(form)
	wantProblem(t, err, problem.KindConflict, "database")
	_, err = h.Rollback(t.Context(), "hello", 2, "test")
	wantProblem(t, err, problem.KindConflict, "database")
	archive := h.good()
	defer archive.Discard()
	_, err = h.AcceptUpdate(t.Context(), "hello", archive, "test")
	wantProblem(t, err, problem.KindConflict, "database")
	_, err = h.ExamineUpdate(t.Context(), "hello", archive)
	wantProblem(t, err, problem.KindConflict, "database")
	_, err = h.AcceptImage(t.Context(), "hello", webTag, "test")
	wantProblem(t, err, problem.KindConflict, "database")
	if release := h.updateSettings("hello", app.DefaultSettings()); release.State != app.ReleaseLive {
		t.Errorf("the way out of the waiver: %+v", release)
	}
	wish := controller.Upload{Name: "hello", Next: true, Archive: archive, By: "test", Settings: &loose}
	_, err = h.Accept(t.Context(), wish)
	wantProblem(t, err, problem.KindConflict, "database")
}

func TestWaivers_OfAnUpdateAreRecorded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.audit.taken()
	loose := app.DefaultSettings()
	loose.WritableRoot = true
	release, err := h.Accept(t.Context(), controller.Upload{Name: "hello", Next: true, Archive: h.good(), By: "ada", Settings: &loose})
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	if lines := strings.Join(h.audit.taken(), "\n"); !strings.Contains(lines, "writable root") {
		t.Errorf("recorded %s", lines)
	}
}

func TestWaivers_RootStartIsRecordedForbiddenAndOfTheReleaseThatHasIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	started := h.recordStarts()
	h.deploy("hello")
	h.audit.taken()
	loose := app.DefaultSettings()
	loose.Choices.RootStart = plan.MainService
	if release := h.updateSettings("hello", loose); release.Settings.Choices.RootStart != plan.MainService {
		t.Errorf("got %+v", release.Settings)
	}
	if service := started("berth-hello-r2").Service; !service.Waivers.RootStart || service.Waivers.Database {
		t.Errorf("it was started as %+v", service.Waivers)
	}
	h.updateSettings("hello", app.DefaultSettings()) // r3
	if service := started("berth-hello-r3").Service; service.Waivers.RootStart {
		t.Errorf("it was started as %+v", service.Waivers)
	}
	if lines := h.audit.taken(); !slices.Contains(lines, "WAIVER_GRANT app hello true by test: root start (main)") || !slices.Contains(lines, "WAIVER_REVOKE app hello true by test: root start (main)") {
		t.Errorf("recorded %q", lines)
	}
	h.stop()
	h.forbidden = []app.Waiver{app.WaiverDatabase} // which is a part of it
	h.open()
	_, err := h.ParseSettings(loose.Form())
	wantProblem(t, err, problem.KindConflict, "root_start")
	_, err = h.Rollback(t.Context(), "hello", 2, "test")
	wantProblem(t, err, problem.KindConflict, "root_start")
	archive := h.good()
	defer archive.Discard()
	_, err = h.Accept(t.Context(), controller.Upload{Name: "hello", Next: true, Archive: archive, By: "test", Settings: &loose})
	wantProblem(t, err, problem.KindConflict, "root_start")
	preview, err := h.Examine(t.Context(), controller.Upload{Name: "hello", Next: true, Archive: archive, By: "test"})
	if err != nil || !preview.RootStartForbidden {
		t.Errorf("preview %+v, %v", preview, err)
	}
}

func TestWaivers_OfDatabasesAreRecordedWithTheirServices(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("shop")
	h.audit.taken()
	loose := app.DefaultSettings()
	loose.Database, loose.DatabaseServices = true, "cache,db"
	h.updateSettings("shop", loose)
	h.updateSettings("shop", app.DefaultSettings())
	lines := h.audit.taken()
	for _, want := range []string{
		"WAIVER_GRANT app shop true by test: database (cache, db)", "WAIVER_REVOKE app shop true by test: database (cache, db)",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no %q in %q", want, lines)
		}
	}
}

func TestParseForbiddenWaivers_KnowsTheNamesAndNoOthers(t *testing.T) {
	t.Parallel()
	got, err := app.ParseForbiddenWaivers(" database,writable-root,root-start, ")
	if err != nil || !slices.Equal(got, []app.Waiver{app.WaiverDatabase, app.WaiverWritableRoot, app.WaiverRootStart}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := app.ParseForbiddenWaivers("databases"); err == nil {
		t.Error("a waiver that there is not was taken")
	}
}

func TestParseServiceNames_SortsAndRefuses(t *testing.T) {
	t.Parallel()
	if got, err := app.ParseServiceNames(" db, cache\tdb,"); err != nil || got != "cache,db" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, text := range []string{"DB", "-db", "db;drop", "dä", strings.Repeat("a", 64)} {
		_, err := app.ParseServiceNames(text)
		wantProblem(t, err, problem.KindInvalid, "database_services")
	}
}

func TestSettings_FallbackAloneWaitsForTheNextUpload(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("site")
	routed := app.DefaultSettings()
	routed.Fallback = true
	release, err := h.UpdateSettings(t.Context(), "site", routed, "test")
	if err != nil || release.Number != 0 {
		t.Fatalf("got %+v, %v", release, err)
	}
	var built docker.BuildOptions
	h.engine.onBuild.set(func(_ context.Context, o docker.BuildOptions) error { built = o; return nil })
	next, err := h.AcceptUpdate(t.Context(), "site", h.receive(map[string]string{"index.html": "<h1>hello</h1>"}), "test")
	if err != nil {
		t.Fatal(err)
	}
	next = h.wait(next.ReleaseID)
	if !next.Settings.Fallback || built.Build.Generated == nil || !strings.Contains(built.Build.Generated.Dockerfile, "--fallback") {
		t.Errorf("release is %+v, built with %+v", next, built.Build.Generated)
	}
}

func FuzzParseServiceNames(f *testing.F) {
	for _, text := range []string{"db, cache", "a,,b", "DB", "a\x00b", strings.Repeat("a,", 200)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names, err := app.ParseServiceNames(text)
		if err != nil {
			wantProblem(t, err, problem.KindInvalid, "database_services")
			return
		}
		// What was read is read as the same, and is what the ledger takes.
		if again, err := app.ParseServiceNames(string(names)); err != nil || again != names || strings.Trim(string(names), "abcdefghijklmnopqrstuvwxyz0123456789_,-") != "" {
			t.Errorf("%q became %q, and that %q, %v", text, names, again, err)
		}
	})
}

func TestWaivers_OfDatabasesCanComeWithTheUpload(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	route, err := h.Routing().ParseRoute("/db")
	if err != nil {
		t.Fatal(err)
	}
	wish := controller.Upload{Name: "db", Route: route, Image: "docker.io/library/postgres:17", By: "test"}
	preview, err := h.Examine(t.Context(), wish)
	if err != nil || !strings.Contains(strings.Join(preview.Reasons, " "), `is made of the image postgres, which starts as root and drops root later: it needs the security exception "root start"`) {
		t.Errorf("preview %+v, %v", preview, err)
	}
	wish.Settings = &app.Settings{Database: true}
	preview, err = h.Examine(t.Context(), wish)
	if err != nil || strings.Contains(strings.Join(preview.Reasons, " "), "waiver") {
		t.Errorf("with the waiver: preview %+v, %v", preview, err)
	}
	release, err := h.Accept(t.Context(), wish)
	if err != nil || !release.Settings.Database {
		t.Fatalf("release %+v, %v", release, err)
	}
	if lines := h.audit.taken(); !slices.Contains(lines, "WAIVER_GRANT app db true by test: database") {
		t.Errorf("recorded %q", lines)
	}
	h.stop()
	h.forbidden = []app.Waiver{app.WaiverDatabase}
	h.open()
	wish.Name, wish.Route.Path = "other", "/other"
	_, err = h.Accept(t.Context(), wish)
	wantProblem(t, err, problem.KindConflict, "database")
	_, err = h.Examine(t.Context(), wish)
	wantProblem(t, err, problem.KindConflict, "database")
}
