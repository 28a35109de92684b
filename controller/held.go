package controller

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/uploads"
)

const (
	heldTime = 15 * time.Minute // that an archive waits for its person
	heldMost = 3                // archives of one owner; the oldest gives way
	heldID   = 26               // letters of an id, 130 random bits
)

// HeldKey says which archive is meant, and whose it is: with another owner's
// name nothing is found.
type HeldKey struct {
	Owner string // who sent it; never reused for somebody else
	ID    string // from ParseHeldID
}

// Held is an archive that was received and looked into, and waits to be deployed.
type Held struct {
	ID      string
	App     app.Name // whose next release it is; empty for a new app
	Name    string   // of the person's file
	Bytes   int64
	Preview app.Preview
	Until   time.Time // it is removed then, and when Berth restarts
	// Deployed says that an app was made of it; asking for that again changes nothing.
	Deployed bool

	file string // name inside the uploads folder
}

// ParseHeldID returns s as the id of a held archive.
func ParseHeldID(s string) (string, error) {
	for _, r := range s {
		if (r < 'A' || r > 'Z') && (r < '2' || r > '7') {
			return "", heldGone()
		}
	}
	if len(s) != heldID {
		return "", heldGone()
	}
	return s, nil
}

// Hold keeps the archive for its owner, so that it need not be sent again. It
// takes the archive over. App is empty where it is to become a new app.
func (c *Controller) Hold(owner string, app app.Name, received *uploads.Archive, preview app.Preview) Held {
	taken := received.Take()
	return c.held.add(owner, &heldArchive{
		archive: taken,
		held:    Held{App: app, Name: taken.Name, Bytes: taken.Bytes, Preview: preview, file: taken.File()},
	})
}

// Held returns what is held under the key. A Problem of problem.KindConflict says that
// it is not there any more.
func (c *Controller) Held(key HeldKey) (Held, error) {
	if entry := c.held.find(key); entry != nil {
		held := entry.held
		held.Deployed = entry.deployed.Load()
		return held, nil
	}
	return Held{}, heldGone()
}

// Drop removes what is held under the key, if it is there.
func (c *Controller) Drop(key HeldKey) { c.held.drop(key) }

// acceptHeld is Accept of an archive that is held.
func (c *Controller) acceptHeld(ctx context.Context, u Upload) (app.Release, error) {
	entry := c.held.find(u.Held)
	if entry == nil || entry.held.isNext() != u.Next || u.Next && entry.held.App != u.Name {
		return app.Release{}, heldGone()
	}
	entry.mu.Lock()
	defer entry.mu.Unlock()
	switch {
	case entry.release.Number != 0:
		return entry.release, nil
	case entry.archive.File() == "":
		return app.Release{}, heldGone()
	}
	u.Held, u.Archive = HeldKey{}, entry.archive
	u.Environment = app.MergeWishes(entry.held.Preview.Environment, u.Environment) // it is asked for once, and shown to nobody
	release, err := c.Accept(ctx, u)
	if err == nil {
		entry.release = release
		entry.deployed.Store(true)
	}
	return release, err
}

// isNext reports whether it is held for the next release of an app.
func (h Held) isNext() bool { return h.App != "" }

func heldGone() error {
	return problem.Conflict(
		"The archive is not here any more.",
		fmt.Sprintf("Berth keeps it for %d minutes, and not over a restart. Choose it again.", int(heldTime.Minutes())),
	).At("archive")
}

// heldArchive is a Held with its file.
type heldArchive struct {
	held Held

	mu      sync.Mutex // while it is accepted or removed
	archive *uploads.Archive
	release app.Release // what it became; zero before

	deployed atomic.Bool // release is there; read without mu
}

func (h *heldArchive) discard() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.archive.Discard()
}

// heldArchives are all that are held by this process.
type heldArchives struct {
	mu  sync.Mutex
	now func() time.Time
	all map[HeldKey]*heldArchive
}

func newHeldArchives() *heldArchives {
	return &heldArchives{now: time.Now, all: make(map[HeldKey]*heldArchive)}
}

func (h *heldArchives) add(owner string, entry *heldArchive) Held {
	entry.held.ID = rand.Text()
	h.mu.Lock()
	entry.held.Until = h.now().Add(heldTime)
	var oldest HeldKey
	var given *heldArchive
	count := 0
	for key, other := range h.all {
		if key.Owner != owner {
			continue
		}
		count++
		if given == nil || other.held.Until.Before(given.held.Until) {
			oldest, given = key, other
		}
	}
	if count < heldMost {
		given = nil
	} else {
		delete(h.all, oldest)
	}
	h.all[HeldKey{owner, entry.held.ID}] = entry
	h.mu.Unlock()
	if given != nil {
		given.discard()
	}
	return entry.held
}

func (h *heldArchives) find(key HeldKey) *heldArchive {
	h.mu.Lock()
	defer h.mu.Unlock()
	entry := h.all[key]
	if entry == nil || !h.now().Before(entry.held.Until) {
		return nil
	}
	return entry
}

func (h *heldArchives) drop(key HeldKey) {
	h.mu.Lock()
	entry := h.all[key]
	delete(h.all, key)
	h.mu.Unlock()
	if entry != nil {
		entry.discard()
	}
}

// expire removes those whose time is over.
func (h *heldArchives) expire() {
	h.mu.Lock()
	var over []*heldArchive
	for key, entry := range h.all {
		if !h.now().Before(entry.held.Until) {
			delete(h.all, key)
			over = append(over, entry)
		}
	}
	h.mu.Unlock()
	for _, entry := range over {
		entry.discard()
	}
}

// addFiles notes the files of those that are held.
func (h *heldArchives) addFiles(owned map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, entry := range h.all {
		owned[entry.held.file] = true
	}
}
