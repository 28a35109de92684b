package restore_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/backup"
	"berth/controller/backup/restore"
	"berth/controller/problem"
	"berth/controller/volume/volumetest"
	"berth/test/smalldisk"
)

// TestServer_OnADiskThatIsTooSmallLeavesNothing restores onto ever larger disks, so that
// each of its steps is the one that finds no room.
func TestServer_OnADiskThatIsTooSmallLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.wantDone()
	full, restored := 0, false
	for size := 16 << 10; size < 32<<20 && !restored; size = size*3/2 + 4096 {
		c := s.cutOffRestore("")
		disk := smalldisk.Mount(t, size)
		c.Data, c.ACME, c.Volumes = filepath.Join(disk, "data"), filepath.Join(disk, "acme"), filepath.Join(disk, "volumes")
		for _, folder := range []string{c.ACME, c.Volumes} {
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		err := c.do(t, c.options(t))
		if restored = err == nil; restored {
			break
		}
		full++
		if problem.KindOf(err) != problem.KindFull || !strings.Contains(err.Error(), "so nothing was restored") {
			t.Errorf("a disk of %d bytes: %v", size, err)
		}
		if left := c.files(t); len(left) != 0 {
			t.Errorf("a disk of %d bytes: left %v", size, left)
		}
	}
	if !restored || full < 5 {
		t.Errorf("restored %t, after %d disks that were too small", restored, full)
	}
}

// TestBackup_OntoAFullDiskFailsInWordsAndGoesOnOnceThereIsRoom fills the disk of the backups.
func TestBackup_OntoAFullDiskFailsInWordsAndGoesOnOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	smalldisk.MountOn(t, s.place, 64<<20)
	s.wantDone()
	free := smalldisk.Fill(t, s.place)
	s.fill("shop-data", "more", "more rows")
	if run := s.backUp(); run.State != backup.Failed || !strings.Contains(run.Reason, "isk") {
		t.Errorf("onto a full disk: %+v", run)
	}
	free()
	s.wantDone()
	keeper := volumetest.New(t)
	if _, err := restore.Server(t.Context(), s.machine(keeper)); err != nil {
		t.Fatal(err)
	}
	if was, is := sums(t, s.keeper.Folder("shop-data")), sums(t, keeper.Folder("shop-data")); !maps.Equal(was, is) {
		t.Errorf("the volume was %v, and is %v", was, is)
	}
}
