package router

import (
	"berth/controller/limit"
)

// takesLater reports whether the class is counted by takeWork, once the form has
// said what it is for.
func (r route) takesLater(class limit.Class) bool {
	return class == r.limit && (class == limit.Upload || class == limit.Update)
}

// takeWork counts an archive or an image that is to be deployed, before it is
// received. What deploys nothing is not counted: a preview, which is bounded by
// itself, and a held archive that was deployed already. Whether an upload was sent before
// is known once it is there.
func (a *admin) takeWork(v *visit, form *upload) error {
	if form.fields[fieldOther] != "" && !v.caller.bearer {
		return nil
	}
	if form.checks() {
		end, err := a.previews.begin(v.caller.owner())
		if err != nil {
			return form.problems.add(err)
		}
		v.atEnd(end)
		return nil
	}
	if form.sendsHeld() {
		deployed, err := a.waitForHeld(v, form)
		if err != nil || deployed || len(form.problems) > 0 {
			return err
		}
	}
	key, given, err := v.repeatKey(form)
	if err != nil {
		return form.problems.add(err)
	}
	if form.uncounted = given && a.beginOnce(v, form, key); form.uncounted {
		return nil
	}
	return a.countWork(v, form)
}

func (a *admin) countWork(v *visit, form *upload) error {
	refund, err := a.take(v, v.route.limit)
	if err != nil {
		v.upload = form
		return v.refuseLimited(err)
	}
	v.refund = refund
	return nil
}

// waitForHeld waits until no other request deploys what the form names, and reports
// whether one has.
func (a *admin) waitForHeld(v *visit, form *upload) (deployed bool, err error) {
	key, err := v.heldKey(form)
	if err != nil {
		return false, form.problems.add(err)
	}
	done, err := a.turns.take(v.context(), key)
	if err != nil {
		return false, err
	}
	v.atEnd(done)
	held, err := a.uploads.Held(key)
	return err == nil && held.Deployed, nil
}
