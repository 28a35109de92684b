package volumes

import (
	"testing"
	"time"

	"berth/controller/docker"
	"berth/controller/volume"
)

func TestVolumeWatch_CountsSeldomWhereNothingCanHaveGrown(t *testing.T) {
	t.Parallel()
	free, noon := uint64(100<<30), time.Now()
	disk := docker.Disk{Reserve: 4 << 30, Free: func() (uint64, error) { return free, nil }}
	count := func(w *watch) {
		w.note("data", volume.Usage{Stored: 1 << 30}, noon.Add(-time.Minute))
		w.note("data", volume.Usage{Stored: 2 << 30}, noon)
	}
	for _, test := range []struct {
		name  string
		quota int64
		disk  docker.Disk
		lost  uint64 // bytes of the disk since the last count
		after time.Duration
		want  bool
	}{
		{"just counted, full disk", 10 << 30, disk, 98 << 30, 5 * time.Second, false},
		{"full disk", 10 << 30, disk, 98 << 30, 10 * time.Second, true},
		{"the disk is as it was", 10 << 30, disk, 0, 5 * time.Minute, false},
		{"the disk is as it was for long", 10 << 30, disk, 0, 10 * time.Minute, true},
		{"the disk lost half of what the volume may still take", 10 << 30, disk, 5 << 30, 10 * time.Second, true},
		{"it grew by as much as it may still take", 3 << 30, disk, 0, 10 * time.Second, true},
		{"over its quota", 2<<30 - 1, disk, 0, 10 * time.Second, true},
		{"no disk to be seen", 10 << 30, docker.Disk{}, 0, 59 * time.Second, false},
		{"no disk to be seen for a minute", 10 << 30, docker.Disk{}, 0, time.Minute, true},
	} {
		free = 100 << 30
		w := newWatch(test.quota, test.disk)
		if !w.due("data", noon) {
			t.Errorf("%s: a volume that was never counted is not due", test.name)
		}
		count(w)
		free -= test.lost
		if got := w.due("data", noon.Add(test.after)); got != test.want {
			t.Errorf("%s: due is %t", test.name, got)
		}
	}
}
