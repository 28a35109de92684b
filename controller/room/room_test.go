package room

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"berth/controller/problem"
	"berth/test/smalldisk"
)

func disk(free, size uint64) Disk {
	return Disk{folder: "x", look: func(string) (uint64, uint64, error) { return free, size, nil }}
}

func TestDisk_HasTwoFloors(t *testing.T) {
	for _, one := range []struct {
		free, size uint64
		level      Level
	}{
		{100 << 30, 1 << 40, Enough},
		{3 << 30, 1 << 40, Low},
		{1 << 30, 1 << 40, Full},
		{11 << 20, 100 << 20, Enough},
		{9 << 20, 100 << 20, Low},
		{4 << 20, 100 << 20, Full},
	} {
		state, err := disk(one.free, one.size).Look()
		if err != nil || state.Level != one.level {
			t.Errorf("%d of %d are free: %s, %v; want %s", one.free, one.size, state.Level, err, one.level)
		}
	}
}

func TestDisk_RefusesBelowTheSecondFloorAloneAndSaysWhy(t *testing.T) {
	if err := disk(9<<20, 100<<20).Refuse(); err != nil {
		t.Errorf("between the floors: %v", err)
	}
	err := disk(4<<20, 100<<20).Refuse()
	fault, ok := errors.AsType[*problem.Problem](err)
	if !ok || fault.Kind != problem.KindFull || !strings.Contains(fault.Message, "4 MB of 100 MB") || fault.Hint == "" {
		t.Errorf("below the second floor: %v", err)
	}
	unseen := Disk{folder: "x", look: func(string) (uint64, uint64, error) { return 0, 0, syscall.EIO }}
	if err := unseen.Refuse(); err != nil {
		t.Errorf("a disk that cannot be seen: %v", err)
	}
	if err := (Disk{}).Refuse(); err != nil {
		t.Errorf("no disk: %v", err)
	}
}

func TestReserve_IsGivenUpInPartsAndMadeAgainWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	folder := smalldisk.Mount(t, 30<<20)
	reserve, small := ReserveIn(folder), Of(folder)
	if reserve.Give() {
		t.Error("what was never made was given up")
	}
	if err := reserve.Keep(small); err != nil {
		t.Fatal(err)
	}
	if got := reserve.Bytes(); got != 3<<20 {
		t.Fatalf("the reserve has %d bytes", got)
	}
	free := smalldisk.Fill(t, folder)
	if err := os.WriteFile(filepath.Join(folder, "x"), make([]byte, 1<<19), 0o600); !problem.IsDiskFull(err) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if !reserve.Give() || reserve.Bytes() != 2<<20 {
		t.Errorf("%d bytes are left of the reserve", reserve.Bytes())
	}
	if err := os.WriteFile(filepath.Join(folder, "x"), make([]byte, 1<<19), 0o600); err != nil {
		t.Errorf("with a part given up: %v", err)
	}
	if err := reserve.Keep(small); err != nil || reserve.Bytes() != 2<<20 {
		t.Errorf("on a full disk it grew to %d: %v", reserve.Bytes(), err)
	}
	free()
	if err := reserve.Keep(small); err != nil || reserve.Bytes() != 3<<20 {
		t.Errorf("with room again it has %d bytes: %v", reserve.Bytes(), err)
	}
	for reserve.Give() {
	}
	if reserve.Bytes() != 0 {
		t.Errorf("%d bytes are left", reserve.Bytes())
	}
}

func TestReserve_FollowsNoLink(t *testing.T) {
	folder, other := t.TempDir(), filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(other, make([]byte, 1<<21), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(folder, ReserveName)); err != nil {
		t.Fatal(err)
	}
	if ReserveIn(folder).Give() {
		t.Error("a link was followed")
	}
	if info, err := os.Stat(other); err != nil || info.Size() != 1<<21 {
		t.Errorf("the other file was cut: %v", err)
	}
}
