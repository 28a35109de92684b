package controller

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/problem"
	"berth/test/smalldisk"
)

func TestReceive_SaysThatTheDiskIsFullAndLeavesNothing(t *testing.T) {
	t.Parallel()
	folder := smalldisk.Mount(t, 1<<20)
	uploads, err := openUploads(filepath.Join(folder, "uploads"))
	if err != nil {
		t.Fatal(err)
	}
	c := &Controller{uploads: uploads, limits: archive.DefaultLimits()}
	_, err = c.Receive(bytes.NewReader(make([]byte, 2<<20)))
	fault, ok := errors.AsType[*problem.Problem](err)
	if !ok || fault.Kind != problem.KindFull || fault.Field != "archive" || fault.Hint == "" {
		t.Fatalf("an upload that the disk has no room for: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(folder, "uploads")); err != nil || len(left) > 0 {
		t.Errorf("%d files are left of it: %v", len(left), err)
	}
	if _, err := c.Receive(strings.NewReader("a small one")); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

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

	file, err := (&Controller{logs: logs}).ReleaseLog(id("app"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, _ := io.ReadAll(file)
	if want := "before\nberth: 2 lines are missing here: the server's disk was full\nafter\n"; string(text) != want {
		t.Errorf("log is %.200q, want %q", text, want)
	}
}
