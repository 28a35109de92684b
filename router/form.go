package router

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"

	"berth/controller/problem"
)

// formField is the name of the form token in every form.
const formField = "csrf_token"

var errFormToken = errors.New("form token missing or wrong")

// checkForm makes sure that a browser's request came from a form of ours. A
// bearer has no session that another site could borrow.
func (a *admin) checkForm(v *visit) error {
	method := v.request().Method
	if v.caller.bearer || v.route.form == inStream || v.route.form == signedBody || method == http.MethodGet || method == http.MethodHead {
		return nil
	}
	if err := parseForm(v.request()); err != nil {
		return err
	}
	if v.route.form == noSession {
		return nil
	}
	return a.checkFormToken(v, v.request().PostForm.Get(formField))
}

func (a *admin) checkFormToken(v *visit, given string) error {
	wanted := a.formTokenFor(a.formOwner(v))
	if wanted != "" && hmac.Equal([]byte(wanted), []byte(given)) {
		return nil
	}
	return problem.Forbidden(
		"The form did not come from this session.",
		"Open the page again and send the form once more.",
	).Because(errFormToken)
}

// formToken is the token for the forms of the page that is being made. For a
// person who is not signed in it gives their browser an id of its own, which no
// ledger knows and which allows nothing.
func (v *visit) formToken() string {
	owner := v.admin.formOwner(v)
	if owner == "" {
		store := v.admin.sessions
		owner = newSessionID()
		cookie := store.cookie(v.request(), store.visitorCookieName(v.request()), owner)
		store.writeCookie(v.gin.Writer, cookie)
		v.request().AddCookie(cookie)
	}
	return v.admin.formTokenFor(owner)
}

// formOwner is the id that form tokens are bound to: of the session, or else of the visitor.
func (a *admin) formOwner(v *visit) string {
	if id := v.session().ID(); id != "" {
		return id
	}
	return readIDCookie(v.request(), a.sessions.visitorCookieName(v.request()))
}

// formTokenFor derives the token from the id, so that there is nothing to store.
func (a *admin) formTokenFor(owner string) string {
	if owner == "" {
		return ""
	}
	mac := hmac.New(sha256.New, a.formKey)
	mac.Write([]byte(owner))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// visitorCookieName is a name of its own, so that a visit from a link elsewhere,
// which brings no cookie along, does not replace the session's cookie.
func (s *sessionStore) visitorCookieName(r *http.Request) string {
	return s.cookieName(r) + "-visitor"
}

// parseForm reads a small form into r.PostForm, URL-encoded or multipart.
func parseForm(r *http.Request) error {
	// First by itself: ParseMultipartForm drops its error where the form is not multipart.
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(smallBody)
	}
	if err == nil || errors.Is(err, http.ErrNotMultipart) {
		return nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return err
	}
	return problem.Invalid(
		"The form could not be read.",
		"Send it as application/x-www-form-urlencoded or multipart/form-data.",
	).Because(err)
}
