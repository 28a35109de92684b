package tagwatch

import "time"

// SetNow moves the clock.
func (w *Watcher) SetNow(now func() time.Time) { w.now = now }
