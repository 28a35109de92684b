package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/volume"
	"berth/controller/volume/volumetest"
	"berth/traefik"
)

// fakeVolumes is the real controller over volumes in folders. Only the release
// that other mounts lead to is a fake.
type fakeVolumes struct {
	*controller.Controller
	keeper *volumetest.Keeper
	ledger *store.Store
	apps   *fakeApps
	broken error // what every method fails with, where it is set

	warnings []controller.VolumeWarning // beside the controller's own, which are none
}

func newFakeVolumes(t testing.TB, apps *fakeApps) *fakeVolumes {
	t.Helper()
	f := &fakeVolumes{keeper: volumetest.New(t), ledger: freshLedger(t), apps: apps}
	key, err := secret.DeriveKey("a key of the tests")
	if err != nil {
		t.Fatal(err)
	}
	f.Controller, err = controller.New(controller.Options{
		Ledger: f.ledger, Key: key, Volumes: f.keeper, DataFolder: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Audit: &fakeAudit{},
		BuildConcurrency: 1, BuildTimeout: time.Minute, MaximumLimits: plan.DefaultLimits(), VolumeQuota: 10 << 30,
		Routing: routing.Options{Ledger: f.ledger},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// volume makes a volume.
func (f *fakeVolumes) volume(t testing.TB, name volume.Name) {
	t.Helper()
	if err := f.CreateVolume(t.Context(), name, "of the tests"); err != nil {
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

func (f *fakeVolumes) Volumes(ctx context.Context) ([]controller.VolumeView, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	return f.Controller.Volumes(ctx)
}

func (f *fakeVolumes) Volume(ctx context.Context, name volume.Name) (controller.VolumeView, error) {
	if f.broken != nil {
		return controller.VolumeView{}, f.broken
	}
	return f.Controller.Volume(ctx, name)
}

func (f *fakeVolumes) VolumeNames(ctx context.Context) ([]volume.Name, error) {
	names, err := f.Controller.VolumeNames(ctx)
	return names, errors.Join(f.broken, err)
}

func (f *fakeVolumes) VolumeWarnings() []controller.VolumeWarning { return f.warnings }

// UpdateMounts notes what was asked for and queues a release.
func (f *fakeVolumes) UpdateMounts(ctx context.Context, name app.Name, mounts []app.Mount, by string) (app.Release, error) {
	for _, mount := range mounts {
		if _, err := f.Volume(ctx, mount.Volume); err != nil {
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
	release.RollbackOf, release.NewSettings, release.Mounts = 2, true, mounts
	f.apps.putRelease(release)
	return release, nil
}
