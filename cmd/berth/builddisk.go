package main

import (
	"fmt"
	"syscall"

	"berth/controller/docker"
)

// What stays free of builds: a part of the disk, and no more than this many bytes.
const (
	reservePart = 20 // a twentieth
	mostReserve = 2 << 30
)

// buildDisk is the disk of the data folder, which in the stack of make up is that of
// the engine: its volumes lie beside what it builds. Of an engine that keeps its data
// elsewhere it says nothing.
func buildDisk(config Config) docker.Disk {
	_, size, err := statDisk(config.DataFolder)
	if err != nil {
		return docker.Disk{}
	}
	return docker.Disk{
		Most: uint64(config.BuildDisk), Reserve: min(size/reservePart, mostReserve),
		Free: func() (uint64, error) {
			free, _, err := statDisk(config.DataFolder)
			return free, err
		},
	}
}

// statDisk returns what a folder's disk can still take of users that are not root, and its size in bytes.
func statDisk(folder string) (free, size uint64, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return 0, 0, fmt.Errorf("look at the disk of %s: %w", folder, err)
	}
	return disk.Bavail * uint64(disk.Bsize), disk.Blocks * uint64(disk.Bsize), nil
}
