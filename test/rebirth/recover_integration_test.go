//go:build integration

package rebirth

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
	"berth/test/stack"
)

// containers are those of the app: their names and when each was made.
func (s *server) containers(app string) string {
	s.t.Helper()
	text, err := stack.DockerOutput("ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}", "--filter", "label=berth.stack="+s.Name, "--filter", "label=berth.app="+app)
	s.must(err)
	return text
}

// status is what a visitor of the app gets.
func (s *server) status(path string) int {
	s.t.Helper()
	response, err := http.Get(s.Apps + path)
	s.must(err)
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// loseLedger kills the server and removes its database, as a broken disk does.
func (s *server) loseLedger() {
	s.t.Helper()
	s.Kill()
	lost, err := filepath.Glob(filepath.Join(s.Data(), "berth.db*"))
	s.must(err)
	for _, name := range append(lost, filepath.Join(s.Data(), "audit.log")) {
		s.must(os.Remove(name))
	}
}

func TestRecover_AServerWithoutItsDatabaseFindsItsAppsAndKeepsThemClosed(t *testing.T) {
	s := start(t)
	s.must(s.Deploy(t.Context(), s.token, "book", "/book", s.files()))
	s.wantAnswer("/book/")
	s.ask(http.MethodPut, []byte("kept"))
	before := s.containers("book")
	s.loseLedger()

	if err := s.Start(); err == nil {
		t.Fatal("it started with an empty database beside the containers")
	}
	s.Kill()
	if log := s.Log(); !strings.Contains(log, "berth recover") {
		t.Errorf("it does not say what to do: %s", log)
	}
	out, err := s.Command("recover").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Nothing was written") {
		t.Fatalf("the plan: %v\n%s", err, out)
	}
	out, err = s.Command("recover", "--yes").CombinedOutput()
	if err != nil {
		t.Fatalf("recover: %v\n%s", err, out)
	}
	t.Logf("%s", out)

	s.must(s.Start())
	s.token, err = s.Token("admin")
	s.must(err)
	time.Sleep(2 * time.Second) // for the reconciler, which must leave the containers alone
	if status := s.status("/book/"); status < http.StatusBadRequest {
		t.Errorf("before a person says who may use it, the app answers %d", status)
	}
	s.send(http.MethodPatch, "/apps/book/access", `{"password": false}`, nil)
	s.wantAnswer("/book/")
	if got := s.ask(http.MethodGet, nil); string(got) != "kept" {
		t.Errorf("the volume holds %q", got)
	}
	if after := s.containers("book"); after != before {
		t.Errorf("the containers were\n%sand are\n%s", before, after)
	}
	// A container that is lost is made again, and a new release goes its usual way.
	_, err = stack.Docker("rm", "--force", s.Name+"-book-r1.web")
	s.must(err)
	again := patience.Eventually(time.Minute, func() bool { return strings.Contains(s.containers("book"), "-book-r1.web") })
	if !again {
		t.Errorf("the container is not made again\n%s", s.Log())
	}
	s.wantAnswer("/book/")
	if out, err := s.Command("recover", "--yes").CombinedOutput(); err == nil {
		t.Errorf("it recovers over a database: %s", out)
	}
}
