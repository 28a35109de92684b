package restore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"berth/controller/audit"
	"berth/controller/backup"
	"berth/controller/backup/drill"
	"berth/controller/backup/hook"
	"berth/controller/backup/restore"
	"berth/controller/backup/set"
	"berth/controller/backup/target"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/store/storetest"
	"berth/controller/volume/volumetest"
	"berth/test/patience"
)

// server is a data folder with a ledger, volumes and backups in a folder.
type server struct {
	t        *testing.T
	data     string
	acme     string
	place    string
	ledger   *store.Store
	keeper   *volumetest.Keeper
	backups  *backup.Backups
	identity age.Identity
	private  secret.Text
	key      secret.Key
	audit    *recorder
	hooks    *hooks
	examine  func(folder string) (drill.Content, error)
}

// hooks tell what they ran, and in which order with the reading of volumes.
type hooks struct {
	all   []hook.Hook
	ran   []string
	fail  map[string]error // by the program
	onRun func(program string)
}

func (h *hooks) List(context.Context) ([]hook.Hook, error) { return h.all, nil }

func (h *hooks) Run(_ context.Context, of hook.Hook, command []string) error {
	h.ran = append(h.ran, string(of.App)+" "+command[0])
	if h.onRun != nil {
		h.onRun(command[0])
	}
	return h.fail[command[0]]
}

type recorder struct{ events []audit.Event }

func (r *recorder) Record(_ context.Context, event audit.Event) { r.events = append(r.events, event) }

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, data: t.TempDir(), acme: t.TempDir(), place: t.TempDir(), keeper: volumetest.New(t), audit: &recorder{}, hooks: &hooks{}}
	ledger, err := store.Open(t.Context(), storetest.Put(t, s.data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	key, err := secret.LoadKey(filepath.Join(s.data, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.ledger = ledger
	s.write("tls/admin.crt", "certificate")
	s.write("tls/admin.key", "its key")
	s.write("audit.log", "entries\n")
	s.write("logs/hello-r1.log", "built\n")
	s.write("uploads/old.upload", "of nobody")
	if err := os.WriteFile(filepath.Join(s.acme, "acme.json"), []byte(`{"le": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ledger.UpdateSetting(t.Context(), "canary", "in the ledger"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data", "empty"} {
		if err := s.keeper.CreateVolume(t.Context(), "shop-"+volumeName(name), "of shop"); err != nil {
			t.Fatal(err)
		}
	}
	s.fill("shop-data", "deep/er/file", strings.Repeat("rows ", 1<<20))
	s.key = key
	s.reopen()
	private, public, err := backup.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	s.private = private
	if s.identity, err = age.ParseX25519Identity(private.Reveal()); err != nil {
		t.Fatal(err)
	}
	if err := s.backups.Update(t.Context(), backup.Wish{Place: backup.Place{Folder: s.place}, Recipients: public, Keep: backup.DefaultKeep()}); err != nil {
		t.Fatal(err)
	}
	return s
}

// reopen is a process that has begun nothing.
func (s *server) reopen() {
	s.backups = backup.New(backup.Options{
		Ledger: s.ledger, Keeper: s.keeper, Hooks: s.hooks, Audit: s.audit, Key: s.key, DataFolder: s.data, ACMEFolder: s.acme,
		Stack: "berth", Version: "test", Examine: func(_ context.Context, folder string, _ func(string)) (drill.Content, error) {
			return s.examine(folder)
		}, Logger: slog.New(slog.DiscardHandler),
	})
}

func (s *server) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.data, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) fill(name volumeName, path, text string) {
	s.t.Helper()
	at := filepath.Join(s.keeper.Folder(name), path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o750), os.WriteFile(at, []byte(text), 0o640)); err != nil {
		s.t.Fatal(err)
	}
}

// running runs the backups until what is begun has ended.
func (s *server) running(ended func(context.Context) bool, begin func(context.Context) error) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- s.backups.Run(ctx) }()
	if err := begin(ctx); err != nil {
		s.t.Fatal(err)
	}
	if !patience.Eventually(time.Minute, func() bool { return ended(ctx) }) {
		s.t.Fatal("it does not end")
	}
	cancel()
	if err := <-stopped; err != nil {
		s.t.Error(err)
	}
}

// backUp makes one backup through the same door as the page.
func (s *server) backUp() backup.Run {
	s.t.Helper()
	before, err := s.backups.Runs(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.running(func(ctx context.Context) bool {
		runs, err := s.backups.Runs(ctx)
		return err == nil && len(runs) > len(before)
	}, func(ctx context.Context) error { return s.backups.Start(ctx, "ada") })
	runs, err := s.backups.Runs(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return runs[0]
}

func (s *server) wantDone() backup.Run {
	s.t.Helper()
	run := s.backUp()
	if run.State != backup.Done {
		s.t.Fatalf("the backup failed: %+v", run)
	}
	return run
}

// machine is an empty one.
func (s *server) machine(keeper *volumetest.Keeper) restore.Options {
	s.t.Helper()
	folder, err := target.OpenFolder(s.place)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = folder.Close() })
	return restore.Options{
		From: folder, Identities: []age.Identity{s.identity}, Keeper: keeper, DataFolder: filepath.Join(s.t.TempDir(), "new"), ACMEFolder: s.t.TempDir(),
		Told: func(string, int64, int64) {},
	}
}

// sums are the hashes of the files below a folder, with their modes.
func sums(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		text := info.Mode().String()
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(content)
			text += " " + hex.EncodeToString(sum[:])
		}
		found[name] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func same(a, b map[string]string) bool {
	for name, sum := range a {
		if b[name] != sum {
			return false
		}
	}
	return len(a) == len(b)
}

func TestServer_ComesBackOnAnEmptyMachine(t *testing.T) {
	s := newServer(t)
	run := s.wantDone()
	keeper := volumetest.New(t)
	o := s.machine(keeper)
	manifest, err := restore.Server(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Set != run.Set || manifest.Stack != "berth" {
		t.Errorf("restored %+v", manifest)
	}
	for _, name := range []volumeName{"shop-data", "shop-empty"} {
		if !same(sums(t, s.keeper.Folder(name)), sums(t, keeper.Folder(name))) {
			t.Errorf("the volume %s differs: %v, %v", name, sums(t, s.keeper.Folder(name)), sums(t, keeper.Folder(name)))
		}
		if found, err := keeper.FindVolume(t.Context(), name); err != nil || found.Description != "of shop" {
			t.Errorf("%+v, %v", found, err)
		}
	}
	was, is := sums(t, s.data), sums(t, o.DataFolder)
	for _, name := range []string{"secret.key", "tls/admin.key", "audit.log", "logs/hello-r1.log"} {
		if is[name] != was[name] || is[name] == "" {
			t.Errorf("%s is %q, and was %q", name, is[name], was[name])
		}
	}
	if is["uploads/old.upload"] != "" {
		t.Error("the archive of nobody was kept")
	}
	ledger, err := store.Open(t.Context(), filepath.Join(o.DataFolder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ledger.Close() }()
	if text, err := ledger.FindSetting(t.Context(), "canary"); err != nil || text != "in the ledger" {
		t.Errorf("the ledger says %q, %v", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(o.ACMEFolder, "acme.json")); err != nil || string(text) != `{"le": {}}` {
		t.Errorf("issued certificates: %q, %v", text, err)
	}
	if s.keeper.Open()+keeper.Open() != 0 {
		t.Error("a volume is still open")
	}
	if _, err := restore.Server(t.Context(), o); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("over a server: %v", err)
	}
}

func TestServer_WritesNothingOfADamagedBackup(t *testing.T) {
	s := newServer(t)
	s.wantDone()
	var objects []string
	for name := range sums(t, s.place) {
		if strings.HasPrefix(name, "objects/") && strings.Count(name, "/") == 2 || strings.HasSuffix(name, "manifest.age") {
			objects = append(objects, name)
		}
	}
	if len(objects) < 3 {
		t.Fatalf("the backup has %v", objects)
	}
	for _, object := range objects {
		for _, attack := range []func([]byte) []byte{
			func(b []byte) []byte { b[len(b)-20] ^= 1; return b }, func(b []byte) []byte { return b[:len(b)-1] }, nil,
		} {
			path := filepath.Join(s.place, object)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if attack == nil {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, attack(bytes.Clone(content)), 0o600)
			}
			keeper := volumetest.New(t)
			o := s.machine(keeper)
			if _, restoreErr := restore.Server(t.Context(), o); restoreErr == nil || err != nil {
				t.Errorf("%s: restored, %v", object, err)
			}
			if left, err := os.ReadDir(o.DataFolder); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: left %v, %v", object, left, err)
			}
			if all, err := keeper.ListVolumes(t.Context()); err != nil || len(all) != 0 {
				t.Errorf("%s: made %v, %v", object, all, err)
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := restore.Server(t.Context(), s.machine(volumetest.New(t))); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

func TestServer_RefusesAWrongKeyInWords(t *testing.T) {
	s := newServer(t)
	s.wantDone()
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	o := s.machine(volumetest.New(t))
	o.Identities = []age.Identity{other}
	if _, err := restore.Server(t.Context(), o); problem.KindOf(err) != problem.KindForbidden {
		t.Errorf("got %v", err)
	}
}

// breaking is a keeper whose volumes cannot be opened after the first.
type breaking struct {
	*volumetest.Keeper
	left int
}

func (b *breaking) OpenVolume(ctx context.Context, name volumeName, access access) (*session, error) {
	if b.left--; b.left < 0 {
		return nil, errors.New("the engine is gone")
	}
	return b.Keeper.OpenVolume(ctx, name, access)
}

func TestServer_TakesBackWhatItMadeWhereItFails(t *testing.T) {
	s := newServer(t)
	s.wantDone()
	keeper := volumetest.New(t)
	o := s.machine(keeper)
	o.Keeper = &breaking{keeper, 1}
	if _, err := restore.Server(t.Context(), o); err == nil {
		t.Error("restored")
	}
	if left, err := os.ReadDir(o.DataFolder); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if all, err := keeper.ListVolumes(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("left %v, %v", all, err)
	}
}

func TestVolumes_ComeBackUnderAnotherNameBesideTheirOwn(t *testing.T) {
	s := newServer(t)
	s.wantDone()
	o := s.machine(s.keeper)
	if _, err := restore.Volumes(t.Context(), o, []string{"shop-data"}, ""); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("over a volume: %v", err)
	}
	if _, err := restore.Volumes(t.Context(), o, []string{"shop-data"}, "shop-again"); err != nil {
		t.Fatal(err)
	}
	if !same(sums(t, s.keeper.Folder("shop-data")), sums(t, s.keeper.Folder("shop-again"))) {
		t.Error("it differs")
	}
	if _, err := restore.Volumes(t.Context(), o, []string{"other"}, ""); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("a volume that the backup does not have: %v", err)
	}
}

func TestLedger_ComesBackAsAFile(t *testing.T) {
	s := newServer(t)
	s.wantDone()
	file := filepath.Join(t.TempDir(), "copy.db")
	if _, err := restore.Ledger(t.Context(), s.machine(volumetest.New(t)), file); err != nil {
		t.Fatal(err)
	}
	if names := sums(t, filepath.Dir(file)); len(names) != 1 {
		t.Errorf("made %v", names)
	}
	if _, err := restore.Ledger(t.Context(), s.machine(volumetest.New(t)), file); err == nil {
		t.Error("a file was replaced")
	}
}

func TestBackup_SaysWhyItFailed(t *testing.T) {
	s := newServer(t)
	if err := os.RemoveAll(s.place); err != nil {
		t.Fatal(err)
	}
	run := s.backUp()
	if run.State != backup.Failed || !strings.Contains(run.Reason, "cannot be opened") {
		t.Errorf("got %+v", run)
	}
	if at := slices.IndexFunc(s.audit.events, func(e audit.Event) bool { return e.Action == audit.ActionBackupEnd && !e.Success }); at < 0 {
		t.Errorf("recorded %+v", s.audit.events)
	}
}

func TestBackup_LeavesOutWhatIsSkipped(t *testing.T) {
	s := newServer(t)
	view, err := s.backups.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wish := backup.Wish{Place: view.Settings.Place, Recipients: view.Settings.Recipients, Keep: view.Settings.Keep, Skipped: []string{"shop-data"}}
	if err := s.backups.Update(t.Context(), wish); err != nil {
		t.Fatal(err)
	}
	run := s.wantDone()
	reader, err := set.Open(t.Context(), s.machine(s.keeper).From, run.Set, []age.Identity{s.identity})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range reader.Parts {
		if part.Volume == "shop-data" {
			t.Error("it is there")
		}
	}
	if err := reader.Verify(t.Context(), reader.Parts, func(int64) {}); err != nil {
		t.Error(err)
	}
}
