package inbox

import "time"

// SetWait changes how long a git host waits for an answer.
func (i *Inbox) SetWait(wait time.Duration) { i.wait = wait }
