// Package beat requests an address of a monitor while Berth is healthy, so that somebody notices when Berth falls silent.
package beat

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/problem"
	"berth/controller/secret"
)

const (
	lookEvery = 5 * time.Second
	mostAge   = 7 * time.Minute // of the last pass of a loop; a long pass takes 5 minutes
	writing   = 5 * time.Second
)

// sealPlace is where the address is sealed for.
const sealPlace = "address of the heartbeat"

// Ledger keeps the heartbeat.
type Ledger interface {
	FindHeartbeat(context.Context) (alert.Heartbeat, error)
	SaveHeartbeat(context.Context, alert.Heartbeat) error
	DeleteHeartbeat(context.Context) error
	NoteTried(ctx context.Context, at time.Time) error
	NoteBeat(ctx context.Context, at time.Time, fault string) error
}

// Loop is a loop of Berth that has to go round: a pass takes a few minutes at most.
type Loop struct {
	Name     string           // in a sentence
	PassedAt func() time.Time // the end of its last pass; zero: none yet
}

// Options are what a Heart needs. Every field is required.
type Options struct {
	Ledger Ledger
	Key    secret.Key
	Dial   func(private bool) channel.Dial // to addresses that may be reached
	Loops  []Loop
	Logger *slog.Logger
}

// Heart sends beats while Run runs. It is safe for concurrent use.
type Heart struct {
	Options

	now   func() time.Time
	began time.Time
	mu    sync.Mutex // held by a beat, and by changes: no beat goes to an address that was replaced
}

// New returns a Heart that has started nothing.
func New(o Options) *Heart { return &Heart{Options: o, now: time.Now, began: time.Now()} }

// Run sends beats until ctx ends.
func (h *Heart) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := h.look(ctx); err != nil && ctx.Err() == nil {
				h.Logger.WarnContext(ctx, "send heartbeat", "error", err)
			}
		}
	}
}

// look sends a beat if one is due and Berth is healthy.
func (h *Heart) look(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, err := h.Ledger.FindHeartbeat(ctx)
	if err != nil || !found.On() || !found.Due(h.now()) {
		return err
	}
	switch well, ill := h.health(); {
	case ill != "" && ill != found.Error:
		h.Logger.WarnContext(ctx, "no heartbeat is sent", "reason", ill)
		return h.Ledger.NoteBeat(ctx, h.now(), ill)
	case !well:
		return nil
	}
	err = h.send(ctx, found)
	if fault, ok := errors.AsType[*refusedError](err); ok {
		h.Logger.InfoContext(ctx, "a heartbeat was not taken", "error", fault)
		return nil
	}
	return err
}

// health reports whether all loops of Berth go round, and says which one stands still. A
// loop that has not finished its first pass yet may take its time.
func (h *Heart) health() (well bool, ill string) {
	well = true
	for _, loop := range h.Loops {
		at, since := loop.PassedAt(), "since Berth started"
		if at.IsZero() {
			well, at = false, h.began
		} else {
			since = "since " + at.UTC().Format(time.DateTime) + " UTC"
		}
		if h.now().Sub(at) > mostAge {
			return false, "not sent, because " + loop.Name + " finished no pass " + since
		}
	}
	return well, ""
}

// refusedError says why a monitor did not take a beat. Its text is safe to show.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return e.reason }

// send requests the address once and keeps how that ended. The first write proves that the
// ledger can be written: without it no beat is sent.
func (h *Heart) send(ctx context.Context, to alert.Heartbeat) error {
	if err := h.Ledger.NoteTried(ctx, h.now()); err != nil {
		return err
	}
	address, err := h.Key.Open(to.Sealed, sealPlace)
	if err != nil {
		return err
	}
	err = channel.Request(ctx, to.Method, secret.Text(address), h.Dial(to.Private))
	if err != nil && ctx.Err() != nil {
		return err // Berth stops: that was no fault of the monitor
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), writing)
	defer cancel()
	if err == nil {
		return h.Ledger.NoteBeat(ending, h.now(), "")
	}
	if err := h.Ledger.NoteBeat(ending, h.now(), err.Error()); err != nil {
		return err
	}
	return &refusedError{err.Error()}
}

// Heartbeat returns what the ledger keeps. The address is sealed.
func (h *Heart) Heartbeat(ctx context.Context) (alert.Heartbeat, error) {
	return h.Ledger.FindHeartbeat(ctx)
}

// SaveHeartbeat begins to send beats, or changes where and how often. Problems name the
// fields.
func (h *Heart) SaveHeartbeat(ctx context.Context, wish Wish) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	was, err := h.Ledger.FindHeartbeat(ctx)
	if err != nil {
		return err
	}
	made, err := check(wish, was.On())
	if err != nil {
		return err
	}
	if wish.Address == "" {
		made.Host, made.Sealed = was.Host, was.Sealed
	} else {
		made.Sealed = h.Key.Seal([]byte(wish.Address.Reveal()), sealPlace)
	}
	return h.Ledger.SaveHeartbeat(ctx, made)
}

// DeleteHeartbeat ends the beats and forgets the address.
func (h *Heart) DeleteHeartbeat(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.Ledger.DeleteHeartbeat(ctx)
}

// TestHeartbeat sends a beat at once, also while Berth is not healthy. A Problem says why it
// was not taken.
func (h *Heart) TestHeartbeat(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, err := h.Ledger.FindHeartbeat(ctx)
	if err != nil {
		return err
	}
	if !found.On() {
		return problem.NotFound("There is no heartbeat.", "Save the address of your monitor first.")
	}
	err = h.send(ctx, found)
	if fault, ok := errors.AsType[*refusedError](err); ok {
		return problem.Unavailable("The heartbeat was not taken: "+fault.reason+".", "Check its address.")
	}
	return err
}
