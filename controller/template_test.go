package controller_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/problem"
)

// template is a template of Dokploy. One file of it holds the password.
func template(changes ...string) map[string]string {
	files := map[string]string{
		"docker-compose.yml": "services:\n  web:\n    build: .\n    environment: {PASSWORD: '${DB_PASSWORD}', URL: '${DB_URL}', HOST: '${HOST}', KEY: '${APP_KEY}'}\n" +
			"    volumes: ['../files/app.ini:/etc/app.ini:ro', '../files/plain.ini:/etc/plain.ini:ro']\n    networks: [dokploy-network]\n" +
			"  store: {build: ., volumes: ['rows:/data']}\nvolumes: {rows: }\nnetworks: {dokploy-network: {external: true}}\n",
		"template.toml": "[variables]\nmain_domain = \"${domain}\"\npw = \"${password:24}\"\nkey = \"${base64:32}\"\n" +
			"[config.env]\nDB_PASSWORD = \"${pw}\"\nDB_URL = \"postgres://u:${pw}@store/db\"\nHOST = \"${main_domain}\"\nAPP_KEY = \"base64:${key}\"\n" +
			"[[config.domains]]\nserviceName = \"web\"\nport = 8000\nhost = \"${main_domain}\"\n" +
			"[[config.mounts]]\nfilePath = \"app.ini\"\ncontent = \"key=${key}\\npw=${pw}\\n\"\n" +
			"[[config.mounts]]\nfilePath = \"plain.ini\"\ncontent = \"cache=on\"\n",
		"Dockerfile": "FROM scratch\nCOPY . /\n",
	}
	for i := 0; i+1 < len(changes); i += 2 {
		files[changes[i]] = changes[i+1]
	}
	return files
}

func (h *house) deployTemplate(route string, changes ...string) app.Release {
	h.t.Helper()
	h.engine.onLook.set(wellBehaved)
	release, err := h.Accept(h.t.Context(), controller.Upload{Name: "shop", Route: h.route(route), Archive: h.receive(template(changes...)), By: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.live(release)
}

// ran is what the service web was started with: its environment, and the secrets that the
// engine gets.
func (h *house) ran(name string) map[string]string {
	h.t.Helper()
	options, found := h.engine.options.find(name)
	if !found {
		h.t.Fatalf("nothing was started as %s: %q", name, h.started())
	}
	values := maps.Clone(options.Secrets)
	for _, variable := range options.Service.Environment {
		key, value, _ := strings.Cut(variable, "=")
		values["env "+key] = value
	}
	return values
}

func TestTemplate_ItsValuesAreTheSameOverUpdateRollbackAndNewVariables(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deployTemplate("shop.example.org")
	first := h.ran("berth-shop-r1.web")
	if len(first["DB_PASSWORD"]) != 24 || first["DB_URL"] != "postgres://u:"+first["DB_PASSWORD"]+"@store/db" || first["env HOST"] != "shop.example.org" || len(first["APP_KEY"]) != len("base64:")+44 {
		t.Fatalf("the first release has %q", first)
	}
	if first["APP_KEY"] != "base64:"+first["TEMPLATE_KEY"] {
		t.Errorf("the key of the file is another than that of the variable: %q", first)
	}
	for _, secret := range []string{"DB_PASSWORD", "DB_URL", "APP_KEY", "TEMPLATE_KEY"} {
		if saved, err := h.Environment(t.Context(), "shop"); err != nil || !slices.ContainsFunc(saved.Variables, isSecret(secret)) {
			t.Errorf("%s is no secret of the app: %+v %v", secret, saved, err)
		}
	}

	update, err := h.AcceptUpdate(t.Context(), "shop", h.receive(template("Dockerfile", "FROM scratch\nCOPY . /new\n")), "test")
	if err != nil {
		t.Fatal(err)
	}
	h.live(update)
	h.change("shop", setVariable("HOST", "other.example.org"))
	h.live(h.apply("shop"))
	back, err := h.Rollback(t.Context(), "shop", 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	h.live(back)
	for _, name := range []string{"berth-shop-r2.web", "berth-shop-r4.web"} {
		if got := h.ran(name); !maps.Equal(got, first) {
			t.Errorf("%s has %q, want %q", name, got, first)
		}
	}
	last := h.ran("berth-shop-r3.web")
	if last["env HOST"] != "other.example.org" || last["DB_PASSWORD"] != first["DB_PASSWORD"] || last["TEMPLATE_KEY"] != first["TEMPLATE_KEY"] {
		t.Errorf("new variables gave %q", last)
	}
}

func isSecret(name string) func(environment.VariableView) bool {
	return func(v environment.VariableView) bool { return v.Name == name && v.Secret }
}

func TestTemplate_AFileWithASecretIsInMemoryAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deployTemplate("/shop")
	options := h.engine.options.at("berth-shop-r1.web")
	files := make(map[string]string)
	for _, file := range options.Service.Files {
		if strings.Contains(string(file.Content), options.Secrets["DB_PASSWORD"]) {
			t.Errorf("%s holds the value of a secret", file.Path)
		}
		files[file.Path] = file.Link
		if file.Private {
			files[file.Path] = "private"
		}
	}
	want := map[string]string{"/etc/app.ini": "/run/secrets/files-app.ini", "/run/secrets/files-app.ini": "private", "/etc/plain.ini": ""}
	if !maps.Equal(files, want) {
		t.Errorf("the files are %q, want %q", files, want)
	}
	for path, text := range h.everyFile() {
		if strings.Contains(text, options.Secrets["DB_PASSWORD"]) || strings.Contains(text, options.Secrets["TEMPLATE_KEY"]) {
			t.Errorf("%s holds a secret", path)
		}
	}
	if got := h.ran("berth-shop-r1.web"); got["env HOST"] != "localhost" {
		t.Errorf("an app without a host has %q", got)
	}
	if _, given := h.ran("berth-shop-r1.web")["env TEMPLATE_KEY"]; given {
		t.Error("a service got a variable that is the template's own")
	}
}

// everyFile is the text of all that is in the data folder, and of the program's log.
func (h *house) everyFile() map[string]string {
	h.t.Helper()
	texts := map[string]string{"program log": h.logged.String()}
	err := filepath.WalkDir(h.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		texts[path] = string(content)
		return err
	})
	if err != nil || len(texts) < 3 {
		h.t.Fatalf("read %d files, %v", len(texts), err)
	}
	return texts
}

func TestTemplate_WhatAPersonGivesIsNeverReplaced(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onLook.set(wellBehaved)
	release, err := h.Accept(t.Context(), controller.Upload{
		Name: "shop", Route: h.route("/shop"), Archive: h.receive(template()), By: "test",
		Environment: []app.VariableWish{{Name: "DB_PASSWORD", Value: "typed by hand", Secret: true}, {Name: "HOST", Value: "typed.example.org"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.live(release)
	got := h.ran("berth-shop-r1.web")
	if got["DB_PASSWORD"] != "typed by hand" || got["DB_URL"] != "postgres://u:typed by hand@store/db" || got["env HOST"] != "typed.example.org" {
		t.Errorf("got %q", got)
	}
	// A new edition of the template asks for one variable more, which holds the same value.
	edition := strings.Replace(template()["template.toml"], "[config.env]\n", "[config.env]\nCACHE_URL = \"redis://:${pw}@cache\"\n", 1)
	compose := strings.Replace(template()["docker-compose.yml"], "{PASSWORD:", "{CACHE: '${CACHE_URL}', PASSWORD:", 1)
	update, err := h.AcceptUpdate(t.Context(), "shop", h.receive(template("template.toml", edition, "docker-compose.yml", compose)), "test")
	if err != nil {
		t.Fatal(err)
	}
	h.live(update)
	if got := h.ran("berth-shop-r2.web"); got["CACHE_URL"] != "redis://:typed by hand@cache" || got["DB_PASSWORD"] != "typed by hand" {
		t.Errorf("the new edition has %q", got)
	}
}

func TestTemplate_APreviewNamesTheVariablesAndKeepsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	preview, err := h.Examine(t.Context(), controller.Upload{Name: "shop", Route: h.route("shop.example.org"), Archive: h.receive(template()), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, variable := range preview.Asked {
		asked = append(asked, variable.Name)
		if variable.Secret == (variable.Value != "") || variable.Follows != (variable.Name == "DB_URL" || variable.Name == "APP_KEY") {
			t.Errorf("the preview asks for %+v", variable)
		}
	}
	if want := []string{"DB_PASSWORD", "DB_URL", "HOST", "APP_KEY", "TEMPLATE_KEY"}; !slices.Equal(asked, want) {
		t.Errorf("it asks for %q, want %q", asked, want)
	}
	if len(preview.Environment) != 0 || preview.Main().Name != "web" || preview.Main().Port != 8000 {
		t.Errorf("the preview is %+v", preview)
	}
	notes := strings.Join(preview.Notes, "\n")
	for _, want := range []string{
		"template.toml is a template of Dokploy", "Berth makes the values of DB_PASSWORD, DB_URL, APP_KEY, TEMPLATE_KEY once",
		"HOST: the app's host stands there", "The network dokploy-network belongs to Dokploy", "files/app.ini holds secrets of the app",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in the notes:\n%s", want, notes)
		}
	}
	if _, err := h.Environment(t.Context(), "shop"); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("the preview left %v", err)
	}
}

func TestTemplate_ARetryHasTheSameValues(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.onLook.set(wellBehaved)
	var before map[string]string
	h.engine.onStart.set(func(o docker.StartOptions) error {
		if o.Name != "berth-shop-r1.web" {
			return nil
		}
		before = o.Secrets
		return errors.New("the engine is away")
	})
	release, err := h.Accept(t.Context(), controller.Upload{Name: "shop", Route: h.route("/shop"), Archive: h.receive(template()), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	release = h.wait(release.ReleaseID)
	if release.State != app.ReleaseFailed {
		t.Fatalf("the release is %s", release.State)
	}
	h.live(h.tryAgain(release.ReleaseID, nil))
	if after := h.engine.options.at("berth-shop-r2.web").Secrets; len(before) == 0 || !maps.Equal(before, after) {
		t.Errorf("the secrets were %q, and are %q", before, after)
	}
}

func TestTemplate_AVariableThatWasRemovedIsMissedAndNotMadeAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.deployTemplate("/shop")
	h.change("shop", app.EnvironmentChange{Remove: []string{"TEMPLATE_KEY"}})
	release, err := h.ApplyEnvironment(t.Context(), "shop", "test")
	if err == nil {
		release = h.wait(release.ReleaseID)
		err = errors.New(release.Reason)
	}
	if !strings.Contains(err.Error(), "The variable TEMPLATE_KEY has no value") {
		t.Errorf("got %v", err)
	}
}

func TestTemplate_AllFaultsAreSaidWithTheirLines(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.Accept(t.Context(), controller.Upload{Name: "shop", Route: h.route("/shop"), Archive: h.receive(template(
		"template.toml", "[config.env]\nBERTH_HOST = \"x\"\nA = \"${B}\"\nB = \"${C}\"\n[variables]\nC = \"${D}\"\nD = \"${C}\"\n[[config.mounts]]\nfilePath = \"../../etc/passwd\"\ncontent = \"x\"\n",
	)), By: "test"})
	var places []string
	for _, refusal := range problem.RefusalsIn(err) {
		places = append(places, refusal.Place())
	}
	if slices.Sort(places); !slices.Equal(places, []string{"template.toml, line 2", "template.toml, line 7", "template.toml, line 9"}) {
		t.Errorf("got %q of %v", places, err)
	}
	if _, err := h.Environment(t.Context(), "shop"); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("the refusal left %v", err)
	}
}
