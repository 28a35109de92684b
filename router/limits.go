package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"berth/controller/account"
	"berth/controller/audit"
	"berth/controller/limit"
	"berth/controller/problem"
)

// The classes that lines of the table name. The class limit.Default counts every
// request, whether or not it has a line.
const (
	limitLogin  = limit.Login
	limitUpload = limit.Upload
	limitUpdate = limit.Update

	limitVolumeCreate = limit.VolumeCreate
	limitVolumeUpload = limit.VolumeUpload
)

// counted are the narrow classes that a request of this line is counted by.
func (r route) counted() []limit.Class {
	var classes []limit.Class
	for _, api := range []struct {
		path  string
		class limit.Class
	}{{apiApps, limit.Containers}, {apiDomains, limit.Hosts}, {apiAlerts, limit.Notifications}} {
		if r.path == api.path || strings.HasPrefix(r.path, api.path+"/") {
			classes = append(classes, api.class)
		}
	}
	if r.limit != "" {
		classes = append(classes, r.limit)
	}
	return classes
}

// limitedKey is where a form waits that does not fit in the limit on all requests.
const limitedKey = "berth.limited"

// limitAddress counts every request by its address, before anything else is done
// for it. Behind an address that all share, a session or a token that holds counts
// by itself. A form that a person sent goes on as far as the page that shows it again.
func (a *admin) limitAddress(c *gin.Context) {
	v := &visit{gin: c, admin: a, route: route{access: public}, refund: func() {}}
	subject := limit.Address(clientAddress(c))
	if a.isShared(c) {
		subject = cmp.Or(a.callerSubject(v), subject)
	}
	err := a.limits.TakeDefault(subject)
	switch {
	case err == nil:
	case a.keepsForm(v):
		c.Set(limitedKey, err)
	default:
		c.Abort()
		a.refuse(v, asProblem(v.refuseLimited(err)))
	}
}

// callerSubject is who asks, where a token or a session that holds says so. Who
// sends a token is known by the token alone.
func (a *admin) callerSubject(v *visit) limit.Subject {
	if key, overSSH := keyOf(v.context()); overSSH {
		return limit.Account(key.AccountName)
	}
	plain := bearerToken(v.request())
	if plain == "" {
		return a.sessionSubject(v.request())
	}
	token, err := a.tokens.VerifyToken(v.context(), plain, v.clientAddr())
	if err != nil { // the address is counted, and the request refused later
		return ""
	}
	return limit.Token(token.ID, token.Name)
}

// isShared reports whether everybody who comes by the engine's published port has
// the request's address.
func (a *admin) isShared(c *gin.Context) bool {
	address := clientAddress(c)
	return address.IsLoopback() || address.IsValid() && address == a.gateway
}

// sessionSubject is whose session the request's cookie names; empty where nobody
// is signed in by it. What an id that was made up costs is one look into the ledger.
func (a *admin) sessionSubject(r *http.Request) limit.Subject {
	id := readIDCookie(r, a.sessions.cookieName(r))
	if id == "" {
		return ""
	}
	session, err := a.sessions.find(r.Context(), id)
	if err != nil || session.Account == 0 {
		return ""
	}
	account, err := a.accounts.Find(r.Context(), session.Account)
	if err != nil {
		return ""
	}
	return limit.Session(account.Name, id)
}

// takeFromLimits counts the request by the narrow classes of its line. v.refund
// gives it back to the one that the table names.
func (a *admin) takeFromLimits(v *visit) error {
	for _, class := range v.route.counted() {
		if v.route.takesLater(class) {
			continue
		}
		refund, err := a.take(v, class)
		if err != nil {
			if v.route.form == inStream && !v.showsAgain() {
				v.drain() // or the browser never reads why
			}
			return v.refuseLimited(err)
		}
		if class == v.route.limit {
			v.refund = refund
		}
	}
	return nil
}

func (a *admin) take(v *visit, class limit.Class) (refund func(), err error) {
	if class == limit.Login && v.caller.signedIn() && a.isShared(v.gin) {
		return a.limits.Take(v.context(), class, limit.Session(v.caller.account.Name, v.session().ID()))
	}
	if class == limit.Login {
		name, err := a.accountTried(v)
		if err != nil {
			return nil, err
		}
		return a.limits.TakeLogin(v.context(), name, clientAddress(v.gin))
	}
	return a.limits.Take(v.context(), class, v.limited())
}

// limited is whose budget the request uses: a token has its own.
func (v *visit) limited() limit.Subject {
	switch {
	case v.caller.bearer:
		return limit.Token(v.caller.token.ID, v.caller.token.Name)
	case v.caller.signedIn():
		return limit.Account(v.caller.account.Name)
	default:
		return limit.Address(clientAddress(v.gin))
	}
}

// accountTried is the account that the request tries to be: the one that is
// signed in, the one whose code is asked for, or the one that the form names.
// Like SignIn it takes no name for the operator.
func (a *admin) accountTried(v *visit) (string, error) {
	if v.caller.signedIn() {
		return v.caller.account.Name, nil
	}
	if v.route.path == loginCodePath {
		pending, err := a.pendingAccount(v)
		if problem.KindOf(err) == problem.KindUnauthorized {
			err = nil // the handler says so
		}
		return cmp.Or(pending.Name, account.OperatorName), err
	}
	name, err := a.loginName(v)
	return cmp.Or(name, account.OperatorName), err
}

// settleLimit gives a request back that is not what its limit counts: signing in
// counts failures, work counts what was accepted. Until here it was counted, so
// that parallel requests are no more than those one after the other.
func (v *visit) settleLimit() {
	class, _ := limit.Describe(v.route.limit)
	refused := v.gin.Writer.Status() >= http.StatusBadRequest
	switch {
	case v.route.limit == limit.Login && !refused, class.Work && !v.worked && (refused || v.done.halfway):
		v.refund()
	}
}

// showsAgain reports whether a request that does not fit is answered with its form.
func (v *visit) showsAgain() bool {
	return v.route.again != nil && !v.caller.bearer && !v.wantsJSON()
}

// room says in words what is left of a limit, where that is less than half.
func (v *visit) room(class limit.Class) string {
	room, err := v.admin.limits.Room(v.context(), class, v.limited())
	if err != nil { // the page is worth more than the hint
		v.admin.logger.WarnContext(v.context(), "look for room in a limit", "request_id", requestID(v.gin), "error", err)
		return ""
	}
	if !room.Scarce() {
		return ""
	}
	described, _ := limit.Describe(class)
	return fmt.Sprintf("%d of %d %s left in %s.", room.Left, room.Requests, described.Counts, limit.SpanWords(room.Span))
}

// rememberAddress notes where the person signed in from, so that attempts from
// elsewhere cannot lock them out there.
func (v *visit) rememberAddress(account account.Account) {
	err := v.admin.limits.Remember(v.context(), account.Name, clientAddress(v.gin))
	if err != nil { // they are signed in all the same
		v.admin.logger.WarnContext(v.context(), "remember address", "request_id", requestID(v.gin), "error", err)
	}
}

// refuseLimited words a request that does not fit for the person, and records it.
func (v *visit) refuseLimited(err error) error {
	exceeded, ok := errors.AsType[*limit.Exceeded](err)
	if !ok {
		return err
	}
	v.admin.recordLimited(v, exceeded)
	seconds := int(max(1, math.Ceil(exceeded.Wait.Seconds())))
	v.gin.Header("Retry-After", strconv.Itoa(seconds))
	v.gin.Header("Cache-Control", "no-store")
	class, _ := limit.Describe(exceeded.Class)
	otherwise := ""
	if exceeded.Class == limit.Login && !v.caller.signedIn() {
		otherwise = " An operator who is signed in can end this in Settings, Rate limits; on the server, berth limits --clear does."
	}
	return problem.Limited(
		fmt.Sprintf("Too many %s. The limit is %s for each %s.", class.Counts, exceeded.Budget.Words(), class.Per),
		fmt.Sprintf("Try again in %s, at %s.", limit.SpanWords(time.Duration(seconds)*time.Second),
			v.admin.now().Add(time.Duration(seconds)*time.Second).UTC().Format("15:04:05 UTC"))+otherwise,
	).Because(err)
}

// recordLimited writes down that a request did not fit in its budget. It stands
// for the entry that the request would have had.
func (a *admin) recordLimited(v *visit, exceeded *limit.Exceeded) {
	event := v.event(audit.ActionRateLimitExceeded, false)
	event.Resource = "limit " + string(exceeded.Class)
	event.Detail = fmt.Sprintf("%s %s: %s, until %s, refused %s so far", v.request().Method, v.gin.FullPath(),
		exceeded.Budget.Words(), exceeded.Until.UTC().Format(time.RFC3339), plural(exceeded.Refused, "time"))
	// What a flood brings is recorded even where the flooder does not wait for it.
	a.audit.Record(context.WithoutCancel(v.context()), event)
	v.done.recorded = true
}
