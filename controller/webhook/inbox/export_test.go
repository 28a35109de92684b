package inbox

import "time"

// SetWait changes how long a git host waits for an answer.
func (i *Inbox) SetWait(wait time.Duration) { i.wait = wait }

// SetNow moves the clock.
func (i *Inbox) SetNow(now func() time.Time) { i.now = now }
