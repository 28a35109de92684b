package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// apiServer answers as the API does, for one app called hello.
type apiServer struct {
	*httptest.Server
	mux    *http.ServeMux
	caFile string

	mutex    sync.Mutex
	exists   bool
	final    string // state of the release after its log was read
	reason   string
	breakLog int // times that the log breaks off after its first line
	problem  string
	limited  map[string]int // times that a request is answered with 429 first, by method and path
	requests []string

	retryAfter string // what a limited one is told
	lost       int    // times that the answer of an upload never arrives
	keys       []string

	fields  map[string]string
	entries []string          // of the archive
	preview string            // answer to a check; empty: that of a Go app
	answers map[string]string // to uploads, by name; without one that of hello
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{final: "live", fields: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/apps/hello", s.showApp)
	mux.HandleFunc("POST /api/v1/apps", s.receive)
	mux.HandleFunc("POST /api/v1/apps/hello/update", s.receive)
	mux.HandleFunc("GET /api/v1/apps/hello/releases/3", s.showRelease)
	mux.HandleFunc("GET /api/v1/apps/hello/releases/3/log", s.showLog)
	s.mux = mux
	s.Server = httptest.NewTLSServer(s.guard(mux))
	t.Cleanup(s.Close)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	s.caFile = writeFile(t, "ca.pem", string(certificate))
	return s
}

func (s *apiServer) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		if r.Header.Get("Authorization") != "Bearer berth_test" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"detail":"This token is unknown or has expired.","hint":"Mint a new one."}`)
			return
		}
		if asked := r.Method + " " + r.URL.Path; s.limited[asked] > 0 {
			s.limited[asked]--
			w.Header().Set("Retry-After", s.retryAfter)
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"detail":"Too many requests.","hint":"Try again."}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *apiServer) showApp(w http.ResponseWriter, _ *http.Request) {
	if !s.exists {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"detail":"There is no app called hello."}`)
		return
	}
	fmt.Fprint(w, `{"name":"hello","urls":["http://127.0.0.1/hello"]}`)
}

func (s *apiServer) receive(w http.ResponseWriter, r *http.Request) {
	if s.problem != "" {
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, s.problem)
		return
	}
	reader, err := r.MultipartReader()
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	delete(s.fields, "name") // of an earlier form
	for part, err := reader.NextPart(); err == nil; part, err = reader.NextPart() {
		content, _ := io.ReadAll(part)
		if part.FormName() != "archive" {
			s.fields[part.FormName()] = string(content)
			continue
		}
		s.fields["archive"] = part.FileName()
		s.entries = entryNames(content)
	}
	if s.fields["check"] == "true" {
		delete(s.fields, "check")
		fmt.Fprint(w, cmp.Or(s.preview, `{"kind":"Go","dockerfile":"FROM scratch\n","reasons":["There is a go.mod."],"services":["main"]}`))
		return
	}
	s.exists = true
	s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
	if s.lost > 0 {
		s.lost--
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, cmp.Or(s.answers[s.fields["name"]], `{"app":"hello","number":3,"state":"queued"}`))
}

func (s *apiServer) showRelease(w http.ResponseWriter, _ *http.Request) {
	state := s.final
	if s.breakLog >= 0 && slices.Contains(s.requests, "broken") {
		state = "building"
		s.requests = slices.DeleteFunc(s.requests, func(r string) bool { return r == "broken" })
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"app": "hello", "number": 3, "state": state, "reason": s.reason, "hint": "Read the log.",
	})
}

func (s *apiServer) showLog(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("follow") != "1" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, "#1 building")
	if s.breakLog > 0 {
		s.breakLog--
		s.requests = append(s.requests, "broken")
		return
	}
	fmt.Fprintln(w, "#2 done")
}

func entryNames(content []byte) (names []string) {
	reader, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return []string{err.Error()}
	}
	for _, file := range reader.File {
		names = append(names, file.Name)
	}
	return names
}

func TestDeploy_SendsAFolderAsItsIgnoreFileSaysAndPrintsTheAddress(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	stdout, stderr, err := deploy(t, server, "berth_test")
	if err != nil {
		t.Fatal(err)
	}
	if stdout != "http://127.0.0.1/hello\n" || stderr != "#1 building\n#2 done\n" {
		t.Errorf("stdout %q, stderr %q", stdout, stderr)
	}
	if server.fields["name"] != "hello" || server.fields["route"] != "/hello" || server.fields["archive"] != "source.zip" {
		t.Errorf("fields: %v", server.fields)
	}
	if slices.Contains(server.entries, "secret.txt") || !slices.Contains(server.entries, "Dockerfile") {
		t.Errorf("entries: %v", server.entries)
	}
}

func TestDeploy_NamesTheDockerfileToTheServer(t *testing.T) {
	t.Parallel()
	for _, exists := range []bool{false, true} {
		server := newAPIServer(t)
		server.exists = exists
		if _, _, err := deploy(t, server, "berth_test", "--dockerfile", "./docker/Dockerfile"); err != nil {
			t.Fatal(err)
		}
		if server.fields["dockerfile"] != "docker/Dockerfile" {
			t.Errorf("there %t: fields %v", exists, server.fields)
		}
		if _, _, err := deploy(t, server, "berth_test", "--dockerfile", "../Dockerfile"); err == nil || !strings.Contains(err.Error(), "not a path in the archive") {
			t.Errorf("got %v", err)
		}
	}
}

func TestDeploy_UpdatesAnAppThatIsThere(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	server.exists = true
	if _, _, err := deploy(t, server, "berth_test"); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(server.requests, "POST /api/v1/apps/hello/update") {
		t.Errorf("requests: %v", server.requests)
	}
}

func TestDeploy_CheckPrintsTheDockerfileAndDeploysNothing(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	environment := []string{"BERTH_TOKEN=berth_test", "BERTH_CA_FILE=" + server.caFile, "BERTH_SERVER=" + server.URL}
	source := writeFile(t, "app.zip", "bytes")
	for _, args := range [][]string{{"deploy", "--check", source}, {"deploy", source, "--check", "--name", "hello"}} {
		server.requests = nil
		var out, errs strings.Builder
		err := run(t.Context(), args, environment, &out, &errs)
		if err != nil || out.String() != "FROM scratch\n" || errs.String() != "Go\nThere is a go.mod.\n" {
			t.Errorf("%q: stdout %q, stderr %q, %v", args, out.String(), errs.String(), err)
		}
		if last := server.requests[len(server.requests)-1]; last != "POST /api/v1/apps" || server.exists {
			t.Errorf("requests: %q", server.requests)
		}
	}
	server.exists = true
	if _, _, err := deploy(t, server, "berth_test", "--check"); err != nil || !slices.Contains(server.requests, "POST /api/v1/apps/hello/update") {
		t.Errorf("an app that is there: %q, %v", server.requests, err)
	}
}

func TestDeploy_ShowsNoLineTwiceWhenTheLogBreaksOff(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	server.breakLog = 2
	_, stderr, err := deploy(t, server, "berth_test")
	if err != nil || stderr != "#1 building\n#2 done\n" {
		t.Errorf("stderr %q, %v", stderr, err)
	}
}

func TestDeploy_WaitsWhereItIsLimitedAndSaysSo(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	server.retryAfter = "1"
	server.limited = map[string]int{
		"GET /api/v1/apps/hello": 1, "POST /api/v1/apps": 1, "GET /api/v1/apps/hello/releases/3/log": 1, "GET /api/v1/apps/hello/releases/3": 1,
	}
	stdout, stderr, err := deploy(t, server, "berth_test")
	if err != nil || stdout != "http://127.0.0.1/hello\n" {
		t.Errorf("stdout %q, %v", stdout, err)
	}
	if strings.Count(stderr, "Going on in 1s.") != 4 || !slices.Contains(server.entries, "Dockerfile") {
		t.Errorf("stderr %q, entries %v", stderr, server.entries)
	}
}

func TestDeploy_SendsAgainUnderTheSameKeyWhereTheAnswerWasLost(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	server.lost = 2
	stdout, stderr, err := deploy(t, server, "berth_test")
	if err != nil || stdout != "http://127.0.0.1/hello\n" || strings.Count(stderr, "Sending the same again.") != 2 {
		t.Errorf("stdout %q, stderr %q, %v", stdout, stderr, err)
	}
	if len(server.keys) != 3 || server.keys[0] == "" || server.keys[0] != server.keys[1] || server.keys[1] != server.keys[2] {
		t.Errorf("the keys are %q", server.keys)
	}
	server.lost = 9
	if _, _, err := deploy(t, server, "berth_test"); exitCode(err) != exitUnavailable {
		t.Errorf("it never arrives: %v", err)
	}
	if n := len(server.keys); n != 6 || server.keys[3] == server.keys[2] {
		t.Errorf("the keys are %q", server.keys)
	}
}

func TestDeploy_DoesNotWaitLongerThanItHasTime(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	server.retryAfter, server.limited = "3600", map[string]int{"POST /api/v1/apps": 9}
	_, _, err := deploy(t, server, "berth_test")
	var reported strings.Builder
	report(&reported, err)
	if exitCode(err) != exitUnavailable || !strings.Contains(reported.String(), "Too many requests.") {
		t.Errorf("code %d: %s", exitCode(err), reported.String())
	}
}

func TestDeploy_ExitCodeSaysWhatKindOfFailureItWas(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]struct {
		token  string
		spoil  func(*apiServer)
		code   int
		report []string
	}{
		"failed release": {
			"berth_test", func(s *apiServer) { s.final, s.reason = "failed", "The build failed." },
			exitRelease,
			[]string{"hello r3 failed", "The build failed.", "Read the log."},
		},
		"refused archive": {
			"berth_test", func(s *apiServer) { s.problem = `{"detail":"There is no Dockerfile.","hint":"Add one."}` },
			exitRefused,
			[]string{"There is no Dockerfile.", "Add one."},
		},
		"unknown token": {"berth_other", func(*apiServer) {}, exitUnauthorized, []string{"unknown or has expired", "Mint a new one."}},
		"no token":      {"", func(*apiServer) {}, exitUnauthorized, []string{"There is no token.", "BERTH_TOKEN"}},
		"no server":     {"berth_test", func(s *apiServer) { s.Close() }, exitUnavailable, []string{"does not answer", "--server"}},
		"untrusted":     {"berth_test", func(s *apiServer) { s.caFile = "" }, exitUnavailable, []string{"not trusted", "--ca-file"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := newAPIServer(t)
			check.spoil(server)
			stdout, _, err := deploy(t, server, check.token)
			if exitCode(err) != check.code || stdout != "" {
				t.Errorf("code %d, want %d; stdout %q; %v", exitCode(err), check.code, stdout, err)
			}
			var reported strings.Builder
			report(&reported, err)
			for _, word := range check.report {
				if !strings.Contains(reported.String(), word) {
					t.Errorf("%q is missing in: %s", word, reported.String())
				}
			}
		})
	}
}

func TestParseServer_SendsNoTokenInTheClear(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://example.com", "ftp://127.0.0.1", "example.com", "https://user@example.com", "https://example.com/path"} {
		if _, err := parseServer(address); err == nil {
			t.Errorf("%s was accepted", address)
		}
	}
	for _, address := range []string{"https://example.com:8001", "http://127.0.0.1:8001", "http://[::1]:8001/", "https://berth.example.com/"} {
		if _, err := parseServer(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func deploy(t *testing.T, server *apiServer, token string, flags ...string) (stdout, stderr string, err error) {
	t.Helper()
	source := filepath.Join(t.TempDir(), "source")
	for name, content := range map[string]string{"Dockerfile": "FROM scratch\n", ".dockerignore": "secret.txt\n", "secret.txt": "x"} {
		if err := os.MkdirAll(source, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(source, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs strings.Builder
	environment := []string{"BERTH_TOKEN=" + token, "BERTH_CA_FILE=" + server.caFile, "BERTH_SERVER=" + server.URL}
	err = run(t.Context(), append([]string{"deploy", source, "--name", "hello"}, flags...), environment, &out, &errs)
	return out.String(), errs.String(), err
}
