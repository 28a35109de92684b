package main

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/store"
)

// aDataFolder is a data folder as a first start leaves it.
func aDataFolder(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "data")
	logger := slog.New(slog.DiscardHandler)
	if err := prepareDataFolder(folder, logger); err != nil {
		t.Fatal(err)
	}
	ledger, err := store.Open(t.Context(), filepath.Join(folder, "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, keyErr := secret.LoadKey(filepath.Join(folder, "secret.key"))
	_, certificateErr := openCertificate(Config{DataFolder: folder}, logger)
	err = errors.Join(ledger.Close(), keyErr, certificateErr,
		os.Mkdir(filepath.Join(folder, "uploads"), 0o700), os.Mkdir(filepath.Join(folder, "logs"), 0o700),
		os.WriteFile(filepath.Join(folder, "audit.log"), nil, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// promisedModes are written out, not taken from the code.
var promisedModes = map[string]fs.FileMode{
	".": 0o700 | fs.ModeDir, "berth.db": 0o600, "secret.key": 0o600, "audit.log": 0o600,
	"tls": 0o700 | fs.ModeDir, "tls/admin.key": 0o600, "tls/admin.crt": 0o644,
	"uploads": 0o700 | fs.ModeDir, "logs": 0o700 | fs.ModeDir,
}

func TestDataFolder_IsClosedWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077} {
		previous := syscall.Umask(umask)
		folder := aDataFolder(t)
		syscall.Umask(previous)
		for name, mode := range promisedModes {
			if umask == 0 && (name == "uploads" || name == "logs" || name == "audit.log") {
				continue // made by this test
			}
			expectMode(t, filepath.Join(folder, name), mode)
		}
	}
}

func TestDataFolder_WiderModesAreNarrowedAndReportedByName(t *testing.T) {
	t.Parallel()
	folder := aDataFolder(t)
	for name, mode := range promisedModes {
		if err := os.Chmod(filepath.Join(folder, name), mode.Perm()|0o066); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	if err := prepareDataFolder(folder, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	if _, err := openCertificate(Config{DataFolder: folder}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	for name, mode := range promisedModes {
		expectMode(t, filepath.Join(folder, name), mode)
		if name != "." && !strings.Contains(log.String(), "file="+name+" ") {
			t.Errorf("%s is not reported: %s", name, log.String())
		}
	}
	if !strings.Contains(log.String(), "folder="+folder) {
		t.Errorf("the folder is not reported: %s", log.String())
	}
}

func TestDataFolder_TLSKeyThatOthersCouldReadIsReplaced(t *testing.T) {
	t.Parallel()
	folder := aDataFolder(t)
	config := Config{DataFolder: folder}
	before := openTestCertificate(t, config)
	_, keyFile := config.certificateFiles()
	if err := os.Chmod(keyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := prepareDataFolder(folder, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if sameCertificate(before, openTestCertificate(t, config)) {
		t.Error("the exposed key is still in use")
	}
}

func TestDataFolder_RefusesALinkInThePlaceOfAFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"berth.db", "berth.db-wal", "secret.key", "audit.log", "tls", "tls/admin.key", "tls/admin.crt", "uploads", "logs"} {
		for _, target := range []string{"/etc/hostname", "nowhere", "../elsewhere"} {
			folder := aDataFolder(t)
			planted := filepath.Join(folder, name)
			if err := errors.Join(os.RemoveAll(planted), os.Symlink(target, planted)); err != nil {
				t.Fatal(err)
			}
			expectDistrust(t, folder, planted, "symbolic link")
		}
	}
}

func TestDataFolder_RefusesAnotherKindOfFile(t *testing.T) {
	t.Parallel()
	folder := aDataFolder(t)
	planted := filepath.Join(folder, "secret.key")
	if err := errors.Join(os.Remove(planted), syscall.Mkfifo(planted, 0o600)); err != nil {
		t.Fatal(err)
	}
	expectDistrust(t, folder, planted, "not a regular file")
}

func TestDataFolder_RefusesAFileOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	for _, name := range []string{".", "berth.db", "secret.key", "tls/admin.key", "uploads"} {
		folder := aDataFolder(t)
		planted := filepath.Join(folder, name)
		if err := os.Chown(planted, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		expectDistrust(t, folder, planted, "belongs to the user 65534")
	}
}

func expectDistrust(t *testing.T, folder, planted, reason string) {
	t.Helper()
	err := prepareDataFolder(folder, slog.New(slog.DiscardHandler))
	var said strings.Builder
	report(&said, err)
	if problem.KindOf(err) != problem.KindUnavailable || !strings.Contains(said.String(), planted) || !strings.Contains(said.String(), reason) {
		t.Errorf("%s: %v", planted, err)
	}
}
