//go:build integration

// Package rebirth backs a real server up, takes everything away, and brings it back.
package rebirth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"berth/test/patience"
	"berth/test/stack"
)

const composeFile = `
services:
  web:
    build: .
    ports: ["8080:8000"]
    secrets: [token]
    depends_on: [store]
    labels: {berth.main_service: "true"}
  store:
    build: ./store
    volumes: ["entries:/data"]
volumes: {entries: }
secrets: {token: {file: ./token.txt}}
`

// server is a Berth that runs as a child of the test.
type server struct {
	*stack.Process
	t      *testing.T
	folder string
	token  string
}

func start(t *testing.T) *server {
	t.Helper()
	place, err := stack.Reserve("berth-rebirth")
	if err != nil {
		t.Fatal(err)
	}
	s := prepare(t, place, "/var/run/docker.sock")
	s.must(s.Start())
	s.must(s.StartProxy())
	s.token, err = s.Token("admin")
	s.must(err)
	return s
}

// prepare makes a server of the place, which does not run yet.
func prepare(t *testing.T, place stack.Place, engine string) *server {
	t.Helper()
	s := &server{t: t, folder: t.TempDir()}
	var err error
	if s.Process, err = stack.NewProcess(place, s.folder, engine); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Remove)
	t.Cleanup(s.Kill)
	return s
}

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.Log())
	}
}

func (s *server) send(method, path, body string, out any) {
	s.t.Helper()
	status, err := s.Send(s.t.Context(), s.token, method, "/api/v1"+path, body, out)
	if err == nil && status >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %d", method, path, status)
	}
	s.must(err)
}

// files is an app of two services, one of which has a volume.
func (s *server) files() map[string][]byte {
	s.t.Helper()
	files, err := s.AppFiles("", "v1")
	s.must(err)
	for name, content := range files {
		if !strings.HasPrefix(name, "store/") {
			files["store/"+name] = content
		}
	}
	files["compose.yaml"], files["token.txt"] = []byte(composeFile), []byte("of the app")
	return files
}

// wantAnswer waits until the app answers through the proxy.
func (s *server) wantAnswer(path string) {
	s.t.Helper()
	var last string
	answered := patience.Eventually(time.Minute, func() bool {
		response, err := http.Get(s.Apps + path)
		if err != nil {
			last = err.Error()
			return false
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		last = response.Status + " " + string(body)
		return response.StatusCode == http.StatusOK
	})
	if !answered {
		s.t.Fatalf("%s does not answer: %s\n%s", path, last, s.Log())
	}
}

const volumeFile = "/api/v1/volumes/book_entries/files/deep/rows.bin"

// askFor returns the content of a file of a volume.
func (s *server) askFor(path string) []byte {
	s.t.Helper()
	return s.exchange(http.MethodGet, path, nil)
}

// ask sends a request for the file of the test, whose body is no JSON, and returns the
// answer's.
func (s *server) ask(method string, body []byte) []byte {
	s.t.Helper()
	return s.exchange(method, volumeFile, body)
}

func (s *server) exchange(method, path string, body []byte) []byte {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.Admin+path, bytes.NewReader(body))
	s.must(err)
	request.Header.Set("Authorization", "Bearer "+s.token)
	client := s.AdminClient()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	s.must(err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s: %s %s", path, response.Status, content)
	}
	s.must(err)
	return content
}

// backUp makes a backup and returns how it went.
func (s *server) backUp() (set string, bytes, sent int64) {
	s.t.Helper()
	var answer struct {
		Backups []struct {
			Set, State, Reason string
			Bytes              int64
			Sent               int64 `json:"sent_bytes"`
		}
	}
	s.send("GET", "/backups", "", &answer)
	before := len(answer.Backups)
	s.send("POST", "/backups", "{}", nil)
	ended := patience.Eventually(time.Minute, func() bool {
		s.send("GET", "/backups", "", &answer)
		return len(answer.Backups) > before
	})
	if !ended || answer.Backups[0].State != "done" {
		s.t.Fatalf("the backup: %+v\n%s", answer, s.Log())
	}
	return answer.Backups[0].Set, answer.Backups[0].Bytes, answer.Backups[0].Sent
}

// takeAway removes the data and all that the engine has of the apps: containers, volumes, images.
func (s *server) takeAway() {
	s.t.Helper()
	s.Kill()
	own := []string{"--filter", "label=berth.stack=" + s.Name}
	for _, kind := range [][]string{{"ps", "--all", "--quiet"}, {"volume", "ls", "--quiet"}, {"images", "--quiet"}} {
		found, err := stack.DockerOutput(append(kind, own...)...)
		s.must(err)
		for _, id := range strings.Fields(found) {
			name, _ := stack.DockerOutput("inspect", "--format", "{{.Name}}", id)
			if strings.Contains(name, s.Proxy()) || strings.HasSuffix(name, "-transfer") {
				continue // of the stack itself
			}
			remove := map[string][]string{"ps": {"rm", "--force"}, "volume": {"volume", "rm"}, "images": {"rmi", "--force"}}[kind[0]]
			_, _ = stack.Docker(append(remove, id)...) // an image of two names is gone with the first
		}
	}
	s.must(os.RemoveAll(s.Data()))
}

func TestRebirth_AServerComesBackFromItsBackupAlone(t *testing.T) {
	s := start(t)
	s.must(s.Deploy(t.Context(), s.token, "book", "/book", s.files()))
	s.wantAnswer("/book/")
	rows := make([]byte, 6<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(rows)
	s.ask(http.MethodPut, rows)

	identity, err := age.GenerateX25519Identity()
	s.must(err)
	place, key := filepath.Join(s.folder, "backups"), filepath.Join(s.folder, "key.txt")
	s.must(os.Mkdir(place, 0o700))
	s.must(os.WriteFile(key, []byte(identity.String()+"\n"), 0o600))
	s.send("PUT", "/backups/settings", fmt.Sprintf(`{"folder": %q, "recipients": %q, "keep": {"daily": 7}}`, place, identity.Recipient()), nil)
	set, whole, sent := s.backUp()
	t.Logf("backed up %s: %d bytes, %d sent", set, whole, sent)
	if _, _, again := s.backUp(); again > whole/2 {
		t.Errorf("an unchanged server sent %d of %d bytes again", again, whole)
	}

	s.takeAway()
	out, err := s.Command("restore", "--from", place, "--key", key).CombinedOutput()
	if err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	s.must(s.Start())
	s.wantAnswer("/book/")
	was, is := sha256.Sum256(rows), sha256.Sum256(s.ask(http.MethodGet, nil))
	if was != is {
		t.Errorf("the volume holds %s, not %s", hex.EncodeToString(is[:]), hex.EncodeToString(was[:]))
	}
	s.backUp() // and it goes on with its backups
}
