package limit

import (
	"fmt"
	"time"
)

// Exceeded is a request that did not fit.
type Exceeded struct {
	Key
	Budget  Budget
	Wait    time.Duration // until a request fits
	Until   time.Time     // the same as a moment
	Refused int           // requests that did not fit since the last one that did, with this one
}

// Error names the class and the subject, for the log.
func (e *Exceeded) Error() string {
	return fmt.Sprintf("limit %s of %s exceeded", e.Class, e.Subject)
}
