package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/problem"
	"berth/controller/store"
	"berth/controller/uploads"
	"berth/controller/volume"
	"berth/controller/volume/volumetest"
	"berth/controller/volumes"
	"berth/traefik"
)

// fakeVolumes are the real volumes, in folders. Only the release
// that other mounts lead to is a fake.
type fakeVolumes struct {
	*volumes.Volumes
	keeper *volumetest.Keeper
	ledger *store.Store
	apps   *fakeApps
	broken error // what every method fails with, where it is set

	warnings []volumes.Warning // in place of their own, which are none
}

func newFakeVolumes(t testing.TB, apps *fakeApps) *fakeVolumes {
	t.Helper()
	f := &fakeVolumes{keeper: volumetest.New(t), ledger: freshLedger(t), apps: apps}
	folder, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f.Volumes, err = volumes.New(volumes.Options{
		Ledger: f.ledger, Keeper: f.keeper, Uploads: uploads.New(folder, archive.DefaultLimits()), Quota: 10 << 30, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// volume makes a volume.
func (f *fakeVolumes) volume(t testing.TB, name volume.Name) {
	t.Helper()
	if err := f.Create(t.Context(), name, "of the tests"); err != nil {
		t.Fatal(err)
	}
}

// mountedBy makes an app in the ledger that mounts the volume.
func (f *fakeVolumes) mountedBy(t testing.TB, owner app.Name, name volume.Name) {
	t.Helper()
	route, err := traefik.ParseRoute("/" + string(owner))
	if err != nil {
		t.Fatal(err)
	}
	made := app.App{
		Name: owner, Routes: []traefik.Route{route}, Settings: app.DefaultSettings(), Wanted: app.WantedRunning,
		Mounts: []app.Mount{{Volume: name, Target: "/data"}}, CreatedAt: time.Now(),
	}
	if _, err := f.ledger.CreateApp(t.Context(), made, aRelease(owner, 1, app.ReleaseQueued)); err != nil {
		t.Fatal(err)
	}
}

func (f *fakeVolumes) List(ctx context.Context) ([]volumes.View, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	return f.Volumes.List(ctx)
}

func (f *fakeVolumes) Find(ctx context.Context, name volume.Name) (volumes.View, error) {
	if f.broken != nil {
		return volumes.View{}, f.broken
	}
	return f.Volumes.Find(ctx, name)
}

func (f *fakeVolumes) Names(ctx context.Context) ([]volume.Name, error) {
	names, err := f.Volumes.Names(ctx)
	return names, errors.Join(f.broken, err)
}

func (f *fakeVolumes) Warnings() []volumes.Warning { return f.warnings }

// UpdateMounts notes what was asked for and queues a release.
func (f *fakeVolumes) UpdateMounts(ctx context.Context, name app.Name, mounts []app.Mount, by string) (app.Release, error) {
	for _, mount := range mounts {
		if _, err := f.Find(ctx, mount.Volume); err != nil {
			return app.Release{}, problem.Invalid(
				fmt.Sprintf("There is no volume called %s.", mount.Volume),
				"Choose another.",
			).At("volume")
		}
	}
	if err := f.apps.act(fmt.Sprintf("mounts %v by %s", mounts, by), name); err != nil {
		return app.Release{}, err
	}
	release := aRelease(name, 9, app.ReleaseQueued)
	release.Cause, release.RerunOf, release.Mounts = app.CauseMounts, 2, mounts
	f.apps.putRelease(release)
	return release, nil
}
