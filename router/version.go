package router

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"berth/controller/problem"
)

// versionHeader is where a request names the version of what it changes.
const versionHeader = "If-Match"

// versionOf is the ETag of an answer.
func versionOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// editKey is the turn of those that change one thing.
type editKey struct{ path string }

// versionNow is the ETag of what show tells.
func versionNow(v *visit, show handler) (string, error) {
	var now []byte
	look := *v
	look.seen = &now
	if err := show(&look); err != nil {
		return "", err
	}
	return versionOf(now), nil
}

// checkVersion refuses a change of what was changed since the caller saw it. Changes of one
// thing by the API take turns, so that two that saw the same are not both made.
func (a *admin) checkVersion(v *visit) error {
	if v.route.api.edits == nil {
		return nil
	}
	done, err := a.turns.take(v.context(), editKey{v.request().URL.Path})
	if err != nil {
		return err
	}
	v.atEnd(done)
	named := v.request().Header.Get(versionHeader)
	if named == "" || named == "*" {
		return nil
	}
	now, err := versionNow(v, v.route.api.edits)
	if err != nil {
		return err
	}
	versions := strings.FieldsFunc(named, func(r rune) bool { return r == ',' || r == ' ' })
	if slices.Contains(versions, now) {
		return nil
	}
	return problem.Stale("Somebody changed this since you looked at it.", "Look at it again, and send the change with its new ETag.")
}
