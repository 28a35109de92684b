package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/store"
)

func TestCreateApp_KeepsEverythingOfTheApp(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	made := newApp("hello", "/hello", "made.example.com", "example.com/api")
	made.Settings = app.Settings{Port: 65535, MemoryBytes: 64 << 20, NanoCPUs: 250_000_000, Processes: 20, WritableRoot: true}
	release, err := ledger.CreateApp(t.Context(), made, newRelease())
	must(t, err)
	if want := (app.ReleaseID{App: "hello", Number: 1}); release.ReleaseID != want {
		t.Fatalf("want %v, got %v", want, release.ReleaseID)
	}

	found, err := ledger.FindApp(t.Context(), "hello")
	must(t, err)
	made.Observed.State = app.Waiting
	if !reflect.DeepEqual(found, made) {
		t.Fatalf("want %+v\ngot  %+v", made, found)
	}
	listed, err := ledger.ListApps(t.Context())
	must(t, err)
	if !reflect.DeepEqual(listed, []app.App{made}) {
		t.Fatalf("want %+v\ngot  %+v", made, listed)
	}
}

func TestCreateApp_RefusesATakenNameAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	_, err := ledger.CreateApp(t.Context(), newApp("hello", "/other"), newRelease())
	wantError(t, err, problem.ErrNameTaken)

	createApp(t, ledger, "other", "/other") // the refused app holds no route
}

func TestCreateApp_RefusesATakenRouteAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello", "example.com/api")
	for _, taken := range []string{"/hello", "example.com/api"} {
		_, err := ledger.CreateApp(t.Context(), newApp("other", "/other", taken), newRelease())
		wantError(t, err, app.ErrRouteTaken)
	}
	// Neither the name nor the first route of the refused app is held.
	createApp(t, ledger, "other", "/other", "/api", "example.com/hello")
}

func TestCreateApp_RefusesOneRouteTwice(t *testing.T) {
	t.Parallel()
	_, err := fresh(t).CreateApp(t.Context(), newApp("hello", "/hello", "/hello"), newRelease())
	wantError(t, err, app.ErrRouteTaken)
}

func TestCreateApp_RefusesAnAppWithoutRoute(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	if _, err := ledger.CreateApp(t.Context(), newApp("hello"), newRelease()); err == nil {
		t.Fatal("an app without a route was created")
	}
	_, err := ledger.FindApp(t.Context(), "hello")
	wantError(t, err, problem.ErrNotFound)
}

func TestCreateApp_ConstraintsHoldWhereAParserIsForgotten(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	for _, forged := range []struct {
		name string
		edit func(*app.App)
	}{
		{"name in upper case", func(a *app.App) { a.Name = "Hello" }},
		{"empty name", func(a *app.App) { a.Name = "" }},
		{"name with a hyphen at the end", func(a *app.App) { a.Name = "hello-" }},
		{"name with a slash", func(a *app.App) { a.Name = "hel/lo" }},
		{"unknown wish", func(a *app.App) { a.Wanted = "paused" }},
		{"unknown state", func(a *app.App) { a.Observed.State = "odd" }},
		{"path without a slash", func(a *app.App) { a.Routes[0].Path = "hello" }},
		{"template in the path", func(a *app.App) { a.Routes[0].Path = "/{{ env `SECRET_KEY` }}" }},
		{"template in the host", func(a *app.App) { a.Routes[0].Host = "{{env}}.example.com" }},
		{"host in upper case", func(a *app.App) { a.Routes[0].Host = "EXAMPLE.com" }},
	} {
		found := newApp("hello", "/hello")
		forged.edit(&found)
		_, err := ledger.CreateApp(t.Context(), found, newRelease())
		if err == nil || errors.Is(err, problem.ErrNameTaken) || errors.Is(err, app.ErrRouteTaken) {
			t.Errorf("%s: want a refusal by the constraint, got %v", forged.name, err)
		}
	}
}

func TestCreateApp_GivesOneNameToOneOfMany(t *testing.T) {
	t.Parallel()
	wantOneWinner(t, problem.ErrNameTaken, func(i int) app.App {
		return newApp("hello", fmt.Sprintf("/%d", i))
	})
}

func TestCreateApp_GivesOneRouteToOneOfMany(t *testing.T) {
	t.Parallel()
	wantOneWinner(t, app.ErrRouteTaken, func(i int) app.App {
		return newApp(app.Name(fmt.Sprintf("app-%d", i)), fmt.Sprintf("/own/%d", i), "example.com/shop")
	})
}

func TestListApps_SortsByName(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	for _, name := range []app.Name{"b", "c", "a-b", "a"} {
		createApp(t, ledger, name, "/"+string(name), string(name)+".example.com")
	}
	apps, err := ledger.ListApps(t.Context())
	must(t, err)
	var names []app.Name
	for _, app := range apps {
		names = append(names, app.Name)
		if len(app.Routes) != 2 {
			t.Errorf("%s has the routes %v", app.Name, app.Routes)
		}
	}
	if want := []app.Name{"a", "a-b", "b", "c"}; !reflect.DeepEqual(names, want) {
		t.Fatalf("want %v, got %v", want, names)
	}
}

func TestListApps_IsEmptyAtFirst(t *testing.T) {
	t.Parallel()
	apps, err := fresh(t).ListApps(t.Context())
	if err != nil || len(apps) != 0 {
		t.Fatalf("want nothing, got %v, %v", apps, err)
	}
}

func TestFindApp_NamesTheLiveRelease(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	wantLive(t, ledger, "hello", 1)
}

func TestUpdateWanted_DoesNotTakeADeletionBack(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedStopped))
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedRunning))
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted))
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted))

	wantError(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedRunning), problem.ErrNotFound)
	found, err := ledger.FindApp(t.Context(), "hello")
	must(t, err)
	if found.Wanted != app.WantedDeleted {
		t.Fatalf("the app is wanted %s", found.Wanted)
	}
}

func TestUpdateObserved_IsReadBack(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	seen := app.Observed{State: app.Crashing, Detail: "It ended with code 1.", At: noon.Add(time.Hour)}
	must(t, ledger.UpdateObserved(t.Context(), "hello", seen))
	app, err := ledger.FindApp(t.Context(), "hello")
	must(t, err)
	if app.Observed != seen {
		t.Fatalf("want %+v, got %+v", seen, app.Observed)
	}
}

func TestDeleteApp_FreesNameAndRouteAndTakesReleasesAlong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	ledger := open(t, path)
	first := createApp(t, ledger, "hello", "/hello")
	must(t, updateInstances(t.Context(), ledger, first.ReleaseID, []string{"berth-hello-r1"}, "berth-hello-r1:8000"))
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted))

	// The promise alone frees nothing: the containers still run.
	_, err := ledger.CreateApp(t.Context(), newApp("hello", "/new"), newRelease())
	wantError(t, err, problem.ErrNameTaken)
	_, err = ledger.CreateApp(t.Context(), newApp("other", "/hello"), newRelease())
	wantError(t, err, app.ErrRouteTaken)

	must(t, ledger.DeleteApp(t.Context(), "hello"))
	var rows int
	must(t, raw(t, path).QueryRow(`
SELECT (SELECT count(*) FROM apps) + (SELECT count(*) FROM routes) + (SELECT count(*) FROM releases)`).Scan(&rows))
	if rows != 0 {
		t.Fatalf("%d rows are left", rows)
	}
	if again := createApp(t, ledger, "hello", "/hello"); again.Number != 1 {
		t.Fatalf("the new app begins with r%d", again.Number)
	}
}

func TestStore_SaysThatAnAppIsNotFound(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "other", "/other")
	_, findErr := ledger.FindApp(ctx, "hello")
	_, listErr := ledger.ListReleases(ctx, "hello")
	_, releaseErr := ledger.CreateRelease(ctx, app.Release{ReleaseID: app.ReleaseID{App: "hello"}})
	for name, err := range map[string]error{
		"FindApp": findErr, "ListReleases": listErr, "CreateRelease": releaseErr,
		"UpdateWanted":   ledger.UpdateWanted(ctx, "hello", app.WantedStopped),
		"UpdateObserved": ledger.UpdateObserved(ctx, "hello", app.Observed{State: app.Down}),
		"DeleteApp":      ledger.DeleteApp(ctx, "hello"),
	} {
		if !errors.Is(err, problem.ErrNotFound) {
			t.Errorf("%s: want not found, got %v", name, err)
		}
	}
}

// wantOneWinner lets many goroutines, through two stores on one file, as two
// processes have it, create an app each.
func wantOneWinner(t *testing.T, refusal error, app func(int) app.App) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "berth.db")
	ledgers := []*store.Store{open(t, path), open(t, path)}
	const claims = 20
	errs := make([]error, claims)
	var group sync.WaitGroup
	for i := range claims {
		group.Go(func() {
			_, errs[i] = ledgers[i%len(ledgers)].CreateApp(t.Context(), app(i), newRelease())
		})
	}
	group.Wait()

	winners := 0
	for _, err := range errs {
		if err == nil {
			winners++
			continue
		}
		wantError(t, err, refusal)
	}
	apps, err := ledgers[0].ListApps(t.Context())
	must(t, err)
	if winners != 1 || len(apps) != 1 {
		t.Fatalf("%d claims won and %d apps are there, want one of each", winners, len(apps))
	}
}

func wantLive(t *testing.T, ledger *store.Store, name app.Name, number int64) {
	t.Helper()
	app, err := ledger.FindApp(t.Context(), name)
	must(t, err)
	if app.Live != number {
		t.Fatalf("the live release of %s is r%d, want r%d", name, app.Live, number)
	}
}
