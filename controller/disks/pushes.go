package disks

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"berth/controller/app"
)

// lookPushes counts what pushes of git have left, one repository for each app.
func (d *Disks) lookPushes(_ context.Context, item *Item) error {
	root, err := os.OpenRoot(filepath.Join(d.DataFolder, pushesFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	folders, err := fs.ReadDir(root.FS(), ".")
	for _, folder := range folders {
		files, err := fs.ReadDir(root.FS(), folder.Name())
		if err != nil {
			continue // it is forgotten at this moment, or is no folder
		}
		var bytes int64
		for _, file := range files {
			if info, err := file.Info(); err == nil {
				bytes += info.Size()
			}
		}
		item.add(app.Name(folder.Name()), bytes, false)
	}
	item.sort()
	return err
}
