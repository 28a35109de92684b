package app_test

import (
	"testing"

	"berth/controller/app"
	"berth/controller/plan"
)

func TestRootStart_IsGivenByNameAndTakenByName(t *testing.T) {
	t.Parallel()
	before := app.DefaultSettings()
	given := before
	given.Choices.RootStart = "db,web"
	if !given.Loosens(before) || before.Loosens(given) || given.Run() == before.Run() {
		t.Error("it loosens, and a release runs with it")
	}
	fewer := given
	fewer.Choices.RootStart = "web"
	if fewer.Loosens(given) || !given.Loosens(fewer) {
		t.Error("only another service loosens")
	}
	if names := given.Waivers(); len(names) != 1 || names[0] != "root start (db and web)" && names[0] != "root start (db, web)" {
		t.Errorf("got %q", names)
	}
	release := app.Release{Settings: given, Services: []app.ServiceRun{
		{Spec: plan.Service{Name: "db", Waivers: plan.Waivers{RootStart: true}}, Main: true}, {Spec: plan.Service{Name: "cache"}},
	}}
	again := release.Again(fewer)
	if again[0].Spec.Waivers.RootStart || again[1].Spec.Waivers.RootStart {
		t.Errorf("got %+v", again)
	}
	sole := app.Release{Services: []app.ServiceRun{{Sole: true, Main: true, Spec: plan.Service{Name: plan.MainService, Image: "nginx:1"}}}}
	given.Choices.RootStart = plan.MainService
	if spec := sole.Again(given)[0].Spec; !spec.Waivers.RootStart || spec.Image != "nginx:1" {
		t.Errorf("got %+v", spec)
	}
}

func TestRootStart_IsForbiddenWithEachPartOfIt(t *testing.T) {
	t.Parallel()
	for _, one := range []app.Waiver{app.WaiverRootStart, app.WaiverDatabase, app.WaiverWritableRoot} {
		if !app.Forbids([]app.Waiver{one}, app.WaiverRootStart) {
			t.Errorf("%s alone leaves it allowed", one)
		}
	}
	if app.Forbids(nil, app.WaiverRootStart) || app.Forbids([]app.Waiver{app.WaiverRootStart}, app.WaiverDatabase) {
		t.Error("too much is forbidden")
	}
}

func TestRootStart_TakesNoNameThatIsNoService(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"other/db", "../db", "db;web", "DB", "berth-other-r1.db"} {
		if _, problems := app.ParseChoices(app.ChoicesForm{RootStart: text}); len(problems) != 1 || problems[0].Field != app.FieldRootStart {
			t.Errorf("%q: got %v", text, problems)
		}
	}
}
