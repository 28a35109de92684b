package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/store"
)

func TestCreateApp_KeepsEverythingOfTheApp(t *testing.T) {
	ledger := fresh(t)
	made := newApp("hello", "/hello", "made.example.com", "example.com/api")
	made.Settings = controller.Settings{Port: 65535, MemoryBytes: 64 << 20, NanoCPUs: 250_000_000, Processes: 20, WritableRoot: true}
	release, err := ledger.CreateApp(t.Context(), made, newRelease())
	must(t, err)
	if want := (controller.ReleaseID{App: "hello", Number: 1}); release.ReleaseID != want {
		t.Fatalf("want %v, got %v", want, release.ReleaseID)
	}

	found, err := ledger.FindApp(t.Context(), "hello")
	must(t, err)
	made.Observed.State = controller.AppWaiting
	if !reflect.DeepEqual(found, made) {
		t.Fatalf("want %+v\ngot  %+v", made, found)
	}
	listed, err := ledger.ListApps(t.Context())
	must(t, err)
	if !reflect.DeepEqual(listed, []controller.App{made}) {
		t.Fatalf("want %+v\ngot  %+v", made, listed)
	}
}

func TestCreateApp_RefusesATakenNameAndLeavesNothingBehind(t *testing.T) {
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	_, err := ledger.CreateApp(t.Context(), newApp("hello", "/other"), newRelease())
	wantError(t, err, controller.ErrNameTaken)

	createApp(t, ledger, "other", "/other") // the refused app holds no route
}

func TestCreateApp_RefusesATakenRouteAndLeavesNothingBehind(t *testing.T) {
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello", "example.com/api")
	for _, taken := range []string{"/hello", "example.com/api"} {
		_, err := ledger.CreateApp(t.Context(), newApp("other", "/other", taken), newRelease())
		wantError(t, err, controller.ErrRouteTaken)
	}
	// Neither the name nor the first route of the refused app is held.
	createApp(t, ledger, "other", "/other", "/api", "example.com/hello")
}

func TestCreateApp_RefusesOneRouteTwice(t *testing.T) {
	_, err := fresh(t).CreateApp(t.Context(), newApp("hello", "/hello", "/hello"), newRelease())
	wantError(t, err, controller.ErrRouteTaken)
}

func TestCreateApp_RefusesAnAppWithoutRoute(t *testing.T) {
	ledger := fresh(t)
	if _, err := ledger.CreateApp(t.Context(), newApp("hello"), newRelease()); err == nil {
		t.Fatal("an app without a route was created")
	}
	_, err := ledger.FindApp(t.Context(), "hello")
	wantError(t, err, controller.ErrNotFound)
}

func TestCreateApp_ConstraintsHoldWhereAParserIsForgotten(t *testing.T) {
	ledger := fresh(t)
	for _, forged := range []struct {
		name string
		edit func(*controller.App)
	}{
		{"name in upper case", func(a *controller.App) { a.Name = "Hello" }},
		{"empty name", func(a *controller.App) { a.Name = "" }},
		{"name with a hyphen at the end", func(a *controller.App) { a.Name = "hello-" }},
		{"name with a slash", func(a *controller.App) { a.Name = "hel/lo" }},
		{"unknown wish", func(a *controller.App) { a.Wanted = "paused" }},
		{"unknown state", func(a *controller.App) { a.Observed.State = "odd" }},
		{"path without a slash", func(a *controller.App) { a.Routes[0].Path = "hello" }},
		{"template in the path", func(a *controller.App) { a.Routes[0].Path = "/{{ env `SECRET_KEY` }}" }},
		{"template in the host", func(a *controller.App) { a.Routes[0].Host = "{{env}}.example.com" }},
		{"host in upper case", func(a *controller.App) { a.Routes[0].Host = "EXAMPLE.com" }},
	} {
		app := newApp("hello", "/hello")
		forged.edit(&app)
		_, err := ledger.CreateApp(t.Context(), app, newRelease())
		if err == nil || errors.Is(err, controller.ErrNameTaken) || errors.Is(err, controller.ErrRouteTaken) {
			t.Errorf("%s: want a refusal by the constraint, got %v", forged.name, err)
		}
	}
}

func TestCreateApp_GivesOneNameToOneOfMany(t *testing.T) {
	wantOneWinner(t, controller.ErrNameTaken, func(i int) controller.App {
		return newApp("hello", fmt.Sprintf("/%d", i))
	})
}

func TestCreateApp_GivesOneRouteToOneOfMany(t *testing.T) {
	wantOneWinner(t, controller.ErrRouteTaken, func(i int) controller.App {
		return newApp(controller.AppName(fmt.Sprintf("app-%d", i)), fmt.Sprintf("/own/%d", i), "example.com/shop")
	})
}

func TestListApps_SortsByName(t *testing.T) {
	ledger := fresh(t)
	for _, name := range []controller.AppName{"b", "c", "a-b", "a"} {
		createApp(t, ledger, name, "/"+string(name), string(name)+".example.com")
	}
	apps, err := ledger.ListApps(t.Context())
	must(t, err)
	var names []controller.AppName
	for _, app := range apps {
		names = append(names, app.Name)
		if len(app.Routes) != 2 {
			t.Errorf("%s has the routes %v", app.Name, app.Routes)
		}
	}
	if want := []controller.AppName{"a", "a-b", "b", "c"}; !reflect.DeepEqual(names, want) {
		t.Fatalf("want %v, got %v", want, names)
	}
}

func TestListApps_IsEmptyAtFirst(t *testing.T) {
	apps, err := fresh(t).ListApps(t.Context())
	if err != nil || len(apps) != 0 {
		t.Fatalf("want nothing, got %v, %v", apps, err)
	}
}

func TestFindApp_NamesTheLiveRelease(t *testing.T) {
	ledger := fresh(t)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	wantLive(t, ledger, "hello", 1)
}

func TestUpdateWanted_DoesNotTakeADeletionBack(t *testing.T) {
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	must(t, ledger.UpdateWanted(t.Context(), "hello", controller.WantedStopped))
	must(t, ledger.UpdateWanted(t.Context(), "hello", controller.WantedRunning))
	must(t, ledger.UpdateWanted(t.Context(), "hello", controller.WantedDeleted))
	must(t, ledger.UpdateWanted(t.Context(), "hello", controller.WantedDeleted))

	wantError(t, ledger.UpdateWanted(t.Context(), "hello", controller.WantedRunning), controller.ErrNotFound)
	app, err := ledger.FindApp(t.Context(), "hello")
	must(t, err)
	if app.Wanted != controller.WantedDeleted {
		t.Fatalf("the app is wanted %s", app.Wanted)
	}
}

func TestUpdateObserved_IsReadBack(t *testing.T) {
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	seen := controller.Observed{State: controller.AppCrashing, Detail: "It ended with code 1.", At: noon.Add(time.Hour)}
	must(t, ledger.UpdateObserved(t.Context(), "hello", seen))
	app, err := ledger.FindApp(t.Context(), "hello")
	must(t, err)
	if app.Observed != seen {
		t.Fatalf("want %+v, got %+v", seen, app.Observed)
	}
}

func TestDeleteApp_FreesNameAndRouteAndTakesReleasesAlong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "berth.db")
	ledger := open(t, path)
	first := createApp(t, ledger, "hello", "/hello")
	must(t, ledger.UpdateInstances(t.Context(), first.ReleaseID, []string{"berth-hello-r1"}, "berth-hello-r1:8000"))
	must(t, ledger.UpdateWanted(t.Context(), "hello", controller.WantedDeleted))

	// The promise alone frees nothing: the containers still run.
	_, err := ledger.CreateApp(t.Context(), newApp("hello", "/new"), newRelease())
	wantError(t, err, controller.ErrNameTaken)
	_, err = ledger.CreateApp(t.Context(), newApp("other", "/hello"), newRelease())
	wantError(t, err, controller.ErrRouteTaken)

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
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "other", "/other")
	_, findErr := ledger.FindApp(ctx, "hello")
	_, listErr := ledger.ListReleases(ctx, "hello")
	_, releaseErr := ledger.CreateRelease(ctx, controller.Release{ReleaseID: controller.ReleaseID{App: "hello"}})
	for name, err := range map[string]error{
		"FindApp": findErr, "ListReleases": listErr, "CreateRelease": releaseErr,
		"UpdateWanted":   ledger.UpdateWanted(ctx, "hello", controller.WantedStopped),
		"UpdateObserved": ledger.UpdateObserved(ctx, "hello", controller.Observed{State: controller.AppDown}),
		"DeleteApp":      ledger.DeleteApp(ctx, "hello"),
	} {
		if !errors.Is(err, controller.ErrNotFound) {
			t.Errorf("%s: want not found, got %v", name, err)
		}
	}
}

// wantOneWinner lets many goroutines, through two stores on one file, as two
// processes have it, create an app each.
func wantOneWinner(t *testing.T, refusal error, app func(int) controller.App) {
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

func wantLive(t *testing.T, ledger *store.Store, name controller.AppName, number int64) {
	t.Helper()
	app, err := ledger.FindApp(t.Context(), name)
	must(t, err)
	if app.Live != number {
		t.Fatalf("the live release of %s is r%d, want r%d", name, app.Live, number)
	}
}
