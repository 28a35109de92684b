package main

import (
	"path/filepath"
	"testing"
)

func TestBuildDisk_IsThatOfTheDataFolderAndKeepsAReserve(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	disk := buildDisk(Config{DataFolder: folder, BuildDisk: 10 << 30})
	_, size, err := statDisk(folder)
	if err != nil {
		t.Fatal(err)
	}
	if free, err := disk.Free(); err != nil || free == 0 || free > size {
		t.Errorf("%d of %d bytes are free: %v", free, size, err)
	}
	if disk.Most != 10<<30 || disk.Reserve == 0 || disk.Reserve > mostReserve || disk.Reserve > size/reservePart {
		t.Errorf("budget %d, reserve %d of %d", disk.Most, disk.Reserve, size)
	}
	if disk := buildDisk(Config{DataFolder: filepath.Join(folder, "absent")}); disk.Free != nil {
		t.Error("a disk that cannot be seen is watched")
	}
}
