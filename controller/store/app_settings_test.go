package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"berth/controller/app"
	"berth/controller/egress"
	"berth/controller/problem"
	"berth/controller/store"
)

var roomy = app.Settings{
	Port: 3000, MemoryBytes: 1 << 30, NanoCPUs: 1_500_000_000, Processes: 300, WritableRoot: true,
	Database: true, DatabaseServices: "cache,db", Fallback: true,
	Egress: egress.Egress{Mode: egress.List, Hosts: "*.example.org:443\napi.example.com:443"},
}

func TestUpdateSettings_IsForTheNextRelease(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	first := createApp(t, ledger, "hello", "/hello")
	promoted(t, ledger, first.ReleaseID)
	must(t, ledger.UpdateSettings(t.Context(), "hello", roomy))
	wantSettings(t, ledger, "hello", roomy)

	second := nextRelease(t, ledger, "hello")
	for id, want := range map[app.ReleaseID]app.Settings{
		first.ReleaseID: app.DefaultSettings(), second.ReleaseID: roomy,
	} {
		found, err := ledger.FindRelease(t.Context(), id)
		must(t, err)
		if found.Settings != want {
			t.Errorf("%s runs with %+v, want %+v", id, found.Settings, want)
		}
	}
	if second.Settings != roomy {
		t.Errorf("the queued release has %+v, want %+v", second.Settings, roomy)
	}
}

func TestUpdateSettings_RefusesWhileAReleaseIsUnderWay(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	wantError(t, ledger.UpdateSettings(t.Context(), "hello", roomy), app.ErrUnderWay)
	wantSettings(t, ledger, "hello", app.DefaultSettings())
}

func TestUpdateSettings_RefusesAnAppThatIsNotThere(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	wantError(t, ledger.UpdateSettings(t.Context(), "hello", roomy), problem.ErrNotFound)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted))
	wantError(t, ledger.UpdateSettings(t.Context(), "hello", roomy), problem.ErrNotFound)
}

func TestCreateRerun_GivesItsSettingsToTheApp(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	wish := newRelease()
	wish.App, wish.RerunOf, wish.Cause, wish.Image, wish.Settings = "hello", 1, app.CauseSettings, "sha256:abc", roomy

	queued, err := ledger.CreateRerun(t.Context(), wish)
	must(t, err)
	found, err := ledger.FindRelease(t.Context(), queued.ReleaseID)
	must(t, err)
	if found.Number != 2 || found.Settings != roomy || found.Cause != app.CauseSettings || found.RerunOf != 1 || found.Image != "sha256:abc" {
		t.Errorf("got %+v", found)
	}
	wantSettings(t, ledger, "hello", roomy)
}

func TestCreateRerun_ChangesNoSettingsWhereItIsRefused(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	wish := newRelease()
	wish.App, wish.Cause, wish.RerunOf, wish.Settings = "hello", app.CauseRollback, 1, roomy
	_, err := ledger.CreateRerun(t.Context(), wish)
	wantError(t, err, app.ErrUnderWay)
	wantSettings(t, ledger, "hello", app.DefaultSettings())
}

func TestUpdateSettings_ConstraintsHoldWhereAParserIsForgotten(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	for name, edit := range map[string]func(*app.Settings){
		"no memory limit":       func(s *app.Settings) { s.MemoryBytes = 0 },
		"less than no CPU":      func(s *app.Settings) { s.NanoCPUs = -1 },
		"no process limit":      func(s *app.Settings) { s.Processes = 0 },
		"services of no waiver": func(s *app.Settings) { s.DatabaseServices = "db" },
		"no name of a service":  func(s *app.Settings) { s.Database, s.DatabaseServices = true, "DB" },
		"no limit at all":       func(s *app.Settings) { *s = app.Settings{} },
	} {
		forged := app.DefaultSettings()
		edit(&forged)
		if err := ledger.UpdateSettings(t.Context(), "hello", forged); err == nil || errors.Is(err, app.ErrUnderWay) {
			t.Errorf("%s: want a refusal by the constraint, got %v", name, err)
		}
	}
	wantSettings(t, ledger, "hello", app.DefaultSettings())
}

func TestOpen_GivesTheLimitsThatTheyHadToAppsFromBeforeTheSettings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	old := raw(t, path)
	provider, err := goose.NewProvider(goose.DialectSQLite3, old, os.DirFS("migrations"))
	must(t, err)
	_, err = provider.UpTo(t.Context(), 2)
	must(t, err)
	execute(t, old, `
INSERT INTO apps (name, port, wanted, observed_state, observed_detail, created_at)
VALUES ('hello', 3000, 'running', 'running', '', 1)`)
	execute(t, old, `
INSERT INTO releases (app, number, state, steps, archive, archive_name, archive_bytes, archive_sha256,
                      rollback_of, image, created_by, created_at, finished_at)
VALUES ('hello', 1, 'live', '[]', '', '', 0, '', 0, 'sha256:abc', 'admin', 1, 2)`)

	ledger := open(t, path)

	want := app.DefaultSettings()
	want.Port = 3000
	wantSettings(t, ledger, "hello", want)
	release, err := ledger.FindRelease(t.Context(), app.ReleaseID{App: "hello", Number: 1})
	must(t, err)
	if release.Settings != want || release.Cause != app.CauseUpload {
		t.Errorf("the release of before has %+v, want %+v", release.Settings, want)
	}
}

func wantSettings(t *testing.T, ledger *store.Store, name app.Name, want app.Settings) {
	t.Helper()
	app, err := ledger.FindApp(t.Context(), name)
	must(t, err)
	if app.Settings != want {
		t.Errorf("%s has the settings %+v, want %+v", name, app.Settings, want)
	}
}
