package tagwatch_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/address"
	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/store"
	"berth/controller/store/storetest"
	"berth/controller/tagwatch"
	"berth/traefik"
)

// host is a registry as the distribution specification describes it, with one image.
type host struct {
	web *httptest.Server

	mu     sync.Mutex
	digest string
	open   bool // asks for no token
	status int  // in place of an answer
	asked  []string
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{digest: digest("a")}
	h.web = httptest.NewTLSServer(h)
	t.Cleanup(h.web.Close)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, r.Method+" "+r.URL.RequestURI())
	switch {
	case r.URL.Path == "/token":
		_, _ = fmt.Fprint(w, `{"token": "for everybody"}`)
	case !h.open && r.Header.Get("Authorization") != "Bearer for everybody":
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+h.web.URL+`/token",service="the registry",scope="repository:ann/shop:pull"`)
		w.WriteHeader(http.StatusUnauthorized)
	case h.status != 0:
		w.WriteHeader(h.status)
	case r.Method != http.MethodHead || r.URL.Path != "/v2/ann/shop/manifests/2" || !strings.Contains(strings.Join(r.Header["Accept"], ","), "application/vnd.oci.image.index.v1+json"):
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("Docker-Content-Digest", h.digest)
	}
}

func (h *host) set(digest string, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.digest, h.status = digest, status
}

func (h *host) name() string { return h.web.Listener.Addr().String() }

func (h *host) image() plan.ImageReference { return plan.ImageReference(h.name() + "/ann/shop:2") }

func (h *host) registries() tagwatch.Registries {
	roots := x509.NewCertPool()
	roots.AddCert(h.web.Certificate())
	return tagwatch.Registries{Allowed: []string{h.name()}, Dial: func(bool) tagwatch.Dial { return new(net.Dialer).DialContext }, Roots: roots}
}

func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

func TestDigest_AsksWithTheTokenThatEverybodyGets(t *testing.T) {
	h := newHost(t)
	for _, h.open = range []bool{false, true} {
		if got, err := h.registries().Digest(t.Context(), h.image()); err != nil || got != digest("a") {
			t.Errorf("got %s, %v", got, err)
		}
	}
	if !strings.Contains(strings.Join(h.asked, " "), "GET /token?scope=repository%3Aann%2Fshop%3Apull&service=the+registry") {
		t.Errorf("asked %q", h.asked)
	}
}

func TestDigest_SaysInWordsWhatIsWrong(t *testing.T) {
	h := newHost(t)
	for status, want := range map[int]problem.Kind{
		http.StatusNotFound: problem.KindInvalid, http.StatusForbidden: problem.KindForbidden, http.StatusTooManyRequests: problem.KindUnavailable, http.StatusBadGateway: problem.KindUnavailable,
	} {
		h.set(digest("a"), status)
		if _, err := h.registries().Digest(t.Context(), h.image()); problem.KindOf(err) != want || !strings.Contains(err.Error(), fmt.Sprint(status)) {
			t.Errorf("%d: %v", status, err)
		}
	}
	for _, wrong := range []string{"", "sha256:x", "md5:" + strings.Repeat("a", 64), digest("A")} {
		h.set(wrong, 0)
		if got, err := h.registries().Digest(t.Context(), h.image()); problem.KindOf(err) != problem.KindUnavailable {
			t.Errorf("%q: got %s, %v", wrong, got, err)
		}
	}
	for _, image := range []plan.ImageReference{"", h.image() + plan.ImageReference("@"+digest("a")), plan.ImageReference(h.name() + "/ann/shop")} {
		if _, err := h.registries().Digest(t.Context(), image); problem.KindOf(err) != problem.KindConflict {
			t.Errorf("%q: %v", image, err)
		}
	}
}

func TestDigest_ReachesNoRegistryThatMayNotBeAsked(t *testing.T) {
	h := newHost(t)
	r := h.registries()
	r.Allowed = nil
	if _, err := r.Digest(t.Context(), h.image()); problem.KindOf(err) != problem.KindForbidden {
		t.Errorf("a registry that nobody allowed: %v", err)
	}
	r = h.registries()
	private := false
	r.Dial = func(wish bool) tagwatch.Dial {
		private = wish
		return address.Dialer(address.Guard{Private: wish}.Allows).DialContext
	}
	if _, err := r.Digest(t.Context(), h.image()); problem.KindOf(err) != problem.KindForbidden || !private {
		t.Errorf("this machine: %v, private %v", err, private)
	}
	if len(h.asked) > 0 {
		t.Errorf("asked %q", h.asked)
	}
	h.web.Close()
	if _, err := h.registries().Digest(t.Context(), h.image()); problem.KindOf(err) != problem.KindUnavailable {
		t.Errorf("a registry that is down: %v", err)
	}
}

// world is an app that runs an image of a registry, and a watcher with a clock of the test.
type world struct {
	*host
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
	w := &world{host: newHost(t), t: t, ledger: ledger, now: time.Now()}
	w.watcher = tagwatch.New(tagwatch.Options{Ledger: ledger, Digest: w.registries().Digest, Deploy: w.deploy, Logger: slog.New(slog.DiscardHandler)})
	w.watcher.SetNow(func() time.Time { return w.now })
	shop := app.App{Name: "shop", Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: w.now, Routes: []traefik.Route{{Path: "/shop"}}}
	made, err := ledger.CreateApp(t.Context(), shop, app.Release{
		Cause: app.CauseUpload, Reference: w.image(), Digest: w.name() + "/ann/shop@" + digest("a"), CreatedBy: "ann", CreatedAt: w.now,
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
		ReleaseID: app.ReleaseID{App: name}, Cause: app.CauseUpload, Reference: image, Digest: w.name() + "/ann/shop@" + w.digest, CreatedBy: tagwatch.By, CreatedAt: w.now,
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
	w.set(digest("b"), 0)
	if got := w.look(time.Hour); got.On || got.Minutes != 15 || len(w.asked) > 0 {
		t.Fatalf("it is on by itself: %+v, asked %q", got, w.asked)
	}
	w.set(digest("a"), 0)
	w.on(15)
	if got := w.look(0); got.Seen != digest("a") || got.Fault != "" || got.LookedAt.IsZero() || w.releases() != 1 {
		t.Fatalf("got %+v, %d releases", got, w.releases())
	}
	w.set(digest("b"), 0)
	if w.look(14 * time.Minute); w.releases() != 1 {
		t.Fatal("it looked too early")
	}
	if got := w.look(time.Minute); got.Tried != digest("b") || w.releases() != 2 {
		t.Fatalf("got %+v, %d releases", got, w.releases())
	}
	w.look(time.Hour) // under way still
	w.promote(app.ReleaseID{App: "shop", Number: 2})
	w.look(time.Hour)
	if w.releases() != 2 {
		t.Errorf("%d releases for one move", w.releases())
	}
	w.set(digest("a"), 0) // the tag moves back
	w.look(time.Hour)
	if w.releases() != 3 {
		t.Errorf("%d releases", w.releases())
	}
}

func TestLook_DoesNotRepeatAReleaseThatFailed(t *testing.T) {
	w := newWorld(t)
	w.set(digest("b"), 0)
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
	w.set(digest("b"), http.StatusBadGateway)
	w.on(5)
	if got := w.look(0); !strings.Contains(got.Fault, "502") || w.releases() != 1 {
		t.Errorf("got %+v", got)
	}
	w.set(digest("b"), 0)
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
	w.set(digest("b"), 0)
	if w.look(time.Hour); len(w.asked) > 0 || w.releases() != 1 {
		t.Errorf("asked %q, %d releases", w.asked, w.releases())
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
