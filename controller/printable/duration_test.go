package printable

import (
	"testing"
	"time"
)

func TestDuration_SaysADurationAsAPersonDoes(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		420 * time.Millisecond: "0.4 s", 38*time.Second + 200*time.Millisecond: "38 s", time.Minute: "1 min",
		65 * time.Second: "1 min 5 s", 10 * time.Minute: "10 min", 59*time.Second + 900*time.Millisecond: "1 min",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}
