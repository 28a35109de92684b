package volumes_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"berth/controller/archive"
	"berth/controller/store"
	"berth/controller/uploads"
	"berth/controller/volume"
	"berth/controller/volume/volumetest"
	"berth/controller/volumes"
)

// house is the volumes of a stack without apps, in folders, over a real ledger.
type house struct {
	*volumes.Volumes
	t      *testing.T
	keeper *volumetest.Keeper
	folder string // of the uploads
}

// newHouse has the quota that a volume has by default; 0 is none.
func newHouse(t *testing.T, quota int64) *house {
	t.Helper()
	ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	h := &house{t: t, keeper: volumetest.New(t), folder: t.TempDir()}
	folder, err := os.OpenRoot(h.folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	h.Volumes, err = volumes.New(volumes.Options{
		Ledger: ledger, Keeper: h.keeper, Uploads: uploads.New(folder, archive.DefaultLimits()), Quota: quota, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// volume makes a volume.
func (h *house) volume(name volume.Name) {
	h.t.Helper()
	if err := h.Create(h.t.Context(), name, ""); err != nil {
		h.t.Fatal(err)
	}
}

// fill writes a file into a volume, as an app does.
func (h *house) fill(name volume.Name, file string, bytes int) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.keeper.Folder(name), file), make([]byte, bytes), 0o600); err != nil {
		h.t.Fatal(err)
	}
}
