package controller_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/problem"
	"berth/controller/secret"
)

// marker is a secret that is looked for everywhere.
const marker = "Marker-4711/Secret+Value"

func setVariable(name, value string) app.EnvironmentChange {
	return app.EnvironmentChange{Set: []app.VariableWish{{Name: name, Value: secret.Text(value)}}}
}

func setSecret(name, value string) app.EnvironmentChange {
	return app.EnvironmentChange{Set: []app.VariableWish{{Name: name, Value: secret.Text(value), Secret: true}}}
}

func (h *house) change(app app.Name, change app.EnvironmentChange) environment.Environment {
	h.t.Helper()
	environment, err := h.UpdateEnvironment(h.t.Context(), app, change)
	if err != nil {
		h.t.Fatal(err)
	}
	return environment
}

func (h *house) apply(app app.Name) app.Release {
	h.t.Helper()
	release, err := h.ApplyEnvironment(h.t.Context(), app, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	if release.Number == 0 {
		h.t.Fatal("there was nothing to apply")
	}
	return h.wait(release.ReleaseID)
}

func TestEnvironment_SecretFileReachesTheEngineByReferenceAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", app.EnvironmentChange{Set: []app.VariableWish{{Name: "KEY", Value: marker, Secret: true, File: true}}})
	started := h.recordStarts()
	h.apply("hello")
	options := started("berth-hello-r2")
	if len(options.Service.Environment) != 0 || len(options.Service.Files) != 1 || options.Secrets["KEY"] != marker {
		t.Fatalf("started with %+v", options)
	}
	file := options.Service.Files[0]
	if file.Path != "/run/secrets/KEY" || !file.Private || file.Mode != 0o400 || strings.Contains(string(file.Content), marker) {
		t.Errorf("the file is %+v", file)
	}
	h.eventually("the reconciler looks after the file", func() bool {
		ensured := h.engine.ensured.get()
		return len(ensured) > 0 && ensured[0].Secrets["KEY"] == marker
	})
}

func TestEnvironment_WhatIsAddedLeavesWhatIsThereAsItIs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setVariable("MODE", "fast"))
	saved := h.change("hello", app.EnvironmentChange{
		Set: []app.VariableWish{{Name: "SIZE", Value: "set"}},
		Add: []app.VariableWish{{Name: "MODE", Value: "added", Secret: true}, {Name: "SIZE", Value: "added"}, {Name: "NEW", Value: "added"}},
	})
	for name, want := range map[string]string{"MODE": "fast", "SIZE": "set", "NEW": "added"} {
		if got, _ := saved.Find(name); got.Value != want || got.Secret {
			t.Errorf("%s is %+v, want %q", name, got, want)
		}
	}
}

func TestEnvironment_IsSavedFirstAndRunsOnceItIsApplied(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setVariable("MODE", "fast"))
	saved := h.change("hello", setSecret("DB", marker))
	if !slices.Equal(saved.Added, []string{"DB", "MODE"}) || saved.Unapplied() != 2 || saved.Live != 1 {
		t.Errorf("saved: %+v", saved)
	}
	if app, err := h.App(t.Context(), "hello"); err != nil || app.Variables != 2 || app.Unapplied != 2 {
		t.Errorf("the app is %+v, %v", app, err)
	}
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { return errors.New("no build was asked for") })
	started := h.recordStarts()

	release := h.apply("hello")
	if release.State != app.ReleaseLive || release.Cause != app.CauseEnvironment || release.RerunOf != 1 {
		t.Fatalf("release is %+v", release)
	}
	if got, want := started("berth-hello-r2").Service.Environment, []string{"DB=" + marker, "MODE=fast"}; !slices.Equal(got, want) {
		t.Errorf("it was started with %q", got)
	}
	applied, err := h.Environment(t.Context(), "hello")
	if err != nil || applied.Unapplied() != 0 {
		t.Errorf("applied: %+v, %v", applied, err)
	}
	if again, err := h.ApplyEnvironment(t.Context(), "hello", "test"); err != nil || again.Number != 0 {
		t.Errorf("applied again: %+v, %v", again, err)
	}
	h.change("hello", setVariable("MODE", "slow"))
	changed := h.change("hello", app.EnvironmentChange{Remove: []string{"DB"}})
	if !slices.Equal(changed.Changed, []string{"MODE"}) || !slices.Equal(changed.Removed, []string{"DB"}) || len(changed.Added) != 0 {
		t.Errorf("changed: %+v", changed)
	}
	if back := h.change("hello", setVariable("MODE", "fast")); !slices.Equal(back.Removed, []string{"DB"}) || back.Unapplied() != 1 {
		t.Errorf("taken back: %+v", back)
	}
}

func TestEnvironment_SameSecretAgainIsNoChange(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setSecret("DB", marker))
	h.apply("hello")
	if same := h.change("hello", setSecret("DB", marker)); same.Unapplied() != 0 {
		t.Errorf("the same secret counts as changed: %+v", same)
	}
	if other := h.change("hello", setSecret("DB", "other")); !slices.Equal(other.Changed, []string{"DB"}) {
		t.Errorf("another secret: %+v", other)
	}
}

func TestEnvironment_GoesWithTheNextUpload(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setSecret("DB", marker))
	started := h.recordStarts()
	var build docker.BuildOptions
	h.engine.onBuild.set(func(_ context.Context, o docker.BuildOptions) error { build = o; return nil })
	if release := h.update("hello"); release.State != app.ReleaseLive || release.Cause != app.CauseUpload {
		t.Fatalf("release is %+v", release)
	}
	if got := started("berth-hello-r2"); !slices.Equal(got.Service.Environment, []string{"DB=" + marker}) {
		t.Errorf("it was started with %q", got.Service.Environment)
	} else if labels := fmt.Sprint(got.Labels, got.Name, got.App); strings.Contains(labels, "Marker") {
		t.Errorf("the secret is in %s", labels)
	}
	build.Context, build.Build.Keep = nil, nil
	if text := fmt.Sprintf("%+v", build); strings.Contains(text, "Marker") {
		t.Errorf("the build was given %s", text)
	}
	if saved, err := h.Environment(t.Context(), "hello"); err != nil || saved.Unapplied() != 0 {
		t.Errorf("%+v, %v", saved, err)
	}
}

func TestEnvironment_OldOneComesBackWithTheRollback(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setVariable("MODE", "one"))
	h.change("hello", setSecret("DB", "first-secret"))
	h.apply("hello") // r2
	h.change("hello", setVariable("MODE", "two"))
	h.change("hello", setSecret("DB", "second-secret"))
	h.apply("hello") // r3
	h.change("hello", setVariable("LATER", "not applied"))
	started := h.recordStarts()

	for number, want := range map[int64][]string{2: {"DB=first-secret", "MODE=one"}, 1: nil} {
		release, err := h.Rollback(t.Context(), "hello", number, "test")
		if err != nil {
			t.Fatal(err)
		}
		if release = h.wait(release.ReleaseID); release.State != app.ReleaseLive {
			t.Fatalf("rollback is %+v", release)
		}
		name := fmt.Sprintf("berth-hello-r%d", release.Number)
		if got := started(name).Service.Environment; !slices.Equal(got, want) {
			t.Errorf("back to r%d: started with %q", number, got)
		}
		if saved, err := h.Environment(t.Context(), "hello"); err != nil || saved.Unapplied() != 0 || len(saved.Variables) != len(want) {
			t.Errorf("back to r%d: the app has %+v, %v", number, saved, err)
		}
	}
}

func TestEnvironment_NewSettingsLeaveWhatIsNotApplied(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setVariable("MODE", "one"))
	h.apply("hello")
	h.change("hello", setVariable("MODE", "two"))
	started := h.recordStarts()
	h.updateSettings("hello", small())
	if got := started("berth-hello-r3").Service.Environment; !slices.Equal(got, []string{"MODE=one"}) {
		t.Errorf("new settings run with %q", got)
	}
	saved, err := h.Environment(t.Context(), "hello")
	if err != nil || !slices.Equal(saved.Changed, []string{"MODE"}) {
		t.Errorf("saved is %+v, %v", saved, err)
	}
	if release := h.apply("hello"); release.Settings != small() {
		t.Errorf("applied with %+v", release.Settings)
	}
}

func TestEnvironment_FailedApplyLeavesTheOldReleaseAndWhatWasSaved(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setVariable("MODE", "broken"))
	h.proxy.status.set(502)
	h.engine.exited.put("berth-hello-r2", docker.Condition{ExitCode: 1})
	if release := h.apply("hello"); release.State != app.ReleaseFailed {
		t.Fatalf("release is %+v", release)
	}
	saved, err := h.Environment(t.Context(), "hello")
	if err != nil || !slices.Equal(saved.Added, []string{"MODE"}) || saved.Live != 1 {
		t.Errorf("saved is %+v, %v", saved, err)
	}
}

func TestEnvironment_CanBeSavedWhileAReleaseIsUnderWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	block := make(chan struct{})
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error { <-block; return nil })
	started := h.recordStarts()
	release, err := h.accept("hello", "/hello")
	if err != nil {
		t.Fatal(err)
	}
	h.change("hello", setVariable("MODE", "fast"))
	if nothing, err := h.ApplyEnvironment(t.Context(), "hello", "test"); err != nil || nothing.Number != 0 {
		t.Errorf("applied where nothing is live: %+v, %v", nothing, err)
	}
	close(block)
	h.wait(release.ReleaseID)
	if got := started("berth-hello-r1").Service.Environment; len(got) != 0 {
		t.Errorf("the release took what was saved after it was queued: %q", got)
	}
	if saved, err := h.Environment(t.Context(), "hello"); err != nil || !slices.Equal(saved.Added, []string{"MODE"}) {
		t.Errorf("saved is %+v, %v", saved, err)
	}
}

func TestEnvironment_OfTheLiveReleaseIsThatOfAnInstanceMadeAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setSecret("DB", marker))
	h.apply("hello")
	h.change("hello", setVariable("MODE", "not applied"))
	h.stop()
	h.engine.mu.Lock()
	delete(h.engine.instances, "berth-hello-r2")
	h.engine.mu.Unlock()
	started := h.recordStarts()
	h.open()
	h.eventually("the instance to be made again", func() bool { return started("berth-hello-r2").Name != "" })
	if got := started("berth-hello-r2").Service.Environment; !slices.Equal(got, []string{"DB=" + marker}) {
		t.Errorf("it was started with %q", got)
	}
}

func TestEnvironment_SecretsAreNowhereInTheClear(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	const first, second = marker, "Another-Marker-0815"
	h.change("hello", setSecret("DB", first))
	h.engine.builds.set([]string{"the build prints " + first, base64.StdEncoding.EncodeToString([]byte("user:" + first))})
	h.engine.printed.set([]docker.Line{{Text: "connect with " + first}, {Text: first, Stderr: true}})
	h.update("hello")
	h.change("hello", setSecret("DB", second))
	h.apply("hello")
	h.engine.printed.set([]docker.Line{{Text: "read-only " + second}})
	h.engine.exited.put("berth-hello-r4", docker.Condition{ExitCode: 1})
	h.proxy.status.set(502)
	h.change("hello", setVariable("MODE", "fails"))
	if failed := h.apply("hello"); failed.State != app.ReleaseFailed {
		t.Fatalf("release is %+v", failed)
	}
	h.engine.builds.set(nil)
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error {
		return &docker.BuildError{Message: "no such host: " + second}
	})
	if failed := h.update("hello"); failed.State != app.ReleaseFailed || !strings.Contains(failed.Reason, "[secret DB]") {
		t.Errorf("release is %+v", failed)
	}

	texts := map[string]string{"program log": h.logged.String(), "audit": strings.Join(h.audit.taken(), "\n")}
	err := filepath.WalkDir(h.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		texts[path] = string(content)
		return err
	})
	if err != nil || texts[filepath.Join(h.folder, "berth.db-wal")] == "" {
		t.Fatalf("walked %d files, %v", len(texts), err)
	}
	if log := texts[filepath.Join(h.folder, "logs", "hello", "2.log")]; !strings.Contains(log, "the build prints [secret DB]") {
		t.Errorf("the log of r2 is %s", log)
	}
	if log := texts[filepath.Join(h.folder, "logs", "hello", "4.log")]; !strings.Contains(log, "app: read-only [secret DB]") {
		t.Errorf("the log of r4 is %s", log)
	}
	for name, text := range texts {
		for _, plain := range []string{first, second} {
			for _, form := range []string{plain, base64.StdEncoding.EncodeToString([]byte(plain)), base64.StdEncoding.EncodeToString([]byte("user:" + plain))[8:24]} {
				if strings.Contains(text, form) {
					t.Errorf("%s holds %s", name, form)
				}
			}
		}
	}
}

func TestEnvironment_SecretsAreMaskedInTheOutput(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setSecret("DB", marker))
	h.apply("hello")
	h.engine.printed.set([]docker.Line{{Text: "a " + marker + " b"}, {Text: "nothing"}})
	var seen []string
	err := h.Output(t.Context(), "hello", 10, true, func(line docker.Line) error { seen = append(seen, line.Text); return nil })
	if err != nil || !slices.Equal(seen, []string{"a [secret DB] b", "nothing"}) {
		t.Errorf("got %q, %v", seen, err)
	}
}

func TestEnvironment_SealedValuesOpenForNoOtherAppOrName(t *testing.T) {
	t.Parallel()
	for name, swap := range map[string]string{
		"between names": `UPDATE environments SET variables = replace(replace(replace(variables, '"DB"', '"X"'), '"KEY"', '"DB"'), '"X"', '"KEY"') WHERE app = 'hello'`,
		"between apps":  `UPDATE environments SET variables = (SELECT variables FROM environments WHERE app = 'other') WHERE app = 'hello'`,
	} {
		h := newHouse(t)
		for _, app := range []app.Name{"hello", "other"} {
			h.deploy(string(app))
			h.change(app, setSecret("DB", marker))
			h.change(app, setSecret("KEY", "another "+string(app)))
		}
		db, err := sql.Open("sqlite3", filepath.Join(h.folder, "berth.db"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), swap); err != nil {
			t.Fatal(err)
		}
		_ = db.Close()
		started := h.recordStarts()
		release := h.apply("hello")
		if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "cannot be opened") || started("berth-hello-r2").Name != "" {
			t.Errorf("%s: release is %+v, started with %q", name, release, started("berth-hello-r2").Service.Environment)
		}
		if strings.Contains(release.Reason+release.Hint, "Marker") || strings.Contains(h.logged.String(), "Marker") {
			t.Errorf("%s: the secret is told: %+v", name, release)
		}
	}
}

func TestEnvironment_RefusesWhatNoAppCanHave(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	many := make([]app.VariableWish, app.MaxVariables+1)
	for i := range many {
		many[i] = app.VariableWish{Name: fmt.Sprintf("V%d", i), Value: "x"}
	}
	large := make([]app.VariableWish, 9)
	for i := range large {
		large[i] = app.VariableWish{Name: fmt.Sprintf("V%d", i), Value: secret.Text(strings.Repeat("x", app.MaxVariableValue)), Secret: i%2 == 0}
	}
	for name, test := range map[string]struct {
		change app.EnvironmentChange
		field  string
	}{
		"no name":             {setVariable("", "x"), "name"},
		"a digit first":       {setVariable("1A", "x"), "name"},
		"a hyphen":            {setVariable("A-B", "x"), "name"},
		"an equals sign":      {setVariable("A=B", "x"), "name"},
		"markup":              {setVariable("<b>", "x"), "name"},
		"a line":              {setVariable("A\n", "x"), "name"},
		"a letter elsewhere":  {setVariable("Ä", "x"), "name"},
		"too long a name":     {setVariable(strings.Repeat("A", app.MaxVariableName+1), "x"), "name"},
		"the port":            {setVariable("PORT", "80"), "name"},
		"one of ours":         {setSecret("BERTH_TOKEN", "x"), "name"},
		"a zero byte":         {setVariable("A", "x\x00y"), "value"},
		"no text":             {setVariable("A", "\xff"), "value"},
		"too long a value":    {setVariable("A", strings.Repeat("x", app.MaxVariableValue+1)), "value"},
		"an empty secret":     {setSecret("A", ""), "value"},
		"one name twice":      {app.EnvironmentChange{Set: []app.VariableWish{{Name: "A"}, {Name: "A", Value: "x", Secret: true}}}, "name"},
		"too many":            {app.EnvironmentChange{Set: many}, ""},
		"too much":            {app.EnvironmentChange{Set: large}, ""},
		"a file of no secret": {app.EnvironmentChange{Set: []app.VariableWish{{Name: "A", File: true}}}, "delivery"},
		"keeping what is not": {app.EnvironmentChange{Replace: true, Keep: []string{"A"}}, "keep_secrets"},
	} {
		_, err := h.UpdateEnvironment(t.Context(), "hello", test.change)
		fault, ok := errors.AsType[*problem.Problem](err)
		if !ok || fault.Kind != problem.KindInvalid || fault.Field != test.field || fault.Hint == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, err := h.UpdateEnvironment(t.Context(), "hello", app.EnvironmentChange{Remove: []string{"A"}})
	wantProblem(t, err, problem.KindNotFound, "")
	_, err = h.UpdateEnvironment(t.Context(), "missing", setVariable("A", "x"))
	wantProblem(t, err, problem.KindNotFound, "")
	if saved, err := h.Environment(t.Context(), "hello"); err != nil || len(saved.Variables) != 0 {
		t.Errorf("something was saved: %+v, %v", saved, err)
	}
}

func TestEnvironment_ReplaceKeepsOnlyTheSecretsThatAreNamed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", app.EnvironmentChange{Set: []app.VariableWish{
		{Name: "A", Value: "a"}, {Name: "S", Value: "first-secret", Secret: true}, {Name: "T", Value: "second-secret", Secret: true},
	}})
	h.apply("hello")
	saved := h.change("hello", app.EnvironmentChange{Replace: true, Keep: []string{"S"}, Set: []app.VariableWish{{Name: "B", Value: "b"}}})
	if !slices.Equal(saved.Added, []string{"B"}) || !slices.Equal(saved.Removed, []string{"A", "T"}) || len(saved.Changed) != 0 {
		t.Errorf("saved: %+v", saved)
	}
	started := h.recordStarts()
	h.apply("hello")
	if got := started("berth-hello-r3").Service.Environment; !slices.Equal(got, []string{"B=b", "S=first-secret"}) {
		t.Errorf("started with %q", got)
	}
}

func TestEnvironment_SecretStaysOneWhereThatIsAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setSecret("DB", marker))
	change := setVariable("DB", "a new value")
	change.StaySecret = true
	saved := h.change("hello", change)
	if shown, _ := saved.Find("DB"); !shown.Secret || shown.Value != "" {
		t.Errorf("it is shown: %+v", shown)
	}
	saved = h.change("hello", setVariable("DB", "meant to be seen"))
	if shown, _ := saved.Find("DB"); shown.Secret || shown.Value != "meant to be seen" {
		t.Errorf("it is %+v", shown)
	}
}

func TestEnvironment_OfTwoWhoChangeItAtOnceNoneLosesUnseen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	results := make(chan error, 20)
	for i := range cap(results) {
		go func() {
			_, err := h.UpdateEnvironment(context.Background(), "hello", setVariable(fmt.Sprintf("V%d", i), "x"))
			results <- err
		}()
	}
	saved := 0
	for range cap(results) {
		switch err := <-results; {
		case err == nil:
			saved++
		case problem.KindOf(err) != problem.KindConflict:
			t.Error(err)
		}
	}
	if environment, err := h.Environment(t.Context(), "hello"); err != nil || len(environment.Variables) != saved || saved == 0 {
		t.Errorf("%d said to be saved, %d are, %v", saved, len(environment.Variables), err)
	}
}

func TestParseEnvironmentText_SaysTheLineAndNeverTheValue(t *testing.T) {
	t.Parallel()
	for text, line := range map[string]string{
		"A=hunter2\nhunter2 is no pair":         "Line 2:",
		"A=b\n\n1hunter2=c":                     "Line 3:",
		"PORT=80":                               "Line 1:",
		"A=b\nexport BERTH_X=c":                 "Line 2:",
		"A='\n'\nB=" + "x\x00":                  "Line 3:",
		"A=1\nA=2":                              "Line 2:",
		"A=b\nB=" + strings.Repeat("x", 33<<10): "Line 2:",
	} {
		_, err := app.ParseEnvironmentText(text, true)
		problem, ok := errors.AsType[*problem.Problem](err)
		if !ok || problem.Field != "text" || !strings.HasPrefix(problem.Message, line) || strings.Contains(problem.Error()+problem.Hint, "hunter2") {
			t.Errorf("%.30q: got %v", text, err)
		}
	}
	_, err := app.ParseEnvironmentText("# nothing\n", false)
	wantProblem(t, err, problem.KindInvalid, "text")
	imported, err := app.ParseEnvironmentText("A=${HOME}\nB='${HOME}'\nC=d # e", true)
	if err != nil || len(imported.Wishes) != 3 || !slices.Equal(imported.References, []string{"A"}) || imported.Wishes[0].Value.Reveal() != "${HOME}" {
		t.Errorf("got %+v, %v", imported, err)
	}
}

func TestParseEnvironmentText_TakesAnEmptyValueAsAnEmptyVariable(t *testing.T) {
	t.Parallel()
	for _, asSecrets := range []bool{true, false} {
		imported, err := app.ParseEnvironmentText("MAIL_HOST=mail.example.com\nMAIL_PASSWORD=\nMAIL_USER=''\n", asSecrets)
		if err != nil || len(imported.Wishes) != 3 {
			t.Fatalf("got %+v, %v", imported, err)
		}
		for i, wish := range imported.Wishes {
			if empty := i > 0; (wish.Value == "") != empty || wish.Secret != (asSecrets && !empty) || wish.Check() != nil {
				t.Errorf("got %+v", wish)
			}
		}
	}
}

func TestEnvironmentChange_SummaryNamesAndNeverTellsAValue(t *testing.T) {
	t.Parallel()
	change := app.EnvironmentChange{
		Set:  []app.VariableWish{{Name: "A", Value: marker}, {Name: "S", Value: marker, Secret: true}},
		Keep: []string{"T"}, Replace: true,
	}
	if got := change.Summary(); got != "replaced all; set A; set secret S; kept secret T" {
		t.Errorf("%q", got)
	}
	if text := fmt.Sprintf("%v %+v %#v", change, change, change); strings.Contains(text, "Marker") {
		t.Errorf("it prints %s", text)
	}
	if got := app.NameList([]string{"A", "B", "C", "D", "E", "F", "G"}); got != "A, B, C, D, E and 2 more" {
		t.Errorf("%q", got)
	}
}

func TestReleaseLog_HoldsNoSecretThatABuildPrints(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setSecret("KEY", "-----BEGIN-----\nabcdefghijkl\n-----END-----\n"))
	h.engine.builds.set([]string{"#5 abcdefghijkl", "#5 esc\x1bape"})
	release := h.update("hello")
	log, err := h.ReleaseLog(release.ReleaseID)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	text, err := io.ReadAll(log)
	if err != nil || !strings.Contains(string(text), "#5 [secret KEY]\n") || strings.Contains(string(text), "abcdefghijkl") {
		t.Errorf("the log is %s, %v", text, err)
	}
}

func TestEnvironment_LostKeyIsSaidAndMendedByTypingTheSecretAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deploy("hello")
	h.change("hello", setSecret("DB", marker))
	h.apply("hello")
	h.stop()
	var err error
	if h.key, err = secret.DeriveKey("another key"); err != nil {
		t.Fatal(err)
	}
	h.open()
	_, err = h.AcceptUpdate(t.Context(), "hello", h.good(), "test")
	wantProblem(t, err, problem.KindInvalid, "")
	h.engine.printed.set([]docker.Line{{Text: marker}})
	err = h.Output(t.Context(), "hello", 10, false, func(line docker.Line) error {
		t.Errorf("shown without a mask: %s", line.Text)
		return nil
	})
	wantProblem(t, err, problem.KindInvalid, "")
	h.engine.printed.set(nil)
	started := h.recordStarts()
	h.change("hello", setSecret("DB", marker))
	if release := h.apply("hello"); release.State != app.ReleaseLive || !slices.Equal(started("berth-hello-r3").Service.Environment, []string{"DB=" + marker}) {
		t.Errorf("release is %+v, started with %q", release, started("berth-hello-r3").Service.Environment)
	}
}
