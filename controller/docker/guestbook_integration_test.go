//go:build integration

package docker

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/archive"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/plan"
	"berth/controller/planner"
)

// TestStart_RunsTheGuestbookOfTheExamples takes a compose app from its archive to
// an entry that outlives its web service and its store.
func TestStart_RunsTheGuestbookOfTheExamples(t *testing.T) {
	engine := openTest(t)
	tree, err := archive.Open(packGuestbook(t), archive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	made, err := planner.From(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits(), Environment: []string{"TITLE=Visitors"}})
	if err != nil {
		t.Fatal(err)
	}
	volume := engine.link.Stack + "-vol-entries"
	labelledVolume(t, engine, volume)
	network := mustNetwork(t, engine, "book")
	running := map[string]link.Instance{}
	for _, service := range made.Services {
		files, err := tree.LayoutFS(t.Context(), service.Build.Layout())
		if err != nil {
			t.Fatal(err)
		}
		image, err := engine.Build(t.Context(), images.BuildOptions{
			App: "book", Release: 1, Service: service.Name, Build: service.Build, Context: tree.LayoutWriter(service.Build.Layout()), Files: files,
		}, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		running[service.Name], err = engine.Start(t.Context(), StartOptions{
			App: "book", Release: 1, Service: service, Image: image, Network: network, Volumes: map[string]string{"entries": volume},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the store is healthy", func() bool {
		store, err := engine.Inspect(t.Context(), running["store"].Name)
		return err == nil && store.Condition.Health == "healthy"
	})
	var address string
	for _, endpoint := range mustInspect(t, engine, running["web"].ID).NetworkSettings.Networks {
		address = endpoint.IPAddress
	}
	eventually(t, "the web answers", func() bool { return strings.Contains(askAddress(t, address, "/", "", ""), "Visitors") })
	answer, err := http.PostForm("http://"+address+":8000/", url.Values{"name": {"Ada"}, "text": {"I was here"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if err := engine.Restart(t.Context(), running["store"].Name, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the entry is shown after the store was restarted", func() bool {
		page := askAddress(t, address, "/", "", "")
		return strings.Contains(page, "Visitors") && strings.Contains(page, "I was here")
	})
}

// packGuestbook packs the example with a program that is built already.
func packGuestbook(t *testing.T) string {
	t.Helper()
	source, err := filepath.Abs("../../examples/compose-guestbook")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "guestbook")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Dir, build.Env = filepath.Join(source, "app"), append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	var text bytes.Buffer
	out := zip.NewWriter(&text)
	for name, path := range map[string]string{
		"compose.yaml": filepath.Join(source, "compose.yaml"), "app/Dockerfile": filepath.Join(source, "app/Dockerfile"),
		"app/data/.keep": "", "app/guestbook": binary, "token.txt": "",
	} {
		content := []byte("a-token")
		if path != "" {
			if content, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if name == "app/Dockerfile" { // its last stage alone
			content = content[bytes.Index(content, []byte("FROM scratch")):]
		}
		content = bytes.ReplaceAll(content, []byte("--from=build "), nil)
		content = bytes.ReplaceAll(content, []byte("environment: GUESTBOOK_TOKEN"), []byte("file: ./token.txt"))
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o755)
		entry, err := out.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "guestbook.zip")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
