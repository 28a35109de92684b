//go:build linux && cgo

package main

import (
	"berth/controller/docker"
	"berth/controller/room"
)

// buildDisk is the disk of the data folder, which in the stack of make up is that of
// the engine: its volumes lie beside what it builds. Of an engine that keeps its data
// elsewhere it says nothing.
func buildDisk(config Config) docker.Disk {
	disk := room.Of(config.DataFolder)
	state, err := disk.Look()
	if err != nil {
		return docker.Disk{}
	}
	return docker.Disk{
		Most: uint64(config.BuildDisk), Reserve: state.Floors.Refuse,
		Free: func() (uint64, error) {
			state, err := disk.Look()
			return state.Free, err
		},
	}
}
