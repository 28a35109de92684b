package connections

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// BenchmarkCrowd_RefusesAFloodOfOneAddress: each refusal holds the lock that all other
// addresses wait for.
func BenchmarkCrowd_RefusesAFloodOfOneAddress(b *testing.B) {
	crowd := NewCrowd(Limit{Total: 4096, PerAddress: 256, Grace: time.Hour})
	for _, c := range takeAll(crowd, slices.Repeat([]string{"192.0.2.1"}, 256)...) {
		c.Idle(time.Now())
	}
	next := &Conn{from: netip.MustParsePrefix("192.0.2.1/32"), crowd: crowd}
	for b.Loop() {
		crowd.mu.Lock()
		if crowd.makeRoom(next, 1) {
			b.Fatal("there is room")
		}
		crowd.mu.Unlock()
	}
}
