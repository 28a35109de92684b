package store_test

import (
	"reflect"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
)

func someServices() []app.ServiceRun {
	return []app.ServiceRun{
		{
			Spec: plan.Service{
				Name: "store", Internal: true, Limits: plan.DefaultLimits(), Mounts: []plan.Mount{{Volume: "data", Target: "/data"}},
				Files:  []plan.File{{Path: "/run/secrets/key", Mode: 0o400, Content: []byte{0, 255}, Private: true}},
				Health: &plan.Healthcheck{Test: []string{"CMD", "/x"}, Interval: time.Second},
			},
			Image: "sha256:store", Instances: []string{"berth-hello-r1.store"}, KeptFrom: 1,
		},
		{
			Spec: plan.Service{Name: "web", DependsOn: []plan.Dependency{{Service: "store", Condition: plan.Healthy, Required: true}}},
			Main: true, Image: "sha256:web", Instances: []string{"berth-hello-r2.web"},
		},
	}
}

func TestUpdateServices_AreReadBackAndGoWithARerun(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	release := createApp(t, ledger, "hello", "/hello")
	release.Services, release.Image, release.Address = someServices(), "sha256:web", "berth-hello-r2.web:8000"
	release.Instances = []string{"berth-hello-r1.store", "berth-hello-r2.web"}
	must(t, ledger.UpdateServices(t.Context(), release))
	found, err := ledger.FindRelease(t.Context(), release.ReleaseID)
	must(t, err)
	if !reflect.DeepEqual(found, release) {
		t.Fatalf("want %+v\ngot  %+v", release, found)
	}
	promoted(t, ledger, release.ReleaseID)
	wish := newRelease()
	wish.App, wish.RerunOf, wish.Image, wish.Services, wish.Settings, wish.Cause = "hello", 1, "sha256:web", someServices(), release.Settings, app.CauseSettings
	again, err := ledger.CreateRerun(t.Context(), wish)
	must(t, err)
	if found, err = ledger.FindRelease(t.Context(), again.ReleaseID); err != nil || !reflect.DeepEqual(found.Services, someServices()) {
		t.Fatalf("the rerun has %+v, %v", found.Services, err)
	}
	wantError(t, ledger.UpdateServices(t.Context(), app.Release{ReleaseID: app.ReleaseID{App: "gone", Number: 1}}), problem.ErrNotFound)
}

func TestCreateApp_SavesTheVariablesWithIt(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	variables := []app.Variable{{Name: "KEY", Sealed: []byte{1, 2}}, {Name: "MODE", Value: "live"}}
	app := newApp("hello", "/hello")
	app.Variables = variables
	release, err := ledger.CreateApp(t.Context(), app, newRelease())
	must(t, err)
	number, saved, err := ledger.FindEnvironment(t.Context(), "hello")
	must(t, err)
	if number == 0 || number != release.Environment || !reflect.DeepEqual(saved, variables) {
		t.Fatalf("environment %d %+v, release has %d", number, saved, release.Environment)
	}
}
