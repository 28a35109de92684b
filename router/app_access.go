package router

import (
	"errors"
	"fmt"
	"net/url"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/traefik"
)

// The fields of the forms of the access, as the controller's problems name them.
const (
	fieldAccessUser     = "user"
	fieldAccessPassword = "password"
	fieldGenerate       = "generate"
	fieldOn             = "on"
	fieldMaintenance    = "text"
)

// accessPage is who may use an app.
type accessPage struct {
	frame
	App      app.Name
	State    badge
	Access   traefik.Access
	Rules    app.AccessForm // as typed, else the app's
	User     string         // as typed
	Fresh    *freshPassword // made a moment ago, shown this once
	Text     string         // of the maintenance page, as typed
	Egress   egressView
	Problems fieldProblems
}

// freshPassword is a password on the one page that ever shows it.
type freshPassword struct{ User, Plain string }

// Path is the address of the page.
func (p accessPage) Path() string { return accessPath(p.App) }

// Closed says that nobody can get in.
func (p accessPage) Closed() bool { return p.Access.Closed() }

// PasswordRules says which passwords are taken.
func (p accessPage) PasswordRules() string { return secret.PasswordRules }

// MostBody is the largest limit of bodies, in MB.
func (p accessPage) MostBody() int { return traefik.MaxBodyLimit >> 20 }

// MostText is the longest text of a maintenance page.
func (p accessPage) MostText() int { return traefik.MaxMaintenanceText }

// FrameChoices are the values of X-Frame-Options.
func (p accessPage) FrameChoices() []string { return app.FrameOptions }

// ReferrerChoices are the values of Referrer-Policy.
func (p accessPage) ReferrerChoices() []string { return app.ReferrerPolicies }

// Periods are those of a rate.
func (p accessPage) Periods() []string { return []string{"second", "minute", "hour"} }

func (a *admin) showAccess(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	page, err := a.accessPage(v, name)
	if err != nil {
		return err
	}
	return v.page(page.Problems.status(), "access", page)
}

// setAccessUser gives a user a password. One that Berth makes is shown on the page
// that answers, and nowhere else.
func (a *admin) setAccessUser(v *visit) error {
	form := v.request().PostForm
	user := app.AccessUser{Name: form.Get(fieldAccessUser), Password: secret.Text(form.Get(fieldAccessPassword))}
	change := app.AccessChange{Users: []app.AccessUser{user}}
	if form.Get(fieldGenerate) == "" {
		return a.changeAccess(v, change, user.Name+" can sign in with the new password.")
	}
	name, err := v.app()
	if err != nil {
		return err
	}
	plain := secret.NewAccessPassword()
	change.Users[0].Password = secret.Text(plain)
	if _, err := a.settings.UpdateAccess(v.context(), name, change); err != nil {
		return a.refuseOnAccess(v, name, err)
	}
	v.done.detail = change.Summary()
	page, err := a.accessPage(v, name)
	if err != nil {
		return err
	}
	page.Fresh = &freshPassword{User: user.Name, Plain: plain}
	return v.page(page.Problems.status(), "access", page)
}

// removeAccessUser takes a user away. With the last one the app is closed.
func (a *admin) removeAccessUser(v *visit) error {
	user := v.request().PostForm.Get(fieldAccessUser)
	return a.changeAccess(v, app.AccessChange{Remove: []string{user}}, user+" cannot sign in any more.")
}

// switchPassword turns the password protection on or off.
func (a *admin) switchPassword(v *visit) error {
	on := v.request().PostForm.Get(fieldOn) == "1"
	done := "Password protection is off."
	if on {
		done = "Password protection is on."
	}
	return a.changeAccess(v, app.AccessChange{Password: &on}, done)
}

// updateAccessRules takes the rules that need no name.
func (a *admin) updateAccessRules(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	rules, err := app.ParseAccessRules(typedAccess(v.request().PostForm))
	if err != nil {
		return a.refuseOnAccess(v, name, err)
	}
	return a.changeAccess(v, app.AccessChange{Rules: &rules}, "The rules are saved, and the proxy follows them.")
}

// updateMaintenance turns the maintenance page on or off, or gives it another text.
func (a *admin) updateMaintenance(v *visit) error {
	form := v.request().PostForm
	name, err := v.app()
	if err != nil {
		return err
	}
	page, err := app.ParseMaintenance(form.Get(fieldOn) == "1", form.Get(fieldMaintenance))
	if err != nil {
		return a.refuseOnAccess(v, name, err)
	}
	done := "Maintenance is off."
	if page.On {
		done = "Maintenance is on: visitors see the maintenance page. You can stop the app meanwhile."
	}
	return a.changeAccess(v, app.AccessChange{Maintenance: &page}, done)
}

// changeAccess changes the access and goes back to the page, which says done.
func (a *admin) changeAccess(v *visit, change app.AccessChange, done string) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	access, err := a.settings.UpdateAccess(v.context(), name, change)
	if err != nil {
		return a.refuseOnAccess(v, name, err)
	}
	v.done.detail = change.Summary()
	if access.Closed() {
		done += " Nobody can, so the app is closed: it has no route until there is a user."
	}
	if err := v.notify(done); err != nil {
		return err
	}
	return v.seeOther(accessPath(name))
}

// refuseOnAccess shows the page with what is wrong and what was typed but passwords.
func (a *admin) refuseOnAccess(v *visit, name app.Name, err error) error {
	problems := fieldProblems{}
	several, ok := errors.AsType[problem.Problems](err)
	if !ok {
		several = problem.Problems{asProblem(err)}
	}
	for _, fault := range several {
		if fault.Kind == problem.KindUnavailable { // it is saved: said above all
			problems[""] = fault
			continue
		}
		if problems.add(fault) != nil {
			return err
		}
	}
	page, err := a.accessPage(v, name)
	if err != nil {
		return err
	}
	for _, problem := range problems {
		a.logProblem(v, problem)
	}
	typed := v.request().PostForm
	page.Problems, page.Problem = problems, problems[""]
	page.User = typed.Get(fieldAccessUser)
	if typed.Has("allow") {
		page.Rules = typedAccess(typed)
	}
	if typed.Has(fieldMaintenance) {
		page.Text = typed.Get(fieldMaintenance)
	}
	return v.page(problems.status(), "access", page)
}

func (a *admin) accessPage(v *visit, name app.Name) (accessPage, error) {
	view, err := a.apps.App(v.context(), name)
	if err != nil {
		return accessPage{}, err
	}
	page := accessPage{
		frame: v.frame("Access to "+string(name)).on(name, tabAccess), App: name, State: appBadge(view.Observed.State), Access: view.Access,
		Rules: app.AccessFormOf(view.Access), Text: view.Access.Maintenance.Text,
	}
	page.Egress, v.read = a.egressViewOf(view.App), &view.App
	return page, nil
}

func typedAccess(form url.Values) app.AccessForm {
	return app.AccessForm{
		Allow: form.Get("allow"), Rate: form.Get("rate"), Period: form.Get("period"), Burst: form.Get("burst"), MaxBody: form.Get("max_body"),
		FrameOptions: form.Get("frame_options"), ReferrerPolicy: form.Get("referrer_policy"),
		PermissionsPolicy: form.Get("permissions_policy"), CSP: form.Get("csp"), NoSniff: form.Get("no_sniff") != "",
		NoSlashRedirect: form.Get("no_slash_redirect") != "", EncodedPaths: form.Get("encoded_paths"),
	}
}

// accessText says in a few words who gets in, for the app's page.
func accessText(access traefik.Access) string {
	switch {
	case access.Closed():
		return "closed"
	case access.Maintenance.On:
		return "in maintenance"
	case access.Password && len(access.Allow) > 0:
		return fmt.Sprintf("%s, some addresses", plural(len(access.Users), "user"))
	case access.Password:
		return plural(len(access.Users), "user")
	case len(access.Allow) > 0:
		return "some addresses"
	default:
		return "everybody"
	}
}

func accessPath(name app.Name) string { return appPath(name) + "/access" }
