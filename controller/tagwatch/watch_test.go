package tagwatch_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/registries/registriestest"
	"berth/controller/store"
	"berth/controller/store/storetest"
	"berth/controller/tagwatch"
	"berth/traefik"
)

// world is an app that runs an image of a registry, and a watcher with a clock of the test.
type world struct {
	*registriestest.Host
	t       *testing.T
	ledger  *store.Store
	watcher *tagwatch.Watcher
	now     time.Time
	fail    error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ledger, err := store.Open(t.Context(), storetest.Put(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	w := &world{Host: registriestest.New(t), t: t, ledger: ledger, now: time.Now()}
	w.watcher = tagwatch.New(tagwatch.Options{Ledger: ledger, Digest: w.Registries(t, ledger).Digest, Deploy: w.deploy, Logger: slog.New(slog.DiscardHandler)})
	w.watcher.SetNow(func() time.Time { return w.now })
	shop := app.App{Name: "shop", Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: w.now, Routes: []traefik.Route{{Path: "/shop"}}}
	made, err := ledger.CreateApp(t.Context(), shop, app.Release{
		Cause: app.CauseUpload, Reference: w.Image(), Digest: w.Name() + "/ann/shop@" + registriestest.Digest("a"), CreatedBy: "ann", CreatedAt: w.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.promote(made.ReleaseID)
	return w
}

func (w *world) promote(id app.ReleaseID) {
	w.t.Helper()
	if _, err := w.ledger.Promote(w.t.Context(), id, w.now); err != nil {
		w.t.Fatal(err)
	}
}

// deploy makes the row of a release, which is under way then.
func (w *world) deploy(ctx context.Context, name app.Name, image plan.ImageReference) error {
	if w.fail != nil {
		return w.fail
	}
	_, err := w.ledger.CreateRelease(ctx, app.Release{
		ReleaseID: app.ReleaseID{App: name}, Cause: app.CauseUpload, Reference: image, Digest: w.Name() + "/ann/shop@" + w.Now(), CreatedBy: tagwatch.By, CreatedAt: w.now,
	})
	return err
}

func (w *world) releases() int {
	w.t.Helper()
	all, err := w.ledger.ListReleases(w.t.Context(), "shop")
	if err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}

// look is a look after so long.
func (w *world) look(after time.Duration) tagwatch.Watch {
	w.t.Helper()
	w.now = w.now.Add(after)
	if err := w.watcher.Look(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	found, err := w.watcher.Show(w.t.Context(), "shop")
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func (w *world) on(minutes int) {
	w.t.Helper()
	if _, err := w.watcher.Save(w.t.Context(), "shop", true, minutes); err != nil {
		w.t.Fatal(err)
	}
}

func TestLook_MakesOneReleaseForEachMove(t *testing.T) {
	w := newWorld(t)
	w.Set(registriestest.Digest("b"), 0)
	if got := w.look(time.Hour); got.On || got.Minutes != 15 || len(w.Asked()) > 0 {
		t.Fatalf("it is on by itself: %+v, asked %q", got, w.Asked())
	}
	w.Set(registriestest.Digest("a"), 0)
	w.on(15)
	if got := w.look(0); got.Seen != registriestest.Digest("a") || got.Fault != "" || got.LookedAt.IsZero() || w.releases() != 1 {
		t.Fatalf("got %+v, %d releases", got, w.releases())
	}
	w.Set(registriestest.Digest("b"), 0)
	if w.look(14 * time.Minute); w.releases() != 1 {
		t.Fatal("it looked too early")
	}
	if got := w.look(time.Minute); got.Tried != registriestest.Digest("b") || w.releases() != 2 {
		t.Fatalf("got %+v, %d releases", got, w.releases())
	}
	w.look(time.Hour) // under way still
	w.promote(app.ReleaseID{App: "shop", Number: 2})
	w.look(time.Hour)
	if w.releases() != 2 {
		t.Errorf("%d releases for one move", w.releases())
	}
	w.Set(registriestest.Digest("a"), 0) // the tag moves back
	w.look(time.Hour)
	if w.releases() != 3 {
		t.Errorf("%d releases", w.releases())
	}
}

func TestLook_DoesNotRepeatAReleaseThatFailed(t *testing.T) {
	w := newWorld(t)
	w.Set(registriestest.Digest("b"), 0)
	w.on(5)
	w.look(0)
	if err := w.ledger.Finish(t.Context(), app.ReleaseID{App: "shop", Number: 2}, app.ReleaseFailed, "No.", "", w.now); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.look(time.Hour)
	}
	if w.releases() != 2 {
		t.Errorf("%d releases", w.releases())
	}
}

func TestLook_ShowsInWordsWhatFailedAndGoesOn(t *testing.T) {
	w := newWorld(t)
	w.Set(registriestest.Digest("b"), http.StatusBadGateway)
	w.on(5)
	if got := w.look(0); !strings.Contains(got.Fault, "502") || w.releases() != 1 {
		t.Errorf("got %+v", got)
	}
	w.Set(registriestest.Digest("b"), 0)
	w.fail = errors.New("canary of the inside")
	if got := w.look(5 * time.Minute); got.Fault == "" || strings.Contains(got.Fault, "canary") || got.Tried != "" {
		t.Errorf("got %+v", got)
	}
	w.fail = nil
	if got := w.look(5 * time.Minute); got.Fault != "" || w.releases() != 2 {
		t.Errorf("got %+v, %d releases", got, w.releases())
	}
}

func TestLook_LeavesAnAppAloneThatIsStopped(t *testing.T) {
	w := newWorld(t)
	w.on(5)
	if err := w.ledger.UpdateWanted(t.Context(), "shop", app.WantedStopped); err != nil {
		t.Fatal(err)
	}
	w.Set(registriestest.Digest("b"), 0)
	if w.look(time.Hour); len(w.Asked()) > 0 || w.releases() != 1 {
		t.Errorf("asked %q, %d releases", w.Asked(), w.releases())
	}
	if got, err := w.watcher.Check(t.Context(), "shop"); err != nil || got.Seen != registriestest.Digest("b") || w.releases() != 1 {
		t.Errorf("a look of a person: %+v, %v, %d releases", got, err, w.releases())
	}
}

func TestSave_TakesAnAppWithATagAndAFairPause(t *testing.T) {
	w := newWorld(t)
	for _, minutes := range []int{-1, 0, 4, 1441} {
		_, err := w.watcher.Save(t.Context(), "shop", true, minutes)
		if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Field != tagwatch.FieldMinutes {
			t.Errorf("%d: %v", minutes, err)
		}
	}
	built := app.App{Name: "blog", Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: w.now, Routes: []traefik.Route{{Path: "/blog"}}}
	made, err := w.ledger.CreateApp(t.Context(), built, app.Release{Cause: app.CauseUpload, Archive: "a.zip", CreatedBy: "ann", CreatedAt: w.now})
	if err != nil {
		t.Fatal(err)
	}
	w.promote(made.ReleaseID)
	if _, err := w.watcher.Save(t.Context(), "blog", true, 15); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("an app that was built: %v", err)
	}
	if got, err := w.watcher.Save(t.Context(), "blog", false, 15); err != nil || got.On {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCheck_LooksNowAlsoWhereNothingIsWatched(t *testing.T) {
	w := newWorld(t)
	w.Set(registriestest.Digest("b"), 0)
	got, err := w.watcher.Check(t.Context(), "shop")
	if err != nil || got.On || got.Seen != registriestest.Digest("b") || w.releases() != 2 {
		t.Fatalf("got %+v, %v, %d releases", got, err, w.releases())
	}
	var group sync.WaitGroup
	for range 8 { // of two at once each knows what the other has deployed
		group.Go(func() { _, _ = w.watcher.Check(t.Context(), "shop") })
	}
	group.Wait()
	if w.releases() != 2 {
		t.Errorf("%d releases", w.releases())
	}
	w.Set("", http.StatusBadGateway)
	if got, err := w.watcher.Check(t.Context(), "shop"); err != nil || !strings.Contains(got.Fault, "502") {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := w.watcher.Check(t.Context(), "none"); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("an app without an image: %v", err)
	}
}

// tell sends a notification to the hook.
func (w *world) tell(path, query, body string, header ...string) error {
	w.t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/hooks/images/"+path+query, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	_, err := w.watcher.Deliver(w.t.Context(), path, request, []byte(body))
	return err
}

func TestDeliver_WhoKnowsTheSecretMakesBerthLook(t *testing.T) {
	w := newWorld(t)
	if got, err := w.watcher.Show(t.Context(), "shop"); err != nil || got.HasHook() {
		t.Fatalf("it is on by itself: %+v, %v", got, err)
	}
	hook, err := w.watcher.MakeHook(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := w.watcher.Show(t.Context(), "shop")
	if path, err := w.watcher.Address(kept); err != nil || path != hook.Path || strings.Contains(string(kept.HookPath)+string(kept.HookSecret)+kept.HookHash, hook.Path) {
		t.Errorf("got %q, %v", path, err)
	}
	key := hook.Secret.Reveal()
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("{}"))
	signature := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	for i, one := range [][]string{
		{"?secret=" + key},
		{"", "Authorization", key},
		{"", "Authorization", "Bearer " + key},
		{"", "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("berth:"+key))},
		{"", "X-Hub-Signature-256", signature},
	} {
		w.Set(registriestest.Digest(string(rune('b'+i))), 0)
		if err := w.tell(hook.Path, one[0], "{}", one[1:]...); err != nil {
			t.Fatal(err)
		}
		if w.look(time.Minute); w.releases() != i+2 {
			t.Fatalf("%q: %d releases", one, w.releases())
		}
		w.promote(app.ReleaseID{App: "shop", Number: int64(i + 2)})
	}
	asked := len(w.Asked())
	for _, one := range [][]string{
		{""}, {"?secret="}, {"?secret=" + key + "x"}, {"", "Authorization", "Bearer "}, {"", "X-Hub-Signature-256", "sha256="}, {"?path=" + key, "X-Secret", key},
	} {
		if err := w.tell(hook.Path, one[0], "{}", one[1:]...); problem.KindOf(err) != problem.KindForbidden {
			t.Errorf("%q: %v", one, err)
		}
	}
	if err := w.tell(hook.Path, "", "{} ", "X-Hub-Signature-256", signature); problem.KindOf(err) != problem.KindForbidden {
		t.Errorf("a body that was changed: %v", err)
	}
	if err := w.tell(hook.Path, "?secret="+key, strings.Repeat("x", tagwatch.MostBody+1)); problem.KindOf(err) != problem.KindTooLarge {
		t.Errorf("a large body: %v", err)
	}
	if err := w.tell(strings.Repeat("A", 26), "?secret="+key, ""); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("another address: %v", err)
	}
	if w.look(time.Minute); len(w.Asked()) != asked {
		t.Errorf("it looked")
	}
	renewed, err := w.watcher.MakeHook(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.tell(hook.Path, "?secret="+key, ""); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("the earlier address: %v", err)
	}
	if err := w.watcher.DropHook(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if err := w.tell(renewed.Path, "?secret="+renewed.Secret.Reveal(), ""); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("after its end: %v", err)
	}
}

func TestDeliver_LooksOnceForManyPushesAndForgetsNone(t *testing.T) {
	w := newWorld(t)
	hook, err := w.watcher.MakeHook(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	tell := func() {
		t.Helper()
		if err := w.tell(hook.Path, "?secret="+hook.Secret.Reveal(), ""); err != nil {
			t.Fatal(err)
		}
	}
	tell()
	w.look(time.Minute)
	asked := len(w.Asked())
	w.Set(registriestest.Digest("b"), 0)
	for range 20 {
		tell()
		w.look(0)
	}
	if len(w.Asked()) != asked {
		t.Errorf("it asked %d times at once", len(w.Asked())-asked)
	}
	if w.look(10 * time.Second); w.releases() != 2 {
		t.Errorf("the last push was forgotten: %d releases", w.releases())
	}
}
