package restore

import (
	"os"
	"syscall"

	"berth/controller/backup/set"
	"berth/controller/backup/target"
	"berth/controller/room"
)

// withoutName opens a new file in a folder, which the folder does not list: O_TMPFILE.
const withoutName = 0x400000 | syscall.O_DIRECTORY

// keepNear makes the reader keep what it gets from a store, so that the second reading does
// not need it. The file has no name: it is gone with the process, whatever ends that. A
// folder is near enough, and a disk without room for all of it twice keeps nothing.
func (o Options) keepNear(reader *set.Reader, parts []set.Part) (end func()) {
	end = func() {}
	if _, near := o.From.(*target.Folder); near {
		return end
	}
	var bytes uint64
	for _, part := range parts {
		bytes += uint64(part.Bytes)
	}
	disk, err := room.Of(o.DataFolder).Look()
	if err != nil || disk.Free < 2*bytes+disk.Floors.Warn {
		return end
	}
	file, err := os.OpenFile(o.DataFolder, os.O_RDWR|withoutName, fileMode)
	if err != nil {
		return end
	}
	reader.Keep(file)
	return func() { _ = file.Close() }
}
