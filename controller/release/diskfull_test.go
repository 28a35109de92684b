package release

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
	logs, err := openLogs(filepath.Join(folder, "logs"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.appendTo(id("app"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer log.close()
	log.line("before")
	free := smalldisk.Fill(t, folder)
	long := strings.Repeat("x", 6000)
	log.line(long)
	log.line(long)
	free()
	log.line("after")

	file, err := logs.open(id("app"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, _ := io.ReadAll(file)
	if want := "before\nberth: 2 lines are missing here: the server's disk was full\nafter\n"; string(text) != want {
		t.Errorf("log is %.200q, want %q", text, want)
	}
}
