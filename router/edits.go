package router

import (
	"encoding/json"
	"fmt"
	"strings"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/egress"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/tagwatch"
)

// edited is what a form of a page changes of what is there.
type edited struct {
	field string                                       // names which of several the form is about; empty: the path does
	show  func(v *visit, which string) (any, error)    // what the form shows of it; what encodes alike is the same
	again func(v *visit, stale *problem.Problem) error // shows the page again, with what was typed
}

// fieldVersion is the version of what a form shows. A form without it changes whatever is
// there.
const fieldVersion = "version"

// shownBy is what a row of the API shows, where a form shows the same.
func shownBy(show handler) func(*visit, string) (any, error) {
	return func(v *visit, _ string) (any, error) {
		var now []byte
		look := *v
		look.seen = &now
		err := show(&look)
		return json.RawMessage(now), err
	}
}

func (e edited) version(v *visit, which string) (string, error) {
	now, err := e.show(v, which)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(now)
	return versionOf(body), err
}

// Seen is the version of what the form that is sent to path shows; empty where the form
// makes something new. Which says which of several the form is about.
func (f frame) Seen(path string, which ...string) (string, error) {
	if f.visit == nil {
		return "", nil
	}
	look := *f.visit
	for _, row := range f.visit.admin.editing {
		if look.concrete(row.path) == path {
			return row.edits.version(&look, strings.Join(which, ""))
		}
	}
	return "", nil
}

// concrete is a path of the table with what the request's path holds.
func (v *visit) concrete(path string) string {
	for _, p := range v.gin.Params {
		path = strings.Replace(path, ":"+p.Key, p.Value, 1)
	}
	return path
}

// checkSeen reports whether nobody changed what a form is about since it was opened, and
// shows the form again otherwise. Forms about one thing take turns, so that two that saw
// the same are not both taken.
func (a *admin) checkSeen(v *visit) (good bool, err error) {
	edits, form := v.route.edits, v.request().PostForm
	if edits.show == nil {
		return true, nil
	}
	which := form.Get(edits.field)
	done, err := a.turns.take(v.context(), editKey{v.request().URL.Path + " " + which})
	if err != nil {
		return false, err
	}
	v.atEnd(done)
	seen := form.Get(fieldVersion)
	if seen == "" {
		return true, nil
	}
	now, err := edits.version(v, which)
	if err != nil || now == seen {
		return err == nil, err
	}
	return false, edits.again(v, problem.Stale(
		a.whoChanged(v),
		"What you typed is still here. Open the page in another tab to see what is there now. Saving again replaces it.",
	))
}

// whoChanged says who made the last change of the kind that the request asks for, as far
// as the audit log knows.
func (a *admin) whoChanged(v *visit) string {
	const look = 20 // entries: the newest are of the last changes
	event := v.event(v.route.audit, true)
	entries, err := a.audit.List(v.context(), audit.Filter{Action: event.Action, Outcome: audit.Succeeded}, audit.Page{Limit: look})
	if err != nil {
		a.logger.WarnContext(v.context(), "list audit log", "request_id", requestID(v.gin), "error", err)
	}
	for _, entry := range entries {
		if event.Resource != "" && entry.Resource != event.Resource {
			continue
		}
		words := fmt.Sprintf("Somebody changed this since you opened the page. The last entry in the audit log is of %s, %s", entry.Account, entry.At.UTC().Format("2006-01-02 15:04:05 UTC"))
		if entry.Detail != "" {
			words += fmt.Sprintf(" (%.100s)", entry.Detail)
		}
		return words + "."
	}
	return "Somebody changed this since you opened the page."
}

// onSettings shows the settings of the app again.
func (a *admin) onSettings() func(*visit, *problem.Problem) error {
	return a.onApp(func(v *visit, name app.Name, err error) error { return a.refuseOnApp(v, name, tabSettings, err) })
}

// onApp shows a page of the app's again.
func (*admin) onApp(refuse func(*visit, app.Name, error) error) func(*visit, *problem.Problem) error {
	return func(v *visit, stale *problem.Problem) error {
		name, err := v.app()
		if err != nil {
			return err
		}
		return refuse(v, name, stale)
	}
}

// ofApp is what a form shows of an app's own row. A page that has read the app is asked
// for no second read.
func (a *admin) ofApp(part func(app.App) any) func(*visit, string) (any, error) {
	return func(v *visit, _ string) (any, error) {
		if v.read != nil {
			return part(*v.read), nil
		}
		view, err := a.appOf(v)
		return part(view.App), err
	}
}

func editedLimits(of app.App) any {
	form := of.Settings.Form()
	form.Egress = egress.Form{} // it has a form of its own
	return form
}

func editedRules(of app.App) any       { return app.AccessFormOf(of.Access) }
func editedMaintenance(of app.App) any { return of.Access.Maintenance }
func editedEgress(of app.App) any      { return of.Settings.Egress.Form() }
func editedLabels(of app.App) any      { return of.Labels }
func editedMounts(of app.App) any      { return of.Mounts }

func (a *admin) editedHook(v *visit, _ string) (any, error) {
	name, err := v.app()
	if err != nil {
		return nil, err
	}
	view, err := a.hooks.View(v.context(), name)
	return view.Hook, err
}

func (a *admin) editedPush(v *visit, _ string) (any, error) {
	name, err := v.app()
	if err != nil {
		return nil, err
	}
	return a.pushes.Settings(v.context(), name)
}

func (a *admin) editedTagWatch(v *visit, _ string) (any, error) {
	name, err := v.app()
	if err != nil {
		return nil, err
	}
	watch, err := a.tagWatches.Show(v.context(), name)
	return tagwatch.Watch{On: watch.On, Minutes: watch.Minutes}, err
}

// editedVariable is the variable of a name; nil where there is none.
func (a *admin) editedVariable(v *visit, which string) (any, error) {
	name, err := v.app()
	if err != nil || which == "" {
		return nil, err
	}
	all, err := a.environments.Environment(v.context(), name)
	found, ok := all.Find(which)
	if err != nil || !ok {
		return nil, err
	}
	found.Unapplied = false // no part of what is saved
	return found, nil
}

// editedRoute is where a route leads; nil where the app has none such.
func (a *admin) editedRoute(v *visit, which string) (any, error) {
	name, err := v.app()
	if err != nil || which == "" {
		return nil, err
	}
	routes, err := a.routing.List(v.context(), name)
	for _, one := range routes {
		if one.Route.String() == which {
			return one.To, err
		}
	}
	return nil, err
}

func (a *admin) editedQuota(v *visit, _ string) (any, error) {
	name, err := v.volume()
	if err != nil {
		return nil, err
	}
	view, err := a.volumes.Find(v.context(), name)
	return typedQuota(nil, view), err
}

func (a *admin) editedLimit(v *visit, which string) (any, error) {
	state, err := a.limits.State(v.context())
	for _, class := range state.Classes {
		if string(class.Description.Class) == which {
			v.done.resource = "limit " + which
			return class.Budget.String(), err
		}
	}
	return nil, err
}

func (a *admin) editedDomain(v *visit, _ string) (any, error) {
	host, err := v.domain()
	if err != nil {
		return nil, err
	}
	view, err := a.findDomain(v.context(), host)
	return []any{view.Source, view.Redirect, view.HSTS}, err
}

func (a *admin) editedRetention(v *visit, _ string) (any, error) { return a.disks.Rules(v.context()) }

func (a *admin) editedRule(v *visit, _ string) (any, error) {
	found, err := a.findRule(v)
	v.done.resource = "alert rule " + found.Name
	return alertRuleJSONOf(found), err
}

func (a *admin) editedChannel(v *visit, _ string) (any, error) {
	found, err := a.findChannel(v)
	v.done.resource = "alert channel " + found.Name
	return []any{found.Name, found.Settings, found.Sealed}, err
}

func (a *admin) editedHeartbeat(v *visit, _ string) (any, error) {
	found, err := a.heart.Heartbeat(v.context())
	v.done.resource = heartbeatName
	return []any{found.Sealed, found.Minutes, found.Method, found.Private}, err
}

// The pages that have no handler of their own for what was typed.

func (a *admin) limitAgain(v *visit, stale *problem.Problem) error {
	typed := v.request().PostForm
	return a.limitsForm(v, statusOf(stale.Kind), limitTyped{limit.Class(typed.Get("class")), typed.Get("budget"), stale})
}

func (a *admin) disksAgain(v *visit, stale *problem.Problem) error {
	return a.disksForm(v, v.request().PostForm, fieldProblems{"": stale})
}

func (a *admin) ruleAgain(v *visit, stale *problem.Problem) error {
	found, err := a.findRule(v)
	if err != nil {
		return err
	}
	return a.ruleForm(v, found.ID, v.request().PostForm, fieldProblems{"": stale})
}

func (a *admin) domainAgain(v *visit, stale *problem.Problem) error {
	host, err := v.domain()
	if err != nil {
		return err
	}
	return a.changeDomain(v, host, stale, "")
}

func (a *admin) homeAgain(v *visit, stale *problem.Problem) error {
	return a.changeHosts(v, redirectForm{Permanent: true}, stale, "")
}

func (a *admin) proxyAgain(v *visit, stale *problem.Problem) error {
	return a.proxyForm(v, typedProxy(v.request().PostForm), fieldProblems{"": stale})
}

func (a *admin) mountsAgain(v *visit, stale *problem.Problem) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	return a.mountsForm(v, name, typedMounts(v.request().PostForm), stale)
}

func (a *admin) routeAgain(v *visit, stale *problem.Problem) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	return a.refuseOnRoutes(v, name, typedRoute(v.request().PostForm), stale)
}

func (a *admin) quotaAgain(v *visit, stale *problem.Problem) error {
	name, err := v.volume()
	if err != nil {
		return err
	}
	return a.refuseOnVolume(v, name, "", stale)
}

func (a *admin) channelAgain(v *visit, stale *problem.Problem) error {
	found, err := a.findChannel(v)
	if err != nil {
		return err
	}
	wish := channelWishOf(v.request().PostForm)
	wish.Settings.Kind = found.Settings.Kind
	return a.channelForm(v, channelPage{ID: found.ID, Typed: wish, Stored: len(found.Sealed) > 0, Problems: fieldProblems{"": stale}})
}

func (a *admin) heartbeatAgain(v *visit, stale *problem.Problem) error {
	typed, _ := typedHeartbeat(v.request().PostForm)
	return a.heartbeatForm(v, &typed, fieldProblems{"": stale})
}

func (a *admin) backupsAgain(v *visit, stale *problem.Problem) error {
	return a.refuseOnBackups(v, fieldProblems{"": stale})
}
