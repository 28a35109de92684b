package router

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"berth/controller/audit"
	"berth/controller/problem"
)

// errPanicked stands for the error of a handler that has not returned.
var errPanicked = errors.New("handler panicked")

// done is what a handler adds to the audit entry of its request. What it leaves
// empty is filled in from the table and the path.
type done struct {
	resource string       // such as "app shop"
	account  string       // who it was about to be, such as the account that somebody tries to sign in to
	detail   string       // one line for people; never what a form holds
	action   audit.Action // what it came to, where that is not what the table says
	halfway  bool         // the action takes another request: nothing is recorded yet
	recorded bool         // the request has its entry already
}

// recordAction writes the request into the audit log, if its line of the table
// names an action: refused ones too, whoever refused them. On other lines it
// records who was not let in.
func (a *admin) recordAction(v *visit, err error) {
	action := v.route.audit
	switch {
	case v.done.recorded, v.done.halfway:
		return
	case action == "" && !v.accessDenied(err):
		return
	case action == "":
		action = audit.ActionAccessDenied
		v.done.resource = v.request().Method + " " + v.route.path
	}
	if v.done.action != "" {
		action = v.done.action
	}
	status := v.gin.Writer.Status() // a form that was wrong is shown again without an error
	if err != nil {
		status = statusOf(v.blame(asProblem(err)).Kind)
	}
	success := status < http.StatusBadRequest
	if !success && action == audit.ActionLoginSuccess {
		action = audit.ActionLoginFailure
	}
	if !success && v.done.detail == "" {
		v.done.detail = refusalOf(status)
	}
	a.audit.Record(v.context(), v.event(action, success))
}

// recordForeign writes down that another site's page made a browser send a request.
func (a *admin) recordForeign(c *gin.Context) {
	v := &visit{gin: c, admin: a}
	event := v.event(audit.ActionAccessDenied, false)
	event.Resource = c.Request.Method + " " + c.FullPath()
	event.Detail = "refused: sent by another site"
	a.audit.Record(v.context(), event)
}

// accessDenied reports whether a bearer, or a person who is signed in, was kept
// out. A session that has ended is none: its pages ask on until they are closed.
func (v *visit) accessDenied(err error) bool {
	bearer := bearerToken(v.request()) != ""
	switch problem.KindOf(err) {
	case problem.KindUnauthorized:
		return bearer && err != nil
	case problem.KindForbidden:
		return (bearer || v.caller.signedIn()) && !errors.Is(err, errMustChange)
	default:
		return false
	}
}

// refusalOf says why a request was refused, without a word of what it held.
func refusalOf(status int) string {
	switch status {
	case http.StatusUnprocessableEntity:
		return "refused: the input is not valid"
	case http.StatusUnauthorized:
		return "refused: not signed in, or the token does not hold"
	case http.StatusForbidden:
		return "refused: not allowed"
	case http.StatusNotFound:
		return "refused: not found"
	case http.StatusConflict:
		return "refused: conflict"
	case http.StatusPreconditionFailed:
		return "refused: somebody changed it since it was shown"
	case http.StatusRequestEntityTooLarge:
		return "refused: too large"
	case http.StatusTooManyRequests:
		return "refused: too many requests"
	case http.StatusServiceUnavailable:
		return "failed: the engine or the proxy did not answer"
	default:
		return "failed: internal error"
	}
}

// nameOrigin lets what the controller records for the request say where it came from.
func (v *visit) nameOrigin() {
	v.gin.Request = v.request().WithContext(audit.WithOrigin(v.context(), audit.Origin{
		Address: v.address(), UserAgent: v.request().UserAgent(), RequestID: requestID(v.gin),
	}))
}

// event is an audit entry of this request.
func (v *visit) event(action audit.Action, success bool) audit.Event {
	event := audit.Event{
		At: v.admin.now(), Action: action, Success: success,
		Resource: v.done.resource, Account: v.done.account, Detail: v.done.detail,
		Address: v.address(), UserAgent: v.request().UserAgent(), RequestID: requestID(v.gin),
	}
	if event.Account == "" {
		event.Account = v.caller.name()
	}
	if event.Resource == "" {
		event.Resource = v.resource()
	}
	return event
}

// resource is what the path names, if it names anything that can be there.
func (v *visit) resource() string {
	if id, err := v.release(); err == nil {
		return "release " + id.String()
	}
	if name, err := v.app(); err == nil {
		return "app " + string(name)
	}
	if name, err := v.volume(); err == nil {
		return "volume " + string(name)
	}
	return ""
}
