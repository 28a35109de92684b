// Package room says how much of the server's disk is left, what is refused when it is little, and keeps some of it for the ledger.
package room

import (
	"fmt"
	"syscall"

	"berth/controller/printable"
	"berth/controller/problem"
)

// The floors are parts of the disk, and no more than these bytes.
const (
	warnPart   = 10 // a tenth
	mostWarn   = 4 << 30
	refusePart = 20 // a twentieth
	mostRefuse = 2 << 30
)

// Floors are the bytes that are to stay free on a disk.
type Floors struct {
	Warn   uint64 // below it people are warned
	Refuse uint64 // below it nothing new is built, uploaded or backed up
}

// FloorsOf returns the floors of a disk of so many bytes.
func FloorsOf(size uint64) Floors {
	return Floors{Warn: min(size/warnPart, mostWarn), Refuse: min(size/refusePart, mostRefuse)}
}

// Level says how much room there is.
type Level string

// The levels.
const (
	Enough Level = "enough"
	Low    Level = "low"  // below the first floor: people are warned
	Full   Level = "full" // below the second: new builds, uploads and backups are refused
)

// State is a disk at one moment.
type State struct {
	Free, Size uint64 // bytes; what root alone may use is not free
	Floors     Floors
	Level      Level
}

// Disk is the disk of one folder. The zero value is a disk of which nothing is known:
// it refuses nothing.
type Disk struct {
	folder string
	look   func(folder string) (free, size uint64, err error) // nil: the kernel
}

// Of returns the disk of a folder.
func Of(folder string) Disk { return Disk{folder: folder} }

// Look returns how much room there is now.
func (d Disk) Look() (State, error) {
	look := d.look
	if look == nil {
		look = stat
	}
	free, size, err := look(d.folder)
	if err != nil {
		return State{}, err
	}
	state := State{Free: free, Size: size, Floors: FloorsOf(size), Level: Enough}
	switch {
	case free < state.Floors.Refuse:
		state.Level = Full
	case free < state.Floors.Warn:
		state.Level = Low
	}
	return state, nil
}

// Refuse returns a Problem of problem.KindFull while the disk is below its second floor;
// it is for all that writes something new. A disk that cannot be looked at refuses nothing.
func (d Disk) Refuse() error {
	if d.folder == "" {
		return nil
	}
	state, err := d.Look()
	if err != nil || state.Level != Full {
		return nil //nolint:nilerr // what cannot be seen is left to the write itself
	}
	return problem.Full(
		fmt.Sprintf("The server's disk is nearly full: %s of %s are free, and Berth takes nothing new below %s.",
			printable.Size(int64(state.Free)), printable.Size(int64(state.Size)), printable.Size(int64(state.Floors.Refuse))),
		"Running apps are not affected. Free space: see Settings, Disks, or run berth disks clean on the server. Then try again.",
	)
}

// stat returns what a folder's disk can still take of users that are not root, and its size in bytes.
func stat(folder string) (free, size uint64, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return 0, 0, fmt.Errorf("look at the disk of %s: %w", folder, err)
	}
	return disk.Bavail * uint64(disk.Bsize), disk.Blocks * uint64(disk.Bsize), nil
}
