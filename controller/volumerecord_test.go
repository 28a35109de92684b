package controller_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
)

func TestParseVolumeQuota_TakesSizesFrom16mTo100tAndNothingForTheDefault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"": 0, " ": 0, "0": 0, "16m": 16 << 20, "20g": 20 << 30, "20 GB": 20 << 30, "1.5g": 3 << 29, "100t": 100 << 40, "16777216": 16 << 20,
	} {
		if got, err := controller.ParseVolumeQuota(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"-1", "-20g", "1", "15m", "101t", "ten", "10x", "10 g g", "NaN", "inf", "0g", "0.0", "99999999999999999999t", "9223372036854775807t", strings.Repeat("9", 400) + "g",
	} {
		_, err := controller.ParseVolumeQuota(text)
		fault, _ := errors.AsType[*problem.Problem](err)
		if fault == nil || fault.Kind != problem.KindInvalid || fault.Field != "quota" || !strings.Contains(fault.Hint, "from 16m to 100t") {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestQuotaText_IsReadAsTheSame(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]string{0: "0", 16 << 20: "16m", 20 << 30: "20g", 3 << 29: "1536m", 1 << 40: "1t", 16<<20 + 1: "16777217"} {
		text := controller.QuotaText(bytes)
		if again, err := controller.ParseVolumeQuota(text); text != want || err != nil || again != bytes {
			t.Errorf("%d: %q, again %d, %v", bytes, text, again, err)
		}
	}
}

func TestUpdateVolumeQuota_LetsTheStoppedAppStartAgainAndSaysSo(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{})
	h.fill("data", "much", 2<<20)
	h.look(time.Hour)
	h.wantState("hello", app.Stopped)
	if err := h.Start(t.Context(), "hello"); problem.KindOf(err) != problem.KindFull {
		t.Errorf("started without room: %v", err)
	}
	waiting, err := h.UpdateVolumeQuota(t.Context(), "data", 16<<20)
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

func TestUpdateVolumeQuota_RefusesLessThanTheVolumeHolds(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{})
	if _, err := h.UpdateVolumeQuota(t.Context(), "data", 64<<20); err != nil {
		t.Fatal(err)
	}
	h.fill("data", "much", 20<<20)
	for _, bytes := range []int64{16 << 20, 0} {
		_, err := h.UpdateVolumeQuota(t.Context(), "data", bytes)
		fault, _ := errors.AsType[*problem.Problem](err)
		if fault == nil || fault.Kind != problem.KindInvalid || !strings.Contains(fault.Message, "The volume data holds 20 MB of ") {
			t.Errorf("a quota of %d: %v", bytes, err)
		}
	}
	if view, err := h.Volume(t.Context(), "data"); err != nil || view.Quota != 64<<20 || !view.OwnQuota {
		t.Errorf("the volume is %+v, %v", view, err)
	}
	if _, err := h.UpdateVolumeQuota(t.Context(), "missing", 16<<20); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("of no volume: %v", err)
	}
}

func TestUpdateVolumeQuota_UploadsHaveTheVolumesOwn(t *testing.T) {
	t.Parallel()
	h := newWatched(t, 1<<20, docker.Disk{})
	if _, err := h.UpdateVolumeQuota(t.Context(), "data", 16<<20); err != nil {
		t.Fatal(err)
	}
	files, err := h.ChangeVolume(t.Context(), "data")
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if err := files.Write("one", strings.NewReader(strings.Repeat("x", 2<<20))); err != nil {
		t.Error(err)
	}
	if err := files.Write("two", strings.NewReader(strings.Repeat("x", 15<<20))); problem.KindOf(err) != problem.KindFull {
		t.Errorf("more than its own quota: %v", err)
	}
}

func TestDeleteVolume_ForgetsItsQuota(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.volume("data")
	if _, err := h.UpdateVolumeQuota(t.Context(), "data", 16<<20); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteVolume(t.Context(), "data", "data"); err != nil {
		t.Fatal(err)
	}
	h.volume("data")
	if view, err := h.Volume(t.Context(), "data"); err != nil || view.OwnQuota {
		t.Errorf("the new volume is %+v, %v", view, err)
	}
}
