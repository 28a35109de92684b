package router

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
)

const (
	// fieldOnce is what each form of an upload brings along: the same form that comes
	// again has the same. Programs send repeatHeader in its place.
	fieldOnce    = "once"
	repeatHeader = "Idempotency-Key"

	repeatTime = 5 * time.Minute // that an upload is known again
	repeatMost = 200             // characters of a key
)

// repeatKey says which uploads are one wish: those that one owner sends to one page
// under one key.
type repeatKey struct{ owner, path, key string }

// sum is what the ledger knows the key by.
func (k repeatKey) sum() digest {
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q", k.owner, k.path, k.key))
}

// digest is of a key, or of what an upload sent.
type digest = [sha256.Size]byte

// Repeats knows uploads again that were accepted and then sent a second time, such as
// where the answer was lost. The ledger has them, so a restart forgets none.
type Repeats interface {
	FindRepeat(ctx context.Context, key digest, now time.Time) (app.ReleaseID, digest, error)
	SaveRepeat(ctx context.Context, key, content digest, release app.ReleaseID, now, until time.Time) error
}

// repeatKey returns the key of the upload; none where it has none, or is known by the
// archive that is held.
func (v *visit) repeatKey(form *upload) (key repeatKey, given bool, err error) {
	text := form.fields[fieldOnce]
	if header := v.request().Header.Get(repeatHeader); header != "" {
		text = header
	}
	if text == "" || form.sendsHeld() || form.checks() {
		return repeatKey{}, false, nil
	}
	if len(text) > repeatMost {
		return repeatKey{}, false, problem.Invalid(
			fmt.Sprintf("The %s is longer than %d characters.", repeatHeader, repeatMost),
			"Send a random text of its own with each upload, and the same where you send it again.",
		)
	}
	return repeatKey{v.caller.owner(), v.request().URL.Path, text}, true, nil
}

// content is a digest of all that the form says.
func (u *upload) content() digest {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(u.fields)) {
		if name != formField && name != fieldOnce {
			_, _ = fmt.Fprintf(sum, "%q=%q\n", name, u.fields[name])
		}
	}
	if u.archive != nil {
		_, _ = fmt.Fprintf(sum, "%q %d %s\n", u.archive.Name, u.archive.Bytes, u.archive.SHA256)
	}
	return digest(sum.Sum(nil))
}

// beginOnce takes the turn of the key where it is free, and reports whether the upload may
// have been sent before: that is known once its content is there.
func (a *admin) beginOnce(v *visit, form *upload, key repeatKey) (maybe bool) {
	done, free := a.turns.try(key)
	if !free {
		return true
	}
	v.atEnd(done)
	form.hasTurn = true
	release, _, err := a.repeats.FindRepeat(v.context(), key.sum(), a.now())
	return err == nil && release.Number != 0 // an error comes again once the content is there
}

// acceptOnce is Accept, for an upload that may have been sent before: then its release is
// the answer, and it counts no second time.
func (a *admin) acceptOnce(v *visit, form *upload, wish controller.Upload) (app.Release, error) {
	key, given, err := v.repeatKey(form)
	if err != nil {
		return app.Release{}, err
	}
	if !given {
		return a.uploads.Accept(v.context(), wish)
	}
	if !form.hasTurn {
		done, err := a.turns.take(v.context(), key)
		if err != nil {
			return app.Release{}, err
		}
		v.atEnd(done)
	}
	content := form.content()
	if before, found, err := a.acceptedBefore(v.context(), key, content); err != nil || found {
		v.done.halfway = true // what it asks for was done, and written down
		return before, err
	}
	if form.uncounted {
		if err := a.countWork(v, form); err != nil {
			return app.Release{}, err
		}
	}
	release, err := a.uploads.Accept(v.context(), wish)
	if err != nil {
		return release, err
	}
	now := a.now()
	if err := a.repeats.SaveRepeat(v.context(), key.sum(), content, release.ReleaseID, now, now.Add(repeatTime)); err != nil {
		a.logger.Warn("note an upload, to know it again", "error", err)
	}
	return release, nil
}

// acceptedBefore returns the release that was made of the same upload, while it is the
// newest one of its app: after another one, the same again is a wish of its own.
func (a *admin) acceptedBefore(ctx context.Context, key repeatKey, content digest) (_ app.Release, found bool, err error) {
	before, sent, err := a.repeats.FindRepeat(ctx, key.sum(), a.now())
	if err != nil || before.Number == 0 || sent != content {
		return app.Release{}, false, err
	}
	view, err := a.apps.App(ctx, before.App)
	if isMissing(err) {
		return app.Release{}, false, nil
	}
	if err != nil || view.Latest == nil || view.Latest.ReleaseID != before {
		return app.Release{}, false, err
	}
	return *view.Latest, true, nil
}
