package controller_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
)

func TestParseSettings_ReadsTheUnitsOfTheForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got, err := h.ParseSettings(app.SettingsForm{Port: "3000", Memory: " 64 ", CPU: "150", Processes: "20", WritableRoot: true})
	want := app.Settings{Port: 3000, MemoryBytes: 64 << 20, NanoCPUs: 1_500_000_000, Processes: 20, WritableRoot: true}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestParseSettings_TakesItsOwnFormBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	least, most := h.SettingsRange()
	for _, form := range []app.SettingsForm{least, most, app.DefaultSettings().Form()} {
		if got, err := h.ParseSettings(form); err != nil || got.Form() != form {
			t.Errorf("%+v came back as %+v, %v", form, got.Form(), err)
		}
	}
}

func TestParseSettings_SaysWhatIsWrongAtEachField(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, test := range map[string]struct {
		edit func(*app.SettingsForm)
		want []string // fields
	}{
		"little memory":          {func(f *app.SettingsForm) { f.Memory = "15" }, []string{"memory"}},
		"more than the maximum":  {func(f *app.SettingsForm) { f.Memory = "2049" }, []string{"memory"}},
		"a negative number":      {func(f *app.SettingsForm) { f.Memory = "-64" }, []string{"memory"}},
		"no limit":               {func(f *app.SettingsForm) { f.Memory = "" }, []string{"memory"}},
		"more than can be held":  {func(f *app.SettingsForm) { f.Memory = "9223372036854775807" }, []string{"memory"}},
		"a unit":                 {func(f *app.SettingsForm) { f.Memory = "64m" }, []string{"memory"}},
		"little CPU":             {func(f *app.SettingsForm) { f.CPU = "4" }, []string{"cpu"}},
		"too many cores":         {func(f *app.SettingsForm) { f.CPU = "201" }, []string{"cpu"}},
		"few processes":          {func(f *app.SettingsForm) { f.Processes = "9" }, []string{"processes"}},
		"a fork bomb's worth":    {func(f *app.SettingsForm) { f.Processes = "501" }, []string{"processes"}},
		"no port":                {func(f *app.SettingsForm) { f.Port = "65536" }, []string{"port"}},
		"a start above the most": {func(f *app.SettingsForm) { f.Readiness.StartTime = "16m" }, []string{"start_time"}},
		"everything at one time": {func(f *app.SettingsForm) { *f = app.SettingsForm{Port: "x"} }, []string{"port", "memory", "cpu", "processes"}},
	} {
		form := app.DefaultSettings().Form()
		test.edit(&form)
		_, err := h.ParseSettings(form)
		problems, _ := errors.AsType[problem.Problems](err)
		var fields []string
		for _, fault := range problems {
			fields = append(fields, fault.Field)
			wantProblem(t, fault, problem.KindInvalid, fault.Field)
		}
		if !slices.Equal(fields, test.want) || problem.KindOf(err) != problem.KindInvalid {
			t.Errorf("%s: problems at %q, want %q: %v", name, fields, test.want, err)
		}
	}
}

func TestSettings_NewOnesRunTheLiveImageAgainWithoutABuild(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.deploy("hello")
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { return errors.New("no build was asked for") })
	started := h.recordStarts()
	settings := small()

	release := h.updateSettings("hello", settings)
	if release.State != app.ReleaseLive || release.Number != 2 || release.Image != first.Image || release.Cause != app.CauseSettings || release.Settings != settings {
		t.Fatalf("release is %+v", release)
	}
	service := started("berth-hello-r2").Service
	if service.Limits.MemoryBytes != 64<<20 || service.Limits.NanoCPUs != 100_000_000 || service.Limits.Processes != 20 ||
		service.Port != 3000 || !service.Waivers.WritableRoot {
		t.Errorf("it was started as %+v", service)
	}
	if got := h.proxy.servers(); !slices.Equal(got, []string{"http://berth-hello-r2:3000"}) {
		t.Errorf("the proxy sends requests to %v", got)
	}
	h.engine.onBuild.set(nil)
	if next := h.update("hello"); next.Settings != settings || next.Cause != app.CauseUpload {
		t.Errorf("the next upload is %+v", next)
	}
}

func TestSettings_FailedOnesLeaveTheOldReleaseServing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.deploy("hello")
	h.proxy.status.set(502)
	h.engine.exited.put("berth-hello-r2", docker.Condition{OOMKilled: true, ExitCode: 137})

	release := h.updateSettings("hello", small())
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "64 MB") {
		t.Errorf("release is %+v", release)
	}
	name, err := h.App(t.Context(), "hello")
	if err != nil || name.Live != 1 || name.Settings != small() {
		t.Errorf("app is %+v, %v", name.App, err)
	}
	if _, err := h.engine.FindImage(t.Context(), first.Image); err != nil {
		t.Errorf("the image of the live release is gone: %v", err)
	}
	// Back to what runs: there is nothing to start.
	back, err := h.UpdateSettings(t.Context(), "hello", app.DefaultSettings(), "test")
	if err != nil || back.Number != 0 {
		t.Errorf("got release %+v, %v", back, err)
	}
}

func TestSettings_SameOnesChangeNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	release, err := h.UpdateSettings(t.Context(), "hello", app.DefaultSettings(), "test")
	if err != nil || release.Number != 0 {
		t.Errorf("got release %+v, %v", release, err)
	}
	if releases, _ := h.Releases(t.Context(), "hello"); len(releases) != 1 {
		t.Errorf("there are %d releases", len(releases))
	}
}

func TestSettings_WaitForTheUploadWhereNothingIsLive(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { return &docker.BuildError{Message: "no"} })
	h.deploy("hello")
	h.engine.onBuild.set(nil)
	release, err := h.UpdateSettings(t.Context(), "hello", small(), "test")
	if err != nil || release.Number != 0 {
		t.Fatalf("got release %+v, %v", release, err)
	}
	if next := h.update("hello"); next.State != app.ReleaseLive || next.Settings != small() {
		t.Errorf("the next upload is %+v", next)
	}
}

func TestSettings_AreRefusedWhileAReleaseIsUnderWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	block := make(chan struct{})
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { <-block; return nil })
	release, err := h.accept("hello", "/hello")
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.UpdateSettings(t.Context(), "hello", small(), "test")
	wantProblem(t, err, problem.KindConflict, "")
	close(block)
	h.wait(release.ReleaseID)
	_, err = h.UpdateSettings(t.Context(), "other", small(), "test")
	wantProblem(t, err, problem.KindNotFound, "")
}

func TestSettings_OldOnesComeBackWithTheRollback(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.updateSettings("hello", small())
	release, err := h.Rollback(t.Context(), "hello", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	if got := h.wait(release.ReleaseID); got.State != app.ReleaseLive || got.Settings != app.DefaultSettings() {
		t.Errorf("rollback is %+v", got)
	}
	if name, err := h.App(t.Context(), "hello"); err != nil || name.Settings != app.DefaultSettings() {
		t.Errorf("app is %+v, %v", name.App, err)
	}
}

func TestSettings_OfTheLiveReleaseAreThoseOfAnInstanceMadeAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.updateSettings("hello", small())
	h.stop()
	h.engine.mu.Lock()
	delete(h.engine.instances, "berth-hello-r2")
	h.engine.mu.Unlock()
	started := h.recordStarts()
	h.open()
	h.eventually("the instance to be made again", func() bool { return started("berth-hello-r2").Name != "" })
	if service := started("berth-hello-r2").Service; service.Limits.MemoryBytes != 64<<20 || service.Port != 3000 || !service.Waivers.WritableRoot {
		t.Errorf("it was started as %+v", service)
	}
}

// small is far from the defaults in every setting.
func small() app.Settings {
	return app.Settings{Port: 3000, MemoryBytes: 64 << 20, NanoCPUs: 100_000_000, Processes: 20, WritableRoot: true}
}

func (h *house) updateSettings(name app.Name, settings app.Settings) app.Release {
	h.t.Helper()
	release, err := h.UpdateSettings(h.t.Context(), name, settings, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

// recordStarts returns how an instance was last started from here on.
func (h *house) recordStarts() (started func(name string) docker.StartOptions) {
	var all table[docker.StartOptions]
	h.engine.onStart.set(func(o docker.StartOptions) error {
		all.put(o.Name, o)
		return nil
	})
	return all.at
}
