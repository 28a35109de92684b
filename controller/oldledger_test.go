package controller_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pressly/goose/v3"

	"berth/controller/app"
	"berth/controller/archive/archivetest"
	"berth/controller/docker"
	"berth/controller/plan"
)

// openOldLedger opens a controller on the ledger of testdata/ledger_00019.sql, with the
// engine as that version left it.
func openOldLedger(t *testing.T) *house {
	t.Helper()
	h := emptyHouse(t)
	h.engine.onLook.set(wellBehaved)
	h.engine.contents.put("store", "store v1")
	h.engine.contents.put("image-berth-book-r1.store", "store v1")
	database, err := sql.Open("sqlite3", filepath.Join(h.folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, database, os.DirFS("store/migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 19); err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile("testdata/ledger_00019.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := database.ExecContext(t.Context(), string(rows)); err != nil {
		t.Fatal(err)
	}
	if err := database.Close(); err != nil {
		t.Fatal(err)
	}
	h.putOldThings()
	h.open()
	return h
}

// putOldThings makes the archives, instances, images and networks that the old ledger names.
func (h *house) putOldThings() {
	h.t.Helper()
	one := archivetest.Zip(h.t, map[string]string{"Dockerfile": "FROM scratch\nCOPY . /\n"})
	book := archivetest.Zip(h.t, map[string]string{
		"compose.yaml": guestbookFile, "web/Dockerfile": "FROM scratch\nCOPY . /\n",
		"store/Dockerfile": "FROM scratch\nCOPY . /\n", "token.txt": "a-secret-of-the-archive",
	})
	if err := os.Mkdir(filepath.Join(h.folder, "uploads"), 0o700); err != nil {
		h.t.Fatal(err)
	}
	for file, content := range map[string]string{
		"late.upload": one, "hellofailed.upload": one, "booklive.upload": book, "bookfailed.upload": book, "booknext.upload": book,
	} {
		if err := os.WriteFile(filepath.Join(h.folder, "uploads", file), []byte(content), 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	for name, instance := range map[string]docker.Instance{
		"berth-hello-r3":        {App: "hello", Release: 3, Image: "image-berth-hello-r1"},
		"berth-book-r1.store":   {App: "book", Release: 1, Image: "image-berth-book-r1.store"},
		"berth-book-r2.migrate": {App: "book", Release: 2, Image: "image-berth-book-r2.migrate"},
		"berth-book-r2.web":     {App: "book", Release: 2, Image: "image-berth-book-r2.web"},
	} {
		instance.ID, instance.Name, instance.Condition.Running = "id of "+name, name, true
		h.engine.instances[name] = instance
		h.engine.images[instance.Image] = true
	}
	for _, image := range []string{"image-berth-book-r1.migrate", "image-berth-book-r1.web"} {
		h.engine.images[image] = true
	}
	for _, network := range []docker.Network{{Name: "hello", App: "hello"}, {Name: "book.r2", App: "book", Release: 2}} {
		h.engine.networks[network.Name] = network
	}
}

func TestOldLedger_IsReadInTheOneForm(t *testing.T) {
	t.Parallel()
	h := openOldLedger(t)
	for number, want := range []app.Release{
		{Cause: app.CauseUpload, Image: "image-berth-hello-r1"},
		{Cause: app.CauseSettings, RerunOf: 1, Image: "image-berth-hello-r1"},
		{Cause: app.CauseEnvironment, RerunOf: 2, Image: "image-berth-hello-r1"},
		{Cause: app.CauseUpload, Image: "image-berth-hello-r4"},
	} {
		got, err := h.Release(t.Context(), app.ReleaseID{App: "hello", Number: int64(number) + 1})
		if err != nil {
			t.Fatal(err)
		}
		if got.Cause != want.Cause || got.RerunOf != want.RerunOf || got.Image != want.Image || got.Network() != 0 {
			t.Errorf("%s is %+v", got.ReleaseID, got)
		}
		if len(got.Services) != 1 || got.PlannedWithVariables() {
			t.Fatalf("%s has the services %+v", got.ReleaseID, got.Services)
		}
		spec := got.Settings.PlanOptions().Service()
		run := got.Services[0]
		if run.Spec.Fingerprint() != spec.Fingerprint() || !run.Main || run.Image != got.Image || !slices.Equal(run.Instances, got.Instances) {
			t.Errorf("%s runs %+v, want %+v", got.ReleaseID, run, spec)
		}
	}
	book, err := h.Release(t.Context(), app.ReleaseID{App: "book", Number: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(book.Services) != 3 || !book.PlannedWithVariables() || book.Network() != 2 || book.Cause != app.CauseUpload || book.Services[0].KeptFrom != 1 {
		t.Errorf("book is %+v", book)
	}
}

func TestOldLedger_GoesOnWithReleasesOfBothForms(t *testing.T) {
	t.Parallel()
	h := openOldLedger(t)
	h.live(app.Release{ReleaseID: app.ReleaseID{App: "late", Number: 1}})
	book := h.live(app.Release{ReleaseID: app.ReleaseID{App: "book", Number: 4}})
	if book.Services[0].KeptFrom != 1 || !slices.Contains(book.Instances, "berth-book-r1.store") {
		t.Errorf("the store was not kept: %+v", book.Services)
	}
	h.settled("berth-book-r1.store", "berth-book-r4.migrate", "berth-book-r4.web", "berth-hello-r3", "berth-late-r1")
	if got := h.networks(); !slices.Equal(got, []string{"book.r4", "hello", "late"}) {
		t.Errorf("there are the networks %v", got)
	}

	again, err := h.Rollback(t.Context(), "book", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	if again = h.live(again); again.Cause != app.CauseRollback || again.Image != "image-berth-book-r1.web" {
		t.Errorf("book was rolled back to %+v", again)
	}
	if retried := h.tryAgain(app.ReleaseID{App: "hello", Number: 4}, nil); retried.State != app.ReleaseLive {
		t.Errorf("hello was tried again as %+v", retried)
	}
	back, err := h.Rollback(t.Context(), "hello", 2, "test")
	if err != nil {
		t.Fatal(err)
	}
	back = h.live(back)
	o := h.engine.options.at(back.Instances[0])
	if o.Service.Limits.MemoryBytes != 64<<20 || o.Service.Port != 8000 || !o.Service.Waivers.WritableRoot || o.Image.ID != "image-berth-hello-r1" || len(o.Service.Files) != 0 {
		t.Errorf("hello was rolled back to %+v", o)
	}
}

func TestOldLedger_InstancesAreMadeAgainAsTheyWere(t *testing.T) {
	t.Parallel()
	h := openOldLedger(t)
	h.eventually("secrets of the running instance to be put back", func() bool { return len(h.engine.ensured.get()) > 0 })
	if err := h.engine.Retire(t.Context(), "berth-hello-r3", 0); err != nil {
		t.Fatal(err)
	}
	h.stop()
	h.open()
	h.eventually("the instance to be made again", func() bool { return slices.Contains(h.engine.names(), "berth-hello-r3") })
	o := h.engine.options.at("berth-hello-r3")
	want := plan.Service{
		Name: "main", Port: 8000, Limits: plan.Limits{MemoryBytes: 64 << 20, NanoCPUs: 500_000_000, Processes: 100},
		Waivers: plan.Waivers{WritableRoot: true}, Environment: []string{"MODE=live"},
		Files: []plan.File{{Path: "/run/secrets/KEY", Mode: 0o400, Private: true, Content: []byte(plan.SecretReference("KEY"))}},
	}
	if o.Service.Fingerprint() != want.Fingerprint() || o.Secrets["KEY"] != marker || o.Release != 3 {
		t.Errorf("it was made again with %+v", o)
	}
}

func TestRelease_KeepsNoVariableOfASoleServiceInItsServices(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setSecret("DB", marker))
	h.change("hello", setVariable("MODE", "live"))
	h.change("hello", app.EnvironmentChange{Set: []app.VariableWish{{Name: "KEY", Value: marker, Secret: true, File: true}}})
	for _, release := range []app.Release{h.apply("hello"), h.update("hello")} {
		if release.State != app.ReleaseLive || len(release.Services) != 1 {
			t.Fatalf("release is %+v", release)
		}
		if spec := release.Services[0].Spec; len(spec.Environment) != 0 || len(spec.Files) != 0 {
			t.Errorf("the ledger keeps %v, %v", spec.Environment, spec.Files)
		}
		got := h.engine.options.at(release.Instances[0]).Service
		if !slices.Equal(got.Environment, []string{"DB=" + marker, "MODE=live"}) || len(got.Files) != 1 || got.Files[0].Path != "/run/secrets/KEY" {
			t.Errorf("%s was started with %v, %v", release.ReleaseID, got.Environment, got.Files)
		}
	}
}
