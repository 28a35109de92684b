// Package desk follows the rules of alerts, and delivers what they tell.
package desk

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // the image holds our program alone

	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/event"
	"berth/controller/secret"
)

const (
	passEvery   = 5 * time.Second
	passTimeout = time.Minute
	eventsAtOne = 500 // events of one pass
	stopping    = 5 * time.Second
)

// Ledger keeps rules, channels, states and messages.
type Ledger interface {
	FindAlerts(context.Context) (alert.Book, error)
	StartAlerts(context.Context, []alert.Rule) error
	ListEvents(context.Context, event.Filter, event.Page) ([]event.Event, error)
	CommitPass(context.Context, alert.Pass) error

	SaveRule(context.Context, alert.Rule) (id int64, err error)
	DeleteRule(ctx context.Context, id int64) error
	SaveChannel(context.Context, alert.Channel) (id int64, err error)
	DeleteChannel(ctx context.Context, id int64) error
	SaveMute(context.Context, alert.Mute) error
	DeleteMute(context.Context, alert.Mute) error

	ListDue(ctx context.Context, now time.Time) ([]alert.Outgoing, error)
	MarkSent(ctx context.Context, sent alert.Outgoing, at time.Time) error
	MarkFailed(ctx context.Context, failed alert.Outgoing, at, next time.Time, reason string) error
	GiveUp(ctx context.Context, lost alert.Outgoing, at time.Time, reason string) error
}

// Readings are the values of metrics now. A metric that is missing is not known, and its
// alerts stay as they are; a subject that is missing is gone.
type Readings interface {
	Read(ctx context.Context, now time.Time) map[alert.Metric][]alert.Reading
}

// Options are what a Desk needs. Every field is required.
type Options struct {
	Ledger   Ledger
	Readings Readings
	Key      secret.Key
	Dial     func(private bool) channel.Dial // to addresses that may be reached
	BaseURL  string                          // of the admin app, for links
	Logger   *slog.Logger
}

// Desk follows the rules while Run runs. It is safe for concurrent use.
type Desk struct {
	Options

	now func() time.Time

	mu     sync.Mutex   // held by a pass, and by changes of rules: no pass ends with an old rule
	passed atomic.Value // time.Time: the end of the last pass
	busyMu sync.Mutex
	busy   map[int64]bool // channels with a message on its way
	sends  sync.WaitGroup
}

// New returns a Desk that has started nothing.
func New(o Options) *Desk {
	return &Desk{Options: o, now: time.Now, busy: make(map[int64]bool)}
}

// Run follows the rules and delivers messages until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	defer d.sends.Wait()
	ticker := time.NewTicker(passEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := d.Pass(ctx); err != nil && ctx.Err() == nil {
				d.Logger.WarnContext(ctx, "follow the rules of alerts", "error", err)
			}
			d.passed.Store(d.now())
			if err := d.deliver(ctx); err != nil && ctx.Err() == nil {
				d.Logger.WarnContext(ctx, "deliver alerts", "error", err)
			}
		}
	}
}

// PassedAt is when the last pass of Run ended, also with an error; zero: none yet.
func (d *Desk) PassedAt() time.Time {
	at, _ := d.passed.Load().(time.Time)
	return at
}

// Pass looks at what happened since the pass before and at the metrics, and keeps what
// follows in one transaction: a kill in between repeats the pass, and tells nothing twice.
func (d *Desk) Pass(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	book, err := d.begun(ctx)
	if err != nil {
		return err
	}
	events, err := d.Ledger.ListEvents(ctx, event.Filter{}, event.Page{After: cmp.Or(book.Cursor, -1), Limit: eventsAtOne})
	if err != nil {
		return err
	}
	slices.Reverse(events) // the oldest first
	now := d.now()
	p := newPass(book, now)
	readings := d.Readings.Read(ctx, now)
	for _, rule := range book.Rules {
		switch values, known := readings[rule.Metric]; {
		case !rule.On:
			p.forget(rule)
		case rule.Event != "":
			p.stepEvents(rule, events)
		case known:
			p.stepMetric(rule, values)
		}
	}
	cursor := book.Cursor
	if len(events) > 0 {
		cursor = events[len(events)-1].ID
	}
	states := p.list()
	ended := alert.Outlived(book.Mutes, states, now)
	if !p.changed && cursor == book.Cursor && len(ended) == 0 {
		return nil
	}
	return d.Ledger.CommitPass(ctx, alert.Pass{Cursor: cursor, States: states, Ended: ended, Outbox: outboxOf(p.told, book.Channels, d.BaseURL, now)})
}

// begun returns the book, and begins it with the rules of the start.
func (d *Desk) begun(ctx context.Context) (alert.Book, error) {
	book, err := d.Ledger.FindAlerts(ctx)
	if err != nil || book.Started {
		return book, err
	}
	if err := d.Ledger.StartAlerts(ctx, alert.Defaults()); err != nil {
		return alert.Book{}, err
	}
	return d.Ledger.FindAlerts(ctx)
}
