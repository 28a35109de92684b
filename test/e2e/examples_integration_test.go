//go:build integration

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestExamples_DeployFromTheShell ships every example with berth deploy, as its
// README says; scripts/base-images has seen to the images that they stand on.
func TestExamples_DeployFromTheShell(t *testing.T) {
	o := newOperator(t)
	for _, example := range []struct{ name, says, secret string }{
		{"hello", "Hello from Berth", ""},
		{"python-flask", "subnet", ""},
		{"node-express", "request", ""},
		{"static-nginx", "status", ""},
		{"static-site", "high tides", ""},
		{"compose-guestbook", "guestbook", "GUESTBOOK_TOKEN"},
	} {
		t.Run(example.name, func(t *testing.T) {
			route, name := "/example/"+example.name, "example-"+example.name
			var secret []string
			if example.secret != "" {
				t.Cleanup(func() { removeVolumes(t, name) }) // after the app, which is removed first
				t.Setenv(example.secret, "a-token-of-the-test")
				secret = []string{"--secret", example.secret}
			}
			t.Cleanup(func() { o.remove(name) })
			out, log, err := deployFolder(t, o.token, filepath.Join("examples", example.name), name, route, secret...)
			if err != nil {
				t.Fatalf("berth deploy: %v\n%s", err, log)
			}
			if address := strings.TrimSpace(out); !strings.HasSuffix(strings.TrimSuffix(address, "/"), route) {
				t.Errorf("berth deploy printed %q, want the address of the app", out)
			}
			_, body := visit(t, route+"/")
			if !strings.Contains(strings.ToLower(body), strings.ToLower(example.says)) {
				t.Errorf("%s says %.300q, want %q in it", route, body, example.says)
			}
			if strings.Contains(body, "not hardened") {
				t.Errorf("%s sees a hole in its hardening: %.2000s", route, body)
			}
		})
	}
}

// TestExamples_SecondDeployIsAnUpdate also shows that a failed one is told by the exit code.
func TestExamples_SecondDeployIsAnUpdate(t *testing.T) {
	o := newOperator(t)
	folder := t.TempDir()
	t.Cleanup(func() { o.remove("shell") })
	for _, version := range []struct {
		mode, version string
		fails         bool
	}{{"", "v1", false}, {"crash", "v2", true}, {"", "v3", false}} {
		files, err := berth.AppFiles(version.mode, version.version)
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(folder, strings.TrimSuffix(name, "*")), content, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		_, log, err := deployFolder(t, o.token, folder, "shell", "/shell")
		if (err != nil) != version.fails {
			t.Errorf("deploy of %s: %v\n%s", version.version, err, log)
		}
		if version.fails && !strings.Contains(log, "exit code 1") {
			t.Errorf("the failed deploy does not say why:\n%s", log)
		}
	}
	answers(t, time.Second, "/shell", "testapp v3")
}

// deployFolder runs the command as a person would in a shell.
func deployFolder(t *testing.T, token, folder, name, route string, more ...string) (stdout, stderr string, err error) {
	t.Helper()
	private := t.TempDir()
	tokenFile, certificate := filepath.Join(private, "token"), filepath.Join(private, "admin.crt")
	if err := os.WriteFile(tokenFile, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	docker(t, "cp", berth.Controller()+":/data/tls/admin.crt", certificate)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(berth.Repository(), ".cache", "bin", "berth"), append([]string{
		"deploy", folder,
		"--name", name, "--route", route, "--server", berth.Admin, "--token-file", tokenFile, "--ca-file", certificate,
	}, more...)...)
	command.Dir = berth.Repository()
	var out, log bytes.Buffer
	command.Stdout, command.Stderr = &out, &log
	err = command.Run()
	return out.String(), log.String(), err
}
