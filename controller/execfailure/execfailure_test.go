package execfailure

import (
	"strings"
	"testing"
)

func TestExplain_SaysWhichProgramCannotRunAndHowToFixIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line, script string
		message, hint      string
	}{
		{"CRLF, with init", "[FATAL tini (7)] exec /entrypoint.sh failed: No such file or directory", "#!/bin/sh\r\nexec x\r\n", "/entrypoint.sh has the line ends of Windows (CRLF)", `sed -i 's/\r$//' /entrypoint.sh`},
		{"CRLF, without init", "exec /entrypoint.sh: no such file or directory", "#!/bin/sh\r\nexec x\r\n", "CRLF", "LF"},
		{"interpreter", "exec /run.sh: no such file or directory", "#!/opt/none/python3\nx", `"/opt/none/python3", which is not in the image`, "Install it"},
		{"program", "exec /srv/app: no such file or directory", "", "/srv/app is not in the image", "last stage"},
		{"exec bit", "[FATAL tini (7)] exec /run.sh failed: Permission denied", "#!/bin/sh\n", "/run.sh may not be executed", "chmod 755 /run.sh"},
		{"no interpreter line", "exec /run.sh: exec format error", "echo hi\n", "no first line", "#!/bin/sh"},
	} {
		found := findExecFailure([]string{"before", test.line})
		if found == nil {
			t.Errorf("%s: not found", test.name)
			continue
		}
		problem := found.problem([]byte(test.script))
		if !strings.Contains(problem.Message, test.message) || !strings.Contains(problem.Hint, test.hint) {
			t.Errorf("%s: got %q / %q", test.name, problem.Message, problem.Hint)
		}
	}
	if found := Explain(1, []string{"exec /app: exec format error"}, nil, ""); found == nil || !strings.Contains(found.Message, "processor") {
		t.Errorf("a program of another processor: got %+v", found)
	}
	if findExecFailure([]string{"I will exec /app now"}) != nil {
		t.Error("found where there is none")
	}
}

func TestExplain_ExplainsExitCodes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line    string
		code          int
		message, hint string
	}{
		{"CRLF for env", `/usr/bin/env: 'python3\r': No such file or directory`, 127, "CRLF", "dos2unix"},
		{"CRLF in bash", `/run.sh: line 2: $'\r': command not found`, 127, "CRLF", "dos2unix"},
		{"CRLF in sh", ": not found", 127, "CRLF", "dos2unix"},
		{"interpreter for env", "/usr/bin/env: 'pythonX': No such file or directory", 127, `"pythonX", which is not in the image`, "Install it"},
		{"interpreter for busybox", "env: can't execute 'bash': No such file or directory", 127, `"bash"`, "Install it"},
		{"command in sh", "/bin/sh: 1: gunicorn: not found", 127, `"gunicorn"`, "Install it"},
		{"command in bash", "/run.sh: line 3: uvicorn: command not found", 127, `"uvicorn"`, "Install it"},
		{"nothing said", "starting", 127, "exit code 127", "last lines"},
		{"locked", "sh: 1: ./run: Permission denied", 126, "exit code 126", "chmod 755"},
	} {
		problem := explainShell(test.code, []string{test.line})
		if problem == nil || !strings.Contains(problem.Message, test.message) || !strings.Contains(problem.Hint, test.hint) {
			t.Errorf("%s: got %+v", test.name, problem)
		}
	}
	if explainShell(1, []string{"sh: 1: x: not found"}) != nil {
		t.Error("another exit code says something else")
	}
}
