package disks

import (
	"maps"
	"slices"
	"testing"
	"time"

	"berth/controller/docker"
	"berth/controller/retention"
	"berth/test/patience"
)

// withPulls gives the world images that were pulled: "d" is that of the live release.
func withPulls(t *testing.T) (*Disks, *world) {
	t.Helper()
	d, w := newDisks(t)
	w.pulled = map[string]docker.Pulled{}
	for id, days := range map[string]int{"old": 8, "new": 6, "d": 99, "named": 99, "held": 99, "gone": 99} {
		w.pulls = append(w.pulls, Pull{Image: id, Reference: id + ":1", Used: noon.AddDate(0, 0, -days)})
		w.pulled[id] = docker.Pulled{ID: id, Bytes: 1 << 20, Shared: id == "named"}
	}
	delete(w.pulled, "gone")
	w.held = "held"
	w.pulled["strangers"] = docker.Pulled{ID: "strangers", Bytes: 1 << 30}
	if err := d.UpdateRules(t.Context(), retention.Rules{Releases: 2, PulledDays: 7}); err != nil {
		t.Fatal(err)
	}
	return d, w
}

func TestPulledImages_GoWhenNoReleaseNeedsThemAndNobodyElseDoes(t *testing.T) {
	d, w := withPulls(t)
	if got := d.item(t, KindPulled); got.Used != (Amount{5, 5 << 20}) || got.Free != (Amount{2, 2 << 20}) {
		t.Errorf("before: %+v", got)
	}
	progress := d.Clean(t.Context(), patience.Of(10*time.Second))
	if len(progress.Failures) > 0 || !slices.ContainsFunc(progress.Freed, func(freed Freed) bool {
		return freed.Kind == KindPulled && freed.Amount == Amount{1, 1 << 20}
	}) {
		t.Errorf("%+v", progress)
	}
	if left := slices.Sorted(maps.Keys(w.pulled)); !slices.Equal(left, []string{"d", "held", "named", "new", "strangers"}) {
		t.Errorf("left are %v", left)
	}
	if len(w.pulls) != 4 {
		t.Errorf("remembered are %+v", w.pulls)
	}
}

func TestPulledImages_StayForEverWhereTheRuleSaysSo(t *testing.T) {
	d, w := withPulls(t)
	if err := d.UpdateRules(t.Context(), retention.Rules{Releases: 2}); err != nil {
		t.Fatal(err)
	}
	d.Clean(t.Context(), patience.Of(10*time.Second))
	if len(w.pulled) != 6 {
		t.Errorf("left are %v", slices.Sorted(maps.Keys(w.pulled)))
	}
}

func TestBuildCache_IsLeftAloneUntilAPersonSetsABound(t *testing.T) {
	d, w := newDisks(t)
	d.Clean(t.Context(), patience.Of(10*time.Second))
	if w.pruned != nil {
		t.Fatalf("it was removed: %v", w.pruned)
	}
	if err := d.UpdateRules(t.Context(), retention.Rules{Releases: 2, CacheDays: 3, CacheGB: 5}); err != nil {
		t.Fatal(err)
	}
	progress := d.Clean(t.Context(), patience.Of(10*time.Second))
	if !slices.Equal(w.pruned, []int64{72, 5_000_000_000}) {
		t.Errorf("asked to remove: %v", w.pruned)
	}
	if !slices.ContainsFunc(progress.Freed, func(freed Freed) bool {
		return freed.Kind == KindBuildCache && freed.Amount == Amount{3, 7 << 20}
	}) {
		t.Errorf("freed: %+v", progress.Freed)
	}
}
