package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDoctor_ExitsWithOneWhereARowIsRed(t *testing.T) {
	t.Parallel()
	red := 0
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, `{"at":"2026-11-29T12:00:00Z","tried":2,"reached":1,"results":[
{"kind":"host","target":"a port of this machine","address":"10.201.9.1:22","reached":true},{"kind":"app","target":"shop/r1","address":"10.201.1.2:80","reached":false}]}`)
			return
		}
		answer := `{"at":"2026-11-29T12:00:00Z","red":0,"amber":1,"green":0,"rows":[{"name":"backup","title":"Backup","state":"amber","found":"There are no backups yet.","fix":"Make one."}]}`
		if red > 0 {
			answer = strings.Replace(strings.Replace(answer, `"red":0`, `"red":1`, 1), `"state":"amber"`, `"state":"red"`, 1)
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	environment := []string{"BERTH_TOKEN=berth_x", "BERTH_SERVER=" + server.URL}
	output := func(words ...string) (string, int) {
		asked = nil
		var out, notes strings.Builder
		err := run(t.Context(), append([]string{"doctor"}, words...), environment, &out, &notes)
		return out.String(), exitCode(err)
	}
	if _, code := output(); code != exitOK {
		t.Errorf("nothing is red, and the exit code is %d", code)
	}
	red = 1
	text, code := output()
	if code != 1 || !strings.Contains(text, "RED") || !strings.Contains(text, "fix: Make one.") || !strings.Contains(text, "1 red, 1 amber, 0 green") {
		t.Errorf("%d\n%s", code, text)
	}
	text, code = output("--probe")
	if code != 1 || !strings.Contains(text, "reached 1 of 2") || !strings.Contains(text, "10.201.9.1:22") || strings.Contains(text, "10.201.1.2") {
		t.Errorf("%d\n%s", code, text)
	}
	if want := []string{"POST /api/v1/checklist/probe", "GET /api/v1/checklist"}; !slices.Equal(asked, want) {
		t.Errorf("asked %v", asked)
	}
	text, code = output("--json", "--probe")
	var told checklistAnswer
	if err := json.Unmarshal([]byte(text), &told); err != nil || code != 1 || told.Red != 1 || told.Probe == nil || told.Probe.Reached != 1 {
		t.Errorf("%v, %d\n%s", err, code, text)
	}
	if _, code := output("now"); code != exitUsage {
		t.Errorf("a word that it does not take: %d", code)
	}
}

func TestOpenFiles_NamesWhatOthersCanReach(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"berth.db", "secret.key"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if open, err := openFiles(folder); err != nil || len(open) > 0 {
		t.Errorf("%v, %v", open, err)
	}
	for name, mode := range map[string]os.FileMode{".": 0o755, "secret.key": 0o644} {
		if err := os.Chmod(filepath.Join(folder, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "audit.log")); err != nil {
		t.Fatal(err)
	}
	open, err := openFiles(folder)
	if all := strings.Join(open, "; "); err != nil || len(open) != 3 || !strings.Contains(all, "secret.key (-rw-r--r--)") || !strings.Contains(all, "audit.log (not Berth's own)") {
		t.Errorf("%v, %v", open, err)
	}
}
