package store_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/store"
)

var variables = []app.Variable{{Name: "A", Value: "<b>\"x\"\n\u2028"}, {Name: "S", Sealed: []byte{0, 1, 255}, File: true}}

func TestUpdateEnvironment_IsForTheNextReleaseAndGoesWithIt(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	first := createApp(t, ledger, "hello", "/hello")
	promoted(t, ledger, first.ReleaseID)
	must(t, ledger.UpdateEnvironment(t.Context(), "hello", 0, variables))
	second := nextRelease(t, ledger, "hello")
	number := wantEnvironment(t, ledger, "hello", variables)
	must(t, ledger.UpdateEnvironment(t.Context(), "hello", number, nil))

	wantEnvironment(t, ledger, "hello", nil)
	wantEnvironmentOf(t, ledger, first.ReleaseID, nil)
	wantEnvironmentOf(t, ledger, second.ReleaseID, variables)
	if second.Environment != number {
		t.Errorf("the queued release has the environment %d, want %d", second.Environment, number)
	}
}

func TestUpdateEnvironment_RefusesOverOneThatItHasNotSeen(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	must(t, ledger.UpdateEnvironment(t.Context(), "hello", 0, variables))
	wantError(t, ledger.UpdateEnvironment(t.Context(), "hello", 0, nil), app.ErrStale)
	wantError(t, ledger.UpdateEnvironment(t.Context(), "hello", 99, nil), app.ErrStale)
	number := wantEnvironment(t, ledger, "hello", variables)
	must(t, ledger.UpdateEnvironment(t.Context(), "hello", number, variables[:1]))
	wantError(t, ledger.UpdateEnvironment(t.Context(), "hello", number, nil), app.ErrStale)
}

func TestUpdateEnvironment_KeepsNoneThatNothingHas(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	ledger, db := open(t, path), raw(t, path)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	number := int64(0)
	for i := range 5 {
		must(t, ledger.UpdateEnvironment(t.Context(), "hello", number, variables[:1+i%2]))
		number, _, _ = ledger.FindEnvironment(t.Context(), "hello")
	}
	nextRelease(t, ledger, "hello")
	must(t, ledger.UpdateEnvironment(t.Context(), "hello", number, variables))
	var kept int
	must(t, db.QueryRow(`SELECT count(*) FROM environments`).Scan(&kept))
	if kept != 2 {
		t.Errorf("%d environments are kept, want the release's and the app's", kept)
	}
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted))
	must(t, ledger.DeleteApp(t.Context(), "hello"))
	must(t, db.QueryRow(`SELECT count(*) FROM environments`).Scan(&kept))
	if kept != 0 {
		t.Errorf("%d environments outlive their app", kept)
	}
}

func TestUpdateEnvironment_RefusesAnAppThatIsNotThere(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	wantError(t, ledger.UpdateEnvironment(t.Context(), "hello", 0, variables), problem.ErrNotFound)
	_, _, err := ledger.FindEnvironment(t.Context(), "hello")
	wantError(t, err, problem.ErrNotFound)
	_, err = ledger.FindEnvironmentOf(t.Context(), app.ReleaseID{App: "hello", Number: 1})
	wantError(t, err, problem.ErrNotFound)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted))
	wantError(t, ledger.UpdateEnvironment(t.Context(), "hello", 0, variables), problem.ErrNotFound)
}

func TestCreateRerun_TakesTheEnvironmentThatItIsAbout(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	rerun := func(edit func(*app.Release)) app.ReleaseID {
		wish := newRelease()
		wish.App, wish.Cause, wish.RerunOf, wish.Image, wish.Settings = "hello", app.CauseRollback, 1, "sha256:abc", app.DefaultSettings()
		edit(&wish)
		queued, err := ledger.CreateRerun(t.Context(), wish)
		must(t, err)
		promoted(t, ledger, queued.ReleaseID)
		return queued.ReleaseID
	}
	must(t, ledger.UpdateEnvironment(t.Context(), "hello", 0, variables))
	number := wantEnvironment(t, ledger, "hello", variables)

	settings := rerun(func(r *app.Release) { r.Cause = app.CauseSettings })
	wantEnvironmentOf(t, ledger, settings, nil)
	wantEnvironment(t, ledger, "hello", variables)

	applied := rerun(func(r *app.Release) { r.Cause = app.CauseEnvironment })
	wantEnvironmentOf(t, ledger, applied, variables)
	if found, err := ledger.FindRelease(t.Context(), applied); err != nil || found.Cause != app.CauseEnvironment || found.Environment != number {
		t.Errorf("got %+v, %v", found, err)
	}

	must(t, ledger.UpdateEnvironment(t.Context(), "hello", number, variables[:1]))
	back := rerun(func(r *app.Release) { r.Environment = number })
	wantEnvironmentOf(t, ledger, back, variables)
	wantEnvironment(t, ledger, "hello", variables)

	empty := rerun(func(*app.Release) {})
	wantEnvironmentOf(t, ledger, empty, nil)
	wantEnvironment(t, ledger, "hello", nil)
}

func wantEnvironment(t *testing.T, ledger *store.Store, app app.Name, want []app.Variable) int64 {
	t.Helper()
	number, got, err := ledger.FindEnvironment(t.Context(), app)
	must(t, err)
	if !reflect.DeepEqual(got, want) || number == 0 && len(want) > 0 {
		t.Errorf("%s has the environment %d: %+v, want %+v", app, number, got, want)
	}
	return number
}

func wantEnvironmentOf(t *testing.T, ledger *store.Store, id app.ReleaseID, want []app.Variable) {
	t.Helper()
	got, err := ledger.FindEnvironmentOf(t.Context(), id)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s runs with %+v, want %+v", id, got, want)
	}
}

func TestUpdateEnvironment_ForeignOneCannotBeNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	ledger, db := open(t, path), raw(t, path)
	createApp(t, ledger, "hello", "/hello")
	if _, err := db.Exec(`UPDATE apps SET environment = 77`); err == nil || errors.Is(err, app.ErrStale) {
		t.Errorf("an environment that is not there could be named: %v", err)
	}
}
