package limit

import "context"

// SetMost bounds the counters of a narrow class.
func (l *Limiter) SetMost(most int) { l.most = most }

// Sweep removes what counts nothing any more, as Run does every minute.
func (l *Limiter) Sweep(ctx context.Context) error { return l.sweep(ctx) }
