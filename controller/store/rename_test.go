package store_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/alert"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/store"
	"berth/controller/store/sqlite"
	"berth/controller/webhook/inbox"
	"berth/traefik"
)

// reseal marks what was sealed for which place.
func reseal(sealed []byte, from, to string) []byte {
	return []byte(strings.ReplaceAll(string(sealed), "for "+from, "for "+to))
}

func sealed(place string) []byte { return []byte("for " + place) }

func renaming(from, to app.Name) app.Renaming {
	return app.Renaming{App: from, To: to, Routes: []traefik.Route{{Path: app.NamePath(from)}}, Reseal: reseal}
}

// runs makes the app's newest release live.
func runs(t *testing.T, ledger *store.Store, release app.Release) {
	t.Helper()
	release.Instances, release.Address = []string{"berth-hello-r1"}, "berth-hello-r1:8000"
	release.Services = []app.ServiceRun{{
		Main: true, Image: "image", Instances: release.Instances,
		Spec: plan.Service{Name: "web", Files: []plan.File{{Path: "/run/secrets/token", Private: true}}},
	}}
	file := &release.Services[0].Spec.Files[0]
	file.Content = sealed(app.FilePlace(release.App, release.Services[0].Spec, *file))
	must(t, ledger.UpdateServices(t.Context(), release))
	_, err := ledger.Promote(t.Context(), release.ReleaseID, noon)
	must(t, err)
}

func TestRenameApp_TakesAllThatIsKeptOfTheApp(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	first := createApp(t, ledger, "hello", "/hello", "hello.example.com")
	must(t, ledger.UpdateHome(ctx, traefik.Route{Path: "/hello"}))
	number, _, err := ledger.FindEnvironment(ctx, "hello")
	must(t, err)
	must(t, ledger.UpdateEnvironment(ctx, "hello", number, []app.Variable{{Name: "KEY", Sealed: sealed(app.EnvironmentPlace("hello", "KEY"))}}))
	runs(t, ledger, first)
	hook := newWebhook("hello")
	hook.Secret = append(sealed("secret of the webhook of hello"), bytes.Repeat([]byte(" "), 92)...)
	must(t, ledger.SaveWebhook(ctx, hook))
	must(t, ledger.AddDelivery(ctx, "hello", inbox.Delivery{At: noon, Result: inbox.Deployed, Release: 1}))
	must(t, ledger.CreatePublicPort(ctx, app.PublicPort{App: "hello", Port: traefik.Port{Number: 2222, Protocol: traefik.TCP}, Target: 22}))

	renamed, err := ledger.RenameApp(ctx, renaming("hello", "store"), app.Release{
		ReleaseID: app.ReleaseID{App: "hello"}, Cause: app.CauseSettings, RerunOf: 1, Image: "image", CreatedAt: noon, Environment: 1, Settings: first.Settings,
	})
	must(t, err)

	if renamed.ReleaseID != (app.ReleaseID{App: "store", Number: 2}) || renamed.Handle != "hello" && renamed.Handle != "" {
		t.Errorf("queued is %+v", renamed)
	}
	_, err = ledger.FindApp(ctx, "hello")
	wantError(t, err, problem.ErrNotFound)
	found, err := ledger.FindApp(ctx, "store")
	must(t, err)
	if found.Key() != "hello" || found.Live != 1 || len(found.Routes) != 2 || found.Routes[0].Path != "/store" || found.Routes[1].Host != "hello.example.com" {
		t.Errorf("the app is %+v", found)
	}
	if home, err := ledger.FindHome(ctx); err != nil || home.Path != "/store" {
		t.Errorf("home is %v, %v", home, err)
	}
	wantEnvironment(t, ledger, "store", []app.Variable{{Name: "KEY", Sealed: sealed(app.EnvironmentPlace("store", "KEY"))}})
	live, err := ledger.FindRelease(ctx, app.ReleaseID{App: "store", Number: 1})
	must(t, err)
	if file := live.Services[0].Spec.Files[0]; string(file.Content) != "for "+app.FilePlace("store", live.Services[0].Spec, file) || live.Handle != "hello" {
		t.Errorf("the file is %q, of %s", file.Content, live.Handle)
	}
	got, err := ledger.FindWebhookAt(ctx, hook.Hash)
	if err != nil || got.App != "store" || !strings.HasPrefix(string(got.Secret), "for secret of the webhook of store") {
		t.Errorf("the webhook is %+v, %v", got, err)
	}
	if all, err := ledger.ListDeliveries(ctx, "store"); err != nil || len(all) != 1 {
		t.Errorf("deliveries are %v, %v", all, err)
	}
	if ports, err := ledger.ListPublicPorts(ctx); err != nil || len(ports) != 1 || ports[0].App != "store" {
		t.Errorf("ports are %v, %v", ports, err)
	}
	wantNowhere(t, ledger, "hello")
}

// wantNowhere looks into every column of the ledger that names apps.
func wantNowhere(t *testing.T, ledger *store.Store, name string) {
	t.Helper()
	writer, _ := ledger.Pools()
	rows, err := writer.QueryContext(t.Context(), `SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'app' WHERE m.type = 'table'`)
	tables, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (table string, err error) {
		err = columns.Scan(&table)
		return table, err
	})
	must(t, err)
	if len(tables) < 15 {
		t.Errorf("only the tables %v name apps", tables)
	}
	for _, table := range tables {
		var left int
		must(t, writer.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table+` WHERE app = ?`, name).Scan(&left))
		if left != 0 {
			t.Errorf("%s still has rows of %s", table, name)
		}
	}
	var broken int
	must(t, writer.QueryRowContext(t.Context(), `SELECT count(*) FROM pragma_foreign_key_check`).Scan(&broken))
	if broken != 0 {
		t.Errorf("%d references lead nowhere", broken)
	}
}

func TestRenameApp_RefusesAndLeavesAllAsItWas(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "other", "/other", "/store")
	first := createApp(t, ledger, "hello", "/hello")
	_, err := ledger.RenameApp(ctx, renaming("hello", "new"), app.Release{})
	wantError(t, err, app.ErrUnderWay)
	runs(t, ledger, first)
	for to, want := range map[app.Name]error{"other": problem.ErrNameTaken, "store": app.ErrRouteTaken} {
		_, err := ledger.RenameApp(ctx, renaming("hello", to), app.Release{})
		wantError(t, err, want)
	}
	_, err = ledger.RenameApp(ctx, renaming("none", "new"), app.Release{})
	wantError(t, err, problem.ErrNotFound)
	must(t, ledger.UpdateWanted(ctx, "hello", app.WantedDeleted))
	_, err = ledger.RenameApp(ctx, renaming("hello", "new"), app.Release{})
	wantError(t, err, problem.ErrNotFound)
	if got := ledger.Handles().Of("hello"); got != "hello" {
		t.Errorf("a refused rename left the handle %q", got)
	}
}

func TestHandles_OutliveRenamesAndRestarts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	ledger := open(t, path)
	runs(t, ledger, createApp(t, ledger, "hello", "/hello"))
	_, err := ledger.RenameApp(t.Context(), renaming("hello", "store"), app.Release{})
	must(t, err)
	second := createApp(t, ledger, "hello", "/hello")
	want := map[string]string{"store": "hello", "hello": "hello--2"}
	check := func(ledger *store.Store) {
		t.Helper()
		for name, handle := range want {
			if got := ledger.Handles().Of(name); got != handle {
				t.Errorf("the handle of %s is %s, want %s", name, got, handle)
			}
		}
	}
	check(ledger)
	must(t, ledger.Close())
	ledger = open(t, path)
	check(ledger)
	if release, err := ledger.FindRelease(t.Context(), second.ReleaseID); err != nil || release.OwnVolume("data") != "hello--2_data" {
		t.Errorf("the volume of the new app is %s, %v", release.OwnVolume("data"), err)
	}
	must(t, ledger.UpdateWanted(t.Context(), "hello", app.WantedDeleted))
	must(t, ledger.DeleteApp(t.Context(), "hello"))
	_, err = ledger.RenameApp(t.Context(), renaming("store", "hello"), app.Release{})
	must(t, err)
	want = map[string]string{"hello": "hello", "store": "store"}
	check(ledger)
}

func TestRenameApp_AlertsFollow(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	runs(t, ledger, createApp(t, ledger, "hello", "/hello"))
	rule, err := ledger.SaveRule(ctx, alert.Rule{Name: "down", On: true, Metric: alert.AppDown, Apps: []string{"hello", "other"}})
	must(t, err)
	must(t, ledger.SaveMute(ctx, alert.Mute{Rule: rule, Subject: "app/hello", By: "ann"}))
	_, err = ledger.RenameApp(ctx, renaming("hello", "store"), app.Release{})
	must(t, err)
	book, err := ledger.FindAlerts(ctx)
	must(t, err)
	if apps := book.Rules[0].Apps; len(apps) != 2 || apps[0] != "store" || apps[1] != "other" {
		t.Errorf("the rule is about %v", apps)
	}
	if len(book.Mutes) != 1 || book.Mutes[0].Subject != "app/store" {
		t.Errorf("mutes are %+v", book.Mutes)
	}
}

func TestListAudit_FindsEntriesOfTheFormerName(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	runs(t, ledger, createApp(t, ledger, "hello", "/hello"))
	hash := func(of string) string { return strings.Repeat(of, 64) }
	must(t, ledger.AppendAudit(ctx, func(audit.Head, int64) ([]audit.Entry, audit.Head) {
		return []audit.Entry{
			{Sequence: 1, Event: audit.Event{At: noon, Action: audit.ActionAppStop, Resource: "app hello"}, Previous: hash("a"), Hash: hash("b")},
			{Sequence: 2, Event: audit.Event{At: noon, Action: audit.ActionReleaseLive, Resource: "release hello r1"}, Previous: hash("b"), Hash: hash("c")},
			{Sequence: 3, Event: audit.Event{At: noon, Action: audit.ActionAppStop, Resource: "app hello-2"}, Previous: hash("c"), Hash: hash("d")},
		}, audit.Head{Count: 3, Hash: hash("d"), MAC: hash("e")}
	}))
	_, err := ledger.RenameApp(ctx, renaming("hello", "store"), app.Release{})
	must(t, err)
	found, err := ledger.ListAudit(ctx, audit.Filter{Text: "store"}, audit.Page{Before: 100, Limit: 10})
	must(t, err)
	if len(found) != 2 || found[0].Resource != "release hello r1" || found[1].Resource != "app hello" {
		t.Errorf("found are %+v", found)
	}
}
