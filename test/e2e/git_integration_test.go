//go:build integration

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// working is a folder that git pushes from.
type working struct {
	*operator
	folder string
}

func (w working) git(arguments ...string) (string, error) {
	command := exec.Command("git", append([]string{"-c", "http.sslVerify=false"}, arguments...)...)
	command.Dir = w.folder
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := command.CombinedOutput()
	return string(out), err
}

// commit makes the files what the branch main holds; a * behind a name is no part of it and
// says that the file is a program.
func (w working) commit(files map[string][]byte) {
	w.t.Helper()
	for name, content := range files {
		path, program := strings.CutSuffix(name, "*")
		mode := os.FileMode(0o644)
		if program {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(w.folder, path), content, mode); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, arguments := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-q", "-m", "next"}} {
		if out, err := w.git(arguments...); err != nil {
			w.t.Fatalf("git %v: %v\n%s", arguments, err, out)
		}
	}
}

func (w working) push(name, refs string) (string, error) {
	return w.git("push", strings.Replace(berth.Admin, "//", "//git:"+w.token+"@", 1)+"/git/"+name+".git", refs)
}

func TestGit_PushesAreLiveAndAFailedBuildFailsThePush(t *testing.T) {
	w := working{newOperator(t), t.TempDir()}
	files, err := berth.AppFiles("", "v1")
	if err != nil {
		t.Fatal(err)
	}
	w.commit(files)
	out, err := w.push("pushed", "main")
	t.Cleanup(func() { w.remove("pushed") })
	if err != nil || !strings.Contains(out, "remote: berth: release 1 is live at http") || !strings.Contains(out, "remote: berth: release 1 of pushed") {
		t.Fatalf("%v\n%s", err, out)
	}
	answers(t, time.Second, "/pushed/", "testapp v1")

	w.commit(map[string][]byte{"version": []byte("v2")})
	if out, err := w.push("pushed", "main"); err != nil {
		t.Fatalf("the second, thin push: %v\n%s", err, out)
	}
	answers(t, time.Second, "/pushed/", "testapp v2")

	if out, err := w.push("pushed", "main:other"); err == nil || !strings.Contains(out, "this app deploys the branch main") {
		t.Errorf("another branch: %v\n%s", err, out)
	}
	w.commit(map[string][]byte{"Dockerfile": []byte("FROM scratch\nCOPY missing /\n")})
	if out, err := w.push("pushed", "main"); err == nil || !strings.Contains(out, "[remote rejected] main -> main (Release 3 failed:") {
		t.Errorf("a Dockerfile that fails: %v\n%s", err, out)
	}
	answers(t, time.Second, "/pushed/", "testapp v2")
}
