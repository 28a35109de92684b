package controller

import (
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/folder"
	"berth/controller/problem"
	"berth/controller/uploads"
)

func TestHeld_ExpiresAfterItsTimeAndNotBefore(t *testing.T) {
	t.Parallel()
	root, err := folder.OpenPrivate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &Controller{
		uploads: uploads.New(root, archive.DefaultLimits()),
		held:    uploads.NewHeldArchives(func() time.Time { return now }),
	}
	other := uploads.New(root, archive.DefaultLimits()) // as another process has it
	received, err := other.Receive(strings.NewReader("bytes"))
	if err != nil {
		t.Fatal(err)
	}
	held := c.Hold("account 1", "", received, app.Preview{})
	received.Discard() // it is not the sender's any more
	key := HeldKey{Owner: "account 1", ID: held.ID}

	now = held.Until.Add(-time.Second)
	c.held.Expire()
	if err := c.sweepUploads(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Stat(held.File()); err != nil {
		t.Errorf("it was swept within its time: %v", err)
	}
	if _, err := c.Held(key); err != nil {
		t.Error(err)
	}

	now = now.Add(time.Second)
	if _, err := c.Held(key); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("after its time: %v", err)
	}
	c.held.Expire()
	if _, err := root.Stat(held.File()); err == nil {
		t.Error("its file is still there")
	}
	known := map[string]bool{}
	if c.held.AddFiles(known); len(known) != 0 {
		t.Error("it is still known")
	}
}
