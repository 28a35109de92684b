//go:build linux && cgo

package main

import (
	"log/slog"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/backup"
	"berth/controller/backup/hook"
	"berth/controller/backup/trial"
	"berth/controller/docker"
	"berth/controller/oneoff"
	"berth/controller/release"
	"berth/controller/secret"
	"berth/controller/store"
)

// mostCommands run at once for people.
const mostCommands = 4

// openBackups returns the backups of this server, the commands around them, and what runs
// commands at all.
func openBackups(
	config Config, ledger *store.Store, story *controller.Controller, auditor audit.Auditor, engine *docker.Engine, key secret.Key, logger *slog.Logger,
) (*backup.Backups, hook.Hooks, oneoff.Bounded) {
	aside := aside{story.Shipper()}
	commands := oneoff.Runner{Ledger: ledger, Engine: engine, Releases: aside}
	hooks := hook.Hooks{Ledger: ledger, Commands: commands}
	return backup.New(backup.Options{
		Ledger: ledger, Keeper: engine, Hooks: hooks, Audit: auditor, Key: key, DataFolder: config.DataFolder, ACMEFolder: config.ACMEFolder,
		Stack: config.Stack, Version: currentVersion(), Examine: examiner{engine, aside, logger}.examine, Logger: logger,
	}), hooks, oneoff.NewBounded(commands, mostCommands)
}

// aside lets an instance that no release owns do its work.
type aside struct{ *release.Shipper }

// Aside begins work. The reconciler leaves the instance alone as long as it counts as one
// that is being removed.
func (a aside) Aside(instance string, work func()) { a.beside([]string{instance}, nil, work) }

// Trial is Aside for the instances of an app in a trial, and its network.
func (a aside) Trial(instances []string, name app.Name, work func()) {
	a.beside(instances, []release.NetworkID{{App: name, Release: trial.NetworkNumber}}, work)
}

func (a aside) beside(instances []string, networks []release.NetworkID, work func()) {
	a.Retire(instances, networks, func() bool {
		work()
		return false
	})
}
