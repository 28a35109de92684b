package refusals_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"berth/controller/audit"
	"berth/controller/docker"
	"berth/controller/refusals"
)

type engine struct {
	report docker.BrokerReport
	err    error
}

func (e *engine) BrokerReport(context.Context) (docker.BrokerReport, error) { return e.report, e.err }

type notes struct{ fields []string }

func (n *notes) Record(_ context.Context, e audit.Event) {
	if e.Action == audit.ActionBrokerRefusal && !e.Success {
		n.fields = append(n.fields, e.Resource)
	}
}

func TestWatch_RecordsEachRefusalOnce(t *testing.T) {
	t.Parallel()
	began := time.Now()
	e, n := &engine{}, &notes{}
	watch := refusals.New(e, n, slog.New(slog.DiscardHandler))
	tell := func(since time.Time, fields ...string) {
		e.report = docker.BrokerReport{Since: since, Refused: int64(len(fields))}
		for i, field := range fields {
			e.report.Recent = append(e.report.Recent, docker.BrokerRefusal{Number: int64(i) + 1, At: since, Field: field})
		}
		watch.Look(t.Context())
	}
	tell(began)
	tell(began, "Privileged")
	tell(began, "Privileged")
	tell(began, "Privileged", "Binds")
	tell(began.Add(time.Minute), "Mounts") // the broker was started again, and counts anew
	if want := []string{"Privileged", "Binds", "Mounts"}; !slices.Equal(n.fields, want) {
		t.Errorf("recorded were %q, want %q", n.fields, want)
	}
	if state, report := watch.Report(); state != refusals.Guarded || report.Refused != 1 {
		t.Errorf("it says %q, %+v", state, report)
	}
	e.err = errors.New("it does not answer")
	watch.Look(t.Context())
	if state, _ := watch.Report(); state != refusals.Guarded {
		t.Errorf("while it does not answer it says %q", state)
	}
	e.err = docker.ErrNoBroker
	watch.Look(t.Context())
	if state, _ := watch.Report(); state != refusals.Direct {
		t.Errorf("without a broker it says %q", state)
	}
}
