package uploads_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/problem"
	"berth/controller/uploads"
	"berth/test/smalldisk"
)

func TestReceive_SaysThatTheDiskIsFullAndLeavesNothing(t *testing.T) {
	folder := smalldisk.Mount(t, 1<<20)
	if err := os.Mkdir(filepath.Join(folder, "uploads"), 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(folder, "uploads"))
	if err != nil {
		t.Fatal(err)
	}
	received := uploads.New(root, archive.DefaultLimits())
	_, err = received.Receive(bytes.NewReader(make([]byte, 2<<20)))
	fault, ok := errors.AsType[*problem.Problem](err)
	if !ok || fault.Kind != problem.KindFull || fault.Field != "archive" || fault.Hint == "" {
		t.Fatalf("an upload that the disk has no room for: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(folder, "uploads")); err != nil || len(left) > 0 {
		t.Errorf("%d files are left of it: %v", len(left), err)
	}
	if _, err := received.Receive(strings.NewReader("a small one")); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
