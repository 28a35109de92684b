package moving_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/audit"
	"berth/controller/moving"
	"berth/controller/pinned"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/sources"
	"berth/controller/store"
	"berth/controller/store/storetest"
	"berth/controller/uploads"
	"berth/controller/volume"
	"berth/controller/volume/volumetest"
	"berth/controller/volumes"
	"berth/test/patience"
	"berth/traefik"
)

const token = "canary-token-0123456789"

// side is one of the two servers: a real ledger, and real volumes in folders.
type side struct {
	ledger  *store.Store
	keeper  *volumetest.Keeper
	volumes *volumes.Volumes
}

func newSide(t *testing.T) side {
	t.Helper()
	ledger, err := store.Open(t.Context(), storetest.Put(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	folder, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	s := side{ledger: ledger, keeper: volumetest.New(t)}
	s.volumes, err = volumes.New(volumes.Options{
		Ledger: ledger, Keeper: s.keeper, Uploads: uploads.New(folder, archive.DefaultLimits()), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// world is a server with an app that has a volume, and another server.
type world struct {
	t      *testing.T
	here   side
	there  side
	server *httptest.Server
	key    secret.Key
	data   string
	logged bytes.Buffer

	mu       sync.Mutex
	acts     []string          // of both servers, in order
	asked    []string          // of the other server
	deployed map[string]string // the form of the app there; nil without one
	fails    bool              // the release there
	limited  string            // the end of the path that answers once that a limit is used up
	onStop   func()
	events   []audit.Event
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, here: newSide(t), there: newSide(t), data: t.TempDir()}
	var err error
	if w.key, err = secret.DeriveKey("a key of the tests that is long enough"); err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewTLSServer(w)
	t.Cleanup(w.server.Close)
	route, err := traefik.ParseRoute("/shop")
	if err != nil {
		t.Fatal(err)
	}
	mounts := []app.Mount{{Volume: "shop-data", Target: "/data"}}
	id := app.ReleaseID{App: "shop", Number: 1}
	release := app.Release{ReleaseID: id, State: app.ReleaseQueued, Cause: app.CauseUpload, Archive: "one.zip", ArchiveName: "shop.zip", Settings: app.DefaultSettings(), Mounts: mounts, CreatedBy: "ann", CreatedAt: time.Now()}
	made := app.App{Name: "shop", Routes: []traefik.Route{route}, Settings: app.DefaultSettings(), Mounts: mounts, Wanted: app.WantedRunning, CreatedAt: time.Now()}
	if _, err := w.here.ledger.CreateApp(t.Context(), made, release); err != nil {
		t.Fatal(err)
	}
	release.Services = []app.ServiceRun{{Spec: plan.Service{Name: "web"}, Main: true, Instances: []string{"shop-r1"}}}
	release.Instances, release.Address = []string{"shop-r1"}, "shop-r1:8000"
	if err := w.here.ledger.UpdateServices(t.Context(), release); err != nil {
		t.Fatal(err)
	}
	if _, err := w.here.ledger.Promote(t.Context(), id, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(w.data, "uploads"), 0o700), os.WriteFile(filepath.Join(w.data, "uploads/one.zip"), []byte("PK the source"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := w.here.volumes.Create(t.Context(), "shop-data", ""); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"rows": "1 2 3", "deep/down/file": "below", "gone/soon": "x", "kind/file": "a folder becomes a file"} {
		w.write(name, text)
	}
	return w
}

// write writes a file of the app's volume, as the app does.
func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.here.keeper.Folder("shop-data"), name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		w.t.Fatal(err)
	}
}

// changeData is what the app does while its data is sent for the first time.
func (w *world) changeData() {
	folder := w.here.keeper.Folder("shop-data")
	w.write("rows", "4 5 6")
	w.write("new/file", "fresh")
	if err := errors.Join(os.RemoveAll(filepath.Join(folder, "gone")), os.RemoveAll(filepath.Join(folder, "kind"))); err != nil {
		w.t.Error(err)
	}
	w.write("kind", "now a file")
	if err := os.Symlink("rows", filepath.Join(folder, "link")); err != nil && !errors.Is(err, os.ErrExist) {
		w.t.Error(err)
	}
}

func (w *world) act(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acts = append(w.acts, text)
}

func (w *world) Record(_ context.Context, event audit.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, event)
}

// Start and Stop are those of the controller, as far as the ledger knows.
func (w *world) Start(ctx context.Context, name app.Name) error {
	w.act("start here")
	return w.here.ledger.UpdateWanted(ctx, name, app.WantedRunning)
}

func (w *world) Stop(ctx context.Context, name app.Name) error {
	w.act("stop here")
	if w.onStop != nil {
		w.onStop()
	}
	return w.here.ledger.UpdateWanted(ctx, name, app.WantedStopped)
}

// ServeHTTP is the other server: its volumes are the real ones.
func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked = append(w.asked, r.Method+" "+r.URL.RequestURI())
	form, fails := w.deployed, w.fails
	w.mu.Unlock()
	answer := func(status int, value any) {
		out.WriteHeader(status)
		_ = json.NewEncoder(out).Encode(value)
	}
	refuse := func(status int, detail string) { answer(status, map[string]string{"detail": detail, "hint": "Do it."}) }
	if w.usesUp(r.URL.Path) {
		out.Header().Set("Retry-After", "1")
		refuse(http.StatusTooManyRequests, "Too many uploads.")
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+token {
		refuse(http.StatusUnauthorized, "This token is unknown.")
		return
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/api/v1"); {
	case path == "/openapi.json":
		answer(http.StatusOK, map[string]any{"paths": map[string]any{"/api/v1/volumes/{volume}/tar": map[string]any{"put": 1}, "/api/v1/apps/{name}/move": map[string]any{"get": 1}}})
	case path == "/disks":
		answer(http.StatusOK, map[string]any{"disk": map[string]any{"free_bytes": int64(1) << 40, "refuse_below_bytes": 1}})
	case path == "/volumes/shop-data":
		view, err := w.there.volumes.Find(r.Context(), "shop-data")
		if err != nil {
			refuse(http.StatusNotFound, "There is no such volume.")
			return
		}
		answer(http.StatusOK, map[string]any{"files": view.Usage.Files})
	case path == "/volumes/shop-data/tar":
		if err := w.there.volumes.PutTar(r.Context(), "shop-data", volume.Way(r.URL.Query().Get("way")), r.Body); err != nil {
			refuse(http.StatusConflict, err.Error())
			return
		}
		out.WriteHeader(http.StatusNoContent)
	case path == "/apps" && r.Method == http.MethodPost:
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			refuse(http.StatusBadRequest, err.Error())
			return
		}
		file, _, err := r.FormFile("archive")
		if err != nil {
			refuse(http.StatusBadRequest, err.Error())
			return
		}
		content, _ := io.ReadAll(file)
		w.act("deploy there")
		w.mu.Lock()
		defer w.mu.Unlock()
		w.deployed = map[string]string{"name": r.FormValue("name"), "route": r.FormValue("route"), "moved": r.FormValue("moved"), "archive": string(content)}
		answer(http.StatusCreated, map[string]any{"number": 1})
	case form == nil:
		refuse(http.StatusNotFound, "There is no app shop.")
	case path == "/apps/shop/releases":
		state, reason := "live", ""
		if fails {
			state, reason = "failed", "The build failed."
		}
		answer(http.StatusOK, map[string]any{"releases": []any{map[string]any{"number": 1, "state": state, "reason": reason}}})
	case path == "/apps/shop/stop":
		w.act("stop there")
		answer(http.StatusOK, map[string]any{})
	case path == "/apps/shop":
		answer(http.StatusOK, map[string]any{"urls": []string{"https://other.example.com/shop/"}})
	default:
		refuse(http.StatusNotFound, "There is nothing at "+path)
	}
}

// usesUp reports whether the path is the one that a limit holds back, once.
func (w *world) usesUp(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limited == "" || !strings.HasSuffix(path, w.limited) {
		return false
	}
	w.limited = ""
	return true
}

// moves are those of one process; at is called as each step begins.
func (w *world) moves(at func(moving.Step)) *moving.Moves {
	return moving.New(moving.Options{
		Ledger: w.here.ledger, Story: w, Volumes: w.here.volumes, Keeper: w.here.keeper, Sources: sources.New(w.here.ledger, w.data, w.key),
		Publish:  func(context.Context) error { w.act("publish"); return nil },
		Describe: func(_ context.Context, found app.App) ([]byte, error) { return []byte("all of " + found.Name), nil },
		Dial: func(bool) moving.Dial {
			return func(ctx context.Context, network, address string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			}
		},
		Audit: w, Key: w.key, Logger: slog.New(slog.NewTextHandler(&w.logged, nil)), Pause: time.Millisecond,
		At: func(_ app.Name, step moving.Step) {
			if at != nil {
				at(step)
			}
		},
	})
}

func (w *world) wish() moving.Wish {
	return moving.Wish{App: "shop", To: w.server.URL, Token: token, Fingerprint: pinned.FingerprintOf(w.server.Certificate()), Private: true, By: "ann"}
}

// run runs the moves until the one of the app has ended.
func (w *world) run(moves *moving.Moves, begin bool) moving.Move {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- moves.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	}()
	if begin {
		if _, err := moves.Begin(ctx, w.wish()); err != nil {
			w.t.Fatal(err)
		}
	}
	for until := time.Now().Add(patience.Of(30 * time.Second)); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		move, _, err := moves.Find(ctx, "shop")
		if err != nil {
			w.t.Fatal(err)
		}
		if move.State != moving.Running {
			return move
		}
	}
	w.t.Fatal("the move never ended")
	return moving.Move{}
}

// sameData compares the volumes, with times and links.
func (w *world) sameData() {
	w.t.Helper()
	here, there := contentOf(w.t, w.here.keeper.Folder("shop-data")), contentOf(w.t, w.there.keeper.Folder("shop-data"))
	if here != there {
		w.t.Errorf("here:\n%s\nthere:\n%s", here, there)
	}
}

func contentOf(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		text := ""
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(content)
		case info.Mode()&os.ModeSymlink != 0:
			if text, err = os.Readlink(path); err != nil {
				return err
			}
		}
		name, _ := filepath.Rel(folder, path)
		at := ""
		if info.Mode()&os.ModeSymlink == 0 {
			at = info.ModTime().UTC().Format(time.RFC3339Nano)
		}
		fmt.Fprintf(&all, "%s %s %s %q\n", name, info.Mode(), at, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestMove_TakesAnAppWithWhatItChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onStop = w.changeData
	move := w.run(w.moves(nil), true)
	if move.State != moving.Done || move.Target != "https://other.example.com/shop/" || len(move.Token) != 0 || move.Reason != "" {
		t.Fatalf("%+v", move)
	}
	w.sameData()
	if got := strings.Join(w.acts, ", "); got != "stop here, deploy there, publish" {
		t.Errorf("in this order: %s", got)
	}
	if w.deployed["name"] != "shop" || w.deployed["route"] != "/shop" || w.deployed["moved"] != "all of shop" || w.deployed["archive"] != "PK the source" {
		t.Errorf("there is %v", w.deployed)
	}
	if strings.Contains(w.logged.String(), token) || fmt.Sprint(w.events) == "[]" || strings.Contains(fmt.Sprint(w.events), token) {
		t.Errorf("logged: %s, audited: %v", w.logged.String(), w.events)
	}
	table, err := w.here.ledger.Table(t.Context())
	if err != nil || len(table.Routings) != 1 || table.Routings[0].Moved != move.Target || !table.Routings[0].Unavailable {
		t.Errorf("routed: %+v, %v", table.Routings, err)
	}
	moves := w.moves(nil)
	if _, err := moves.Begin(t.Context(), w.wish()); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("moved again: %v", err)
	}
	if err := moves.End(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if table, err = w.here.ledger.Table(t.Context()); err != nil || table.Routings[0].Moved != "" {
		t.Errorf("routed after the end: %+v, %v", table.Routings, err)
	}
}

// TestMove_GoesOnAfterAKillAtEachStep ends the process as each step begins, and starts
// another one.
func TestMove_GoesOnAfterAKillAtEachStep(t *testing.T) {
	t.Parallel()
	for _, at := range moving.Steps() {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.onStop = w.changeData
			ctx, kill := context.WithCancel(t.Context())
			first := w.moves(func(step moving.Step) {
				if step == at {
					kill()
				}
			})
			ended := make(chan error, 1)
			go func() { ended <- first.Run(ctx) }()
			if _, err := first.Begin(t.Context(), w.wish()); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			left, _, err := first.Find(t.Context(), "shop")
			if err != nil || left.State != moving.Running || left.Step != at || len(left.Token) == 0 || strings.Contains(string(left.Token), token) {
				t.Fatalf("left: %+v, %v", left, err)
			}
			if move := w.run(w.moves(nil), false); move.State != moving.Done || move.Target == "" {
				t.Fatalf("%+v", move)
			}
			w.sameData()
			if w.deployed == nil {
				t.Error("the app is not there")
			}
		})
	}
}

func TestMove_StartsTheAppHereAgainWhereItFailsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fails = true
	move := w.run(w.moves(nil), true)
	if move.State != moving.Failed || !strings.Contains(move.Reason, "r1 on the other server did not become live: The build failed. The app on the other server is stopped") || !strings.Contains(move.Reason, "The app runs here again.") || len(move.Token) != 0 {
		t.Fatalf("%+v", move)
	}
	if got := strings.Join(w.acts, ", "); got != "stop here, deploy there, stop there, start here" {
		t.Errorf("in this order: %s", got)
	}
}

func TestMove_WaitsForALimitOfTheOtherServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limited = "/tar"
	if move := w.run(w.moves(nil), true); move.State != moving.Done {
		t.Fatalf("%+v", move)
	}
	w.sameData()
}

func TestMove_CancelledAfterTheStopStartsTheAppHereAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var moves *moving.Moves
	moves = w.moves(func(step moving.Step) {
		if step == moving.StepDifference {
			if err := moves.End(context.Background(), "shop"); err != nil {
				t.Error(err)
			}
		}
	})
	move := w.run(moves, true)
	if move.State != moving.Failed || move.Reason != "The move was cancelled. The app runs here again." || w.deployed != nil {
		t.Fatalf("%+v", move)
	}
}

func TestMove_RefusesBeforeAnythingHappens(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*world, *moving.Wish)
		want    string
	}{
		"wrong token":       {func(_ *world, wish *moving.Wish) { wish.Token = "other" }, "This token is unknown."},
		"other certificate": {func(_ *world, wish *moving.Wish) { wish.Fingerprint = strings.Repeat("ab", 32) }, "another certificate"},
		"no authority":      {func(_ *world, wish *moving.Wish) { wish.Fingerprint = "" }, "No authority vouches"},
		"name taken":        {func(w *world, _ *moving.Wish) { w.deployed = map[string]string{} }, "has an app called shop already"},
		"source is gone":    {func(w *world, _ *moving.Wish) { _ = os.Remove(filepath.Join(w.data, "uploads/one.zip")) }, "no longer kept"},
		"volume taken": {func(w *world, _ *moving.Wish) {
			if err := errors.Join(w.there.volumes.Create(t.Context(), "shop-data", ""), os.WriteFile(filepath.Join(w.there.keeper.Folder("shop-data"), "a"), nil, 0o600)); err != nil {
				t.Error(err)
			}
		}, "has a volume called shop-data already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			wish := w.wish()
			test.prepare(w, &wish)
			moves := w.moves(nil)
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := moves.Begin(ctx, wish); err != nil {
				t.Fatal(err)
			}
			defer cancel()
			move := w.run(moves, false)
			if move.State != moving.Failed || move.Step != moving.StepCheck || !strings.Contains(move.Reason, test.want) || move.Hint == "" || len(w.acts) != 0 {
				t.Errorf("%+v, %v", move, w.acts)
			}
		})
	}
	w := newWorld(t)
	_, err := w.moves(nil).Begin(t.Context(), moving.Wish{App: "shop", To: "http://other", Fingerprint: "x"})
	if faults, ok := errors.AsType[problem.Problems](err); !ok || len(faults) != 3 {
		t.Errorf("got %v", err)
	}
	wish := w.wish()
	wish.App = "missing"
	if _, err := w.moves(nil).Begin(t.Context(), wish); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("got %v", err)
	}
}
