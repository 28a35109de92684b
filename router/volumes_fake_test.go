package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/plan"
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
func (f *fakeVolumes) mountedBy(t testing.TB, app controller.AppName, name volume.Name) {
	t.Helper()
	route, err := traefik.ParseRoute("/" + string(app))
	if err != nil {
		t.Fatal(err)
	}
	made := controller.App{
		Name: app, Routes: []traefik.Route{route}, Settings: controller.DefaultSettings(), Wanted: controller.WantedRunning,
		Mounts: []controller.Mount{{Volume: name, Target: "/data"}}, CreatedAt: time.Now(),
	}
	if _, err := f.ledger.CreateApp(t.Context(), made, aRelease(app, 1, controller.ReleaseQueued)); err != nil {
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
func (f *fakeVolumes) UpdateMounts(ctx context.Context, app controller.AppName, mounts []controller.Mount, by string) (controller.Release, error) {
	for _, mount := range mounts {
		if _, err := f.Volume(ctx, mount.Volume); err != nil {
			return controller.Release{}, &controller.Problem{
				Kind: controller.KindInvalid, Field: "volume", Message: fmt.Sprintf("There is no volume called %s.", mount.Volume), Hint: "Choose another.",
			}
		}
	}
	if err := f.apps.act(fmt.Sprintf("mounts %v by %s", mounts, by), app); err != nil {
		return controller.Release{}, err
	}
	release := aRelease(app, 9, controller.ReleaseQueued)
	release.RollbackOf, release.NewSettings, release.Mounts = 2, true, mounts
	f.apps.putRelease(release)
	return release, nil
}
