package main

import (
	"path/filepath"
	"testing"

	"berth/controller/room"
)

func TestBuildDisk_IsThatOfTheDataFolderAndKeepsAReserve(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	disk := buildDisk(Config{DataFolder: folder, BuildDisk: 10 << 30})
	state, err := room.Of(folder).Look()
	if err != nil {
		t.Fatal(err)
	}
	if free, err := disk.Free(); err != nil || free == 0 || free > state.Size {
		t.Errorf("%d of %d bytes are free: %v", free, state.Size, err)
	}
	if disk.Most != 10<<30 || disk.Reserve == 0 || disk.Reserve != state.Floors.Refuse {
		t.Errorf("budget %d, reserve %d of %d", disk.Most, disk.Reserve, state.Size)
	}
	if disk := buildDisk(Config{DataFolder: filepath.Join(folder, "absent")}); disk.Free != nil {
		t.Error("a disk that cannot be seen is watched")
	}
}
