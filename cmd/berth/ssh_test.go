package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"berth/controller/account"
	"berth/controller/sshpush"
	"berth/controller/store"
)

// TestServe_TakesAPushOverSSH: a whole Berth, Debian's git and ssh, and a commit that an archive would
// be refused for too, since there is no engine that would build a good one.
func TestServe_TakesAPushOverSSH(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"git", "ssh"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatal(program + " is not installed: apt-get install git openssh-client")
		}
	}
	door := claimAddress(t)
	_, port, _ := net.SplitHostPort(door)
	berth := startInstance(t, "BERTH_SSH_PORT="+port, "FORCE_HTTPS=true", "BERTH_ADMIN_PASSWORD=correct horse battery")
	line, private := keyPair(t)
	addKey(t, berth, line)
	host, err := sshpush.ReadHostKey(filepath.Join(berth.folder, "tls", "ssh.key"))
	if err != nil {
		t.Fatal(err)
	}
	known := writeFile(t, "known", "["+strings.TrimSuffix(door, ":"+port)+"]:"+port+" "+string(ssh.MarshalAuthorizedKey(host.PublicKey())))
	folder := t.TempDir()
	git := func(args ...string) (string, error) {
		command := exec.Command("git", append([]string{
			"-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c",
			"core.sshCommand=ssh -F /dev/null -i " + private + " -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=" + known,
		}, args...)...)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"commit", "-q", "--allow-empty", "-m", "nothing"}} {
		if out, err := git(args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	out, err := git("push", "ssh://git@"+door+"/shop.git", "main")
	if err == nil || !strings.Contains(out, "remote: berth: ") || !strings.Contains(out, "[remote rejected] main -> main (") {
		t.Errorf("%v\n%s\n%s", err, out, berth.output)
	}
	var log bytes.Buffer
	if err := run(t.Context(), []string{"server", "audit", "list"}, berth.environment, &log, &log); err != nil || !strings.Contains(log.String(), "APP_CREATE") {
		t.Errorf("%v: %s", err, log.String())
	}
	if err := berth.stop(); err != nil {
		t.Error(err)
	}
}

// addKey gives the operator a key.
func addKey(t *testing.T, berth *instance, line string) {
	t.Helper()
	ledger, err := store.Open(t.Context(), filepath.Join(berth.folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	operator, err := ledger.FindAccountByName(t.Context(), account.OperatorName)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := account.NewKeys(ledger, slog.New(slog.DiscardHandler)).Add(t.Context(), operator.ID, "laptop", line); err != nil {
		t.Fatal(err)
	}
}

func keyPair(t *testing.T) (line, file string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), file
}
