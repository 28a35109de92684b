package diagnosis

import (
	"errors"
	"strings"
	"testing"

	"berth/controller/problem"
)

func TestOutput_OffersAVolumeFirstAndAWritableRootSecond(t *testing.T) {
	t.Parallel()
	fault := Output([]string{"open /data/app.db: read-only file system"}, errors.New("cause"))
	volumeAt, rootAt := strings.Index(fault.Hint, "volume at /data"), strings.Index(fault.Hint, "Writable root")
	if !strings.Contains(fault.Message, "/data/app.db") || volumeAt < 0 || rootAt < volumeAt || fault.Remedy != (problem.Remedy{Folder: "/data", WritableRoot: true}) {
		t.Errorf("got %+v", fault)
	}
}
