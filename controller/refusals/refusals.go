// Package refusals follows what the broker refuses, and records it in the audit log.
package refusals

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"berth/controller/audit"
	"berth/controller/docker"
	"berth/controller/pause"
)

// every is the time between two questions to the broker.
const every = 30 * time.Second

// State says how the engine is reached.
type State string

// The ways to the engine.
const (
	Unknown State = ""       // the broker was not asked yet, or does not answer
	Guarded State = "broker" // the broker is in between
	Direct  State = "direct" // a socket, or a socket proxy of somebody else
)

// Engine tells what the broker refused. docker.ErrNoBroker where there is none.
type Engine interface {
	BrokerReport(context.Context) (docker.BrokerReport, error)
}

// Watch asks the broker while Run runs. It is safe for concurrent use.
type Watch struct {
	engine Engine
	audit  audit.Auditor
	logger *slog.Logger

	mu     sync.Mutex
	state  State
	report docker.BrokerReport
}

// New returns a Watch that knows nothing yet.
func New(engine Engine, auditor audit.Auditor, logger *slog.Logger) *Watch {
	return &Watch{engine: engine, audit: auditor, logger: logger}
}

// Report returns how the engine is reached, and the broker's last answer.
func (w *Watch) Report() (State, docker.BrokerReport) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state, w.report
}

// Run asks until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	w.Look(ctx)
	for pause.For(ctx, every) == nil {
		w.Look(ctx)
	}
	return nil
}

// Look asks once, and records the refusals that are new. Run looks by itself.
func (w *Watch) Look(ctx context.Context) {
	report, err := w.engine.BrokerReport(ctx)
	switch {
	case errors.Is(err, docker.ErrNoBroker):
		w.keep(Direct, docker.BrokerReport{})
		return
	case err != nil:
		w.logger.Debug("ask the broker what it refused", "error", err)
		return // what was known counts until the broker answers
	}
	_, before := w.Report()
	for _, refusal := range report.Recent {
		if report.Since.Equal(before.Since) && refusal.Number <= before.Refused {
			continue
		}
		w.audit.Record(ctx, audit.Event{
			Action: audit.ActionBrokerRefusal, Resource: refusal.Field, Account: "Berth", Detail: refusal.Reason + ", at " + refusal.At.UTC().Format(time.RFC3339),
		})
	}
	w.keep(Guarded, report)
}

func (w *Watch) keep(state State, report docker.BrokerReport) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state, w.report = state, report
}
