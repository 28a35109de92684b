package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"berth/controller/docker/dockertest"
)

const importedCompose = `name: hello
services:
  web:
    build: .
    environment: {TOKEN: "${TOKEN}"}
    volumes: ["data:/data"]
volumes: {data: {}, unused: {}}
`

// importServer is a server without apps and an engine with the volume of a compose project.
type importServer struct {
	*apiServer
	folder, host string
	apps         string          // that the server has
	held         map[string]bool // volumes with files
	put          []string        // entries that came into a volume
	owners       []int
	ways         []string
}

func newImportServer(t *testing.T) *importServer {
	t.Helper()
	s := &importServer{apiServer: newAPIServer(t), folder: t.TempDir(), apps: `{"apps":[]}`, held: map[string]bool{}}
	for name, text := range map[string]string{"compose.yaml": importedCompose, ".env": "TOKEN=hush\n", "Dockerfile": "FROM scratch\n"} {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.preview = `{"kind":"Compose app","reasons":["The route leads to web."],"services":["web","db"],"plan":{"main":"web","services":[{"name":"web","volumes":["data:/data"]}]}}`
	s.mux.HandleFunc("GET /api/v1/apps", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.apps) })
	s.mux.HandleFunc("GET /api/v1/volumes/{volume}/files/", func(w http.ResponseWriter, r *http.Request) {
		if s.held[r.PathValue("volume")] {
			fmt.Fprint(w, `{"entries":[{"name":"old"}]}`)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"detail":"There is no volume."}`)
	})
	s.mux.HandleFunc("PUT /api/v1/volumes/{volume}/tar", s.fill)
	s.mux.HandleFunc("POST /api/v1/volumes", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{}`)
	})
	s.mux.HandleFunc("POST /api/v1/apps/hello/routes", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.requests = append(s.requests, "route "+string(body))
		w.WriteHeader(http.StatusCreated)
	})
	s.host = engineWith(t, "hello_data")
	return s
}

func (s *importServer) fill(w http.ResponseWriter, r *http.Request) {
	s.ways = append(s.ways, r.URL.Query().Get("way"))
	in := tar.NewReader(r.Body)
	for {
		header, err := in.Next()
		if err != nil {
			break
		}
		s.put = append(s.put, r.PathValue("volume")+":"+header.Name)
		s.owners = append(s.owners, header.Uid)
	}
	w.WriteHeader(http.StatusNoContent)
}

// engineWith is an engine with one volume, which holds one file, and one container that
// runs with it.
func engineWith(t *testing.T, name string) (host string) {
	t.Helper()
	var content bytes.Buffer
	out := tar.NewWriter(&content)
	for _, header := range []*tar.Header{{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "./rows", Typeflag: tar.TypeReg, Mode: 0o600}} {
		if err := out.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	host, _ = dockertest.Serve(t, map[string]http.HandlerFunc{
		"GET /volumes/" + name: dockertest.AnswerJSON(map[string]any{"Name": name}),
		"GET /images/json":     dockertest.AnswerJSON([]map[string]any{{"Id": "sha256:small", "Size": 1}}),
		"GET /containers/json": dockertest.AnswerJSON([]map[string]any{{"Names": []string{"/hello-web-1"}, "Mounts": []map[string]any{{"Name": name}}}}),
		"POST /containers/create": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"Id":"made"}`)
		},
		"GET /containers/made/archive": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Docker-Container-Path-Stat", "e30=")
			_, _ = w.Write(content.Bytes())
		},
		"DELETE /containers/made": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	})
	return host
}

// imports runs berth import with the answer typed.
func (s *importServer) imports(t *testing.T, typed string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, log bytes.Buffer
	environment := []string{"BERTH_TOKEN=berth_test", "BERTH_SERVER=" + s.URL, "BERTH_CA_FILE=" + s.caFile, "DOCKER_HOST=" + s.host}
	p := &program{environment: environment, stdin: strings.NewReader(typed), stdout: &out, stderr: &log}
	err = p.run(t.Context(), append([]string{"import"}, args...))
	if strings.Contains(out.String()+log.String(), "hush") {
		t.Errorf("it shows a secret: %s%s", &out, &log)
	}
	return out.String(), log.String(), err
}

// wrote are the requests that change something.
func (s *importServer) wrote() []string {
	return slices.DeleteFunc(slices.Clone(s.requests), func(r string) bool { return strings.HasPrefix(r, "GET ") })
}

func TestImport_CopiesTheDataBeforeItDeploys(t *testing.T) {
	t.Parallel()
	s := newImportServer(t)
	plan, stderr, err := s.imports(t, "yes\n", "compose", s.folder, "--route", "shop.example.com")
	if err != nil {
		t.Fatal(err, stderr)
	}
	for _, want := range []string{"hello\n", "answers at", "shop.example.com", "services", "web, db", "secrets", "TOKEN", "hello_data is a copy of the volume hello_data; files of root become those of the user 65534", "hello-web-1 runs with it: stop it first", "The route leads to web."} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan does not say %q: %s", want, plan)
		}
	}
	if strings.Contains(plan, "unused") {
		t.Errorf("a volume that no service mounts is copied: %s", plan)
	}
	if want := []string{"POST /api/v1/apps", "PUT /api/v1/volumes/hello_data/tar", "POST /api/v1/apps"}; !slices.Equal(s.wrote(), want) {
		t.Errorf("the server was asked %q, want %q: a check, the data, the app", s.wrote(), want)
	}
	if want := []string{"hello_data:./", "hello_data:./rows"}; !slices.Equal(s.put, want) {
		t.Errorf("the volume got %q, want %q", s.put, want)
	}
	for field, want := range map[string]string{"name": "hello", "route": "shop.example.com", "value_TOKEN": "hush", "compose": "compose.yaml"} {
		if s.fields[field] != want {
			t.Errorf("the field %s is %q, want %q", field, s.fields[field], want)
		}
	}
}

func TestImport_FilesOfRootStayRootsWhereTheServiceBeginsAsRoot(t *testing.T) {
	t.Parallel()
	for loosens, want := range map[string]int{"": 65534, "writable root": 65534, "database": 0, "root start": 0} {
		s := newImportServer(t)
		s.preview = strings.Replace(s.preview, `"volumes"`, fmt.Sprintf(`"loosens":[%q],"volumes"`, loosens), 1)
		if _, stderr, err := s.imports(t, "", "compose", s.folder, "--yes"); err != nil || !slices.Equal(s.owners, []int{want, want}) {
			t.Errorf("%q: %v, the files belong to %d, want %d: %s", loosens, err, s.owners, want, stderr)
		}
	}
}

func TestImport_WritesNothingUntilItIsConfirmed(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"no\n": "the answer was not yes", "": "--yes answers it"} {
		s := newImportServer(t)
		plan, _, err := s.imports(t, typed, "compose", s.folder)
		if err == nil || !strings.Contains(err.Error(), want) || exitCode(err) != exitUsage || !strings.Contains(plan, "hello_data") {
			t.Errorf("typed %q: %v, plan %s", typed, err, plan)
		}
		if got := s.wrote(); !slices.Equal(got, []string{"POST /api/v1/apps"}) || s.exists { // the check
			t.Errorf("typed %q: %q", typed, got)
		}
	}
}

func TestImport_SaysAllFaultsAtOnceAndWritesNothing(t *testing.T) {
	t.Parallel()
	s := newImportServer(t)
	s.apps = `{"apps":[{"name":"other","release":1,"routes":["/hello"]}]}`
	plan, _, err := s.imports(t, "", "compose", s.folder, "--yes")
	if err == nil || exitCode(err) != exitRefused || !strings.Contains(plan, "The app other answers at /hello already.") {
		t.Errorf("%v: %s", err, plan)
	}
	s = newImportServer(t)
	s.problem = `{"detail":"2 faults.","hint":"Mend them.","faults":[{"File":"compose.yaml","Line":3,"Reason":"One.","Hint":"Do."},{"File":"compose.yaml","Line":4,"Reason":"Two.","Hint":"Do."}]}`
	plan, _, err = s.imports(t, "", "compose", s.folder, "--yes")
	if err == nil || !strings.Contains(plan, "compose.yaml, line 3: One.") || !strings.Contains(plan, "compose.yaml, line 4: Two.") || len(s.put) > 0 {
		t.Errorf("%v: %s", err, plan)
	}
	s = newImportServer(t)
	if plan, _, err = s.imports(t, "", "compose", s.folder, "--yes", "--project", "elsewhere"); err == nil || !strings.Contains(plan, "The engine here has no volume elsewhere_data") || !strings.Contains(err.Error(), "Nothing was imported") {
		t.Errorf("%v: %s", err, plan)
	}
}

func TestImport_GoesOnAfterACut(t *testing.T) {
	t.Parallel()
	s := newImportServer(t)
	s.held["hello_data"], s.exists = true, true
	s.apps = `{"apps":[{"name":"hello","release":0,"routes":["/hello"]}]}`
	plan, stderr, err := s.imports(t, "", "compose", s.folder, "--yes")
	if err != nil {
		t.Fatal(err, stderr)
	}
	if !strings.Contains(plan, "was never live") || !strings.Contains(plan, "holds files already, which stay") || len(s.put) > 0 {
		t.Errorf("plan %s, put %q", plan, s.put)
	}
	if want := []string{"POST /api/v1/apps/hello/update", "POST /api/v1/apps/hello/update"}; !slices.Equal(s.wrote(), want) {
		t.Errorf("the server was asked %q, want %q: a check and the release", s.wrote(), want)
	}

	s = newImportServer(t)
	s.held["hello_data"] = true
	if _, stderr, err := s.imports(t, "", "compose", s.folder, "--yes", "--replace-data"); err != nil || !slices.Equal(s.ways, []string{"replace"}) {
		t.Errorf("%v: ways %q, %s", err, s.ways, stderr)
	}

	s = newImportServer(t)
	s.apps = `{"apps":[{"name":"hello","release":4,"routes":["/hello"]}]}`
	plan, stderr, err = s.imports(t, "", "compose", s.folder)
	if err != nil || !strings.Contains(plan, "live as r4") || !strings.Contains(stderr, "there already") || len(s.wrote()) > 0 {
		t.Errorf("%v: %s%s", err, plan, stderr)
	}
}

const importedCaptain = `{"customDomain": "apps.example.com", "appDefinitions": {"hello": {"deployedVersion": 1, "containerHttpPort": 3000, "customDomain": [{"publicDomain": "hello.example.com"}],
	"envVars": [{"key": "TOKEN", "value": "hush"}, {"key": "MODE", "value": "production"}], "volumes": [{"volumeName": "rows", "containerPath": "/rows"}, {"hostPath": "/srv/pictures", "containerPath": "/pictures", "mode": "ro"}],
	"versions": [{"version": 1, "deployedImageName": "ghcr.io/example/hello:1"}]}}}`

func TestImport_AnImageHasItsVolumesAndRoutes(t *testing.T) {
	t.Parallel()
	s := newImportServer(t)
	export := writeFile(t, "config-captain.json", importedCaptain)
	s.host = engineWith(t, "captain--rows")
	stdout, stderr, err := s.imports(t, "", "caprover", export, "--yes", "--plain", "MODE")
	if err != nil {
		t.Fatal(err, stderr)
	}
	if want := []string{"hello-rows:./", "hello-rows:./rows", "hello-pictures:./", "hello-pictures:./rows"}; !slices.Equal(s.put, want) {
		t.Errorf("the volumes got %q, want %q", s.put, want)
	}
	for field, want := range map[string]string{
		"image": "ghcr.io/example/hello:1", "port": "3000", "value_TOKEN": "hush", "value_MODE": "production", "plain": "MODE", "route": "hello.example.com",
		"mounts": `[{"volume":"hello-rows","target":"/rows","read_only":false},{"volume":"hello-pictures","target":"/pictures","read_only":true}]`,
	} {
		if s.fields[field] != want {
			t.Errorf("the field %s is %q, want %q", field, s.fields[field], want)
		}
	}
	if got := s.wrote(); got[len(got)-1] != `route {"route":"hello.apps.example.com"}` {
		t.Errorf("the server was asked %q", got)
	}
	if !strings.Contains(stdout, "http://127.0.0.1/hello") {
		t.Errorf("it prints %s", stdout)
	}

	s = newImportServer(t)
	if _, stderr, err := s.imports(t, "", "caprover", export, "--yes", "--no-data"); err != nil || len(s.put) > 0 {
		t.Errorf("without data: %v, %q, %s", err, s.put, stderr)
	}
	if got := s.wrote(); !slices.Contains(got, "POST /api/v1/volumes") {
		t.Errorf("without data the server was asked %q", got)
	}
}

func TestImport_AnAppThatFailsKeepsNoOtherFromItsImport(t *testing.T) {
	t.Parallel()
	s := newImportServer(t)
	s.mux.HandleFunc("GET /api/v1/apps/{name}", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"detail":"There is no app."}`)
	})
	s.mux.HandleFunc("GET /api/v1/apps/alpha/releases/1", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"app":"alpha","number":1,"state":"failed","reason":"The build failed."}`)
	})
	s.mux.HandleFunc("GET /api/v1/apps/alpha/releases/1/log", func(http.ResponseWriter, *http.Request) {})
	s.answers = map[string]string{"alpha": `{"app":"alpha","number":1,"state":"queued"}`}
	export := writeFile(t, "config-captain.json", `{"appDefinitions": {
		"hello": {"deployedVersion": 1, "versions": [{"version": 1, "deployedImageName": "ghcr.io/example/hello:1"}]},
		"alpha": {"deployedVersion": 1, "versions": [{"version": 1, "deployedImageName": "ghcr.io/example/alpha:1"}]}}}`)
	stdout, stderr, err := s.imports(t, "", "caprover", export, "--yes")
	if err == nil || !strings.Contains(err.Error(), "Not imported as a whole: alpha.") || exitCode(err) != exitRefused {
		t.Error(err)
	}
	if !strings.Contains(stderr, "The build failed.") || !strings.Contains(stdout, "hello is live: http://127.0.0.1/hello") {
		t.Errorf("%s%s", stdout, stderr)
	}
}

func TestImport_ThePlanAsJSONHasNoSecret(t *testing.T) {
	t.Parallel()
	s := newImportServer(t)
	stdout, _, err := s.imports(t, "", "compose", s.folder, "--json")
	if usage, asked := errors.AsType[*usageError](err); !asked {
		t.Error(usage, err)
	}
	var plan struct {
		Apps []struct {
			Name     string
			Services []string
			Volumes  []struct {
				Volume, From string
				Copied       bool
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &plan); err != nil {
		t.Fatal(err, stdout)
	}
	if got := fmt.Sprint(plan.Apps); got != "[{hello [web db] [{hello_data volume hello_data true}]}]" {
		t.Errorf("the plan is %s", got)
	}
}
