package controller_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
)

// newFullBook is the guestbook whose store fills its volume over the quota.
func newFullBook(t *testing.T) *house {
	t.Helper()
	h := newBook(t)
	h.stop()
	h.quota = 1 << 20
	h.open()
	h.volume("book_entries")
	h.deployBook()
	h.fill("book_entries", "much", 2<<20)
	h.audit.taken()
	h.look(time.Hour)
	return h
}

func (h *house) service(app app.Name, name string) app.Observed {
	h.t.Helper()
	view, err := h.App(h.t.Context(), app)
	if err != nil {
		h.t.Fatal(err)
	}
	at := slices.IndexFunc(view.Services, func(service controller.ServiceView) bool { return service.Name == name })
	if at < 0 {
		h.t.Fatalf("there is no service %s", name)
	}
	return view.Services[at].Observed
}

func (h *house) runs(instance string) bool {
	found, err := h.engine.Inspect(h.t.Context(), instance)
	return err == nil && found.Condition.Running
}

const fullEntries = "The volume book_entries holds 2 MB of 1 MB. Delete files from it or give it a larger quota, then start the app."

func TestHalt_StopsOnlyTheServicesThatWriteIntoTheFullVolume(t *testing.T) {
	t.Parallel()
	h := newFullBook(t)
	if detail := h.wantState("book", app.Unhealthy); detail != "Stopped: store. "+fullEntries {
		t.Errorf("the app's page says %q", detail)
	}
	if seen := h.service("book", "store"); seen.State != app.Stopped || seen.Detail != fullEntries {
		t.Errorf("the store is %+v", seen)
	}
	if seen := h.service("book", "web"); seen.State != app.Running {
		t.Errorf("web is %+v", seen)
	}
	if taken := strings.Join(h.audit.taken(), "\n"); !strings.Contains(taken, "APP_STOP app book true by Berth: Stopped: store. "+fullEntries) {
		t.Errorf("recorded was %q", taken)
	}
	if logged := h.logged.String(); !strings.Contains(logged, "stopped what fills the disk") || !strings.Contains(logged, "store") {
		t.Errorf("logged was %s", logged)
	}
	h.stop()
	h.open() // a pass of the reconciler leaves it so
	h.eventually("a pass", func() bool { return strings.Contains(h.wantState("book", app.Unhealthy), "store") })
	h.look(2 * time.Hour)
	if h.runs("berth-book-r1.store") || !h.runs("berth-book-r1.web") {
		t.Errorf("there are %v, stopped were %v", h.engine.names(), h.engine.stopped.get())
	}
}

func TestHalt_StartBringsTheServiceBackOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	h := newFullBook(t)
	if err := h.Start(t.Context(), "book"); problem.KindOf(err) != problem.KindFull {
		t.Errorf("started without room: %v", err)
	}
	if h.runs("berth-book-r1.store") {
		t.Error("the store runs without room")
	}
	if waiting, err := h.Volumes().UpdateQuota(t.Context(), "book_entries", 16<<20); err != nil || len(waiting) != 1 {
		t.Fatalf("waiting are %v, %v", waiting, err)
	}
	if detail := h.wantState("book", app.Unhealthy); !strings.Contains(detail, "There is room in the volume book_entries again") {
		t.Errorf("the app's page says %q", detail)
	}
	if err := h.Start(t.Context(), "book"); err != nil {
		t.Fatal(err)
	}
	if detail := h.wantState("book", app.Running); detail != "" {
		t.Errorf("the page of the app that runs says %q", detail)
	}
	h.eventually("the store to run", func() bool { return h.runs("berth-book-r1.store") })
}

func TestHalt_AFailedReleaseLeavesTheServiceStopped(t *testing.T) {
	t.Parallel()
	h := newFullBook(t)
	h.engine.onStart.set(func(o docker.StartOptions) error {
		if o.Release == 2 && o.Service.Name == "web" {
			return errors.New("no")
		}
		return nil
	})
	failed := h.updateBook()
	if failed.State != app.ReleaseFailed {
		t.Fatalf("the release is %s", failed.State)
	}
	h.wantState("book", app.Unhealthy)
	if h.runs("berth-book-r1.store") {
		t.Error("the store runs again")
	}
}

func TestHalt_ANewReleaseStartsAllItsServices(t *testing.T) {
	t.Parallel()
	h := newFullBook(t)
	if _, err := h.Volumes().UpdateQuota(t.Context(), "book_entries", 16<<20); err != nil {
		t.Fatal(err)
	}
	if release := h.updateBook(); release.State != app.ReleaseLive {
		t.Fatalf("the release is %s: %s", release.State, release.Reason)
	}
	h.wantState("book", app.Running)
	h.eventually("the new store to run", func() bool { return h.runs("berth-book-r2.store") })
}

func TestHalt_AnAppWhoseMainServiceIsStoppedSaysSoAndItsOthersGoOn(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.stop()
	h.quota = 1 << 20
	h.open()
	h.volume("book_entries")
	h.volume("uploads")
	h.deployBook()
	h.mount("book", written("uploads"))
	h.fill("uploads", "much", 2<<20)
	h.look(time.Hour)
	if detail := h.wantState("book", app.Stopped); !strings.HasPrefix(detail, "Stopped: web. The volume uploads holds 2 MB of 1 MB.") {
		t.Errorf("the app's page says %q", detail)
	}
	if seen := h.service("book", "store"); seen.State != app.Running {
		t.Errorf("the store is %+v", seen)
	}
	if servers := h.proxy.servers(); len(servers) != 0 {
		t.Errorf("no page stands in place of the app: the proxy serves %v", servers)
	}
}
