package routing_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/test/patience"
)

// promote is the commit of a release.
func (s *street) promote(id app.ReleaseID) func(context.Context) (app.Table, error) {
	return func(ctx context.Context) (app.Table, error) { return s.ledger.Promote(ctx, id, time.Now()) }
}

func TestCommit_PublishesTheTableOfTheSameTransaction(t *testing.T) {
	s := newStreet(t)
	id := s.queue("hello")
	table, err := s.Commit(t.Context(), id, s.promote(id))
	if err != nil {
		t.Fatal(err)
	}
	if rules := s.proxy.rules(); rules["Path(`/hello`) || PathPrefix(`/hello/`)"] != "hello-r1" {
		t.Errorf("the proxy has %v", rules)
	}
	if err := s.Confirm(t.Context(), table, id); err != nil {
		t.Error(err)
	}
}

func TestCommit_StandsWhereItsTableCannotBeWritten(t *testing.T) {
	s := newStreet(t)
	id := s.queue("hello")
	s.proxy.change(func() { s.proxy.broken = errors.New("the disk is full") })
	if _, err := s.Commit(t.Context(), id, s.promote(id)); err != nil {
		t.Fatal(err)
	}
	if _, reconciles := s.notes(); reconciles != 1 {
		t.Errorf("asked for %d reconciliations", reconciles)
	}
}

func TestCommit_PublishesNothingWhereItFails(t *testing.T) {
	s := newStreet(t)
	failed := errors.New("no commit")
	_, err := s.Commit(t.Context(), s.queue("hello"), func(context.Context) (app.Table, error) { return app.Table{}, failed })
	if !errors.Is(err, failed) || s.proxy.publications() != 0 {
		t.Errorf("%d publications, %v", s.proxy.publications(), err)
	}
}

func TestCommit_LetsNobodyPublishAnOlderTableMeanwhile(t *testing.T) {
	s := newStreet(t)
	id := s.queue("hello")
	published := make(chan error, 1)
	_, err := s.Commit(t.Context(), id, func(ctx context.Context) (app.Table, error) {
		go func() { published <- s.Publish(t.Context()) }()
		table, err := s.ledger.Promote(ctx, id, time.Now())
		if s.proxy.publications() != 0 {
			t.Error("a table was published during the commit")
		}
		return table, err
	})
	if err := errors.Join(err, <-published); err != nil {
		t.Fatal(err)
	}
	if rules := s.proxy.rules(); rules["Path(`/hello`) || PathPrefix(`/hello/`)"] != "hello-r1" {
		t.Errorf("the proxy has %v", rules)
	}
}

func TestConfirm_SaysWhatIsNotInTheTable(t *testing.T) {
	s := newStreet(t)
	err := s.PublishAndConfirm(t.Context(), app.ReleaseID{App: "nobody", Number: 1})
	if !errors.Is(err, routing.ErrNotInTable) || !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestRun_ChecksTheHostsThatWait(t *testing.T) {
	s := newStreet(t)
	s.CheckLater("")
	s.CheckLater("early.example.com") // before Run
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	s.CheckLater("late.example.com")
	checked := func() bool {
		checks, err := s.ledger.ListHostChecks(t.Context())
		return err == nil && len(checks) == 2 && !checks["early.example.com"].At.IsZero() && !checks["late.example.com"].At.IsZero()
	}
	if !patience.Eventually(10*time.Second, checked) {
		t.Error("the hosts were not checked")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
