package router

import (
	"strings"

	"berth/controller/app"
	"berth/traefik"
)

// The fields of the forms of domains.
const (
	fieldHome  = "home"
	fieldHost  = "host"
	fieldFrom  = "from"
	fieldTo    = "to"
	fieldMoved = "kind" // kindPermanent, else it is for now
)

const kindPermanent = "permanent"

const hostsPath = "/settings/domains"

type hostsPage struct {
	frame
	Domains  []hostRow
	Home     homeForm
	Redirect redirectForm
	Problems fieldProblems
}

// hostRow is a host as the list shows it.
type hostRow struct {
	Host     traefik.Host
	Routes   []hostRoute
	Redirect *traefik.Redirect
	Check    checkView
}

type hostRoute struct {
	App     app.Name
	Path    string // of the page of its routes
	Route   string
	Derived bool
}

// homeForm is where "/" leads.
type homeForm struct {
	Chosen  string
	Missing bool
	Choices []string
}

// redirectForm is the form for a redirect as it was typed.
type redirectForm struct {
	From, To  string
	Permanent bool
}

func (a *admin) showHosts(v *visit) error {
	return a.hostsForm(v, redirectForm{Permanent: true}, fieldProblems{})
}

// checkHostAgain asks about a host again: 303 back.
func (a *admin) checkHostAgain(v *visit) error {
	if err := a.checkAgain(v, v.request().PostForm.Get(fieldHost)); err != nil {
		return err
	}
	return v.seeOther(hostsPath)
}

// updateHome chooses where "/" leads that no app has: 303 back.
func (a *admin) updateHome(v *visit) error {
	chosen := v.request().PostForm.Get(fieldHome)
	err := a.routing.UpdateHome(v.context(), chosen)
	if err == nil {
		v.done.detail = "home " + chosen // it is a route of an app, not just anything that was typed
	}
	return a.changeHosts(v, redirectForm{Permanent: true}, err, "The home route is saved.")
}

// createRedirect lets a host redirect: 303 back.
func (a *admin) createRedirect(v *visit) error {
	typed := v.request().PostForm
	form := redirectForm{
		From: strings.TrimSpace(typed.Get(fieldFrom)), To: strings.TrimSpace(typed.Get(fieldTo)), Permanent: typed.Get(fieldMoved) == kindPermanent,
	}
	redirect, err := a.parseRedirect(form)
	if err != nil {
		return a.changeHosts(v, form, err, "")
	}
	v.done.detail = string(redirect.From) + " to " + string(redirect.To)
	err = a.routing.CreateRedirect(v.context(), redirect)
	return a.changeHosts(v, form, err, redirect.From.Unicode()+" redirects to "+redirect.To.Unicode()+".")
}

// parseRedirect reads both hosts; a problem is at the field of its host.
func (a *admin) parseRedirect(form redirectForm) (traefik.Redirect, error) {
	from, err := a.routing.ParseHost(form.From)
	if err != nil {
		return traefik.Redirect{}, fieldOf(fieldFrom, err)
	}
	to, err := a.routing.ParseHost(form.To)
	if err != nil {
		return traefik.Redirect{}, fieldOf(fieldTo, err)
	}
	return traefik.Redirect{From: from, To: to, Permanent: form.Permanent}, nil
}

// deleteRedirect frees a host: 303 back.
func (a *admin) deleteRedirect(v *visit) error {
	host, err := traefik.ParseHost(v.request().PostForm.Get(fieldFrom))
	if err != nil {
		return malformed("That is not a host that redirects.", "Open the page again.", err)
	}
	v.done.detail = string(host)
	return a.changeHosts(v, redirectForm{Permanent: true}, a.routing.DeleteRedirect(v.context(), host), host.Unicode()+" does not redirect any more.")
}

// changeHosts goes back to the page, which says done, or shows why it was not.
func (a *admin) changeHosts(v *visit, form redirectForm, err error, done string) error {
	problems := fieldProblems{}
	if err := problems.add(err); err != nil {
		return err
	}
	if problem := problems.first(); problem != nil {
		a.logProblem(v, problem)
		return a.hostsForm(v, form, problems)
	}
	if err := v.notify(done); err != nil {
		return err
	}
	return v.seeOther(hostsPath)
}

func (a *admin) hostsForm(v *visit, form redirectForm, problems fieldProblems) error {
	domains, err := a.routing.HostViews(v.context())
	if err != nil {
		return err
	}
	home, err := a.routing.Home(v.context())
	if err != nil {
		return err
	}
	page := hostsPage{frame: v.frame("Domains"), Redirect: form, Problems: problems, Home: homeForm{Chosen: home.Chosen.String(), Missing: home.Missing}}
	page.Section, page.Tab = "settings", "domains"
	page.Problem = problems[""]
	for _, choice := range home.Choices {
		page.Home.Choices = append(page.Home.Choices, choice.String())
	}
	for _, domain := range domains {
		row := hostRow{Host: domain.Host, Redirect: domain.Redirect, Check: checkViewOf(domain.Host, domain.Check)}
		for _, route := range domain.Routes {
			row.Routes = append(row.Routes, hostRoute{App: route.App, Path: routesPath(route.App), Route: route.Route.String(), Derived: route.Derived})
		}
		page.Domains = append(page.Domains, row)
	}
	return v.page(problems.status(), "hosts", page)
}

// fieldOf says the problem in err beside another field.
func fieldOf(field string, err error) error {
	problem := *asProblem(err)
	problem.Field = field
	return &problem
}
