//go:build linux && cgo

package main

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/address"
	"berth/controller/alert/beat"
	"berth/controller/alert/channel"
	"berth/controller/alert/desk"
	"berth/controller/alert/readings"
	"berth/controller/event/watch"
	"berth/controller/metrics/collect"
	"berth/controller/room"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/router"
)

// alerts are the rules and channels of alerts, the heartbeat, and what writes the events of
// disk and certificates.
type alerts struct {
	*desk.Desk

	watch watch.Watch
	heart *beat.Heart
}

// openAlerts takes what rules read from the parts of the admin app, and gives it the alerts.
func openAlerts(config Config, ledger *store.Store, admin *router.Options, measured *collect.Collector, reconciled func() time.Time, key secret.Key, logger *slog.Logger) *alerts {
	disk := room.Of(config.DataFolder)
	made := &alerts{
		Desk: desk.New(desk.Options{
			Ledger: ledger,
			Readings: readings.Readings{
				Ledger: ledger, Domains: admin.Domains, Backups: admin.Backups, Measured: measured, Disk: disk, Logger: logger,
			},
			Key:     key,
			Dial:    guardedDial(config),
			BaseURL: adminURL(config), Logger: logger,
		}),
		watch: watch.Watch{Ledger: ledger, Certificates: admin.Domains, Disk: disk.Look, Logger: logger},
	}
	made.heart = beat.New(beat.Options{
		Ledger: ledger, Key: key, Dial: guardedDial(config), Logger: logger,
		Loops: []beat.Loop{{Name: "the reconciler", PassedAt: reconciled}, {Name: "the loop of alerts", PassedAt: made.PassedAt}},
	})
	admin.Alerts, admin.Heart = made, made.heart
	return made
}

// Run follows the rules until ctx ends.
func (a *alerts) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.Desk.Run(ctx) })
	group.Go(func() error { return a.watch.Run(ctx) })
	group.Go(func() error { return a.heart.Run(ctx) })
	return group.Wait()
}

// guardedDial reaches the internet, private networks where a channel may, and never this
// machine or the networks of apps.
func guardedDial(config Config) func(private bool) channel.Dial {
	return func(private bool) channel.Dial {
		guard := address.Guard{Never: []netip.Prefix{config.SubnetPool, config.EdgeSubnet}, Private: private}
		return address.Dialer(guard.Allows).DialContext
	}
}
