package store_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/event"
	"berth/controller/store"
)

func eventsOf(t *testing.T, ledger *store.Store, filter event.Filter) (found []event.Event) {
	t.Helper()
	found, err := ledger.ListEvents(context.Background(), filter, event.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(found)
	return found
}

func kindsOf(events []event.Event) (kinds []event.Kind) {
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestEvents_OfReleasesAreWrittenOnceWithTheirState(t *testing.T) {
	ledger := fresh(t)
	first := createApp(t, ledger, "hello", "/hello")
	promoted(t, ledger, first.ReleaseID)
	promoted(t, ledger, first.ReleaseID) // again: nothing changes
	next := newRelease()
	next.App = "hello"
	next, err := ledger.CreateRelease(t.Context(), next)
	must(t, err)
	must(t, ledger.Finish(t.Context(), next.ReleaseID, app.ReleaseFailed, "The build failed.", "", noon))
	must(t, ledger.Finish(t.Context(), next.ReleaseID, app.ReleaseFailed, "Again.", "", noon))
	found := eventsOf(t, ledger, event.Filter{App: "hello"})
	if kinds := kindsOf(found); !slices.Equal(kinds, []event.Kind{event.ReleaseLive, event.ReleaseFailed}) {
		t.Fatalf("got %q", kinds)
	}
	if last := found[1]; last.Release != 2 || last.Detail != "The build failed." {
		t.Errorf("got %+v", last)
	}
}

func TestEvents_OfAnAppTellEachRestartAndEachChange(t *testing.T) {
	ledger := fresh(t)
	createApp(t, ledger, "hello", "/hello")
	for _, seen := range []app.Observed{
		{State: app.Running}, // its first: the release tells
		{State: app.Crashing, Detail: "It ended and was started again; restarts so far: 1."},
		{State: app.Crashing, Detail: "It ended and was started again; restarts so far: 1."},
		{State: app.Crashing, Detail: "It ran out of memory and was started again."},
		{State: app.Down, Detail: "It ended with exit code 3."},
		{State: app.Down, Detail: "The engine does not answer."},
		{State: app.Unhealthy, Detail: "one"},
		{State: app.Unhealthy, Detail: "two"}, // only what the check printed is new
		{State: app.Running},
		{State: app.Stopped},
		{State: app.Running}, // a person started it
	} {
		seen.At = noon
		must(t, ledger.UpdateObserved(t.Context(), "hello", seen))
	}
	want := []event.Kind{event.AppRestarted, event.AppOutOfMemory, event.AppExited, event.AppUnhealthy, event.AppRunning, event.AppStopped}
	if kinds := kindsOf(eventsOf(t, ledger, event.Filter{})); !slices.Equal(kinds, want) {
		t.Errorf("got %q, want %q", kinds, want)
	}
}

func TestEvents_OfTheAuditLogAreWrittenInItsTransaction(t *testing.T) {
	ledger := fresh(t)
	log := audit.NewLog(audit.Options{Ledger: ledger, Key: []byte("k"), File: t.TempDir() + "/audit.log", Logger: slog.New(slog.DiscardHandler)})
	for _, done := range []audit.Event{
		{Action: audit.ActionAppSettings, Resource: "app hello", Success: true, Account: "ann", Detail: "memory 512 MB"},
		{Action: audit.ActionAppSettings, Resource: "app hello", Account: "ann"}, // refused: nothing changed
		{Action: audit.ActionBackupEnd, Success: true, Account: "schedule"},
		{Action: audit.ActionBackupEnd, Account: "schedule", Detail: "The store does not answer."},
		{Action: audit.ActionLoginSuccess, Success: true, Account: "ann", Address: "192.0.2.7"},
		{Action: audit.ActionRateLimitExceeded, Resource: "limit login", Address: "192.0.2.9"},
		{Action: audit.ActionRateLimitExceeded, Resource: "limit upload", Address: "192.0.2.9"},
		{Action: audit.ActionBrokerRefusal, Resource: "HostConfig.Privileged", Account: "Berth", Detail: "no"},
		{Action: audit.ActionReleaseLive, Resource: "release hello r1", Success: true},
	} {
		log.Record(t.Context(), done)
	}
	found := eventsOf(t, ledger, event.Filter{})
	want := []event.Kind{event.Change, event.BackupDone, event.BackupFailed, event.SignIn, event.SignInLocked, event.BrokerRefusal}
	if kinds := kindsOf(found); !slices.Equal(kinds, want) {
		t.Fatalf("got %q, want %q", kinds, want)
	}
	if change := found[0]; change.App != "hello" || change.Account != "ann" || change.Detail != "App settings, app hello: memory 512 MB" {
		t.Errorf("got %+v", change)
	}
	if locked := found[4]; !strings.Contains(locked.Detail, "192.0.2.9") {
		t.Errorf("got %+v", locked)
	}
}

func TestEvents_ArePagedCutAndRemovedWhenTheirTimeIsOver(t *testing.T) {
	ledger := fresh(t)
	for day := range 10 {
		must(t, ledger.AddEvent(t.Context(), event.Event{
			At: noon.AddDate(0, 0, day), Kind: event.DiskLow, Detail: strings.Repeat("ö", 400) + "\n\x1b[31m",
		}))
	}
	older, err := ledger.ListEvents(t.Context(), event.Filter{Kind: event.DiskLow}, event.Page{Before: 5, Limit: 2})
	must(t, err)
	newer, err := ledger.ListEvents(t.Context(), event.Filter{}, event.Page{After: 5, Limit: 2})
	must(t, err)
	if older[0].ID != 4 || older[1].ID != 3 || newer[0].ID != 7 || newer[1].ID != 6 {
		t.Errorf("got %v and %v", older, newer)
	}
	if detail := older[0].Detail; len(detail) > 500 || strings.ContainsAny(detail, "\n\x1b") {
		t.Errorf("the detail is %q", detail)
	}
	latest, err := ledger.FindLatestEvent(t.Context(), event.DiskEnough, event.DiskLow)
	if err != nil || latest.ID != 10 {
		t.Errorf("got %+v, %v", latest, err)
	}
	must(t, ledger.DeleteEvents(t.Context(), time.Time{})) // kept for ever
	must(t, ledger.DeleteEvents(t.Context(), noon.AddDate(0, 0, 7)))
	if count, err := ledger.CountEvents(t.Context(), time.Time{}); err != nil || count != 3 {
		t.Errorf("%d are left, %v", count, err)
	}
}
