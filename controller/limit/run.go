package limit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	writeEvery    = 5 * time.Second
	sweepEvery    = time.Minute
	lastWriteTime = 5 * time.Second
	refusalsFor   = 48 * time.Hour
)

// Run writes the counts of the class Default every few seconds and once at the
// end, and removes what counts nothing any more, until ctx ends.
func (l *Limiter) Run(ctx context.Context) error {
	write, sweep := time.NewTicker(writeEvery), time.NewTicker(sweepEvery)
	defer write.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			l.writeLast(context.WithoutCancel(ctx))
			return nil
		case <-write.C:
			l.report(ctx, l.write(ctx))
		case <-sweep.C:
			l.report(ctx, l.sweep(ctx))
		}
	}
}

func (l *Limiter) writeLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWriteTime)
	defer cancel()
	l.report(ctx, l.write(ctx))
}

// write brings into the ledger what is only in memory.
func (l *Limiter) write(ctx context.Context) error {
	subjects, err := l.ledger.Counters.ListSubjects(ctx, Default)
	if err != nil {
		return fmt.Errorf("list subjects: %w", err)
	}
	l.crowd.keep(subjects, l.now())
	changed, gone := l.crowd.unwritten()
	if len(gone) > 0 {
		err = l.ledger.Counters.DeleteCounters(ctx, gone)
	}
	if len(changed) > 0 {
		saved := l.ledger.Counters.SaveCounters(ctx, changed)
		l.crowd.noteWritten(changed, saved)
		err = errors.Join(err, saved)
	}
	if refusals := l.takeRefusals(); len(refusals) > 0 {
		err = errors.Join(err, l.ledger.Refusals.AddRefusals(ctx, refusals))
	}
	return err
}

func (l *Limiter) sweep(ctx context.Context) error {
	now := l.now()
	l.crowd.sweep(now)
	return errors.Join(
		l.ledger.Counters.DeleteEndedCounters(ctx, now),
		l.ledger.Addresses.ForgetAddresses(ctx, now.Add(-knownFor)),
		l.ledger.Refusals.DeleteRefusals(ctx, now.Add(-refusalsFor)),
	)
}

func (l *Limiter) report(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		l.logger.WarnContext(ctx, "the counts of requests are not stored", "error", err)
	}
}
