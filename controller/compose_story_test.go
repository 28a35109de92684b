package controller_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/uploads"
)

const guestbookFile = `
services:
  web:
    build: ./web
    ports: ["8080:8000"]
    environment: {STORE: "http://store:9000", TITLE: "${TITLE:-none}", PASSWORD: "${PASSWORD:-}"}
    depends_on: {store: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
    labels: {berth.main_service: "true"}
  store:
    build: ./store
    volumes: ["entries:/data"]
    secrets: [token]
    healthcheck: {test: [CMD, /store, check]}
  migrate:
    build: ./web
    command: [migrate]
    depends_on: [store]
volumes: {entries: }
secrets: {token: {file: ./token.txt}}
`

// guestbook is an app of three services; changes are further files, or other texts of them.
func (h *house) guestbook(changes ...string) *uploads.Archive {
	h.t.Helper()
	files := map[string]string{
		"compose.yaml": guestbookFile, "web/Dockerfile": "FROM scratch\nCOPY . /\n",
		"store/Dockerfile": "FROM scratch\nCOPY . /\n", "token.txt": "a-secret-of-the-archive",
	}
	for i := 0; i+1 < len(changes); i += 2 {
		files[changes[i]] = changes[i+1]
	}
	return h.receive(files)
}

// newBook is a house in which the store is healthy, and migrations end.
func newBook(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.engine.contents.put("store", "store v1")
	h.engine.contents.put("web", "web v1")
	h.engine.onLook.set(wellBehaved)
	return h
}

func wellBehaved(name string, condition docker.Condition) docker.Condition {
	switch {
	case strings.Contains(name, ".migrate"):
		return docker.Condition{FinishedAt: time.Now()}
	case strings.Contains(name, ".store") && condition.Running:
		condition.Health = "healthy"
	}
	return condition
}

func (h *house) deployBook() app.Release {
	h.t.Helper()
	route, err := h.Routing().ParseRoute("/book")
	if err != nil {
		h.t.Fatal(err)
	}
	release, err := h.Accept(h.t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook(), By: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.live(release)
}

func (h *house) updateBook(changes ...string) app.Release {
	h.t.Helper()
	release, err := h.AcceptUpdate(h.t.Context(), "book", h.guestbook(changes...), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(release.ReleaseID)
}

// live waits for a release that must become it.
func (h *house) live(release app.Release) app.Release {
	h.t.Helper()
	release = h.wait(release.ReleaseID)
	if release.State != app.ReleaseLive {
		h.t.Fatalf("release is %s: %s %s\n%s", release.State, release.Reason, release.Hint, h.logged)
	}
	return release
}

func (h *house) log(release app.Release) string {
	h.t.Helper()
	file, err := h.ReleaseLog(release.ReleaseID)
	if err != nil {
		h.t.Fatal(err)
	}
	defer file.Close()
	text, _ := io.ReadAll(file)
	return string(text)
}

func (h *house) networks() []string {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	var names []string
	for name := range h.engine.networks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (h *house) started() []string { return slices.Clone(h.engine.started.get()) }

func (h *house) settled(want ...string) {
	h.t.Helper()
	defer func() {
		if h.t.Failed() {
			h.t.Logf("there are %q, networks %q\n%s", h.engine.names(), h.networks(), h.logged)
		}
	}()
	h.eventually("the instances "+strings.Join(want, ", "), func() bool { return slices.Equal(h.engine.names(), want) })
}

func TestCompose_StartsInOrderOnANetworkOfTheRelease(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	release := h.deployBook()
	want := []string{"berth-book-r1.store", "berth-book-r1.migrate", "berth-book-r1.web"}
	if got := h.started(); !slices.Equal(got, want) || !slices.Equal(release.Instances, want) {
		t.Errorf("started %q, release %q, want %q", got, release.Instances, want)
	}
	if got := h.proxy.servers(); len(got) != 1 || got[0] != "http://berth-book-r1:8000" {
		t.Errorf("the proxy sends requests to %v", got)
	}
	if got := h.networks(); !slices.Equal(got, []string{"book.r1"}) {
		t.Errorf("networks %q", got)
	}
	store := h.engine.options.at("berth-book-r1.store")
	if store.Volumes["entries"] != "berth-vol-book_entries" || store.Network.Name != "book.r1" || len(store.Labels) > 0 {
		t.Errorf("the store was started with %+v", store)
	}
	if web := h.engine.options.at("berth-book-r1.web"); len(web.Labels) == 0 || len(web.Volumes) > 0 {
		t.Errorf("web was started with %+v", web)
	}
	if _, err := h.keeper.FindVolume(t.Context(), "book_entries"); err != nil {
		t.Error(err)
	}
	log := h.log(release)
	for _, part := range []string{"Port 8080 of web is not published", "web waits until store is healthy", "web waits until migrate is completed", "the plan: store starts"} {
		if !strings.Contains(log, part) {
			t.Errorf("the log does not say %q:\n%s", part, log)
		}
	}
}

func TestCompose_UnchangedStoreIsKept(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	h.engine.contents.put("web", "web v2")
	release := h.live(h.updateBook())
	h.settled("berth-book-r1.store", "berth-book-r2.migrate", "berth-book-r2.web")
	if slices.Contains(h.engine.stopped.get(), "berth-book-r1.store") {
		t.Error("the store was stopped")
	}
	if got := h.engine.joined.at("berth-book-r1.store"); !slices.Equal(got, []string{"book.r2"}) {
		t.Errorf("the store joined %q", got)
	}
	h.eventually("the old network to go", func() bool { return slices.Equal(h.networks(), []string{"book.r2"}) })
	if log := h.log(release); !strings.Contains(log, "store is kept as it is") || !strings.Contains(log, "web starts beside the old one") {
		t.Errorf("the log says\n%s", log)
	}
	third := h.live(h.updateBook())
	if third.Services[0].KeptFrom != 1 || third.Services[0].Image != "image-berth-book-r1.store" {
		t.Errorf("the third release has the store %+v", third.Services[0])
	}
	h.settled("berth-book-r1.store", "berth-book-r3.migrate", "berth-book-r3.web")
}

func TestCompose_ChangedStoreIsReplacedBeforeWhoDependsOnIt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *house) []string{
		"other content": func(h *house) []string {
			h.engine.contents.put("store", "store v2")
			return nil
		},
		"other definition": func(*house) []string {
			return []string{"compose.yaml", strings.Replace(guestbookFile, "/store, check", "/store, look", 1)}
		},
		"other secret": func(*house) []string { return []string{"token.txt", "another-secret"} },
	} {
		t.Run(name, func(t *testing.T) {
			h := newBook(t)
			h.deployBook()
			h.engine.onStart.set(func(o docker.StartOptions) error {
				old, err := h.engine.Inspect(t.Context(), "berth-book-r1.store")
				if err == nil && old.Condition.Running {
					t.Errorf("when %s starts, the old store runs", o.Name)
				}
				if web, err := h.engine.Inspect(t.Context(), "berth-book-r1.web"); err != nil || !web.Condition.Running {
					t.Errorf("when %s starts, the old web does not run", o.Name)
				}
				return nil
			})
			release := h.live(h.updateBook(change(h)...))
			h.settled("berth-book-r2.migrate", "berth-book-r2.store", "berth-book-r2.web")
			if log := h.log(release); !strings.Contains(log, "store is replaced") || strings.Contains(log, "secret-of-the-archive") {
				t.Errorf("the log says\n%s", log)
			}
		})
	}
}

func TestCompose_FailurePutsEverythingBack(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	h.engine.contents.put("store", "store v2")
	h.engine.onStart.set(func(o docker.StartOptions) error {
		if o.Name == "berth-book-r2.web" {
			return &docker.StartError{Message: "No.", Err: io.EOF}
		}
		return nil
	})
	release := h.updateBook()
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "The service web failed") {
		t.Fatalf("release is %s: %s", release.State, release.Reason)
	}
	h.settled("berth-book-r1.migrate", "berth-book-r1.store", "berth-book-r1.web")
	h.eventually("the old store runs again", func() bool {
		old, err := h.engine.Inspect(t.Context(), "berth-book-r1.store")
		return err == nil && old.Condition.Running
	})
	if !slices.Contains(h.engine.stopped.get(), "berth-book-r1.store") {
		t.Error("the old store was never stopped")
	}
	h.eventually("its network to go", func() bool { return slices.Equal(h.networks(), []string{"book.r1"}) })
	h.eventually("its images to go", func() bool {
		h.engine.mu.Lock()
		defer h.engine.mu.Unlock()
		for image := range h.engine.images {
			if strings.Contains(image, "-r2") {
				return false
			}
		}
		return true
	})
}

func TestCompose_FailedServiceIsNamedWithItsLastWords(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.engine.onLook.set(func(name string, condition docker.Condition) docker.Condition {
		if strings.Contains(name, ".migrate") {
			return docker.Condition{ExitCode: 3, FinishedAt: time.Now()}
		}
		return wellBehaved(name, condition)
	})
	route, _ := h.Routing().ParseRoute("/book")
	release, err := h.Accept(t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook(), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	release = h.wait(release.ReleaseID)
	if release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "The service migrate failed. The app ended with exit code 3") {
		t.Errorf("release is %s: %s", release.State, release.Reason)
	}
	if log := h.log(release); !strings.Contains(log, "migrate: last words") {
		t.Errorf("the log says\n%s", log)
	}
	if slices.Contains(h.started(), "berth-book-r1.web") {
		t.Error("web was started without its migration")
	}
	h.settled()
	h.eventually("the network to go", func() bool { return len(h.networks()) == 0 })
}

func TestCompose_ServiceBesideMustRunBeforeTheReleaseIsLive(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.engine.onLook.set(func(name string, condition docker.Condition) docker.Condition {
		if strings.HasSuffix(name, ".worker") {
			return docker.Condition{ExitCode: 1, FinishedAt: time.Now()}
		}
		return condition
	})
	route, _ := h.Routing().ParseRoute("/book")
	file := "services: {web: {image: 'a:1', ports: ['80']}, worker: {image: 'b:1', restart: 'no'}}"
	release, err := h.Accept(t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook("compose.yaml", file), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if release = h.wait(release.ReleaseID); release.State != app.ReleaseFailed || !strings.Contains(release.Reason, "The service worker failed") {
		t.Errorf("release is %s: %s", release.State, release.Reason)
	}
	if want := []string{"a:1", "b:1"}; !slices.Equal(h.engine.pulled.get(), want) {
		t.Errorf("pulled %q", h.engine.pulled.get())
	}
}

func TestCompose_OptionalDependencyMayFail(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.engine.onLook.set(func(name string, condition docker.Condition) docker.Condition {
		if strings.HasSuffix(name, ".cache") {
			return docker.Condition{ExitCode: 1, FinishedAt: time.Now()}
		}
		return condition
	})
	route, _ := h.Routing().ParseRoute("/book")
	file := `
services:
  web: {image: 'a:1', ports: ['80'], depends_on: {cache: {condition: service_healthy, required: false}}}
  cache: {image: 'b:1', restart: 'no', healthcheck: {test: [CMD, /x]}}
`
	release, err := h.Accept(t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook("compose.yaml", file), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if log := h.log(h.live(release)); !strings.Contains(log, "web starts without cache") {
		t.Errorf("the log says\n%s", log)
	}
}

func TestCompose_ReplicasAnswerToOneName(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	route, _ := h.Routing().ParseRoute("/book")
	file := "services: {web: {image: 'a:1', ports: ['80'], deploy: {replicas: 3}}}"
	release, err := h.Accept(t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook("compose.yaml", file), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	h.settled("berth-book-r1.web", "berth-book-r1.web.2", "berth-book-r1.web.3")
	for _, name := range []string{"berth-book-r1.web", "berth-book-r1.web.3"} {
		if got := h.engine.options.at(name).Aliases; !slices.Equal(got, []string{"berth-book-r1", app.ServiceAlias("berth-book-r1", "web")}) {
			t.Errorf("%s answers to %q", name, got)
		}
	}
}

func TestCompose_CopiesOfAServiceCalledMainMeetNoOtherService(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	route, _ := h.Routing().ParseRoute("/book")
	file := "services: {main: {image: 'a:1', ports: ['80'], scale: 2}, '2': {image: 'b:1'}}"
	release, err := h.Accept(t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook("compose.yaml", file), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	h.settled("berth-book-r1", "berth-book-r1.2", "berth-book-r1.main.2")
}

func TestCompose_RollbackKeepsTheStore(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	first := h.deployBook()
	h.live(h.updateBook())
	release, err := h.Rollback(t.Context(), "book", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	release = h.live(release)
	h.settled("berth-book-r1.store", "berth-book-r3.migrate", "berth-book-r3.web")
	if release.Image != first.Image || release.Services[0].KeptFrom != 1 {
		t.Errorf("the rollback runs %s, the store since r%d", release.Image, release.Services[0].KeptFrom)
	}
}

func TestCompose_SettingsApplyToTheMainServiceAlone(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	settings := app.DefaultSettings()
	settings.MemoryBytes = 1 << 30
	release, err := h.UpdateSettings(t.Context(), "book", settings, "test")
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	h.settled("berth-book-r1.store", "berth-book-r2.migrate", "berth-book-r2.web")
	if got := h.engine.options.at("berth-book-r2.web").Service.Limits.MemoryBytes; got != 1<<30 {
		t.Errorf("web has %d", got)
	}
	if got := h.engine.options.at("berth-book-r2.migrate").Service.Limits; got != plan.DefaultLimits() {
		t.Errorf("migrate has %+v", got)
	}
	h.live(h.updateBook())
	h.settled("berth-book-r1.store", "berth-book-r3.migrate", "berth-book-r3.web")
}

func TestCompose_FirstReleaseHasTheVariablesThatItsFileNeeds(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	file := "services: {web: {image: 'a:1', ports: ['80'], environment: {PASSWORD: '${PASSWORD:?save it}'}}}"
	route, _ := h.Routing().ParseRoute("/book")
	wish := controller.Upload{Name: "book", Route: route, Archive: h.guestbook("compose.yaml", file), By: "test"}
	_, err := h.Accept(t.Context(), wish)
	wantProblem(t, err, problem.KindInvalid, "archive")
	wish.Environment = []app.VariableWish{{Name: "PASSWORD", Value: "a-password", Secret: true}}
	preview, err := h.Examine(t.Context(), wish)
	if err != nil {
		t.Fatal(err)
	}
	held := h.Hold("ada", "", wish.Archive, preview)
	wish.Archive, wish.Environment = nil, nil
	release, err := h.AcceptHeld(t.Context(), controller.HeldKey{Owner: "ada", ID: held.ID}, wish)
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	if web := h.engine.options.at("berth-book-r1.web"); web.Secrets["PASSWORD"] != "a-password" {
		t.Errorf("web was started with %+v", web)
	}
	saved, err := h.Environment(t.Context(), "book")
	if err != nil || len(saved.Variables) != 1 || !saved.Variables[0].Secret || saved.Unapplied() != 0 {
		t.Errorf("the app's environment is %+v, %v", saved, err)
	}
	wish = controller.Upload{Name: "other", Route: route, Archive: h.guestbook(), Environment: []app.VariableWish{{Name: "PORT", Value: "1"}}}
	_, err = h.Accept(t.Context(), wish)
	wantProblem(t, err, problem.KindInvalid, "environment")
}

func TestCompose_FaultsAreLiftedByWhatTheyOffer(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	file := "services: {db: {image: 'postgres:17', volumes: ['/srv/db:/var/lib/postgresql/data'], environment: {POSTGRES_PASSWORD: '${PASSWORD}'}}, cache: {image: 'redis:8'}}"
	route, _ := h.Routing().ParseRoute("/book")
	wish := controller.Upload{Name: "book", Route: route, Archive: h.guestbook("compose.yaml", file), By: "test"}
	_, err := h.Examine(t.Context(), wish)
	refused, _ := errors.AsType[*problem.Problem](err)
	if refused == nil || len(refused.Faults) != 3 {
		t.Fatalf("got %v", err)
	}
	services, _ := refused.Faults.Subjects(problem.OfferMain)
	_, binds := refused.Faults.Subjects(problem.OfferBinds)
	if !slices.Contains(services, "cache") || !slices.Contains(services, "db") || !binds || !slices.Equal(refused.Faults.Variables(), []string{"PASSWORD"}) {
		t.Errorf("offers of %v: %v, %v", err, services, binds)
	}
	wish.Settings = &app.Settings{Database: true, Choices: app.Choices{Main: "cache", Volumes: true}}
	wish.Environment = []app.VariableWish{{Name: "PASSWORD", Value: "a-password", Secret: true}}
	preview, err := h.Examine(t.Context(), wish)
	if err != nil || preview.Main().Name != "cache" || len(preview.Notes) == 0 {
		t.Fatalf("preview %+v, %v", preview, err)
	}
	for _, service := range preview.Plan {
		if service.Name == "db" && (len(service.Volumes) != 1 || !slices.Equal(service.Loosens, []string{"database"}) || service.Image == "") {
			t.Errorf("db is %+v", service)
		}
	}
}

func TestCompose_UpdateBringsTheSettingsAndVariablesThatItsFileNeeds(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	route, _ := h.Routing().ParseRoute("/book")
	first, err := h.Accept(t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook(), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h.live(first)
	before, err := h.App(t.Context(), "book")
	if err != nil {
		t.Fatal(err)
	}
	file := "services: {web: {image: 'a:1', ports: ['80']}, api: {image: 'b:1', ports: ['81'], environment: {PASSWORD: '${PASSWORD:?save it}'}}}"
	settings := before.Settings
	settings.Choices.Main = "api"
	wish := controller.Upload{Name: "book", Next: true, Archive: h.guestbook("compose.yaml", file), By: "test"}
	_, err = h.Accept(t.Context(), wish)
	wantProblem(t, err, problem.KindInvalid, "archive")
	wish.Settings, wish.Environment = &settings, []app.VariableWish{{Name: "PASSWORD", Value: "a-password", Secret: true}}
	preview, err := h.Examine(t.Context(), wish)
	if err != nil || preview.Main().Name != "api" || len(preview.Plan) != 2 {
		t.Fatalf("preview %+v, %v", preview, err)
	}
	if now, err := h.App(t.Context(), "book"); err != nil || now.Settings != before.Settings || now.Variables != 0 {
		t.Errorf("a look changed the app: %+v, %v", now.Settings, err)
	}
	release, err := h.Accept(t.Context(), wish)
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	if api := h.engine.options.at("berth-book-r2.api"); api.Secrets["PASSWORD"] != "a-password" {
		t.Errorf("api was started with %+v", api)
	}
	if now, err := h.App(t.Context(), "book"); err != nil || now.Settings != settings {
		t.Errorf("the settings are %+v, %v", now.Settings, err)
	}
}

func TestCompose_NewVariablesAreReadIntoTheFile(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	_, err := h.UpdateEnvironment(t.Context(), "book", app.EnvironmentChange{Set: []app.VariableWish{
		{Name: "TITLE", Value: "Visitors"}, {Name: "PASSWORD", Value: "a-password", Secret: true}, {Name: "SPARE", Value: "x"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	release, err := h.ApplyEnvironment(t.Context(), "book", "test")
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	h.settled("berth-book-r1.store", "berth-book-r2.migrate", "berth-book-r2.web")
	web := h.engine.options.at("berth-book-r2.web")
	want := []string{"PASSWORD=" + plan.SecretReference("PASSWORD"), "STORE=http://store:9000", "TITLE=Visitors"}
	if !slices.Equal(web.Service.Environment, want) || web.Secrets["PASSWORD"] != "a-password" {
		t.Errorf("web has %q, %q", web.Service.Environment, web.Secrets)
	}
	settings := app.DefaultSettings()
	settings.Processes = 50
	if release, err = h.UpdateSettings(t.Context(), "book", settings, "test"); err != nil {
		t.Fatal(err)
	}
	h.live(release)
	h.settled("berth-book-r1.store", "berth-book-r3.migrate", "berth-book-r3.web")
	h.stop()
	h.open()
	h.eventually("the archive of the live release alone to be left", func() bool { return len(h.uploads()) == 1 })
	if err := h.Delete(t.Context(), "book", "book"); err != nil {
		t.Fatal(err)
	}
	if left := h.uploads(); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

func TestCompose_FailedRunWithNewVariablesLeavesTheArchive(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	change := app.EnvironmentChange{Set: []app.VariableWish{{Name: "TITLE", Value: "Visitors"}}}
	if _, err := h.UpdateEnvironment(t.Context(), "book", change); err != nil {
		t.Fatal(err)
	}
	h.engine.onStart.set(func(docker.StartOptions) error { return &docker.StartError{Message: "No.", Err: io.EOF} })
	release, err := h.ApplyEnvironment(t.Context(), "book", "test")
	if err != nil {
		t.Fatal(err)
	}
	if release = h.wait(release.ReleaseID); release.State != app.ReleaseFailed {
		t.Fatalf("release is %s", release.State)
	}
	h.engine.onStart.set(nil)
	h.eventually("the second try to be accepted", func() bool {
		release, err = h.ApplyEnvironment(t.Context(), "book", "test")
		return err == nil
	})
	h.live(release)
}

func TestCompose_RemovedServiceIsMadeAgain(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	h.live(h.updateBook())
	h.settled("berth-book-r1.store", "berth-book-r2.migrate", "berth-book-r2.web")
	h.stop()
	h.engine.mu.Lock()
	delete(h.engine.instances, "berth-book-r1.store")
	h.engine.instances["berth-book-r1.web"] = docker.Instance{ID: "berth-book-r1.web", Name: "berth-book-r1.web", App: "book", Release: 1}
	h.engine.networks["book.r1"] = docker.Network{Name: "book.r1", App: "book", Release: 1}
	h.engine.networks["gone"] = docker.Network{Name: "gone", App: "gone"}
	h.engine.mu.Unlock()
	h.open()
	h.settled("berth-book-r1.store", "berth-book-r2.migrate", "berth-book-r2.web")
	h.eventually("orphan networks to go", func() bool { return slices.Equal(h.networks(), []string{"book.r2"}) })
	store := h.engine.options.at("berth-book-r1.store")
	if store.Release != 1 || store.Network.Name != "book.r2" || store.Volumes["entries"] != "berth-vol-book_entries" {
		t.Errorf("the store was made again with %+v", store)
	}
	if len(store.Service.Files) != 1 || string(store.Service.Files[0].Content) != "a-secret-of-the-archive" {
		t.Errorf("the store has the files %+v", store.Service.Files)
	}
}

func TestCompose_WhatRanOnceIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	if err := h.Stop(t.Context(), "book"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"berth-book-r1.web", "berth-book-r1.migrate", "berth-book-r1.store"}; !slices.Equal(h.engine.stopped.get(), want) {
		t.Errorf("stopped %q, want %q", h.engine.stopped.get(), want)
	}
	if err := h.Start(t.Context(), "book"); err != nil {
		t.Fatal(err)
	}
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	if !h.engine.instances["berth-book-r1.store"].Condition.Running || h.engine.instances["berth-book-r1.migrate"].Condition.Running {
		t.Errorf("after the start: %+v", h.engine.instances)
	}
}

func TestCompose_WorstServiceIsWhatTheAppIs(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	name, _ := h.App(t.Context(), "book")
	if name.Observed.State != app.Running {
		t.Errorf("the app is %+v: what has completed is not down", name.Observed)
	}
	h.stop()
	h.engine.onLook.set(func(name string, condition docker.Condition) docker.Condition {
		condition = wellBehaved(name, condition)
		if strings.Contains(name, ".store") {
			condition.Health = "unhealthy"
		}
		return condition
	})
	h.open()
	h.eventually("the store's trouble to be seen", func() bool {
		name, _ = h.App(t.Context(), "book")
		return name.Observed.State == app.Unhealthy && strings.HasPrefix(name.Observed.Detail, "store: ")
	})
}

func TestCompose_ADockerfileCanFollowAndComeBefore(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deploy("book")
	h.live(h.updateBook())
	h.settled("berth-book-r2.migrate", "berth-book-r2.store", "berth-book-r2.web")
	h.eventually("the app's network to go", func() bool { return slices.Equal(h.networks(), []string{"book.r2"}) })
	h.update("book")
	h.settled("berth-book-r3")
	h.eventually("the release's network to go", func() bool { return slices.Equal(h.networks(), []string{"book"}) })
	h.eventually("the archives of what can be run again to be left", func() bool { return len(h.uploads()) == 3 })
}

func TestCompose_CancelWhileItWaitsLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.engine.onLook.set(func(name string, condition docker.Condition) docker.Condition {
		if strings.Contains(name, ".store") {
			condition.Health = "starting"
		}
		return condition
	})
	route, _ := h.Routing().ParseRoute("/book")
	release, err := h.Accept(t.Context(), controller.Upload{Name: "book", Route: route, Archive: h.guestbook(), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h.eventually("web to wait", func() bool { return len(h.started()) == 2 })
	if err := h.Cancel(t.Context(), release.ReleaseID); err != nil {
		t.Fatal(err)
	}
	if release = h.wait(release.ReleaseID); release.State != app.ReleaseCancelled {
		t.Errorf("release is %s", release.State)
	}
	h.settled()
	if left := h.networks(); len(left) > 0 || len(h.uploads()) != 1 { // the archive is for another try
		t.Errorf("%q is left, and of uploads %q", left, h.uploads())
	}
}

func TestCompose_PreviewSaysWhatWillRestart(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	preview, err := h.ExamineUpdate(t.Context(), "book", h.guestbook("token.txt", "another-secret"))
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(preview.Reasons, "\n")
	for _, part := range []string{"store is replaced: the old one stops first", "web starts beside the old one.", "Port 8080 of web is not published"} {
		if !strings.Contains(said, part) {
			t.Errorf("it does not say %q:\n%s", part, said)
		}
	}
	if preview, err = h.ExamineUpdate(t.Context(), "book", h.guestbook()); err != nil || !strings.Contains(preview.Reasons[0], "store is kept as it is") {
		t.Errorf("an unchanged one gives %q, %v", preview.Reasons, err)
	}
}

func TestCompose_PageShowsEachService(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	name, err := h.App(t.Context(), "book")
	if err != nil || len(name.Services) != 3 {
		t.Fatalf("services %+v, %v", name.Services, err)
	}
	if store, web := name.Services[0], name.Services[2]; store.Name != "store" || store.Observed.State != app.Running || !web.Main || store.Main {
		t.Errorf("services %+v", name.Services)
	}
}

func TestCompose_DeleteLeavesTheVolumesAlone(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.deployBook()
	wantProblem(t, h.Volumes().Delete(t.Context(), "book_entries", "book_entries"), problem.KindConflict, "confirm")
	if err := h.Delete(t.Context(), "book", "book"); err != nil {
		t.Fatal(err)
	}
	if len(h.engine.names()) != 0 || len(h.networks()) != 0 {
		t.Errorf("left: %q, %q", h.engine.names(), h.networks())
	}
	if err := h.Volumes().Delete(t.Context(), "book_entries", "book_entries"); err != nil {
		t.Errorf("the volume cannot be deleted afterwards: %v", err)
	}
}

func TestCompose_ArchivesSecretsAreSealedAndMasked(t *testing.T) {
	t.Parallel()
	h := newBook(t)
	h.engine.builds.set([]string{"found a-secret-of-the-archive"})
	h.engine.printed.set([]docker.Line{{Text: "it is a-secret-of-the-archive"}})
	release := h.deployBook()
	if log := h.log(release); strings.Contains(log, "a-secret-of-the-archive") || !strings.Contains(log, "found [secret token]") {
		t.Errorf("the log says\n%s", log)
	}
	for _, service := range release.Services {
		for _, file := range service.Spec.Files {
			if strings.Contains(string(file.Content), "a-secret") {
				t.Errorf("the ledger has %q", file.Content)
			}
		}
	}
	var printed []string
	if err := h.Output(t.Context(), "book", 10, false, func(line docker.Line) error { printed = append(printed, line.Text); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(printed) != 3 || printed[0] != "store: it is [secret token]" {
		t.Errorf("the output is %q", printed)
	}
}

func TestCompose_KilledAtEveryStepConverges(t *testing.T) {
	t.Parallel()
	for _, changed := range []bool{false, true} {
		for _, step := range []string{"building", "store", "migrate", "web", "verifying", "promoted"} {
			name := step + " with the store kept"
			if changed {
				name = step + " with the store replaced"
			}
			t.Run(name, func(t *testing.T) {
				h := newBook(t)
				h.deployBook()
				if changed {
					h.engine.contents.put("store", "store v2")
				}
				if step == "store" && !changed {
					t.Skip("a kept store is not started")
				}
				h = h.killedAt(step)
				h.eventually("the second release to be live", func() bool {
					app, err := h.App(t.Context(), "book")
					return err == nil && app.Live == 2 && app.UnderWay == nil
				})
				store := "berth-book-r1.store"
				want := []string{store, "berth-book-r2.migrate", "berth-book-r2.web"}
				if changed {
					want = []string{"berth-book-r2.migrate", "berth-book-r2.store", "berth-book-r2.web"}
				}
				h.settled(want...)
				h.eventually("the old network to go", func() bool { return slices.Equal(h.networks(), []string{"book.r2"}) })
			})
		}
	}
}

// killedAt starts an update and returns the house as a new process finds it after
// the old one was killed at that step: with copies of engine and ledger, which
// nothing reaches that the old one does from then on.
func (h *house) killedAt(step string) *house {
	h.t.Helper()
	reached, dead := make(chan struct{}), make(chan struct{})
	stand := func() { close(reached); <-dead }
	var once sync.Once
	h.engine.onBuild.set(func(context.Context, docker.BuildOptions) error {
		if step == "building" {
			once.Do(stand)
		}
		return nil
	})
	h.engine.onStart.set(func(o docker.StartOptions) error {
		if strings.HasSuffix(o.Name, "r2."+step) {
			once.Do(stand)
		}
		return nil
	})
	h.proxy.onProbe.set(func() {
		if step == "verifying" {
			once.Do(stand)
		}
	})
	h.proxy.onPromote.set(func() {
		if step == "promoted" {
			once.Do(stand)
		}
	})
	if _, err := h.AcceptUpdate(h.t.Context(), "book", h.guestbook(), "test"); err != nil {
		h.t.Fatal(err)
	}
	<-reached
	next := &house{t: h.t, folder: h.t.TempDir(), engine: h.engine.copied(), proxy: &proxy{}, keeper: h.keeper, audit: h.audit, key: h.key, logged: h.logged}
	h.copyFolder(next.folder)
	close(dead)
	h.stop()
	next.engine.onStart.set(func(o docker.StartOptions) error {
		next.oneStore(o.Name)
		return nil
	})
	next.engine.onResume.set(next.oneStore)
	next.open()
	h.t.Cleanup(func() { next.stop() })
	return next
}

// oneStore fails the test where a store is started while another one runs.
func (h *house) oneStore(name string) {
	if !strings.HasSuffix(name, ".store") {
		return
	}
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	for other, instance := range h.engine.instances {
		if other != name && strings.HasSuffix(other, ".store") && instance.Condition.Running {
			h.t.Errorf("%s is started while %s runs", name, other)
		}
	}
}

// copyFolder copies what a killed process would leave: the uploads and the ledger of one
// moment. It tries again where the ledger was written meanwhile.
func (h *house) copyFolder(to string) {
	h.t.Helper()
	ledger, err := sql.Open("sqlite3", filepath.Join(h.folder, "berth.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer ledger.Close()
	ledger.SetMaxOpenConns(1) // the version is the connection's own
	version := func() (number int64) {
		if err := ledger.QueryRowContext(h.t.Context(), "PRAGMA data_version").Scan(&number); err != nil {
			h.t.Fatal(err)
		}
		return number
	}
	for {
		before := version()
		h.copyUploads(filepath.Join(to, "uploads"))
		if _, err := ledger.ExecContext(h.t.Context(), "VACUUM INTO ?", filepath.Join(to, "berth.db")); err != nil {
			h.t.Fatal(err)
		}
		if version() == before {
			return
		}
		if err := errors.Join(os.RemoveAll(filepath.Join(to, "uploads")), os.Remove(filepath.Join(to, "berth.db"))); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *house) copyUploads(to string) {
	h.t.Helper()
	err := os.CopyFS(to, os.DirFS(filepath.Join(h.folder, "uploads")))
	for errors.Is(err, fs.ErrNotExist) { // an archive was removed between the listing and the copy
		if err = os.RemoveAll(to); err == nil {
			err = os.CopyFS(to, os.DirFS(filepath.Join(h.folder, "uploads")))
		}
	}
	if err != nil {
		h.t.Fatal(err)
	}
}
