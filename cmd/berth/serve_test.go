package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/limit"
	"berth/controller/pinned"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/test/claim"
)

const startTimeout = 3 * time.Minute // bcrypt under the race detector takes its time

// instance is a whole Berth, run in this process, with no engine to talk to.
type instance struct {
	environment []string
	folder      string
	address     string
	output      *lockedBuffer
	stop        func() error
}

func startInstance(t *testing.T, environment ...string) *instance {
	t.Helper()
	address := claimAddress(t)
	folder := filepath.Join(t.TempDir(), "data")
	i := &instance{folder: folder, address: address, output: &lockedBuffer{}}
	i.environment = append([]string{
		"BERTH_DATA_FOLDER=" + folder, "BERTH_ADMIN_LISTEN=" + address,
		"DOCKER_HOST=unix://" + filepath.Join(t.TempDir(), "no.sock"),
	}, environment...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"serve"}, i.environment, i.output, i.output) }()
	i.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = i.stop() })
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		if i.run(t, "health") == nil {
			return i
		}
		if time.Now().After(end) {
			t.Fatalf("it does not come up: %s", i.output)
		}
	}
}

// run runs another command beside the server.
func (i *instance) run(t *testing.T, args ...string) error {
	t.Helper()
	return run(t.Context(), args, i.environment, i.output, i.output)
}

// One instance for the whole life: each start hashes a password.
func TestServe_FromTheFirstStartToTheStop(t *testing.T) {
	t.Parallel()
	berth := startInstance(t)
	t.Run("prints a one-time password", berth.printsAOneTimePassword)
	t.Run("keeps its files to itself", berth.keepsItsFilesToItself)
	t.Run("speaks no old TLS", berth.speaksNoOldTLS)
	t.Run("tells the fingerprint of the certificate that it shows", berth.tellsItsFingerprint)
	t.Run("accepts a token minted beside it", berth.acceptsATokenMintedBesideIt)
	t.Run("lists and revokes tokens beside it", berth.listsAndRevokesTokensBesideIt)
	t.Run("tells plain requests to use https", berth.tellsPlainRequestsToUseHTTPS)
	t.Run("gives a new password beside it", berth.givesANewPasswordBesideIt)
	t.Run("locks sign-ins until it is told otherwise beside it", berth.locksSignInsUntilItIsToldOtherwise)
	t.Run("keeps an audit log that the command line checks", berth.keepsAnAuditLog)
	t.Run("stops when asked to", berth.stopsWhenAskedTo)
	t.Run("finds a cut audit log", berth.findsACutAuditLog)
}

func (i *instance) printsAOneTimePassword(t *testing.T) {
	line := regexp.MustCompile(`(?m)^one-time password: [2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}$`)
	if output := i.output.String(); !line.MatchString(output) || !strings.Contains(output, "must be changed at the first login") {
		t.Errorf("output: %s", output)
	}
}

func (i *instance) keepsItsFilesToItself(t *testing.T) {
	for name, mode := range map[string]os.FileMode{
		".": 0o700 | os.ModeDir, "uploads": 0o700 | os.ModeDir, "tls": 0o700 | os.ModeDir,
		"berth.db": 0o600, "secret.key": 0o600, "audit.log": 0o600, "tls/admin.key": 0o600, "tls/admin.crt": 0o644,
	} {
		expectMode(t, filepath.Join(i.folder, name), mode)
	}
	if _, err := os.Stat(filepath.Join(i.folder, "proxy", "traefik.yml")); err != nil {
		t.Error(err)
	}
}

func (i *instance) speaksNoOldTLS(t *testing.T) {
	leaf, err := readLeaf(filepath.Join(i.folder, "tls", "admin.crt"))
	if err != nil {
		t.Fatal(err)
	}
	trust := trusting(leaf)
	trust.MinVersion, trust.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}
	if response, err := client.Get("https://" + i.address + "/healthz"); err == nil {
		_ = response.Body.Close()
		t.Error("an old version was accepted")
	}
}

func (i *instance) tellsItsFingerprint(t *testing.T) {
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"server", "fingerprint"}, i.environment, &stdout, i.output); err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", i.address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if shown := pinned.FingerprintOf(conn.ConnectionState().PeerCertificates[0]); stdout.String() != shown+"\n" {
		t.Errorf("it tells %q and shows %s", stdout.String(), shown)
	}
}

func (i *instance) acceptsATokenMintedBesideIt(t *testing.T) {
	var stdout bytes.Buffer
	args := []string{"token", "--ttl", "10m", "--scope", "deploy", "--name", "test"}
	if err := run(t.Context(), args, i.environment, &stdout, i.output); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^berth_[A-Za-z0-9_-]{43}\n$`).MatchString(stdout.String()) {
		t.Fatalf("stdout: %q", stdout.String())
	}
	for token, code := range map[string]int{"berth_unknown": exitUnauthorized, strings.TrimSpace(stdout.String()): exitNotFound} {
		api, err := newClient("https://"+i.address, secret.Text(token), filepath.Join(i.folder, "tls", "admin.crt"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := api.findApp(t.Context(), "hello"); exitCode(err) != code {
			t.Errorf("code %d, want %d: %v", exitCode(err), code, err)
		}
	}
}

func (i *instance) listsAndRevokesTokensBesideIt(t *testing.T) {
	say := func(args ...string) string {
		t.Helper()
		var stdout bytes.Buffer
		if err := run(t.Context(), args, i.environment, &stdout, i.output); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(stdout.String())
	}
	here := say("token", "--name", "here", "--from", "127.0.0.0/8,::1")
	there := say("token", "--name", "there", "--from", "192.0.2.1")
	ask := func(token string) int {
		t.Helper()
		api, err := newClient("https://"+i.address, secret.Text(token), filepath.Join(i.folder, "tls", "admin.crt"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = api.findApp(t.Context(), "hello")
		return exitCode(err)
	}
	if known, foreign := ask(here), ask(there); known != exitNotFound || foreign != exitUnauthorized {
		t.Errorf("from this address: %d and %d", known, foreign)
	}
	list := say("token", "list")
	row := regexp.MustCompile(`(?m)^(\d+) +here +deploy +active +\S+ \S+ +\S+ \S+ from 127\.0\.0\.1 +127\.0\.0\.0/8, ::1/128$`).FindStringSubmatch(list)
	if row == nil || strings.Contains(list, "berth_") {
		t.Fatalf("list: %s", list)
	}
	if said := say("token", "revoke", row[1]); said != "" {
		t.Errorf("revoke said %q", said)
	}
	if code := ask(here); code != exitUnauthorized {
		t.Errorf("after it was revoked: %d", code)
	}
	if list := say("token", "list"); !regexp.MustCompile(`here +deploy +revoked`).MatchString(list) {
		t.Errorf("list: %s", list)
	}
	if code := exitCode(i.run(t, "token", "revoke", "999")); code != exitNotFound {
		t.Errorf("one that is not there: %d", code)
	}
}

func (i *instance) tellsPlainRequestsToUseHTTPS(t *testing.T) {
	response, err := http.Get("http://" + i.address + "/login")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "use https://") {
		t.Errorf("%d %q, %v", response.StatusCode, body, err)
	}
}

func (i *instance) givesANewPasswordBesideIt(t *testing.T) {
	first := lastPassword(i.output.String())
	if err := i.run(t, "passwd"); err != nil {
		t.Fatal(err)
	}
	if second := lastPassword(i.output.String()); second == first || second == "" {
		t.Errorf("first %q, then %q", first, second)
	}
}

func (i *instance) locksSignInsUntilItIsToldOtherwise(t *testing.T) {
	ledger, err := store.Open(t.Context(), filepath.Join(i.folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	limits, err := limit.Open(t.Context(), limit.Options{Ledger: ledger.Limits(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	take := func() error {
		_, err := limits.TakeLogin(t.Context(), "admin", netip.MustParseAddr("203.0.113.9"))
		return err
	}
	for range 5 {
		if err := take(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(i.run(t, "limits"), i.run(t, "limits", "--clear")); err != nil {
		t.Fatal(err)
	}
	output := i.output.String()
	if !strings.Contains(output, `"address 203.0.113.9"`) || !strings.Contains(output, "Nobody is limited any more") {
		t.Errorf("output: %s", output)
	}
	if err := take(); err != nil {
		t.Errorf("after it was cleared: %v", err)
	}
}

// keepsAnAuditLog looks for what the tests before it did, through the server and beside it.
func (i *instance) keepsAnAuditLog(t *testing.T) {
	before := len(i.output.String())
	if err := i.run(t, "server", "audit", "verify"); err != nil {
		t.Fatalf("%v: %s", err, i.output)
	}
	if err := i.run(t, "server", "audit", "list"); err != nil {
		t.Fatal(err)
	}
	output := i.output.String()[before:]
	for _, want := range []string{
		"Integrity OK", `TOKEN_CREATE +ok +command line +token test +scope deploy`,
		`PASSWORD_RESET +ok +command line +account admin`, `ACCESS_DENIED +failed +127\.0\.0\.1 +GET /api/v1/apps/:name`,
	} {
		if !regexp.MustCompile(want).MatchString(output) {
			t.Errorf("%s is not in: %s", want, output)
		}
	}
	file, err := os.ReadFile(filepath.Join(i.folder, "audit.log"))
	if err != nil || strings.Contains(string(file), "berth_") || strings.Contains(string(file), lastPassword(i.output.String())) {
		t.Errorf("the file holds a secret, or %v", err)
	}
}

func (i *instance) findsACutAuditLog(t *testing.T) {
	name := filepath.Join(i.folder, "audit.log")
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.log")
	for path, text := range map[string][]byte{copied: file, name: file[:bytes.IndexByte(file, '\n')+1]} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.run(t, "server", "audit", "verify"); exitCode(err) != exitRefused || !strings.Contains(i.output.String(), "audit.log: entries 2 to") {
		t.Errorf("%v: %s", err, i.output)
	}
	if err := i.run(t, "server", "audit", "verify", "--file", copied); err != nil {
		t.Errorf("the copy is whole: %v", err)
	}
}

func (i *instance) stopsWhenAskedTo(t *testing.T) {
	start := time.Now()
	if err := i.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > drainTimeout+closeTimeout {
		t.Errorf("took %s", took)
	}
	if exitCode(i.run(t, "health")) != exitUnavailable {
		t.Error("it is still well")
	}
}

func TestServe_ConfiguredSecretsAreUsedAndNotPrinted(t *testing.T) {
	t.Parallel()
	berth := startInstance(t, "BERTH_ADMIN_PASSWORD=Configured-7", "SECRET_KEY=configured-secret-key")
	if output := berth.output.String(); strings.Contains(output, "one-time") || strings.Contains(output, "onfigured-") {
		t.Errorf("output: %s", output)
	}
	if _, err := os.Stat(filepath.Join(berth.folder, "secret.key")); err == nil {
		t.Error("made a key beside the configured one")
	}
	if exitCode(berth.run(t, "passwd")) != exitRefused {
		t.Error("reset a password that the next start would set again")
	}
}

func TestServe_TakenPortIsOneClearErrorAndChangesNothing(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	folder := filepath.Join(t.TempDir(), "data")
	environment := []string{"BERTH_DATA_FOLDER=" + folder, "BERTH_ADMIN_LISTEN=" + listener.Addr().String()}
	err = run(t.Context(), []string{"serve"}, environment, &lockedBuffer{}, &lockedBuffer{})
	var reported strings.Builder
	report(&reported, err)
	if exitCode(err) != exitUnavailable || !strings.Contains(reported.String(), "--admin.listen") {
		t.Errorf("code %d: %s", exitCode(err), reported.String())
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("made a data folder")
	}
}

func lastPassword(output string) string {
	found := regexp.MustCompile(`one-time password: (\S+)`).FindAllStringSubmatch(output, -1)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1][1]
}

// claimAddress returns an address of this machine that nothing else gets while the tests run.
func claimAddress(t *testing.T) string {
	t.Helper()
	ports, err := claim.Ports("127.0.0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", ports[0])
}

// lockedBuffer is an output that two commands may write to at once.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}
