//go:build linux && cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/recovery"
	"berth/controller/store"
)

// recoverTimeout is for the engine to tell of all containers.
const recoverTimeout = 2 * time.Minute

// newLedger is what a recovered ledger is called until it is whole.
const newLedger = "berth.db.recovered"

// runRecover makes a lost ledger again from what the containers of the apps tell. It works
// without a server, which does not start without its ledger while there are containers.
func runRecover(ctx context.Context, p *program, args []string) error {
	flags := newFlags("recover")
	settings := p.addConfigFlags(flags)
	yes := flags.Bool("yes", false, "write the database; without it, only show what would be in it")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	config, logger, err := p.load(settings)
	if err != nil {
		return err
	}
	if there, err := hasLedger(config); err != nil || there {
		return errors.Join(err, problem.Conflict(
			"The data folder "+config.DataFolder+" has a database.", "berth recover makes a lost one again. To go back to an earlier one, see berth help restore."))
	}
	ctx, cancel := context.WithTimeout(ctx, recoverTimeout)
	defer cancel()
	if err := settleRestore(ctx, config, logger); err != nil {
		return err
	}
	found, left, err := findLost(ctx, config, logger)
	if err != nil {
		return err
	}
	if err := printRecovered(p.stdout, found, left); err != nil || len(found) == 0 {
		return err
	}
	if !*yes {
		_, err := fmt.Fprintln(p.stdout, "\nNothing was written. Add --yes to write the database.")
		return err
	}
	if err := writeRecovered(ctx, config, found); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, "\nThe database is written. Start Berth now (make up, or berth serve). Then say on the page Access of each app who may use it: its routes are off until then.")
	return err
}

func hasLedger(config Config) (bool, error) {
	_, err := os.Lstat(config.ledgerFile())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// findLost asks the engine, and makes the apps of what it tells.
func findLost(ctx context.Context, config Config, logger *slog.Logger) (found []recovery.Found, left []string, err error) {
	if err := prepareDataFolder(config.DataFolder, logger); err != nil {
		return nil, nil, err
	}
	engine, err := openEngine(ctx, config, nil, nil, logger)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = engine.Close() }()
	key, err := openKey(config, logger)
	if err != nil {
		return nil, nil, err
	}
	traces, err := engine.Traces(ctx)
	if err != nil {
		return nil, nil, err
	}
	found, left = recovery.Options{Key: key, VolumeName: engine.VolumeName, Now: time.Now()}.From(traces)
	volumes, err := engine.ListVolumes(ctx)
	for _, kept := range volumes {
		if len(kept.Users) == 0 {
			left = append(left, fmt.Sprintf("The volume %s is there, and no app uses it. Berth does not remove it.", kept.Name))
		}
	}
	return found, left, err
}

// printRecovered shows what is known of each app, and what is not.
func printRecovered(out io.Writer, found []recovery.Found, left []string) error {
	var text strings.Builder
	if len(found) == 0 {
		text.WriteString("The engine has no container of an app of this stack: there is nothing to recover.\n")
	}
	for _, one := range found {
		var services, routes []string
		for _, run := range one.Release.Services {
			services = append(services, strings.Join(run.Instances, ", "))
		}
		for _, route := range one.App.Routes {
			routes = append(routes, route.String())
		}
		fmt.Fprintf(&text, "%s: release %d, %s, containers %s, routes %s (off), %d variables\n",
			one.App.Name, one.Release.Number, one.App.Wanted, strings.Join(services, ", "), strings.Join(routes, ", "), len(one.App.Variables))
		for _, sentence := range one.Unknown {
			fmt.Fprintf(&text, "  %s\n", sentence)
		}
	}
	for _, sentence := range left {
		fmt.Fprintln(&text, sentence)
	}
	if len(found) > 0 {
		text.WriteString("Not known of any app: who may use it, its earlier releases, its archive, accounts, tokens, domains' certificates, the audit log and all settings of the server.\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// writeRecovered writes the ledger beside its place, and moves it there when it is whole.
func writeRecovered(ctx context.Context, config Config, found []recovery.Found) (err error) {
	beside := filepath.Join(config.DataFolder, newLedger)
	remove := func() error {
		var errs []error
		for _, end := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(beside + end); !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}
	if err := remove(); err != nil { // of one that was cut short
		return err
	}
	ledger, err := store.Open(ctx, beside)
	if err != nil {
		return err
	}
	var all []store.Recovered
	for _, one := range found {
		all = append(all, store.Recovered{App: one.App, Release: one.Release})
	}
	if err := errors.Join(ledger.Recover(ctx, all), ledger.Close()); err != nil {
		return errors.Join(err, remove())
	}
	return os.Rename(beside, config.ledgerFile())
}

// refuseLostLedger refuses to begin with an empty ledger while the engine has apps of this
// stack: each would be taken for a leftover, and removed. An engine that cannot be asked
// is asked again by serve.
func refuseLostLedger(ctx context.Context, config Config, logger *slog.Logger) error {
	if there, err := hasLedger(config); err != nil || there {
		return err
	}
	engine, err := docker.Open(docker.Options{Host: config.DockerHost, Stack: config.Stack, SubnetPool: config.SubnetPool})
	if err != nil {
		return err
	}
	defer func() { _ = engine.Close() }()
	instances, err := engine.Instances(ctx)
	if err != nil {
		logger.Warn("look for apps of a lost database", "error", err)
		return nil
	}
	var apps []string
	for _, instance := range instances {
		apps = append(apps, instance.App)
	}
	slices.Sort(apps)
	if apps = slices.Compact(apps); len(apps) == 0 {
		return nil
	}
	return problem.Conflict(
		fmt.Sprintf("The database %s is missing, and the engine has containers of %s.", config.ledgerFile(), strings.Join(apps, ", ")),
		"Bring the apps back with berth recover, or the whole server with berth restore. To begin anew, remove these containers first.",
	)
}
