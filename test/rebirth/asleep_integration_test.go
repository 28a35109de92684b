//go:build integration

package rebirth

import (
	"fmt"
	"io"
	"maps"
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

// behindBroker starts a server whose way to the engine is the broker.
func behindBroker(t *testing.T) *server {
	t.Helper()
	place, err := stack.Reserve("berth-asleep")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, folder: t.TempDir()}
	socket := filepath.Join(s.folder, "engine.sock")
	if s.Process, err = stack.NewProcess(place, s.folder, socket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Remove)
	end, err := s.StartBroker("/var/run/docker.sock")
	s.must(err)
	t.Cleanup(end)
	t.Cleanup(s.Kill)
	s.must(s.Start())
	s.must(s.StartProxy())
	s.token, err = s.Token("admin")
	s.must(err)
	return s
}

// simple is an app of one service.
func (s *server) simple(version string) map[string][]byte {
	s.t.Helper()
	files, err := s.AppFiles("", version)
	s.must(err)
	return files
}

// wantVersion waits until the app answers with the version.
func (s *server) wantVersion(path, version string) {
	s.t.Helper()
	last := ""
	answered := patience.Eventually(time.Minute, func() bool {
		response, err := http.Get(s.Apps + path)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		last = response.Status + " " + string(body)
		return response.StatusCode == http.StatusOK && strings.Contains(last, version)
	})
	if !answered {
		s.t.Fatalf("%s does not answer with %s: %s\n%s", path, version, last, s.Log())
	}
}

// drill proves the newest backup.
func (s *server) drill() {
	s.t.Helper()
	var answer struct {
		Drills []struct {
			State, Reason string
			Volumes, Apps int
			Started       []struct{ App, State, Reason string }
		}
	}
	s.send("POST", "/backups/drill", "{}", nil)
	ended := patience.Eventually(2*time.Minute, func() bool {
		s.send("GET", "/backups", "", &answer)
		return len(answer.Drills) > 0
	})
	if !ended {
		s.t.Fatalf("the drill did not end\n%s", s.Log())
	}
	states := map[string]string{}
	for _, one := range answer.Drills[0].Started {
		states[one.App] = one.State
	}
	if want := map[string]string{"back": "started", "book": "started", "still": "stopped"}; !maps.Equal(states, want) {
		s.t.Errorf("the apps of the drill: %v", states)
	}
	if answer.Drills[0].State != "done" || answer.Drills[0].Volumes != 1 || answer.Drills[0].Apps != 3 {
		s.t.Fatalf("the drill: %+v\n%s", answer, s.Log())
	}
	left, err := stack.DockerOutput("volume", "ls", "--quiet", "--filter", "label=berth.stack="+s.Name)
	s.must(err)
	containers, err := stack.DockerOutput("ps", "--all", "--format", "{{.Names}}", "--filter", "label=berth.stack="+s.Name)
	s.must(err)
	networks, err := stack.DockerOutput("network", "ls", "--format", "{{.Name}}", "--filter", "label=berth.stack="+s.Name)
	s.must(err)
	if strings.Contains(left, "_drill_") || strings.Contains(containers, "drill-") || strings.Contains(networks, "1099511627776") {
		s.t.Errorf("the drill left %s, %s, %s", left, containers, networks)
	}
}

// backUpWithoutWarning makes a backup of which all commands went well.
func (s *server) backUpWithoutWarning() {
	s.t.Helper()
	s.backUp()
	var answer struct {
		Backups []struct{ Warnings []string }
	}
	if s.send("GET", "/backups", "", &answer); len(answer.Backups[0].Warnings) > 0 {
		s.t.Fatalf("the backup warns: %q\n%s", answer.Backups[0].Warnings, s.Log())
	}
}

func TestRebirth_WhatWasStoppedOrRolledBackComesBackWithADumpFromAProvenBackup(t *testing.T) {
	s := behindBroker(t)
	s.must(s.Deploy(t.Context(), s.token, "book", "/book", s.files()))
	s.must(s.Deploy(t.Context(), s.token, "still", "/still", s.simple("v1")))
	s.must(s.Deploy(t.Context(), s.token, "back", "/back", s.simple("v1")))
	for _, path := range []string{"/book/", "/still/", "/back/"} {
		s.wantVersion(path, "v1")
	}
	s.must(s.Deploy(t.Context(), s.token, "back", "", s.simple("v2")))
	s.wantVersion("/back/", "v2")
	s.send("POST", "/apps/back/rollback", `{"release": 1}`, nil)
	s.wantVersion("/back/", "v1")
	s.send("POST", "/apps/still/stop", "", nil)
	s.send("PUT", "/apps/book/backup-hook", `{"backup_service": "store", "backup_before": ["/app", "dump", "/data/dump.txt", "the rows"], "backup_after": ["/app", "remove", "/data/dump.txt"]}`, nil)

	identity, err := age.GenerateX25519Identity()
	s.must(err)
	place, key := filepath.Join(s.folder, "backups"), filepath.Join(s.folder, "key.txt")
	s.must(os.Mkdir(place, 0o700))
	s.must(os.WriteFile(key, []byte(identity.String()+"\n"), 0o600))
	s.send("PUT", "/backups/settings", fmt.Sprintf(`{"folder": %q, "recipients": %q, "keep": {"daily": 7}, "drill": true}`, place, identity.Recipient()), nil)
	s.backUpWithoutWarning()
	s.drill()

	s.takeAway()
	if out, err := s.Command("restore", "--from", place, "--key", key).CombinedOutput(); err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	s.must(s.Start())
	s.wantVersion("/book/", "v1")
	s.wantVersion("/back/", "v1")
	if got := s.askFor("/api/v1/volumes/book_entries/files/dump.txt"); string(got) != "the rows" {
		t.Errorf("the dump is %q", got)
	}
	response, err := http.Get(s.Apps + "/still/")
	s.must(err)
	_ = response.Body.Close()
	if response.StatusCode == http.StatusOK {
		t.Error("the stopped app runs")
	}
	s.send("POST", "/apps/still/start", "", nil)
	s.wantVersion("/still/", "v1")
}
