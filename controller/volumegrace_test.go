package controller_test

import (
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
)

const graceOver = 8 * 24 * time.Hour

func (h *house) wantWarned(fill string) {
	h.t.Helper()
	warnings := h.Volumes().Warnings()
	if fill == "" {
		if len(warnings) != 0 {
			h.t.Errorf("warned of %+v", warnings)
		}
		return
	}
	if len(warnings) != 1 || warnings[0].Volume != "data" || warnings[0].Fill != fill || len(warnings[0].Apps) != 1 || warnings[0].Apps[0] != "hello" {
		h.t.Errorf("warned of %+v, want data with %s", warnings, fill)
	}
}

func TestVolumeWatch_WarnsForAWeekOfAVolumeThatWasOverItsQuotaBeforeThereWasOne(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{}, overBefore)
	h.look(time.Hour)
	h.wantState("hello", app.Running)
	h.wantWarned("2 MB of 1 MB")
	if view, err := h.Volumes().Find(t.Context(), "data"); err != nil || view.Warning == nil {
		t.Errorf("the volume is %+v, %v", view, err)
	}
	if err := h.Restart(t.Context(), "hello"); err != nil {
		t.Errorf("while there is time: %v", err)
	}
	if logged := h.logged.String(); strings.Count(logged, "a volume was over its quota before it was watched") != 1 {
		t.Errorf("logged was %s", logged)
	}
	h.stop()
	h.open() // the week goes on
	h.look(6 * 24 * time.Hour)
	h.wantState("hello", app.Running)
	h.look(graceOver)
	if detail := h.wantState("hello", app.Stopped); !strings.HasPrefix(detail, "The volume data holds 2 MB of 1 MB.") {
		t.Errorf("the app's page says %q", detail)
	}
	h.wantWarned("")
}

func TestVolumeWatch_AQuotaOfItsOwnEndsTheWarningAndTheGrace(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{}, overBefore)
	h.look(time.Hour)
	if _, err := h.Volumes().UpdateQuota(t.Context(), "data", 16<<20); err != nil {
		t.Fatal(err)
	}
	h.wantWarned("")
	h.look(graceOver)
	h.wantState("hello", app.Running)
	h.fill("data", "more", 15<<20)
	h.look(graceOver + time.Hour) // it has grown: no second week
	h.wantState("hello", app.Stopped)
}

func TestVolumeWatch_AVolumeThatOnceFittedHasNoGrace(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{})
	h.keeper.Age("data", time.Now().Add(-time.Hour))
	h.look(time.Hour)
	h.fill("data", "much", 2<<20)
	h.look(2 * time.Hour)
	h.wantState("hello", app.Stopped)
}

func TestVolumeWatch_ALowerSettingWarnsFirst(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 4<<20, docker.Disk{})
	h.fill("data", "much", 2<<20)
	h.look(time.Hour)
	h.stop()
	h.quota = 1 << 20
	h.open()
	h.look(2 * time.Hour)
	h.wantState("hello", app.Running)
	h.wantWarned("2 MB of 1 MB")
	h.look(graceOver)
	h.wantState("hello", app.Stopped)
}
