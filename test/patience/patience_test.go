package patience

import (
	"testing"
	"time"
)

func TestOf_StretchesOnlyOnABusyMachineAndWithinABound(t *testing.T) {
	for waiting, want := range map[float64]time.Duration{0: 10, 2: 10, 3: 15, 8: 40, 1000: 60} {
		if got := stretched(10*time.Second, waiting, 2); got != want*time.Second {
			t.Errorf("with %v tasks on two cores: %v, want %v", waiting, got, want*time.Second)
		}
	}
}

func TestOf_ReadsTheLoadOfThisMachine(t *testing.T) {
	if waiting() < 1 { // this test runs
		t.Errorf("%v tasks want to run, want at least this one", waiting())
	}
}
