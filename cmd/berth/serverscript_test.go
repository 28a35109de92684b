package main

import (
	"bytes"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"berth/test/patience"
)

// TestCommandLine_DrivesAServerAsTheTranscriptsSay: these transcripts speak to a whole Berth,
// whose ledger remembers what they did.
func TestCommandLine_DrivesAServerAsTheTranscriptsSay(t *testing.T) {
	_, port, _ := net.SplitHostPort(claimAddress(t))
	// The transcript of alerts asks more than a person does in a minute.
	berth := startInstance(t, "BERTH_SSH_PORT="+port, "BERTH_RATELIMIT_NOTIFICATIONS=1000/1m")
	expectMode(t, filepath.Join(berth.folder, "tls", "ssh.key"), 0o600)
	var token bytes.Buffer
	if err := run(t.Context(), []string{"token", "--scope", "admin", "--name", "script"}, berth.environment, &token, berth.output); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script/server",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("XDG_CONFIG_HOME", "")
			env.Setenv("BERTH_SERVER", "https://"+berth.address)
			env.Setenv("BERTH_TOKEN", strings.TrimSpace(token.String()))
			env.Setenv("BERTH_CA_FILE", filepath.Join(berth.folder, "tls", "admin.crt"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": await},
	})
}

// await runs a command until its output matches: await PATTERN COMMAND...
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await PATTERN COMMAND...")
	}
	pattern := regexp.MustCompile(args[0])
	if !patience.Eventually(30*time.Second, func() bool {
		if ts.Exec(args[1], args[2:]...) == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return true
		}
		time.Sleep(time.Second) // the server limits how often it is asked
		return false
	}) {
		ts.Fatalf("%s never matched %q: %s", strings.Join(args[1:], " "), args[0], ts.ReadFile("stdout"))
	}
}
