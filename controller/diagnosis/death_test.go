package diagnosis

import (
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/docker"
)

func TestDeath_SaysWhatKilledTheAppAndNamesTheSetting(t *testing.T) {
	t.Parallel()
	settings := app.DefaultSettings()
	settings.MemoryBytes = 64 << 20
	for _, test := range []struct {
		name          string
		condition     docker.Condition
		lines         []string
		message, hint string
	}{
		{"out of memory", docker.Condition{OOMKilled: true, ExitCode: 137}, nil, "64 MB", "Memory"},
		{"node heap", docker.Condition{ExitCode: 134}, []string{"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"}, "memory", "Memory"},
		{"read-only", docker.Condition{ExitCode: 1}, []string{"open /data/app.db: read-only file system"}, "read-only", "Writable root"},
		{"read-only in Python", docker.Condition{ExitCode: 1}, []string{"OSError: [Errno 30] Read-only file system: 'log'"}, "read-only", "Writable root"},
		{"port taken", docker.Condition{ExitCode: 1}, []string{"Error: listen EADDRINUSE: address already in use :::8000"}, "bind", "Port"},
		{"port not allowed", docker.Condition{ExitCode: 1}, []string{"nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)"}, "bind", "Port"},
		{"threads", docker.Condition{ExitCode: 1}, []string{"RuntimeError: can't start new thread"}, "processes", "Processes"},
		{"switching users", docker.Condition{ExitCode: 1}, []string{`chown: changing ownership of '/var/lib/x': Operation not permitted`}, "user", "USER"},
		{"a database", docker.Condition{ExitCode: 1}, []string{"error: failed switching to \"postgres\": gosu: operation not permitted"}, "user", `security exception "root start"`},
		{"a new database", docker.Condition{ExitCode: 1}, []string{"initdb: error: could not look up effective user ID 65534: user does not exist"}, "user", `security exception "root start"`},
		{"clean exit", docker.Condition{}, []string{"done"}, "exit code 0", "foreground"},
		{"anything else", docker.Condition{ExitCode: 7}, []string{"boom"}, "exit code 7", "log"},
	} {
		problem := Death(&DiedError{Condition: test.condition}, settings, test.lines)
		if !strings.Contains(problem.Message, test.message) || !strings.Contains(problem.Hint, test.hint) {
			t.Errorf("%s: got %q / %q, want %q / %q", test.name, problem.Message, problem.Hint, test.message, test.hint)
		}
	}
}
