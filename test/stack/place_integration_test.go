//go:build integration

package stack

import (
	"testing"
)

func TestReserve_GoesAroundAStrangersNetworkAndHoldsItsPlace(t *testing.T) {
	first, err := Reserve("berth-place")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Reserve("berth-place")
	if err != nil {
		t.Fatal(err)
	}
	if first.Pool.Overlaps(second.Pool) || first.Name == second.Name {
		t.Errorf("two have %v and %v", first, second)
	}
	const name = "berth-place-stranger"
	if _, err := Docker("network", "create", "--label", "berth.test=stranger", "--subnet", second.Pool.Addr().String()+"/24", name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = Docker("network", "rm", name) })
	if second.isFree() {
		t.Error("a place with a stranger's network in it is free")
	}
	if !first.isFree() {
		t.Error("a place without one is not free")
	}
}
