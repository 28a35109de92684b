package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"berth/controller/app"
	"berth/controller/reach"
	"berth/controller/store"
	"berth/test/patience"
	"berth/test/stack"
	"berth/traefik"
)

const (
	quietGoal = 0.5                   // percent of one core for each 100 apps
	quietSeed = app.Name("quietseed") // the app whose copies the engine seems to run
	quietReal = 10                    // apps that the engine really runs
)

// quietHouse is a Berth whose engine seems to run copies of its first app.
type quietHouse struct {
	*bench
	*stack.Process
	token  string
	engine *copier
	calls  map[string]int // engine calls of a quiet minute, by number and kind of apps
}

// measureQuiet: engine calls and processor time of a minute in which nothing happens, with
// 10, 100 and 1,000 apps. The engine runs ten of them. A stand-in before it answers for the
// others with copies of what the engine tells of the first. That ten copies cost as many
// calls as ten real apps shows that the stand-in is true.
func (b *bench) measureQuiet() error {
	place, err := stack.Reserve("berth-quiet")
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "berth-quiet-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	q := &quietHouse{bench: b, calls: make(map[string]int)}
	if q.engine, err = newCopier(string(quietSeed)); err != nil {
		return err
	}
	socket := filepath.Join(folder, "engine.sock")
	end, err := stack.ServeSocket(socket, q.engine)
	if err != nil {
		return err
	}
	defer end()
	if q.Process, err = stack.NewProcess(place, folder, socket); err != nil {
		return err
	}
	defer q.Remove()
	defer q.Kill()
	if err := q.run(); err != nil {
		return fmt.Errorf("%w\n%.20000s", err, q.Log())
	}
	return nil
}

func (q *quietHouse) run() error {
	err := errors.Join(q.Start(), q.StartProxy())
	if err != nil {
		return err
	}
	if q.token, err = q.Token("admin"); err != nil {
		return err
	}
	if err := q.deploy(string(quietSeed)); err != nil {
		return err
	}
	if err := q.onCopies(1, quietReal); err != nil {
		return err
	}
	if err := q.onReal(); err != nil {
		return err
	}
	q.report(q.calls["copies"] == q.calls["real"], "engine calls of a quiet minute with %d apps: %d real, %d by the stand-in", quietReal, q.calls["real"], q.calls["copies"])
	if err := q.onCopies(quietReal, 100); err != nil {
		return err
	}
	return q.onCopies(100, 1000)
}

// onReal measures with the apps that the engine runs, in place of the copies.
func (q *quietHouse) onReal() error {
	if err := q.drop(); err != nil {
		return err
	}
	if err := q.Start(); err != nil {
		return err
	}
	for n := 1; n < quietReal; n++ {
		if err := q.deploy(fmt.Sprintf("real-%d", n)); err != nil {
			return err
		}
	}
	q.Kill() // to a Berth that starts, no app has changed lately, as the copies have not
	if err := q.Start(); err != nil {
		return err
	}
	return q.measure("real", quietReal)
}

// onCopies gives the ledger copies of the first app, until it has as many apps, and measures.
func (q *quietHouse) onCopies(from, to int) error {
	q.Kill()
	if err := q.change(func(ctx context.Context, ledger *store.Store) error { return copySeed(ctx, ledger, from, to) }); err != nil {
		return err
	}
	q.engine.copy(from, to)
	if err := q.Start(); err != nil {
		return err
	}
	return q.measure("copies", to)
}

// drop takes the copies out of the ledger, and lets the process stand still.
func (q *quietHouse) drop() error {
	q.Kill()
	numbers := q.engine.drop()
	return q.change(func(ctx context.Context, ledger *store.Store) error {
		for _, n := range numbers {
			name := app.Name(copyOf(string(quietSeed), n))
			if err := errors.Join(ledger.UpdateWanted(ctx, name, app.WantedDeleted), ledger.DeleteApp(ctx, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// change opens the ledger while the process stands still.
func (q *quietHouse) change(change func(context.Context, *store.Store) error) error {
	ledger, err := store.Open(q.ctx, filepath.Join(q.Data(), "berth.db"))
	if err != nil {
		return err
	}
	return errors.Join(change(q.ctx, ledger), ledger.Close())
}

// copySeed makes apps that are live, and proven to be reachable, as the first one is.
func copySeed(ctx context.Context, ledger *store.Store, from, to int) error {
	seed, err := ledger.FindApp(ctx, quietSeed)
	if err != nil {
		return err
	}
	live, err := ledger.FindRelease(ctx, app.ReleaseID{App: seed.Name, Number: seed.Live})
	if err != nil {
		return err
	}
	for n := from; n < to; n++ {
		name := copyOf(string(quietSeed), n)
		path, err := traefik.ParsePath("/" + name)
		if err != nil {
			return err
		}
		copied := live
		copied.App, copied.Number, copied.Archive = app.Name(name), 0, ""
		created, err := ledger.CreateApp(ctx, app.App{
			Name: app.Name(name), Routes: []traefik.Route{{Path: path}}, Settings: seed.Settings, Wanted: app.WantedRunning, CreatedAt: seed.CreatedAt,
		}, copied)
		if err != nil {
			return err
		}
		created.Image, created.Address = live.Image, inCopy(live.Address, n)
		created.Services = slices.Clone(live.Services)
		for i, run := range created.Services {
			created.Services[i].Instances = nil
			for _, instance := range run.Instances {
				created.Services[i].Instances = append(created.Services[i].Instances, inCopy(instance, n))
			}
		}
		created.Instances = created.Services[0].Instances
		if err := ledger.UpdateServices(ctx, created); err != nil {
			return err
		}
		if _, err := ledger.Promote(ctx, created.ReleaseID, time.Now()); err != nil {
			return err
		}
		if err := ledger.SaveProof(ctx, reach.Proof{Release: created.ReleaseID, At: time.Now(), Answered: true}); err != nil {
			return err
		}
	}
	return nil
}

// deploy makes a real app and waits until it is live.
func (q *quietHouse) deploy(name string) error {
	files, err := q.AppFiles("", "v1")
	if err != nil {
		return err
	}
	if err := q.Deploy(q.ctx, q.token, name, "/"+name, files); err != nil {
		return err
	}
	var seen struct{ State string }
	if !patience.Eventually(time.Minute, func() bool {
		status, err := q.API(q.ctx, q.token, http.MethodGet, "/api/v1/apps/"+name, &seen)
		return err == nil && status == http.StatusOK && seen.State == "running"
	}) {
		return fmt.Errorf("%s is %q", name, seen.State)
	}
	return nil
}

// measure waits until all is quiet, and looks at one minute.
func (q *quietHouse) measure(kind string, apps int) error {
	if err := q.pause(70 * time.Second); err != nil { // two passes, and nobody looks at pages any more
		return err
	}
	pid := strconv.Itoa(q.ID())
	q.engine.count()
	before, err := ticks(pid)
	if err != nil {
		return err
	}
	if err := q.pause(restTime); err != nil {
		return err
	}
	after, err := ticks(pid)
	if err != nil {
		return err
	}
	calls, words := q.engine.count()
	q.calls[kind] = calls
	goal := quietGoal * max(1, float64(apps)/100)
	percent := float64(after-before) / restTime.Seconds() // a tick is a hundredth of a second
	q.report(percent < goal, "a quiet minute with %d apps (%s): %.2f%% of one core (goal %.1f%%), %d engine calls: %s", apps, kind, percent, goal, calls, words)
	return nil
}
