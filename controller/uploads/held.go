package uploads

import (
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
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

	file string
}

// File is the name inside the folder.
func (h Held) File() string { return h.file }

// ParseHeldID returns s as the id of a held archive.
func ParseHeldID(s string) (string, error) {
	for _, r := range s {
		if (r < 'A' || r > 'Z') && (r < '2' || r > '7') {
			return "", HeldGone()
		}
	}
	if len(s) != heldID {
		return "", HeldGone()
	}
	return s, nil
}

// HeldGone is the Problem of problem.KindConflict that an archive is not held any more.
func HeldGone() error {
	return problem.Conflict(
		"The archive is not here any more.",
		fmt.Sprintf("Berth keeps it for %d minutes, and not over a restart. Choose it again.", int(heldTime.Minutes())),
	).At("archive")
}

// HeldArchives are all that are held by this process. It is safe for concurrent use.
type HeldArchives struct {
	mu  sync.Mutex
	now func() time.Time
	all map[HeldKey]*HeldArchive
}

// NewHeldArchives returns HeldArchives of a clock, with none.
func NewHeldArchives(now func() time.Time) *HeldArchives {
	return &HeldArchives{now: now, all: make(map[HeldKey]*HeldArchive)}
}

// Hold keeps the archive for its owner, so that it need not be sent again. It takes the
// archive over. App is empty where it is to become a new app.
func (h *HeldArchives) Hold(owner string, app app.Name, received *Archive, preview app.Preview) Held {
	taken := received.Take()
	entry := &HeldArchive{holder: h, archive: taken, held: Held{
		ID: rand.Text(), App: app, Name: taken.Name, Bytes: taken.Bytes, Preview: preview, file: taken.File(),
	}}
	h.mu.Lock()
	entry.held.Until = h.now().Add(heldTime)
	held := entry.held
	given := h.giveWay(owner)
	h.all[HeldKey{owner, held.ID}] = entry
	h.mu.Unlock()
	if given != nil {
		given.discard()
	}
	return held
}

// giveWay takes out the oldest archive of an owner who has as many as may be; nil where
// there is room. The caller has locked h.
func (h *HeldArchives) giveWay(owner string) (given *HeldArchive) {
	var oldest HeldKey
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
		return nil
	}
	delete(h.all, oldest)
	return given
}

// Held returns what is held under the key; HeldGone where it is not there any more.
func (h *HeldArchives) Held(key HeldKey) (Held, error) {
	entry := h.find(key)
	if entry == nil {
		return Held{}, HeldGone()
	}
	held := entry.Held()
	held.Deployed = entry.deployed.Load()
	return held, nil
}

// Lock returns what is held under the key for an app, which is empty for a new one, until
// Unlock; HeldGone where it is not there any more.
func (h *HeldArchives) Lock(key HeldKey, next app.Name) (*HeldArchive, error) {
	entry := h.find(key)
	if entry == nil || entry.held.App != next {
		return nil, HeldGone()
	}
	entry.mu.Lock()
	if _, deployed := entry.Release(); !deployed && entry.archive.File() == "" {
		entry.mu.Unlock()
		return nil, HeldGone()
	}
	return entry, nil
}

func (h *HeldArchives) find(key HeldKey) *HeldArchive {
	h.mu.Lock()
	defer h.mu.Unlock()
	entry := h.all[key]
	if entry == nil || !h.now().Before(entry.held.Until) {
		return nil
	}
	return entry
}

// Drop removes what is held under the key, if it is there.
func (h *HeldArchives) Drop(key HeldKey) {
	h.mu.Lock()
	entry := h.all[key]
	delete(h.all, key)
	h.mu.Unlock()
	if entry != nil {
		entry.discard()
	}
}

// Expire removes those whose time is over.
func (h *HeldArchives) Expire() {
	h.mu.Lock()
	var over []*HeldArchive
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

// AddFiles notes the files of those that are held.
func (h *HeldArchives) AddFiles(owned map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, entry := range h.all {
		owned[entry.held.file] = true
	}
}

// HeldArchive is a Held with its file. Whoever has it from Lock is the only one to change it.
type HeldArchive struct {
	holder *HeldArchives // whose lock guards held
	held   Held

	mu      sync.Mutex // while it is accepted or removed
	archive *Archive
	release app.Release // what it became; zero before

	deployed atomic.Bool // release is there; read without mu
}

// Unlock lets the next one have it.
func (h *HeldArchive) Unlock() { h.mu.Unlock() }

// Archive is the file.
func (h *HeldArchive) Archive() *Archive { return h.archive }

// Held is what is known of it.
func (h *HeldArchive) Held() Held {
	h.holder.mu.Lock()
	defer h.holder.mu.Unlock()
	return h.held
}

// Release is what it became, once it was deployed.
func (h *HeldArchive) Release() (app.Release, bool) { return h.release, h.release.Number != 0 }

// BecomeRelease notes what it became.
func (h *HeldArchive) BecomeRelease(release app.Release) {
	h.release = release
	h.deployed.Store(true)
}

// Show notes what was found in it, and the variables with which it was read.
func (h *HeldArchive) Show(preview app.Preview) {
	h.holder.mu.Lock()
	defer h.holder.mu.Unlock()
	h.held.Preview, h.held.file = preview, h.archive.File()
}

func (h *HeldArchive) discard() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.archive.Discard()
}
