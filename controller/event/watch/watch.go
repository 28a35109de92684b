// Package watch writes events of what no row of the ledger tells: the room on the disk, and certificates.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"berth/controller/certificates"
	"berth/controller/event"
	"berth/controller/pause"
	"berth/controller/room"
)

const (
	lookEvery = 30 * time.Second
	mostHosts = 500 // events that are read to know what was told of certificates
)

// Ledger keeps events.
type Ledger interface {
	AddEvent(context.Context, event.Event) error
	FindLatestEvent(ctx context.Context, kinds ...event.Kind) (event.Event, error)
	ListEvents(context.Context, event.Filter, event.Page) ([]event.Event, error)
}

// Certificates knows which need a person's attention.
type Certificates interface {
	Alerts(context.Context) ([]certificates.DomainAlert, error)
}

// Watch writes an event where something is otherwise than the newest event tells, so a
// restart tells nothing twice. Every field is required.
type Watch struct {
	Ledger       Ledger
	Certificates Certificates
	Disk         func() (room.State, error)
	Logger       *slog.Logger

	told map[string]event.Kind // of each host; nil until it was read
}

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	for pause.For(ctx, lookEvery) == nil {
		w.Look(ctx)
	}
	return nil
}

// Look looks once. Run looks by itself.
func (w *Watch) Look(ctx context.Context) {
	for what, look := range map[string]func(context.Context) error{"disk": w.lookDisk, "certificates": w.lookCertificates} {
		if err := look(ctx); err != nil && ctx.Err() == nil {
			w.Logger.WarnContext(ctx, "write events", "of", what, "error", err)
		}
	}
}

func (w *Watch) lookDisk(ctx context.Context) error {
	state, err := w.Disk()
	if err != nil {
		return err
	}
	told, err := w.Ledger.FindLatestEvent(ctx, event.DiskLow, event.DiskFull, event.DiskEnough)
	if err != nil {
		return err
	}
	kind := map[room.Level]event.Kind{room.Low: event.DiskLow, room.Full: event.DiskFull}[state.Level]
	if kind == "" && told.ID != 0 {
		kind = event.DiskEnough
	}
	if kind == "" || kind == told.Kind {
		return nil
	}
	return w.Ledger.AddEvent(ctx, event.Event{Kind: kind, Detail: fmt.Sprintf("%.1f GB are free.", float64(state.Free)/(1<<30))})
}

func (w *Watch) lookCertificates(ctx context.Context) error {
	alerts, err := w.Certificates.Alerts(ctx)
	if err != nil {
		return err
	}
	if w.told == nil {
		if w.told, err = w.toldOfHosts(ctx); err != nil {
			return err
		}
	}
	wrong := make(map[string]bool)
	for _, found := range alerts {
		kind := event.CertificateExpiring
		if found.Bad {
			kind = event.CertificateFailed
		}
		wrong[string(found.Host)] = true
		if err := w.tellOfHost(ctx, string(found.Host), kind, found.Message); err != nil {
			return err
		}
	}
	for host := range w.told {
		if wrong[host] {
			continue
		}
		if err := w.tellOfHost(ctx, host, event.CertificateGood, "nothing is wrong any more."); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watch) tellOfHost(ctx context.Context, host string, kind event.Kind, message string) error {
	if w.told[host] == kind {
		return nil
	}
	if err := w.Ledger.AddEvent(ctx, event.Event{Kind: kind, Detail: host + ": " + message}); err != nil {
		return err
	}
	w.told[host] = kind
	return nil
}

// toldOfHosts is the kind of the newest event of each host.
func (w *Watch) toldOfHosts(ctx context.Context) (map[string]event.Kind, error) {
	told, newest := make(map[string]event.Kind), make(map[string]int64)
	for _, kind := range []event.Kind{event.CertificateFailed, event.CertificateExpiring, event.CertificateGood} {
		events, err := w.Ledger.ListEvents(ctx, event.Filter{Kind: kind}, event.Page{Limit: mostHosts})
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if host, _, ok := strings.Cut(e.Detail, ": "); ok && e.ID > newest[host] {
				told[host], newest[host] = kind, e.ID
			}
		}
	}
	return told, nil
}
