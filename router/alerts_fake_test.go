package router

import (
	"context"
	"testing"
	"time"

	"berth/controller/alert"
	"berth/controller/alert/beat"
	"berth/controller/alert/channel"
	"berth/controller/alert/desk"
	"berth/controller/problem"
	"berth/controller/secret"
)

// fakeAlerts is a real desk over a ledger of its own, which sends nothing.
type fakeAlerts struct{ *desk.Desk }

// downReadings are of a server on which these apps are down.
type downReadings []string

func (apps downReadings) Read(context.Context, time.Time) map[alert.Metric][]alert.Reading {
	readings := map[alert.Metric][]alert.Reading{}
	for _, app := range apps {
		readings[alert.AppDown] = append(readings[alert.AppDown], alert.Reading{Subject: alert.Subject{App: app}, Value: 1})
	}
	return readings
}

func newFakeAlerts(t testing.TB, down ...string) fakeAlerts {
	t.Helper()
	key, err := secret.DeriveKey("0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	made := fakeAlerts{desk.New(desk.Options{Ledger: freshLedger(t), Readings: downReadings(down), Key: key, BaseURL: "https://berth.localhost"})}
	if _, err := made.View(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := made.SaveChannel(context.Background(), desk.Wish{
		Name: "ops", Settings: channel.Settings{Kind: channel.Webhook, Address: "https://hooks.example.com"}, Secret: "canary-0123456789abcdef",
	}); err != nil {
		t.Fatal(err)
	}
	return made
}

// newFakeHeart is a real heart over a ledger of its own, which requests nothing.
func newFakeHeart(t testing.TB) *fakeHeart {
	t.Helper()
	key, err := secret.DeriveKey("0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	made := &fakeHeart{beat.New(beat.Options{Ledger: freshLedger(t), Key: key})}
	if err := made.SaveHeartbeat(context.Background(), beat.Wish{Address: "https://monitor.example.com/canary-0123456789abcdef"}); err != nil {
		t.Fatal(err)
	}
	return made
}

type fakeHeart struct{ *beat.Heart }

func (f *fakeHeart) TestHeartbeat(ctx context.Context) error {
	found, err := f.Heartbeat(ctx)
	if err == nil && !found.On() {
		return problem.NotFound("There is no heartbeat.", "Save the address of your monitor first.")
	}
	return err
}

func (f fakeAlerts) TestChannel(_ context.Context, id int64) error {
	if id != 1 {
		return problem.NotFound("There is no such channel.", "See Settings, Alerts.")
	}
	return nil
}
