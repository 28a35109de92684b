package router

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"berth/controller/account"
	"berth/controller/problem"
)

// errMustChange sends a person who signed in with a one-time password to the form that changes it.
var errMustChange = errors.New("one-time password in use")

// admit lets the request in, or says why not. In this order: who it is, whether
// they may, whether the form is ours, whether there is budget. The form comes
// before the budget, because it names the account whose password is tried, and
// because a form of another site must not use up anybody's attempts. What that
// costs is bounded by the limit of the address, which came before all.
func (a *admin) admit(v *visit) error {
	a.capBody(v)
	if err := a.identifyCaller(v); err != nil {
		return err
	}
	if v.route.stream && !sameOrigin(v.request()) {
		return foreignOrigin(nil)
	}
	if err := a.checkForm(v); err != nil {
		return err
	}
	if err := v.overLimit(); err != nil {
		return err
	}
	return a.takeFromLimits(v)
}

// identifyCaller finds out who asks and whether the table lets them. A bearer is
// never a session: whoever sends a token is judged by the token alone.
func (a *admin) identifyCaller(v *visit) error {
	allowed := v.route.access
	plain := bearerToken(v.request())
	key, overSSH := keyOf(v.context())
	switch {
	case overSSH:
		return a.admitKey(v, key)
	case allowed.public:
		return nil
	case plain != "":
		return a.admitBearer(v, plain)
	case allowed.session:
		return a.admitSession(v)
	default:
		return problem.Unauthorized(
			"This needs a token.",
			"Send it as \"Authorization: Bearer TOKEN\". Mint one with berth token on the machine that Berth runs on.",
		)
	}
}

func (a *admin) admitBearer(v *visit, plain string) error {
	token, err := a.tokens.VerifyToken(v.context(), plain, v.clientAddr())
	if err != nil {
		return err
	}
	v.caller = caller{token: token, bearer: true}
	if v.route.access.scope == "" {
		return problem.Forbidden("This page takes no token.", "Use the paths below /api/v1, or sign in with a browser.")
	}
	if !token.Scope.Allows(v.route.access.scope) {
		return problem.Forbidden(
			fmt.Sprintf("The token has the scope %s; this needs %s.", token.Scope, v.route.access.scope),
			"Mint a token with that scope on the machine that Berth runs on.",
		)
	}
	return nil
}

func (a *admin) admitSession(v *visit) error {
	account, err := a.signedInAccount(v)
	if err != nil {
		return err
	}
	v.caller = caller{account: account}
	if account.MustChange && v.route.path != "/password" && v.route.path != "/logout" {
		return problem.Forbidden(
			"The one-time password must be changed first.",
			"Choose a password of your own.",
		).Because(errMustChange)
	}
	if v.route.stream {
		return nil // a page that is open by itself is no sign of life
	}
	err = a.sessions.touch(v.context(), v.session().ID(), v.address())
	if problem.IsDiskFull(err) {
		// Who is to free space must be let in.
		a.logger.ErrorContext(v.context(), "note when a session was used", "request_id", requestID(v.gin), "error", err)
		return nil
	}
	return err
}

// signedInAccount is the account of the session, or a Problem of problem.KindUnauthorized.
func (a *admin) signedInAccount(v *visit) (account.Account, error) {
	id, _ := v.session().Get(accountKey).(int64)
	if id == 0 {
		return account.Account{}, notSignedIn(nil)
	}
	who, err := a.accounts.Find(v.context(), id)
	if isMissing(err) {
		return account.Account{}, notSignedIn(err)
	}
	return who, err
}

// tokenHolds reports whether the token of a bearer still stands, or the key of a push: a
// log that is followed ends with it. Who came without either passes.
func (a *admin) tokenHolds(v *visit) bool {
	if v.caller.byKey() {
		_, _, err := a.keys.Verify(v.context(), v.caller.key.Public)
		return err == nil
	}
	if !v.caller.bearer {
		return true
	}
	_, err := a.tokens.VerifyToken(v.context(), bearerToken(v.request()), v.clientAddr())
	return err == nil
}

func notSignedIn(cause error) *problem.Problem {
	return problem.Unauthorized("You are not signed in.", "Sign in and try again.").Because(cause)
}

// bearerToken is the token of the Authorization header, empty where there is none.
func bearerToken(r *http.Request) string {
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(credentials)
}
