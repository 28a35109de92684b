//go:build linux && cgo

package main

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSettleRestore_StartsOnNoHalfOfAServer has the data folder as a restore leaves it.
func TestSettleRestore_StartsOnNoHalfOfAServer(t *testing.T) {
	t.Parallel()
	const ofServer, ofVolumes = `{"set": "2026-11-30T08-27-34Z-64b6bb34", "server": true}`, `{"set": "2026-11-30T08-27-34Z-64b6bb34"}`
	for name, test := range map[string]struct {
		journal        string
		ledger, locked bool
		refuses        string
		cleared        bool
	}{
		"no restore":                          {},
		"cut off":                             {journal: ofServer, refuses: "was cut off"},
		"under way":                           {journal: ofServer, locked: true, refuses: "is under way"},
		"under way, nothing made yet":         {locked: true, refuses: "is under way"},
		"killed after its end":                {journal: ofServer, ledger: true, cleared: true},
		"of volumes, cut off":                 {journal: ofVolumes, ledger: true, cleared: true},
		"of volumes, under way":               {journal: ofVolumes, ledger: true, locked: true},
		"of volumes, beside no server so far": {journal: ofVolumes, locked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := Config{
				DataFolder: t.TempDir(), DockerHost: "unix:///nowhere.sock", Stack: "berth",
				SubnetPool: netip.MustParsePrefix("10.201.0.0/16"), EdgeSubnet: netip.MustParsePrefix("10.202.0.0/24"),
			}
			folder := filepath.Join(config.DataFolder, ".restore")
			if test.locked || test.journal != "" {
				putRestore(t, folder, test.journal, test.locked)
			}
			if test.ledger {
				if err := os.WriteFile(config.ledgerFile(), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := settleRestore(t.Context(), config, slog.New(slog.DiscardHandler))
			if (err != nil) != (test.refuses != "") || err != nil && !strings.Contains(err.Error(), test.refuses) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(folder); test.journal != "" && os.IsNotExist(err) != test.cleared {
				t.Errorf("the folder of the restore: %v", err)
			}
		})
	}
}

// putRestore makes the folder of a restore, whose lock this process holds or nobody.
func putRestore(t *testing.T, folder, journal string, locked bool) {
	t.Helper()
	err := os.MkdirAll(folder, 0o700)
	if err == nil && journal != "" {
		err = os.WriteFile(filepath.Join(folder, "made.json"), []byte(journal), 0o600)
	}
	lock, openErr := os.Create(filepath.Join(folder, "lock"))
	if err = errors.Join(err, openErr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	if !locked {
		return
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}
