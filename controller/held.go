package controller

import (
	"context"

	"berth/controller/app"
	"berth/controller/uploads"
)

// HeldKey says which archive is meant, and whose it is.
type HeldKey = uploads.HeldKey

// Held is an archive that was received and looked into, and waits to be deployed.
type Held = uploads.Held

// ParseHeldID returns s as the id of a held archive.
func ParseHeldID(s string) (string, error) { return uploads.ParseHeldID(s) }

// Hold keeps the archive for its owner, so that it need not be sent again. It
// takes the archive over. App is empty where it is to become a new app.
func (c *Controller) Hold(owner string, app app.Name, received *uploads.Archive, preview app.Preview) Held {
	return c.held.Hold(owner, app, received, preview)
}

// Held returns what is held under the key. A Problem of problem.KindConflict says that
// it is not there any more.
func (c *Controller) Held(key HeldKey) (Held, error) { return c.held.Held(key) }

// Drop removes what is held under the key, if it is there.
func (c *Controller) Drop(key HeldKey) { c.held.Drop(key) }

// acceptHeld is Accept of an archive that is held. What a refused one was given is kept for
// the next time.
func (c *Controller) acceptHeld(ctx context.Context, u Upload) (app.Release, error) {
	entry, err := c.lockHeld(&u)
	if err != nil {
		return app.Release{}, err
	}
	defer entry.Unlock()
	if release, deployed := entry.Release(); deployed {
		return release, nil
	}
	release, err := c.Accept(ctx, u)
	if err == nil {
		entry.BecomeRelease(release)
		return release, nil
	}
	preview := entry.Held().Preview
	preview.Environment = u.Environment
	entry.Show(preview)
	return release, err
}

// examineHeld is Examine of an archive that is held: it waits with what was found now.
func (c *Controller) examineHeld(ctx context.Context, u Upload) (app.Preview, error) {
	entry, err := c.lockHeld(&u)
	if err != nil {
		return app.Preview{}, err
	}
	defer entry.Unlock()
	if _, deployed := entry.Release(); deployed {
		return app.Preview{}, uploads.HeldGone()
	}
	preview, err := c.Examine(ctx, u)
	preview.Environment = u.Environment
	entry.Show(preview)
	return preview, err
}

// lockHeld finds what the upload names, and makes it the archive of the upload, with the
// variables that wait with it. The caller unlocks it.
func (c *Controller) lockHeld(u *Upload) (*uploads.HeldArchive, error) {
	var next app.Name
	if u.Next {
		next = u.Name
	}
	entry, err := c.held.Lock(u.Held, next)
	if err != nil {
		return nil, err
	}
	if err := entry.Archive().Choose(u.Dockerfile); err != nil {
		entry.Unlock()
		return nil, err
	}
	u.Held, u.Archive = HeldKey{}, entry.Archive()
	u.Environment = app.MergeWishes(entry.Held().Preview.Environment, u.Environment) // it is asked for once, and shown to nobody
	return entry, nil
}
