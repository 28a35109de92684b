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

func TestReceive_TakesNothingWhileTheDiskIsBelowItsFloor(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	full := true
	folder := uploads.New(root, archive.DefaultLimits()).RefuseWhile(func() error {
		if full {
			return problem.Full("The server's disk is nearly full.", "Free space.")
		}
		return nil
	})
	unread := strings.NewReader("a small one")
	fault, ok := errors.AsType[*problem.Problem](func() error { _, err := folder.Receive(unread); return err }())
	if !ok || fault.Kind != problem.KindFull || fault.Field != "archive" || unread.Len() != len("a small one") {
		t.Errorf("below the floor: %v, %d bytes unread", fault, unread.Len())
	}
	full = false
	if _, err := folder.Receive(unread); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
