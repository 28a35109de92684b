package store_test

import (
	"context"
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

func TestCreateRelease_QueuesWithTheNextNumber(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	first := createApp(t, ledger, "hello", "/hello")
	must(t, ledger.Finish(t.Context(), first.ReleaseID, app.ReleaseFailed, "It failed.", "", noon))

	wish := newRelease()
	wish.App, wish.Cause, wish.RerunOf, wish.Image = "hello", app.CauseRollback, 1, "sha256:abc"
	release, err := ledger.CreateRelease(t.Context(), wish)
	must(t, err)

	want := wish
	want.Number, want.State, want.Settings = 2, app.ReleaseQueued, app.DefaultSettings()
	want.Steps = []app.Step{{State: app.ReleaseQueued, At: noon}}
	if !reflect.DeepEqual(release, want) {
		t.Fatalf("want %+v\ngot  %+v", want, release)
	}
	found, err := ledger.FindRelease(t.Context(), release.ReleaseID)
	must(t, err)
	if !reflect.DeepEqual(found, want) {
		t.Fatalf("want %+v\ngot  %+v", want, found)
	}
}

func TestCreateRelease_RefusesASecondUnderWay(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	first := createApp(t, ledger, "hello", "/hello")
	createApp(t, ledger, "other", "/other") // another app's release is no obstacle
	for _, state := range underWay {
		must(t, ledger.Advance(t.Context(), first.ReleaseID, state))
		_, err := tryNextRelease(t, ledger, "hello")
		wantError(t, err, app.ErrUnderWay)
	}
	promoted(t, ledger, first.ReleaseID)
	second := nextRelease(t, ledger, "hello")
	if second.Number != 2 {
		t.Fatalf("the refused releases used up numbers: r%d", second.Number)
	}
}

func TestCreateRelease_LetsOneOfManyIn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	ledgers := []*store.Store{open(t, path), open(t, path)}
	promoted(t, ledgers[0], createApp(t, ledgers[0], "hello", "/hello").ReleaseID)
	errs := make([]error, 20)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { _, errs[i] = tryNextRelease(t, ledgers[i%2], "hello") })
	}
	group.Wait()
	winners := 0
	for _, err := range errs {
		if err == nil {
			winners++
			continue
		}
		wantError(t, err, app.ErrUnderWay)
	}
	if winners != 1 {
		t.Fatalf("%d releases were queued at once", winners)
	}
}

func TestCreateRelease_RefusesAnAppWantedDeleted(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted))
	_, err := tryNextRelease(t, ledger, "hello")
	wantError(t, err, problem.ErrNotFound)
}

func TestListReleases_GivesTheNewest50First(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	must(t, ledger.Finish(t.Context(), createApp(t, ledger, "hello", "/hello").ReleaseID, app.ReleaseFailed, "", "", noon))
	for range 59 {
		release := nextRelease(t, ledger, "hello")
		must(t, ledger.Finish(t.Context(), release.ReleaseID, app.ReleaseCancelled, "", "", noon))
	}
	releases, err := ledger.ListReleases(t.Context(), "hello")
	must(t, err)
	if len(releases) != 50 || releases[0].Number != 60 || releases[49].Number != 11 {
		t.Fatalf("want r60 to r11, got %d releases from %s to %s", len(releases), releases[0], releases[len(releases)-1])
	}
}

func TestListLatest_GivesTheNewestOfEachApp(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	nextRelease(t, ledger, "hello")
	createApp(t, ledger, "other", "/other")

	latest, err := ledger.ListLatest(t.Context())
	must(t, err)
	if len(latest) != 2 || latest["hello"].Number != 2 || latest["other"].Number != 1 {
		t.Fatalf("got %+v", latest)
	}
}

func TestListUnderWay_KeepsTheOrderOfTheQueueWhateverTheClockSays(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	for i, name := range []app.Name{"c", "a", "b"} {
		release := newRelease()
		release.CreatedAt = noon.Add(-time.Duration(i) * time.Hour)
		_, err := ledger.CreateApp(t.Context(), newApp(name, "/"+string(name)), release)
		must(t, err)
	}
	must(t, ledger.Advance(t.Context(), app.ReleaseID{App: "b", Number: 1}, app.ReleaseBuilding))
	promoted(t, ledger, app.ReleaseID{App: "a", Number: 1})
	nextRelease(t, ledger, "a")

	releases, err := ledger.ListUnderWay(t.Context())
	must(t, err)
	var ids []string
	for _, release := range releases {
		ids = append(ids, release.String())
	}
	if want := []string{"c r1", "b r1", "a r2"}; !reflect.DeepEqual(ids, want) {
		t.Fatalf("want %v, got %v", want, ids)
	}
}

func TestListRunnable_LeavesOutWhatHasNoImageOrFailed(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	id := createApp(t, ledger, "hello", "/hello").ReleaseID
	for number := int64(1); number <= 60; number++ { // more than a list of releases holds
		if number > 1 {
			id = nextRelease(t, ledger, "hello").ReleaseID
		}
		must(t, updateImage(ctx, ledger, id, fmt.Sprintf("sha256:%d", number)))
		if number > 2 && number < 60 {
			must(t, ledger.Finish(ctx, id, app.ReleaseFailed, "No.", "", noon))
		} else {
			promoted(t, ledger, id)
		}
	}
	must(t, updateImage(ctx, ledger, app.ReleaseID{App: "hello", Number: 2}, ""))
	under := nextRelease(t, ledger, "hello").ReleaseID
	must(t, updateImage(ctx, ledger, under, "sha256:under"))
	must(t, updateImage(ctx, ledger, createApp(t, ledger, "other", "/other").ReleaseID, "sha256:other"))

	releases, err := ledger.ListRunnable(ctx, "hello")
	must(t, err)
	var images []string
	for _, release := range releases {
		images = append(images, release.Image)
	}
	if want := []string{"sha256:under", "sha256:60", "sha256:1"}; !reflect.DeepEqual(images, want) {
		t.Fatalf("want %v, got %v", want, images)
	}
}

func TestListArchives_KeepsWhatRunsAndWhatMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	first := createApp(t, ledger, "hello", "/hello").ReleaseID
	promoted(t, ledger, first)
	failed := nextRelease(t, ledger, "hello").ReleaseID
	must(t, ledger.Finish(ctx, failed, app.ReleaseFailed, "No.", "", noon))
	kept, err := ledger.ListArchives(ctx)
	must(t, err)
	if len(kept) != 2 {
		t.Errorf("kept %q, want those of the live and of the failed release", kept)
	}
	promoted(t, ledger, nextRelease(t, ledger, "hello").ReleaseID)
	kept, err = ledger.ListArchives(ctx)
	must(t, err)
	if len(kept) != 1 {
		t.Errorf("kept %q, want that of the live release alone", kept)
	}
}

func TestRelease_RecordsItsWay(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	id := createApp(t, ledger, "hello", "/hello").ReleaseID
	for _, state := range underWay[1:] {
		must(t, ledger.Advance(ctx, id, state))
		must(t, ledger.Advance(ctx, id, state)) // a step repeated after a crash
	}
	must(t, updateImage(ctx, ledger, id, "sha256:abc"))
	must(t, ledger.ClearArchive(ctx, id))
	must(t, updateInstances(ctx, ledger, id, []string{"old"}, "old:1"))
	must(t, updateInstances(ctx, ledger, id, []string{"web", "db", "cache"}, "web:8000"))
	live := noon.Add(time.Minute)
	_, err := ledger.Promote(ctx, id, live)
	must(t, err)

	got, err := ledger.FindRelease(ctx, id)
	must(t, err)
	want := newRelease()
	want.ReleaseID, want.State, want.Archive, want.Image = id, app.ReleaseLive, "", "sha256:abc"
	want.Settings = app.DefaultSettings()
	want.Instances, want.Address, want.FinishedAt = []string{"web", "db", "cache"}, "web:8000", live
	wantSteps(t, got, "queued", "building", "starting", "verifying", "live")
	want.Steps = got.Steps
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("want %+v\ngot  %+v", want, got)
	}
	if last := got.Steps[len(got.Steps)-1].At; !last.Equal(live) {
		t.Fatalf("it became live at %s, want %s", last, live)
	}
}

func TestAdvance_RefusesWhatIsNotUnderWay(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	id := createApp(t, ledger, "hello", "/hello").ReleaseID
	for _, state := range []app.ReleaseState{app.ReleaseLive, app.ReleaseFailed, "", "odd"} {
		if err := ledger.Advance(t.Context(), id, state); err == nil {
			t.Errorf("a release advanced to %q", state)
		}
	}
	must(t, ledger.Finish(t.Context(), id, app.ReleaseCancelled, "Cancelled.", "", noon))
	wantError(t, ledger.Advance(t.Context(), id, app.ReleaseStarting), problem.ErrNotFound)
	wantState(t, ledger, id, app.ReleaseCancelled)
}

func TestFinish_SaysWhyAndFreesTheApp(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	id := createApp(t, ledger, "hello", "/hello").ReleaseID
	ended := noon.Add(time.Second)
	must(t, ledger.Finish(t.Context(), id, app.ReleaseFailed, "The build failed.", "See its log.", ended))

	got, err := ledger.FindRelease(t.Context(), id)
	must(t, err)
	if got.Reason != "The build failed." || got.Hint != "See its log." || !got.FinishedAt.Equal(ended) {
		t.Fatalf("got %+v", got)
	}
	wantSteps(t, got, "queued", "failed")
	nextRelease(t, ledger, "hello")
}

func TestFinish_LeavesWhatIsFinalAsItIs(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	id := createApp(t, ledger, "hello", "/hello").ReleaseID
	promoted(t, ledger, id)
	must(t, ledger.Finish(ctx, id, app.ReleaseFailed, "Too late.", "", noon))
	wantState(t, ledger, id, app.ReleaseLive)

	second := nextRelease(t, ledger, "hello")
	must(t, ledger.Finish(ctx, second.ReleaseID, app.ReleaseCancelled, "First.", "", noon))
	must(t, ledger.Finish(ctx, second.ReleaseID, app.ReleaseFailed, "Second.", "", noon))
	got, err := ledger.FindRelease(ctx, second.ReleaseID)
	must(t, err)
	if got.State != app.ReleaseCancelled || got.Reason != "First." || len(got.Steps) != 2 {
		t.Fatalf("the second end replaced the first: %+v", got)
	}
}

func TestFinish_RefusesAStateThatIsNoEnd(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	id := createApp(t, ledger, "hello", "/hello").ReleaseID
	for _, state := range []app.ReleaseState{app.ReleaseLive, app.ReleaseSuperseded, app.ReleaseQueued, ""} {
		if err := ledger.Finish(t.Context(), id, state, "", "", noon); err == nil {
			t.Errorf("a release finished as %q", state)
		}
	}
}

func TestPromote_SupersedesAndReturnsTheTableOfTheSameTransaction(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	promoted(t, ledger, createApp(t, ledger, "other", "/other").ReleaseID)
	first := createApp(t, ledger, "hello", "/hello")
	promoted(t, ledger, first.ReleaseID)
	second := nextRelease(t, ledger, "hello")
	must(t, updateInstances(ctx, ledger, second.ReleaseID, []string{"hello-r2"}, "hello-r2:8000"))

	table, err := ledger.Promote(ctx, second.ReleaseID, noon.Add(time.Hour))
	must(t, err)

	wantTable(t, table, "hello r2 at hello-r2:8000 for [/hello]", "other r1 at other-r1:8000 for [/other]")
	wantLive(t, ledger, "hello", 2)
	old, err := ledger.FindRelease(ctx, first.ReleaseID)
	must(t, err)
	wantSteps(t, old, "queued", "live", "superseded")
	if !old.FinishedAt.Equal(noon) {
		t.Fatalf("being superseded changed when r1 finished: %s", old.FinishedAt)
	}
	again, err := ledger.Table(ctx)
	must(t, err)
	if !reflect.DeepEqual(again, table) {
		t.Fatalf("Promote returned %v, Table returns %v", table, again)
	}
}

func TestPromote_MayRunTwice(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	id := createApp(t, ledger, "hello", "/hello").ReleaseID
	promoted(t, ledger, id)
	table, err := ledger.Promote(t.Context(), id, noon.Add(time.Hour))
	must(t, err)
	wantTable(t, table, "hello r1 at hello-r1:8000 for [/hello]")
	got, err := ledger.FindRelease(t.Context(), id)
	must(t, err)
	wantSteps(t, got, "queued", "live")
	if !got.FinishedAt.Equal(noon) {
		t.Fatalf("the second time changed when it finished: %s", got.FinishedAt)
	}
}

func TestPromote_RefusesWhatHasEnded(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	first := createApp(t, ledger, "hello", "/hello")
	promoted(t, ledger, first.ReleaseID)
	second := nextRelease(t, ledger, "hello")
	must(t, ledger.Finish(ctx, second.ReleaseID, app.ReleaseCancelled, "", "", noon))
	_, err := ledger.Promote(ctx, second.ReleaseID, noon)
	wantError(t, err, problem.ErrNotFound)
	wantLive(t, ledger, "hello", 1)

	third := nextRelease(t, ledger, "hello")
	promoted(t, ledger, third.ReleaseID)
	_, err = ledger.Promote(ctx, first.ReleaseID, noon)
	wantError(t, err, problem.ErrNotFound)
	wantLive(t, ledger, "hello", 3)
}

func TestPromote_RefusesAnAppWantedDeleted(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	id := createApp(t, ledger, "hello", "/hello").ReleaseID
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted))
	_, err := ledger.Promote(t.Context(), id, noon)
	wantError(t, err, problem.ErrNotFound)
	wantState(t, ledger, id, app.ReleaseQueued)
}

func TestPromote_OrCancelWinsNeverBoth(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	one, two := open(t, path), open(t, path)
	promoted(t, one, createApp(t, one, "hello", "/hello").ReleaseID)
	for range 20 {
		release := nextRelease(t, one, "hello")
		var promoteErr, cancelErr error
		var group sync.WaitGroup
		group.Go(func() { _, promoteErr = one.Promote(t.Context(), release.ReleaseID, noon) })
		group.Go(func() {
			cancelErr = two.Finish(t.Context(), release.ReleaseID, app.ReleaseCancelled, "", "", noon)
		})
		group.Wait()
		must(t, cancelErr)
		want := app.ReleaseLive
		if promoteErr != nil {
			wantError(t, promoteErr, problem.ErrNotFound)
			want = app.ReleaseCancelled
		}
		wantState(t, one, release.ReleaseID, want)
	}
}

// While one goroutine promotes, every reader must see exactly one live release of the
// app: neither none, nor two.
func TestPromote_IsNeverSeenByHalf(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	promoted(t, ledger, createApp(t, ledger, "hello", "/hello").ReleaseID)
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				table, err := ledger.Table(t.Context())
				if err != nil || live(table) != 1 {
					t.Errorf("want one live release, got %v, %v", table, err)
					return
				}
			}
		})
	}
	for range 30 {
		release := nextRelease(t, ledger, "hello")
		promoted(t, ledger, release.ReleaseID)
	}
	close(done)
	group.Wait()
}

func TestStore_SaysThatAReleaseIsNotFound(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "hello", "/hello")
	for _, id := range []app.ReleaseID{{App: "hello", Number: 2}, {App: "other", Number: 1}} {
		_, findErr := ledger.FindRelease(ctx, id)
		_, promoteErr := ledger.Promote(ctx, id, noon)
		for name, err := range map[string]error{
			"FindRelease": findErr, "Promote": promoteErr,
			"Advance":         ledger.Advance(ctx, id, app.ReleaseBuilding),
			"UpdateServices":  ledger.UpdateServices(ctx, app.Release{ReleaseID: id}),
			"ClearArchive":    ledger.ClearArchive(ctx, id),
			"CountResumption": func() error { _, err := ledger.CountResumption(ctx, id); return err }(),
			"Finish":          ledger.Finish(ctx, id, app.ReleaseFailed, "", "", noon),
		} {
			if !errors.Is(err, problem.ErrNotFound) {
				t.Errorf("%s of %s: want not found, got %v", name, id, err)
			}
		}
	}
}

var underWay = []app.ReleaseState{
	app.ReleaseQueued, app.ReleaseBuilding, app.ReleaseStarting, app.ReleaseVerifying,
}

func nextRelease(t testing.TB, ledger *store.Store, app app.Name) app.Release {
	t.Helper()
	release, err := tryNextRelease(t, ledger, app)
	must(t, err)
	return release
}

func tryNextRelease(t testing.TB, ledger *store.Store, app app.Name) (app.Release, error) {
	t.Helper()
	release := newRelease()
	release.App = app
	return ledger.CreateRelease(t.Context(), release)
}

// updateImage records the image of a release.
func updateImage(ctx context.Context, ledger *store.Store, id app.ReleaseID, image string) error {
	release, err := ledger.FindRelease(ctx, id)
	if err != nil {
		return err
	}
	release.Image = image
	return ledger.UpdateServices(ctx, release)
}

// updateInstances records the instances of a release and the address of the main one.
func updateInstances(ctx context.Context, ledger *store.Store, id app.ReleaseID, instances []string, address string) error {
	release, err := ledger.FindRelease(ctx, id)
	if err != nil {
		return err
	}
	release.Instances, release.Address = instances, address
	return ledger.UpdateServices(ctx, release)
}

// promoted gives the release an instance and makes it live.
func promoted(t testing.TB, ledger *store.Store, id app.ReleaseID) {
	t.Helper()
	name := fmt.Sprintf("%s-r%d", id.App, id.Number)
	must(t, updateInstances(t.Context(), ledger, id, []string{name}, name+":8000"))
	_, err := ledger.Promote(t.Context(), id, noon)
	must(t, err)
}

func live(table app.Table) (count int) {
	for _, routing := range table.Routings {
		if !routing.Proving {
			count++
		}
	}
	return count
}

func wantState(t *testing.T, ledger *store.Store, id app.ReleaseID, want app.ReleaseState) {
	t.Helper()
	release, err := ledger.FindRelease(t.Context(), id)
	must(t, err)
	if release.State != want {
		t.Fatalf("%s is %s, want %s", id, release.State, want)
	}
}

func wantSteps(t *testing.T, release app.Release, want ...app.ReleaseState) {
	t.Helper()
	var got []app.ReleaseState
	for _, step := range release.Steps {
		got = append(got, step.State)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s went through %v, want %v", release.ReleaseID, got, want)
	}
}

func TestPromote_WantsAStoppedAppRunningAgain(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	release := createApp(t, ledger, "hello", "/hello")
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedStopped))
	promoted(t, ledger, release.ReleaseID)
	found, err := ledger.FindApp(t.Context(), "hello")
	must(t, err)
	if found.Wanted != app.WantedRunning {
		t.Errorf("after a promotion the app is wanted %q", found.Wanted)
	}
}
