package watch

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"berth/controller/certificates"
	"berth/controller/event"
	"berth/controller/room"
)

// world keeps events in memory, the newest last.
type world struct {
	events []event.Event
	alerts []certificates.DomainAlert
	level  room.Level
}

func (w *world) AddEvent(_ context.Context, e event.Event) error {
	e.ID = int64(len(w.events) + 1)
	w.events = append(w.events, e)
	return nil
}

func (w *world) FindLatestEvent(_ context.Context, kinds ...event.Kind) (latest event.Event, err error) {
	for _, e := range w.events {
		if slices.Contains(kinds, e.Kind) {
			latest = e
		}
	}
	return latest, nil
}

func (w *world) ListEvents(_ context.Context, filter event.Filter, _ event.Page) (found []event.Event, err error) {
	for _, e := range slices.Backward(w.events) {
		if e.Kind == filter.Kind {
			found = append(found, e)
		}
	}
	return found, nil
}

func (w *world) Alerts(context.Context) ([]certificates.DomainAlert, error) { return w.alerts, nil }

func TestWatch_TellsEachChangeOnceAlsoAfterARestart(t *testing.T) {
	w := &world{level: room.Enough}
	look := func() {
		(&Watch{
			Ledger: w, Certificates: w, Logger: slog.New(slog.DiscardHandler),
			Disk: func() (room.State, error) { return room.State{Free: 1 << 30, Level: w.level}, nil },
		}).Look(t.Context()) // each time as a new process
	}
	look()
	for _, level := range []room.Level{room.Low, room.Low, room.Full, room.Enough, room.Enough} {
		w.level = level
		look()
	}
	w.alerts = []certificates.DomainAlert{{Host: "a.example.com", Message: "It ends soon."}}
	look()
	look()
	w.alerts[0].Bad = true
	look()
	w.alerts = nil
	look()
	look()
	var kinds []event.Kind
	for _, e := range w.events {
		kinds = append(kinds, e.Kind)
	}
	want := []event.Kind{event.DiskLow, event.DiskFull, event.DiskEnough, event.CertificateExpiring, event.CertificateFailed, event.CertificateGood}
	if !slices.Equal(kinds, want) {
		t.Errorf("got %q, want %q", kinds, want)
	}
}
