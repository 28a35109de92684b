package controller_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/archive/archivetest"
	"berth/controller/docker"
	"berth/controller/domaincheck"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/release"
	"berth/controller/routing"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/store/storetest"
	"berth/controller/uploads"
	"berth/controller/volume/volumetest"
	"berth/controller/volumes"
	"berth/test/patience"
	"berth/traefik"
)

// house is a controller over a real ledger, with engine and proxy in memory.
type house struct {
	*controller.Controller
	t        *testing.T
	folder   string
	ledger   *store.Store // of what is open now
	engine   *engine
	proxy    *proxy
	keeper   *volumetest.Keeper
	audit    *auditNotes
	onListed guarded[func(what string)] // after apps, or what is under way, were listed, before the list is returned
	key      secret.Key
	logged   *syncBuffer // the program's log
	stop     func()

	forbidden []app.Waiver // from the next open on
	base      traefik.Host
	reserved  []traefik.Host
	public    traefik.AdminRoute
	resolver  string // of the checks of hosts
	quota     int64  // of a volume
	disk      docker.Disk
	noRoom    func() error // refuses uploads
}

// AcceptUpdate sends the next archive of an app.
func (h *house) AcceptUpdate(ctx context.Context, name app.Name, archive *uploads.Archive, by string) (app.Release, error) {
	return h.Accept(ctx, controller.Upload{Name: name, Next: true, Archive: archive, By: by})
}

// ExamineUpdate asks what AcceptUpdate would do.
func (h *house) ExamineUpdate(ctx context.Context, name app.Name, archive *uploads.Archive) (app.Preview, error) {
	return h.Examine(ctx, controller.Upload{Name: name, Next: true, Archive: archive})
}

// AcceptImage has the next release of an app run an image.
func (h *house) AcceptImage(ctx context.Context, name app.Name, image plan.ImageReference, by string) (app.Release, error) {
	return h.Accept(ctx, controller.Upload{Name: name, Next: true, Image: image, By: by})
}

// AcceptHeld makes a new app of an archive that is held.
func (h *house) AcceptHeld(ctx context.Context, key controller.HeldKey, u controller.Upload) (app.Release, error) {
	u.Held = key
	return h.Accept(ctx, u)
}

// AcceptHeldUpdate makes the next release of an archive that is held.
func (h *house) AcceptHeldUpdate(ctx context.Context, key controller.HeldKey, name app.Name, by string) (app.Release, error) {
	return h.Accept(ctx, controller.Upload{Name: name, Next: true, Held: key, By: by})
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := emptyHouse(t)
	storetest.Put(t, h.folder)
	h.open()
	return h
}

// emptyHouse has no ledger yet, and is not open.
func emptyHouse(t *testing.T) *house {
	t.Helper()
	h := &house{
		t: t, resolver: "127.0.0.1:1", folder: t.TempDir(), engine: newEngine(), proxy: &proxy{}, keeper: volumetest.New(t), audit: &auditNotes{}, logged: &syncBuffer{},
	}
	var err error
	if h.key, err = secret.DeriveKey("a key of the tests"); err != nil {
		t.Fatal(err)
	}
	h.stop = func() {}
	t.Cleanup(func() { h.stop() })
	return h
}

// open starts a controller on the folder; after stop it may be called again, as after a crash.
func (h *house) open() {
	h.t.Helper()
	ledger, err := store.Open(h.t.Context(), filepath.Join(h.folder, "berth.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.ledger, h.engine.handles = ledger, ledger.Handles()
	watched := &watchedLedger{Store: ledger, house: h}
	h.Controller, err = controller.New(controller.Options{
		Ledger: watched, Engine: h.engine, DataFolder: h.folder, NoRoom: h.noRoom, Key: h.key, Handles: ledger.Handles(), Logger: slog.New(slog.NewTextHandler(h.logged, nil)),
		Reconciler: controller.ReconcilerOptions{Ledger: passLedger{watched}, Engine: h.engine},
		Release: release.Options{
			Ledger: watched, History: watched, Images: h.engine, Engine: h.engine, Owners: h.keeper, Proxy: h.proxy,
			BuildConcurrency: 1, BuildTimeout: time.Minute, BuildDisk: h.disk, Keep: func(context.Context) int { return 4 },
		},
		MaximumLimits: plan.Limits{MemoryBytes: 2 << 30, NanoCPUs: 2_000_000_000, Processes: 500},
		Audit:         h.audit, ForbiddenWaivers: h.forbidden,
		Volumes: volumes.Options{Ledger: watched, Keeper: h.keeper, Engine: h.engine, Quota: h.quota},
		Routing: routing.Options{
			Ledger: watched, Proxy: h.proxy, Publisher: h.proxy, Pages: "pages:8002",
			Reserved: h.reserved, Admin: h.public, Base: h.base, Check: domaincheck.Options{Resolver: h.resolver},
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
		if err := ledger.Close(); err != nil {
			h.t.Error(err)
		}
		h.stop = func() {}
	}
}

// watchedLedger is the ledger, with a place for a test to stand in.
type watchedLedger struct {
	*store.Store
	house *house
}

func (l *watchedLedger) ListUnderWay(ctx context.Context) ([]app.Release, error) {
	releases, err := l.Store.ListUnderWay(ctx)
	l.listed("under way")
	return releases, err
}

// passLedger is what a pass of the reconciler reads, with such a place too.
type passLedger struct{ *watchedLedger }

func (l passLedger) ListOverview(ctx context.Context) ([]app.App, map[app.Name]*app.Release, error) {
	apps, latest, err := l.Store.ListOverview(ctx)
	l.listed("apps")
	return apps, latest, err
}

func (l *watchedLedger) listed(what string) {
	if onListed := l.house.onListed.get(); onListed != nil {
		onListed(what)
	}
}

// syncBuffer takes a log from many goroutines.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func (h *house) receive(files map[string]string) *uploads.Archive {
	h.t.Helper()
	received, err := h.Receive(strings.NewReader(archivetest.Zip(h.t, files)))
	if err != nil {
		h.t.Fatal(err)
	}
	return received
}

func (h *house) good() *uploads.Archive {
	return h.receive(map[string]string{"Dockerfile": "FROM scratch\nCOPY . /\n"})
}

func (h *house) accept(name, path string) (app.Release, error) {
	h.t.Helper()
	route, err := h.Routing().ParseRoute(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.Accept(h.t.Context(), controller.Upload{Name: app.Name(name), Route: route, Archive: h.good(), By: "test"})
}

func (h *house) deploy(name string) app.Release {
	h.t.Helper()
	release, err := h.accept(name, "/"+name)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

func (h *house) update(name string) app.Release {
	h.t.Helper()
	release, err := h.AcceptUpdate(h.t.Context(), app.Name(name), h.good(), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

func (h *house) wait(id app.ReleaseID) (release app.Release) {
	h.t.Helper()
	h.eventually("the end of "+id.String(), func() bool {
		var err error
		if release, err = h.Release(h.t.Context(), id); err != nil {
			h.t.Fatal(err)
		}
		return !release.State.UnderWay()
	})
	return release
}

func (h *house) eventually(what string, check func() bool) {
	h.t.Helper()
	h.within(10*time.Second, what, check)
}

// within is eventually with a deadline of its own, for a quiet machine.
func (h *house) within(quiet time.Duration, what string, check func() bool) {
	h.t.Helper()
	if !patience.Eventually(quiet, check) {
		h.t.Fatalf("waited in vain for %s", what)
	}
}

func (h *house) uploads() []string {
	h.t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.folder, "uploads"))
	if err != nil {
		h.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestStory_UploadGoesLive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	release := h.deploy("hello")
	if release.State != app.ReleaseLive {
		t.Fatalf("release is %+v", release)
	}
	var states []app.ReleaseState
	for _, step := range release.Steps {
		states = append(states, step.State)
	}
	want := []app.ReleaseState{"queued", "building", "starting", "verifying", "live"}
	if !slices.Equal(states, want) {
		t.Errorf("steps are %v, want %v", states, want)
	}
	if got := h.proxy.servers(); len(got) != 1 || got[0] != "http://berth-hello-r1:8000" {
		t.Errorf("the proxy sends requests to %v", got)
	}
	if left := h.uploads(); !slices.Equal(left, []string{release.Archive}) {
		t.Errorf("the archive of what is live is not kept alone: %v", left)
	}
}

func TestStory_UpdateReplacesTheOldInstanceAfterThePromotion(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.update("hello")
	if got := h.proxy.servers(); len(got) != 1 || got[0] != "http://berth-hello-r2:8000" {
		t.Errorf("the proxy sends requests to %v", got)
	}
	h.eventually("the old instance to be retired", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello-r2"}) })
}

func TestStory_FailedUpdateChangesNothingThatAnyoneSees(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.proxy.status.set(502)
	h.engine.exited.put("berth-hello-r2", docker.Condition{ExitCode: 1})
	release := h.update("hello")
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "exit code 1") {
		t.Errorf("release is %+v", release)
	}
	app, err := h.App(t.Context(), "hello")
	if err != nil || app.Live != 1 {
		t.Errorf("live release is %d, %v", app.Live, err)
	}
	h.eventually("the failed instance to be gone", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello-r1"}) })
	h.eventually("the verify route to be gone", func() bool { return len(h.proxy.servers()) == 1 })
}

func TestStory_FailedUpdatesDoNotUseUpWhatCanBeRunAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.proxy.status.set(502)
	for number := 2; number <= 6; number++ {
		h.engine.exited.put(fmt.Sprintf("berth-hello-r%d", number), docker.Condition{ExitCode: 1})
		if release := h.update("hello"); release.State != app.ReleaseFailed {
			t.Fatalf("release is %+v", release)
		}
	}
	h.proxy.status.set(200)
	h.update("hello")
	h.eventually("the first instance to be retired", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello-r7"}) })
	h.stop() // what comes after it has ended
	h.open()
	back, err := h.Rollback(t.Context(), "hello", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	if back = h.wait(back.ReleaseID); back.State != app.ReleaseLive {
		t.Errorf("release is %+v", back)
	}
}

func TestStory_FailedBuildSaysWhy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error {
		return &docker.BuildError{Message: "The command make exited with 2"}
	})
	release := h.deploy("hello")
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "make exited with 2") {
		t.Errorf("release is %+v", release)
	}
	if left := h.uploads(); len(left) != 1 {
		t.Errorf("for another try %q is left", left)
	}
}

func TestStory_RefusalLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("taken")
	_, err := h.accept("taken", "/other")
	wantProblem(t, err, problem.KindConflict, "name")
	_, err = h.accept("other", "/taken")
	wantProblem(t, err, problem.KindConflict, "route")
	route, _ := h.Routing().ParseRoute("/other")
	bad := h.receive(map[string]string{"readme.txt": "x"})
	_, err = h.Accept(t.Context(), controller.Upload{Name: "other", Route: route, Archive: bad})
	wantProblem(t, err, problem.KindInvalid, "archive")
	if _, err := h.App(t.Context(), "other"); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("a refused upload left an app: %v", err)
	}
}

func TestStory_SecondReleaseWaitsAndShowsItsPlace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	release := make(chan struct{})
	h.engine.onBuild.set(func(ctx context.Context, _ docker.BuildOptions) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	first, err := h.accept("first", "/first")
	if err != nil {
		t.Fatal(err)
	}
	h.eventually("the first build", func() bool {
		found, _ := h.Release(t.Context(), first.ReleaseID)
		return found.State == app.ReleaseBuilding
	})
	second, err := h.accept("second", "/second")
	if err != nil {
		t.Fatal(err)
	}
	h.eventually("the second to wait", func() bool { return h.QueuePlace(second.ReleaseID) == 1 })
	if err := h.Cancel(t.Context(), first.ReleaseID); err != nil {
		t.Fatal(err)
	}
	if got := h.wait(first.ReleaseID); got.State != app.ReleaseCancelled {
		t.Errorf("cancelled release is %+v", got)
	}
	close(release)
	if got := h.wait(second.ReleaseID); got.State != app.ReleaseLive {
		t.Errorf("second release is %+v", got)
	}
	wantProblem(t, h.Cancel(t.Context(), first.ReleaseID), problem.KindConflict, "")
}

func TestStory_OneReleaseOfAnAppAtATime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	block := make(chan struct{})
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { <-block; return nil })
	release, err := h.AcceptUpdate(t.Context(), "hello", h.good(), "test")
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.AcceptUpdate(t.Context(), "hello", h.good(), "test")
	wantProblem(t, err, problem.KindConflict, "")
	close(block)
	h.wait(release.ReleaseID)
}

func TestStory_ReleaseThatBerthEndsWithAgainAndAgainFails(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	started := make(chan struct{}, 10)
	h.engine.onBuild.set(func(ctx context.Context, _ docker.BuildOptions) error {
		started <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	release, err := h.AcceptUpdate(t.Context(), "hello", h.good(), "test")
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		<-started
		h.stop()
		h.open()
	}
	if release = h.wait(release.ReleaseID); release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "ended 6 times") {
		t.Errorf("release is %+v", release)
	}
	if app, err := h.App(t.Context(), "hello"); err != nil || app.Live != 1 {
		t.Errorf("the app is %+v, %v", app, err)
	}
}

func TestStory_RestartResumesWhatWasUnderWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onBuild.set(func(ctx context.Context, _ docker.BuildOptions) error { <-ctx.Done(); return ctx.Err() })
	release, err := h.accept("hello", "/hello")
	if err != nil {
		t.Fatal(err)
	}
	h.eventually("the build", func() bool {
		found, _ := h.Release(t.Context(), release.ReleaseID)
		return found.State == app.ReleaseBuilding
	})
	h.stop()
	h.engine.onBuild.set(nil)
	h.open()
	if got := h.wait(release.ReleaseID); got.State != app.ReleaseLive {
		t.Errorf("resumed release is %+v", got)
	}
}

func TestStory_RestartRepairsTheEngineAndRemovesOrphans(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.stop()
	h.engine.mu.Lock()
	delete(h.engine.instances, "berth-hello-r1")
	h.engine.instances["berth-gone-r1"] = docker.Instance{ID: "berth-gone-r1", Name: "berth-gone-r1", App: "gone", Condition: docker.Condition{Running: true}}
	h.engine.mu.Unlock()
	old, long := filepath.Join(h.folder, "uploads", "old.upload"), time.Now().Add(-time.Minute)
	if err := errors.Join(os.WriteFile(old, nil, 0o600), os.Chtimes(old, long, long)); err != nil {
		t.Fatal(err)
	}
	h.open()
	h.eventually("the engine to be in line", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello-r1"}) })
	h.eventually("old uploads to be swept", func() bool { left := h.uploads(); return len(left) == 1 && left[0] != "old.upload" })
}

func TestStory_PassThatIsOlderThanAPromotionLeavesTheNewInstanceAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.stop()
	listed, returned := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.engine.onList.set(func() { once.Do(func() { close(listed); <-returned }) })
	h.open()
	<-listed // the first pass holds a list without r2
	h.update("hello")
	close(returned)
	h.eventually("the old instance to be retired", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello-r2"}) })
	if started, want := h.engine.started.get(), []string{"berth-hello-r1", "berth-hello-r2"}; !slices.Equal(started, want) {
		t.Errorf("started were %v, want %v: a serving instance was made again", started, want)
	}
}

// promotedDuringAPass accepts a release whose instance a pass of the reconciler sees,
// and which becomes live once the pass has asked the ledger its first question.
func (h *house) promotedDuringAPass(accept func() (app.Release, error)) {
	h.t.Helper()
	verifying, passing := make(chan struct{}), make(chan struct{})
	var probed, listed sync.Once
	h.proxy.onProbe.set(func() { probed.Do(func() { close(verifying); <-passing }) })
	release, err := accept()
	if err != nil {
		h.t.Fatal(err)
	}
	<-verifying
	h.onListed.set(func(string) {
		listed.Do(func() {
			close(passing)
			h.eventually("the log of the release to end", func() bool {
				return strings.Contains(h.logged.String(), fmt.Sprintf("release=%q took", release.String()))
			})
			time.Sleep(20 * time.Millisecond) // until nobody ships it any more
		})
	})
	h.engine.watching.get()(docker.Event{}) // asks for a pass
	if ended := h.wait(release.ReleaseID); ended.State != app.ReleaseLive {
		h.t.Fatalf("release is %+v", ended)
	}
}

func TestStory_PassThatListedAReleaseUnderWayDoesNotShipItAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.promotedDuringAPass(func() (app.Release, error) { return h.AcceptUpdate(t.Context(), "hello", h.good(), "test") })
	h.eventually("the old instance to be retired", func() bool { return slices.Equal(h.engine.names(), []string{"berth-hello-r2"}) })
	h.stop() // what was begun a second time has ended
	if strings.Contains(h.logged.String(), "did not become live") || !slices.Equal(h.engine.names(), []string{"berth-hello-r2"}) {
		t.Errorf("instances %q, the log says\n%s", h.engine.names(), h.logged)
	}
}

func TestStory_PassDoesNotRetireTheInstanceOfAFirstReleaseThatIsPromotedMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.promotedDuringAPass(func() (app.Release, error) { return h.accept("hello", "/hello") })
	time.Sleep(50 * time.Millisecond) // the pass goes on to what it takes for orphans
	h.stop()
	if retired := h.engine.retired.get(); len(retired) > 0 {
		t.Errorf("retired %q", retired)
	}
}

func TestStory_PassThatSawADeletionLeavesTheNextAppOfThatNameAlone(t *testing.T) {
	h := newHouse(t)
	h.deploy("hello")
	removing, seen := make(chan struct{}), make(chan struct{})
	var first, passing sync.Once
	h.engine.onRemove.set(func() error {
		first.Do(func() { close(removing); <-seen })
		return nil
	})
	deleted := make(chan error, 1)
	go func() { deleted <- h.Delete(t.Context(), "hello", "hello") }()
	<-removing
	var passes atomic.Int32
	h.onListed.set(func(what string) {
		if what != "apps" {
			return
		}
		passing.Do(func() { // this pass holds an app that is to be deleted
			close(seen)
			if err := <-deleted; err != nil {
				t.Error(err)
			}
			if release := h.deploy("hello"); release.State != app.ReleaseLive {
				t.Errorf("the next app's release is %+v", release)
			}
		})
		passes.Add(1)
	})
	h.engine.watching.get()(docker.Event{})
	h.eventually("the next pass", func() bool { return passes.Load() > 1 })
	if removed := h.engine.removed.get(); len(removed) != 1 {
		t.Errorf("%d times the app was removed", len(removed))
	}
	if app, err := h.App(t.Context(), "hello"); err != nil || app.Live != 1 {
		t.Errorf("the next app is %+v, %v", app, err)
	}
	if names := h.engine.names(); !slices.Equal(names, []string{"berth-hello-r1"}) {
		t.Errorf("instances %q", names)
	}
}

func TestStory_AppThatCannotBeRepairedKeepsNoOrphansAlive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("broken")
	h.stop()
	h.engine.mu.Lock()
	delete(h.engine.instances, "berth-broken-r1")
	delete(h.engine.images, "image-berth-broken-r1")
	h.engine.instances["berth-gone-r1"] = docker.Instance{ID: "berth-gone-r1", Name: "berth-gone-r1", App: "gone", Condition: docker.Condition{Running: true}}
	h.engine.mu.Unlock()
	h.open()
	h.eventually("the orphan to go", func() bool { return len(h.engine.names()) == 0 })
	if name, err := h.App(t.Context(), "broken"); err != nil || name.Observed.State != app.Down {
		t.Errorf("the app is %+v, %v", name.Observed, err)
	}
}

func TestStory_StopTakesTheRouteOffAndStartPutsItBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	if err := h.Stop(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	name, _ := h.App(t.Context(), "hello")
	if len(h.proxy.servers()) != 0 || name.Observed.State != app.Stopped {
		t.Errorf("stopped app is %+v, the proxy serves %v", name.Observed, h.proxy.servers())
	}
	if err := h.Start(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	name, _ = h.App(t.Context(), "hello")
	if len(h.proxy.servers()) != 1 || name.Observed.State != app.Running {
		t.Errorf("started app is %+v, the proxy serves %v", name.Observed, h.proxy.servers())
	}
}

func TestStory_FirstReleaseThatFailsShowsAPageUntilOneIsLive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.proxy.status.set(502)
	h.engine.exited.put("berth-hello-r1", docker.Condition{ExitCode: 1})
	release, err := h.accept("hello", "/hello")
	if err != nil {
		t.Fatal(err)
	}
	if routers := h.proxy.routers(); routers["hello-0-web"] != nil {
		t.Errorf("routed before it is live: %v", routers)
	}
	h.wait(release.ReleaseID)
	h.eventually("the page in place of the app", func() bool {
		router := h.proxy.routers()["hello-0-web"]
		return router != nil && router.Service == "pages" && len(h.proxy.servers()) == 0
	})
	if _, err := h.changeAccess(user("ann")); err != nil {
		t.Fatal(err)
	}
	if router := h.proxy.routers()["hello-0-web"]; !strings.Contains(strings.Join(router.Middlewares, " "), "hello-auth-x") {
		t.Errorf("the page is not behind the password: %v", router.Middlewares)
	}
	h.proxy.status.set(200)
	h.update("hello")
	if router := h.proxy.routers()["hello-0-web"]; router == nil || router.Service != "hello-r2" {
		t.Errorf("not live after the next release: %+v", router)
	}
}

func TestStory_RollbackRunsTheOldImage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.deploy("hello")
	h.update("hello")
	release, err := h.Rollback(t.Context(), "hello", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	if got := h.wait(release.ReleaseID); got.State != app.ReleaseLive || got.Image != first.Image || got.Cause != app.CauseRollback || got.RerunOf != 1 {
		t.Errorf("rollback is %+v", got)
	}
	_, err = h.Rollback(t.Context(), "hello", 3, "test")
	wantProblem(t, err, problem.KindConflict, "release")
}

func TestStory_DeleteRemovesEveryTrace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	wantProblem(t, h.Delete(t.Context(), "hello", "wrong"), problem.KindInvalid, "confirm")
	if err := h.Delete(t.Context(), "hello", "hello"); err != nil {
		t.Fatal(err)
	}
	if len(h.engine.names()) != 0 || len(h.proxy.servers()) != 0 {
		t.Errorf("left: %v, %v", h.engine.names(), h.proxy.servers())
	}
	if _, err := os.Stat(filepath.Join(h.folder, "logs", "hello")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the logs are left")
	}
	if release := h.deploy("hello"); release.Number != 1 {
		t.Errorf("a new app of the name starts at r%d", release.Number)
	}
}

func TestStory_DeleteThatTheEngineIsNotReadyForGoesOnByItself(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	var once sync.Once
	h.engine.onRemove.set(func() (err error) {
		once.Do(func() { err = docker.ErrUnavailable })
		return err
	})
	if err := h.Delete(t.Context(), "hello", "hello"); !errors.Is(err, controller.ErrStillRemoving) || !errors.Is(err, docker.ErrUnavailable) {
		t.Fatalf("Delete() = %v, want that it goes on, and why", err)
	}
	h.within(20*time.Second, "the app to go", func() bool {
		_, err := h.App(t.Context(), "hello")
		return problem.KindOf(err) == problem.KindNotFound && len(h.engine.names()) == 0
	})
}

func TestStory_DeleteCancelsTheReleaseUnderWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onBuild.set(func(ctx context.Context, _ docker.BuildOptions) error { <-ctx.Done(); return ctx.Err() })
	if _, err := h.accept("hello", "/hello"); err != nil {
		t.Fatal(err)
	}
	if err := h.Delete(t.Context(), "hello", "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.App(t.Context(), "hello"); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("the app is still there: %v", err)
	}
}

func TestReceive_CutsOffAnArchiveOverTheLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.Receive(io.LimitReader(zeros{}, 257<<20))
	wantProblem(t, err, problem.KindTooLarge, "archive")
	if left := h.uploads(); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func wantProblem(t *testing.T, err error, kind problem.Kind, field string) {
	t.Helper()
	problem, ok := errors.AsType[*problem.Problem](err)
	if !ok || problem.Kind != kind || problem.Field != field {
		t.Errorf("got %v, want a problem of kind %d at field %q", err, kind, field)
	}
	if ok && (problem.Message == "" || problem.Hint == "") {
		t.Errorf("the problem says too little: %+v", problem)
	}
}
