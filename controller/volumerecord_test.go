package controller_test

import (
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
)

func TestUpdateVolumeQuota_LetsTheStoppedAppStartAgainAndSaysSo(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{})
	h.fill("data", "much", 2<<20)
	h.look(time.Hour)
	h.wantState("hello", app.Stopped)
	if err := h.Start(t.Context(), "hello"); problem.KindOf(err) != problem.KindFull {
		t.Errorf("started without room: %v", err)
	}
	waiting, err := h.Volumes().UpdateQuota(t.Context(), "data", 16<<20)
	if err != nil || len(waiting) != 1 || waiting[0] != "hello" {
		t.Fatalf("waiting are %v, %v", waiting, err)
	}
	const room = "There is room in the volume data again: it holds 2 MB of 16 MB. Start the app."
	if detail := h.wantState("hello", app.Stopped); detail != room {
		t.Errorf("the app's page says %q", detail)
	}
	if err := h.Start(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	h.look(2 * time.Hour)
	if detail := h.wantState("hello", app.Running); detail != "" {
		t.Errorf("the page of the app that runs says %q", detail)
	}
	h.stop()
	h.open() // the quota is the ledger's
	h.look(3 * time.Hour)
	h.wantState("hello", app.Running)
	h.fill("data", "more", 16<<20)
	h.look(4 * time.Hour)
	if detail := h.wantState("hello", app.Stopped); !strings.HasPrefix(detail, "The volume data holds 18 MB of 16 MB.") {
		t.Errorf("the app's page says %q", detail)
	}
	h.wantState("other", app.Running)
}
