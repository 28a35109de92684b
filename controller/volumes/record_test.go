package volumes_test

import (
	"errors"
	"strings"
	"testing"

	"berth/controller/problem"
)

func TestUpdateVolumeQuota_RefusesLessThanTheVolumeHolds(t *testing.T) {
	h := newHouse(t, 1<<20)
	h.volume("data")
	if _, err := h.UpdateQuota(t.Context(), "data", 64<<20); err != nil {
		t.Fatal(err)
	}
	h.fill("data", "much", 20<<20)
	for _, bytes := range []int64{16 << 20, 0} {
		_, err := h.UpdateQuota(t.Context(), "data", bytes)
		fault, _ := errors.AsType[*problem.Problem](err)
		if fault == nil || fault.Kind != problem.KindInvalid || !strings.Contains(fault.Message, "The volume data holds 20 MB of ") {
			t.Errorf("a quota of %d: %v", bytes, err)
		}
	}
	if view, err := h.Find(t.Context(), "data"); err != nil || view.Quota != 64<<20 || !view.OwnQuota {
		t.Errorf("the volume is %+v, %v", view, err)
	}
	if _, err := h.UpdateQuota(t.Context(), "missing", 16<<20); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("of no volume: %v", err)
	}
}

func TestUpdateVolumeQuota_UploadsHaveTheVolumesOwn(t *testing.T) {
	h := newHouse(t, 1<<20)
	h.volume("data")
	if _, err := h.UpdateQuota(t.Context(), "data", 16<<20); err != nil {
		t.Fatal(err)
	}
	files, err := h.Change(t.Context(), "data")
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
	h := newHouse(t, 0)
	h.volume("data")
	if _, err := h.UpdateQuota(t.Context(), "data", 16<<20); err != nil {
		t.Fatal(err)
	}
	if err := h.Delete(t.Context(), "data", "data"); err != nil {
		t.Fatal(err)
	}
	h.volume("data")
	if view, err := h.Find(t.Context(), "data"); err != nil || view.OwnQuota {
		t.Errorf("the new volume is %+v, %v", view, err)
	}
}
