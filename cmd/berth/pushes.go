//go:build linux && cgo

package main

import (
	"fmt"
	"log/slog"

	"berth/controller/push"
	"berth/controller/remote"
	"berth/controller/room"
	"berth/controller/store"
)

// openPushes returns what receives pushes of git.
func openPushes(config Config, ledger *store.Store, logger *slog.Logger) (*push.Pushes, error) {
	pushes, err := push.New(push.Options{
		DataFolder: config.DataFolder, Ledger: ledger, Logger: logger, NoRoom: room.Of(config.DataFolder).Refuse, Handles: ledger.Handles(),
	})
	if err != nil {
		return nil, fmt.Errorf("open the folder of pushes: %w", err)
	}
	return pushes, nil
}

// openRemotes returns what fetches from git hosts. It reaches private networks where the
// lists of apps may.
func openRemotes(config Config) (*remote.Remotes, error) {
	remotes, err := remote.New(remote.Options{
		DataFolder: config.DataFolder, Dial: remote.Dial(guardedDial(config)(config.PrivateEgress)), NoRoom: room.Of(config.DataFolder).Refuse,
	})
	if err != nil {
		return nil, fmt.Errorf("open the folder of fetches: %w", err)
	}
	return remotes, nil
}
