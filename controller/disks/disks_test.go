package disks

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/retention"
	"berth/controller/volumes"
	"berth/test/patience"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// world is a server with one app, which had four releases.
type world struct {
	mu       sync.Mutex
	settings map[string]string
	images   []docker.OwnedImage
	removed  []app.Name
	wait     chan struct{} // the removal of images waits for it
	fail     error
	cut      time.Time
	forgot   time.Time // events from before then
	swept    int
	pulls    []Pull
	pulled   map[string]docker.Pulled // by ID
	held     string                   // an image that a container uses
	pruned   []int64                  // hours and bytes
}

func (w *world) EngineID(context.Context) (string, error) { return "engine", nil }

func (w *world) FindRegistryImage(_ context.Context, id, _ string) (docker.Pulled, error) {
	found, there := w.pulled[id]
	if !there {
		return docker.Pulled{}, docker.ErrNotFound
	}
	return found, nil
}

func (w *world) RemoveRegistryImage(_ context.Context, id string) (bool, error) {
	if id == w.held {
		return false, nil
	}
	delete(w.pulled, id)
	return true, nil
}

func (w *world) PruneBuildCache(_ context.Context, hours int, keep int64) (records, bytes int64, err error) {
	w.pruned = []int64{int64(hours), keep}
	return 3, 7 << 20, nil
}

func (w *world) ListPulls(_ context.Context, engine string) ([]Pull, error) {
	if engine != "engine" {
		return nil, errors.New("of another engine")
	}
	return slices.Clone(w.pulls), nil
}

func (w *world) ForgetPull(_ context.Context, _, image string) error {
	w.pulls = slices.DeleteFunc(w.pulls, func(pull Pull) bool { return pull.Image == image })
	return nil
}

func (w *world) FindSetting(_ context.Context, key string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if value, ok := w.settings[key]; ok {
		return value, nil
	}
	return "", problem.ErrNotFound
}

func (w *world) UpdateSetting(_ context.Context, key, value string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settings[key] = value
	return nil
}

func (w *world) Sizes() map[app.Name]int64 { return map[app.Name]int64{"hello": 1234} }

func (w *world) Sweep(context.Context) error { return nil }

func (w *world) ListApps(context.Context) ([]app.App, error) {
	return []app.App{{Name: "hello"}}, nil
}

func (w *world) ListRunnable(context.Context, app.Name) ([]app.Release, error) {
	var all []app.Release
	for number := int64(4); number >= 1; number-- {
		image := string('a' + rune(number-1))
		state := app.ReleaseSuperseded
		if number == 4 {
			state = app.ReleaseLive
		}
		all = append(all, app.Release{
			ReleaseID: app.ReleaseID{App: "hello", Number: number}, State: state, Image: image, Services: []app.ServiceRun{{Image: image}},
		})
	}
	return all, nil
}

func (w *world) OwnedImages(context.Context) ([]docker.OwnedImage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.images), nil
}

func (w *world) Instances(context.Context) ([]docker.Instance, error) {
	return []docker.Instance{{App: "hello"}}, nil
}

func (w *world) RemoveOldImages(ctx context.Context, name app.Name) error {
	if w.wait != nil {
		select {
		case <-w.wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.removed = append(w.removed, name)
	w.images = slices.DeleteFunc(w.images, func(image docker.OwnedImage) bool { return image.ID == "a" || image.ID == "b" })
	return w.fail
}

func (w *world) List(context.Context) ([]volumes.View, error) {
	return []volumes.View{{Volume: app.Volume{Name: "left"}}, {Volume: app.Volume{Name: "used"}, Users: []app.Name{"hello"}}}, nil
}

func (w *world) CountBefore(context.Context, time.Time) (int64, error) { return 5, nil }

func (w *world) Cut(_ context.Context, before time.Time) (int64, error) {
	w.cut = before
	return 5, nil
}

func (w *world) CountEvents(_ context.Context, before time.Time) (int64, error) {
	if before.IsZero() {
		return 9, nil
	}
	return 4, nil
}

func (w *world) DeleteEvents(_ context.Context, before time.Time) error {
	w.forgot = before
	return nil
}

func newDisks(t *testing.T) (*Disks, *world) {
	t.Helper()
	w := &world{settings: map[string]string{}}
	for number, id := range []string{"a", "b", "c", "d"} {
		w.images = append(w.images, docker.OwnedImage{ID: id, App: "hello", Release: int64(number + 1), Bytes: 1 << 20})
	}
	w.images = append(w.images, docker.OwnedImage{ID: "helper", Bytes: 5 << 20})
	folder := t.TempDir()
	for _, name := range []string{"logs/hello", "uploads"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d := New(Options{
		DataFolder: folder, Ledger: w, Engine: w, Releases: w, Volumes: w, Audit: w,
		Pulls: w.ListPulls, Logs: w, Events: w,
		Rows:  func(context.Context) (Rows, error) { return Rows{Audit: 10, Sessions: 3}, nil },
		Sweep: func(context.Context) error { w.swept++; return nil }, Logger: slog.New(slog.DiscardHandler),
	})
	d.now = func() time.Time { return noon }
	if err := d.UpdateRules(t.Context(), retention.Rules{Releases: 2, AuditDays: 30, LogDays: 10, EventDays: 7}); err != nil {
		t.Fatal(err)
	}
	return d, w
}

// write makes a file of ten bytes that is so many days old.
func (d *Disks) write(t *testing.T, name string, days int) {
	t.Helper()
	file := filepath.Join(d.DataFolder, name)
	if err := os.WriteFile(file, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := noon.AddDate(0, 0, -days)
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}

func (d *Disks) item(t *testing.T, kind Kind) Item {
	t.Helper()
	view, err := d.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range view.Items {
		if item.Title == "" || item.Rule == "" {
			t.Errorf("%s has no words", item.Kind)
		}
		if item.Kind == kind {
			return item
		}
	}
	t.Fatalf("there is no %s", kind)
	return Item{}
}

func TestLook_ShowsWhatEachAppTakesAndWhatACleanUpWouldFree(t *testing.T) {
	d, _ := newDisks(t)
	images := d.item(t, KindImages)
	if images.Used != (Amount{4, 4 << 20}) || images.Free != (Amount{2, 2 << 20}) {
		t.Errorf("images: %+v", images)
	}
	if len(images.Apps) != 1 || images.Apps[0].App != "hello" || images.Apps[0].Free.Count != 2 {
		t.Errorf("by app: %+v", images.Apps)
	}
	if got := d.item(t, KindHelpers); got.Used != (Amount{1, 5 << 20}) || got.Free.Count != 0 {
		t.Errorf("helpers: %+v", got)
	}
	if got := d.item(t, KindAudit); got.Used.Count != 10 || got.Free.Count != 5 {
		t.Errorf("audit: %+v", got)
	}
	if got := d.item(t, KindEvents); got.Used.Count != 9 || got.Free.Count != 4 {
		t.Errorf("events: %+v", got)
	}
	if got := d.item(t, KindVolumes); got.Used.Count != 1 || got.Names[0] != "left" || got.Free.Count != 0 {
		t.Errorf("volumes: %+v", got)
	}
	if got := d.item(t, KindBuildCache); !got.Uncounted {
		t.Errorf("the build cache was counted: %+v", got)
	}
}

func TestLogs_GoWithTheirTimeButNotThatOfTheNewestReleaseNorWhatIsNotBerths(t *testing.T) {
	d, _ := newDisks(t)
	for name, days := range map[string]int{"1.log": 40, "2.log": 5, "3.log": 50, "notes.txt": 99, "10.log": 60} {
		d.write(t, filepath.Join("logs/hello", name), days)
	}
	elsewhere := filepath.Join(t.TempDir(), "1.log")
	if err := os.WriteFile(elsewhere, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(d.DataFolder, "logs/hello/0.log")); err != nil {
		t.Fatal(err)
	}
	if got := d.item(t, KindLogs); got.Used != (Amount{4, 40}) || got.Free != (Amount{2, 20}) {
		t.Errorf("logs: %+v", got)
	}
	d.Clean(t.Context(), patience.Of(10*time.Second))
	for name, stays := range map[string]bool{"0.log": true, "1.log": false, "2.log": true, "3.log": false, "notes.txt": true, "10.log": true} {
		_, err := os.Lstat(filepath.Join(d.DataFolder, "logs/hello", name))
		if (err == nil) != stays {
			t.Errorf("%s is there: %v", name, err)
		}
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Error("a link was followed")
	}
}

func TestClean_SaysWhatItFreedAndTheRestGoesOnAfterAFailure(t *testing.T) {
	d, w := newDisks(t)
	w.fail = errors.New("the engine is gone")
	progress := d.Clean(t.Context(), patience.Of(10*time.Second))
	if progress.Running || progress.Done != progress.Of || progress.Of == 0 || len(progress.Failures) != 1 {
		t.Errorf("%+v", progress)
	}
	if len(progress.Freed) != 1 || progress.Freed[0].Kind != KindImages || progress.Freed[0].Amount != (Amount{2, 2 << 20}) || progress.Bytes() != 2<<20 {
		t.Errorf("freed: %+v", progress.Freed)
	}
	if w.forgot != noon.AddDate(0, 0, -7) {
		t.Errorf("events from before %s were removed", w.forgot)
	}
	if w.cut != noon.AddDate(0, 0, -30) || w.swept != 1 {
		t.Errorf("cut before %s, swept %d times", w.cut, w.swept)
	}
}

func TestClean_RunsOnceAtATimeAndGoesOnWithoutItsCaller(t *testing.T) {
	d, w := newDisks(t)
	w.wait = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	if progress := d.Clean(ctx, 0); !progress.Running {
		t.Errorf("%+v", progress)
	}
	cancel()
	if progress := d.Clean(t.Context(), 0); !progress.Running {
		t.Errorf("a second one: %+v", progress)
	}
	close(w.wait)
	<-d.current()
	if progress := d.Progress(); progress.Running || len(w.removed) != 1 || len(progress.Failures) != 0 {
		t.Errorf("%+v, images of %v were removed", progress, w.removed)
	}
}

func TestClean_KeepsForEverWhatTheRulesSay(t *testing.T) {
	d, w := newDisks(t)
	if err := d.UpdateRules(t.Context(), retention.Rules{Releases: 5}); err != nil {
		t.Fatal(err)
	}
	d.write(t, "logs/hello/1.log", 9999)
	d.write(t, "logs/hello/2.log", 1)
	d.Clean(t.Context(), patience.Of(10*time.Second))
	if got := d.item(t, KindLogs); got.Used.Count != 2 {
		t.Errorf("logs: %+v", got)
	}
	if !w.cut.IsZero() {
		t.Errorf("the audit log was cut before %s", w.cut)
	}
}
