//go:build integration

package docker

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/archive/archivetest"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/plan"
	"berth/controller/planner"
	"berth/test/patience"
)

// serverFolder is where buildServer has put the program; TestMain removes it.
var serverFolder string

// buildServer makes the program itself, which serves static sites, as scripts/image
// does: linked statically, so that it runs from scratch.
var buildServer = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "berth-server")
	if err != nil {
		return "", err
	}
	serverFolder = folder
	target := filepath.Join(folder, "berth")
	command := exec.Command("go", "build", "-trimpath", "-tags", "netgo osusergo sqlite_omit_load_extension nomsgpack",
		"-ldflags", "-s -w -linkmode external -extldflags -static", "-o", target, "berth/cmd/berth")
	command.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return target, nil
})

// server returns the path of the program, for as long as the test runs.
func server(t *testing.T) string {
	t.Helper()
	path, err := buildServer()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMain(m *testing.M) {
	if err := holdAddresses(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(serverFolder)
	os.Exit(code)
}

// running is an app that was planned, built and started under the default policy.
type running struct {
	t        *testing.T
	engine   *Engine
	instance link.Instance
	image    images.Image
	address  string
}

// run ships an archive without a Dockerfile the way the story does.
func run(t *testing.T, options plan.Options, files ...string) running {
	t.Helper()
	engine, tree := openTest(t), archivetest.Tree(t, files...)
	options.Limits = plan.DefaultLimits()
	made, err := planner.From(t.Context(), tree, options)
	if err != nil {
		t.Fatal(err)
	}
	service, book := made.Services[0], &logbook{}
	source, err := tree.LayoutFS(t.Context(), service.Build.Layout())
	if err != nil {
		t.Fatal(err)
	}
	image, err := engine.Build(t.Context(), images.BuildOptions{
		App: "app", Release: 1, Build: service.Build, Context: tree.LayoutWriter(service.Build.Layout()), Files: source,
	}, book.line)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, service.Build.Generated.Dockerfile, book)
	}
	network := mustNetwork(t, engine, "app")
	instance, err := engine.Start(t.Context(), StartOptions{App: "app", Release: 1, Service: service, Image: image, Network: network})
	if err != nil {
		t.Fatal(err)
	}
	found := mustInspect(t, engine, instance.ID)
	host := found.NetworkSettings.Networks[network.Name].IPAddress
	r := running{t: t, engine: engine, instance: instance, image: image, address: net.JoinHostPort(host, fmt.Sprint(instance.Port))}
	eventually(t, "the app listens", func() bool {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.address)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	})
	return r
}

func (r running) get(path string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.address+path, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Timeout: patience.Of(10 * time.Second), Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	response, err := client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response, string(text)
}

func (r running) says(path, want string) {
	r.t.Helper()
	if response, text := r.get(path); response.StatusCode != http.StatusOK || !strings.Contains(text, want) {
		r.t.Errorf("%s: %s %q, want %q", path, response.Status, text, want)
	}
}

func TestGenerated_StaticSiteRunsFromScratch(t *testing.T) {
	app := run(t, plan.Options{Server: server(t)},
		"index.html", "<h1>Hello</h1>", "404.html", "Not here", "app.js", strings.Repeat("hello();\n", 200),
		".env", "SECRET=1", ".git/config", "x", "Procfile.txt", "", ".berth/Dockerfile", "FROM evil", ".dockerignore", "drafts\n", "drafts/x.html", "draft")
	app.says("/", "Hello")
	for path, want := range map[string]int{
		"/nothing": 404, "/.env": 404, "/.berth/Dockerfile": 404, "/drafts/x.html": 404, "/berth": 404, "/.dockerignore": 404, "/app.js": 200,
	} {
		if response, text := app.get(path); response.StatusCode != want {
			t.Errorf("%s: %s %.80q", path, response.Status, text)
		}
	}
	if response, _ := app.get("/app.js", "Accept-Encoding", "gzip"); response.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("it is not compressed: %v", response.Header)
	}
	if app.image.User != plan.Nobody {
		t.Errorf("the image runs as %q", app.image.User)
	}
	began := time.Now()
	if err := app.engine.Stop(t.Context(), app.instance.Name, 10*time.Second); err != nil || time.Since(began) > patience.Of(5*time.Second) {
		t.Errorf("it stops after %s, %v", time.Since(began), err)
	}
}

func TestGenerated_StaticSiteOfAFolderRoutesInTheBrowser(t *testing.T) {
	app := run(t, plan.Options{Server: server(t), Fallback: true, Port: 9000}, "public/index.html", "<h1>App</h1>", "README.md", "not served")
	app.says("/users/7", "App")
	if response, _ := app.get("/README.md"); response.StatusCode != http.StatusNotFound {
		t.Errorf("a file beside the site is served: %s", response.Status)
	}
	if !strings.HasSuffix(app.address, ":9000") {
		t.Errorf("it listens on %s", app.address)
	}
}

const pythonServer = `
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"user {os.getuid()} python {sys.prefix} {sorted(os.listdir('.'))}".encode())

HTTPServer(("", int(os.environ["PORT"])), Answer).serve_forever()
`

func TestGenerated_PythonRunsHardened(t *testing.T) {
	app := run(t, plan.Options{},
		"requirements.txt", "# nothing\n", "runtime.txt", "python-3.11.9\n", "Procfile", "release: true\nweb: python server.py\n", "server.py", pythonServer,
		"__pycache__/x.pyc", "", ".env", "SECRET=1")
	app.says("/", "user 65534 python /venv")
	if _, text := app.get("/"); strings.Contains(text, ".env") || strings.Contains(text, "__pycache__") {
		t.Errorf("the image holds %s", text)
	}
}

const nodeServer = `
require("http").createServer((request, response) => {
  response.end("user " + process.getuid() + " built " + require("fs").readFileSync("built.txt"));
}).listen(process.env.PORT);
`

func TestGenerated_NodeIsBuiltAndRunsHardened(t *testing.T) {
	app := run(t, plan.Options{},
		"package.json", `{"scripts": {"build": "node build.js", "start": "node server.js"}, "engines": {"node": "^22"}}`,
		"build.js", `require("fs").writeFileSync("built.txt", "well")`, "server.js", nodeServer)
	app.says("/", "user 65534 built well")
}

func TestGenerated_StartScriptIsReadByAShellOfTheImageAlone(t *testing.T) {
	app := run(t, plan.Options{},
		"package.json", `{"scripts": {"start": "GREETING=\"$(echo it is) $HOME\" && export GREETING; node -e 'require(\"http\").createServer((q, a) => a.end(process.env.GREETING)).listen(process.env.PORT)'"}, "engines": {"node": "22"}}`)
	app.says("/", "it is /tmp")
}
