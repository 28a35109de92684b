package alert

import "time"

// Heartbeat is an address that is requested while Berth is healthy, as the ledger keeps it.
// The zero Heartbeat is of a server that requests none.
type Heartbeat struct {
	Host    string // scheme and host of the address, for people
	Sealed  []byte // the whole address, in the ledger's sealing: its path is a secret
	Minutes int    // between two requests
	Method  string // GET or POST
	Private bool   // addresses of private networks may be reached

	TriedAt  time.Time // zero: since the settings were saved, never
	GoodAt   time.Time
	FailedAt time.Time
	Error    string // why the last one was not sent or not taken; empty: it was
}

// On reports whether there is an address.
func (h Heartbeat) On() bool { return len(h.Sealed) > 0 }

// Due reports whether the time of the next request has come. After a failure it comes soon.
func (h Heartbeat) Due(now time.Time) bool {
	wait := time.Duration(h.Minutes) * time.Minute
	if h.Error != "" {
		wait = time.Minute
	}
	return now.Sub(h.TriedAt) >= wait
}

// failingAfter is how old the last good request may be while later ones fail: one that fails
// now and then is no news.
const failingAfter = 15 * time.Minute

// Failing reports whether requests have failed for a while.
func (h Heartbeat) Failing(now time.Time) bool {
	wait := max(failingAfter, 2*time.Duration(h.Minutes)*time.Minute)
	return h.On() && h.Error != "" && now.Sub(h.GoodAt) > wait
}
