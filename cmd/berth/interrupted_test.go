package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func TestServe_RemovesWhatAProcessThatWasKilledWasWriting(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	config := Config{DataFolder: filepath.Join(root, "data"), ProxyFolder: filepath.Join(root, "proxy"), ACMEFolder: filepath.Join(root, "acme")}
	left := []string{"data/.secret-1", "data/tls/.tls-1", "proxy/.berth-1.tmp", "acme/.berth-1.tmp"}
	kept := []string{"data/secret.key", "data/tls/admin.crt", "proxy/traefik.yml", "proxy/dynamic/berth.yml", "acme/acme.json"}
	for _, name := range append(left, kept...) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweepInterrupted(config, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		if _, err := os.Lstat(filepath.Join(root, name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
	for _, name := range kept {
		if _, err := os.Lstat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
	if err := sweepInterrupted(Config{DataFolder: filepath.Join(root, "none")}, slog.New(slog.DiscardHandler)); err != nil {
		t.Errorf("before the first run: %v", err)
	}
}
