package scripts

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What the controller says of routes on the admin app's host at its last start is
// printed at the end of make up, and what it said before is not.
func TestUp_WarnsOfAppsWhoseHostIsTheAdminAppsNow(t *testing.T) {
	const said = "a route does not answer: its host is the admin app's"
	source, err := os.ReadFile(filepath.Join(root, "cmd", "berth", "adminhost.go"))
	if err != nil || !strings.Contains(string(source), `"`+said+`", "app"`) {
		t.Fatalf("the controller says something else: %v", err)
	}
	m := newMachine(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Warn(said, "app", "old", "route", "a.example.com", "next", "x")
	logger.Info("berth runs", "admin", "https://a.example.com")
	logger.Warn(said, "app", "shop", "route", "own.example.com/x", "next", "give the app another host")
	logger.Info("berth runs", "admin", "https://own.example.com")
	m.program("docker", "cat "+m.write("log/berth", log.String()))
	script := `eval "$(sed -n '/^reserved_routes()/,/^}/p' "$0")"; BERTH_STACK=x reserved_routes`
	command := exec.Command("bash", "-euo", "pipefail", "-c", script, m.path("scripts/up"))
	command.Env = append(os.Environ(), "PATH="+m.path(".cache/bin")+":"+os.Getenv("PATH"))
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "the app shop does not answer on own.example.com/x") ||
		!strings.Contains(string(output), "BERTH_ADMIN_HOST") || strings.Contains(string(output), "old") {
		t.Errorf("%v: %s", err, output)
	}
}
