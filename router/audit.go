package router

import (
	"net/http"

	"berth/controller"
)

// done is what a handler adds to the audit entry of its request. What it leaves
// empty is filled in from the table and the path.
type done struct {
	resource string            // such as "app shop"
	account  string            // who it was about to be, such as the name typed into the login form
	detail   string            // one line for people
	action   controller.Action // what it came to, where that is not what the table says
	halfway  bool              // the action takes another request: nothing is recorded yet
}

// recordAction writes the request into the audit log, if its line of the table
// names an action: refused ones too, whoever refused them.
func (a *admin) recordAction(v *visit, err error) {
	action := v.route.audit
	if action == "" || v.done.halfway {
		return
	}
	if v.done.action != "" {
		action = v.done.action
	}
	// A form that was wrong is shown again without an error.
	success := err == nil && v.gin.Writer.Status() < http.StatusBadRequest
	if !success && action == controller.ActionLoginSuccess {
		action = controller.ActionLoginFailure
	}
	a.audit.Record(v.context(), v.event(action, success))
}

// event is an audit entry of this request.
func (v *visit) event(action controller.Action, success bool) controller.AuditEvent {
	event := controller.AuditEvent{
		At: v.admin.now(), Action: action, Success: success,
		Resource: v.done.resource, Account: v.done.account, Detail: v.done.detail,
		Address: v.address(), UserAgent: v.request().UserAgent(), RequestID: requestID(v.gin),
	}
	if event.Account == "" {
		event.Account = v.caller.name()
	}
	if name, err := controller.ParseAppName(v.gin.Param("name")); event.Resource == "" && err == nil {
		event.Resource = "app " + string(name)
	}
	return event
}
