package releaselog

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"berth/test/smalldisk"
)

func TestReleaseLog_TellsOfTheLinesThatAFullDiskCost(t *testing.T) {
	t.Parallel()
	folder := smalldisk.Mount(t, 64<<10)
	logs, err := Open(filepath.Join(folder, "logs"), nil)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.AppendTo(id("app"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	log.Line("before")
	free := smalldisk.Fill(t, folder)
	long := strings.Repeat("x", 6000)
	log.Line(long)
	log.Line(long)
	free()
	log.Line("after")

	file, err := logs.Open(id("app"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, _ := io.ReadAll(file)
	if want := "before\nberth: 2 lines are missing here: the server's disk was full\nafter\n"; string(text) != want {
		t.Errorf("log is %.200q, want %q", text, want)
	}
}
