package router

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/egress"
	"berth/controller/egress/exit"
	"berth/controller/egress/keeper"
)

// Egress tells what apps were refused that may not connect to everything.
type Egress interface {
	Refused(app.Name) []keeper.Refused
}

// fieldEgressHost is the host of the form that adds one to the list.
const fieldEgressHost = "egress_host"

// egressView is the part of the app's page about outgoing connections.
type egressView struct {
	App      app.Name
	Path     string
	Mode     string // as typed, else the app's
	Hosts    string
	Modes    []egressChoice
	Closed   bool // the app may not connect to everything
	Listed   bool // it has a list
	Words    string
	Refused  []refusedRow
	Problems fieldProblems
}

// egressChoice is a mode to choose.
type egressChoice struct{ Mode, Label, Hint string }

var egressChoices = []egressChoice{
	{egress.Open.String(), "Open", "The app can connect to every server of the internet."},
	{egress.List.String(), "List", "The app can connect only to the hosts below, over HTTP and HTTPS through Berth's proxy. No other way leads out."},
	{egress.None.String(), "None", "The app can connect to nothing but its own services."},
}

// refusedRow is a host that the app wanted to connect to.
type refusedRow struct {
	To       string
	Note     string
	Count    int64
	Last     time.Time
	CanAllow bool
}

func (a *admin) egressViewOf(of app.App) egressView {
	set := of.Settings.Egress
	view := egressView{
		App: of.Name, Path: egressPath(of.Name), Mode: set.Mode.String(), Hosts: string(set.Hosts), Modes: egressChoices,
		Closed: set.Mode.Closed(), Listed: set.Mode == egress.List, Words: set.Words(),
	}
	for _, refused := range a.refusedOf(of.Name) {
		row := refusedRow{To: refused.To, Count: refused.Count, Last: refused.Last}
		row.CanAllow = view.Listed && refused.CanAllow()
		if refused.Why == exit.ClosedAddress {
			row.Note = "Its name leads to a private address, or to one of this server."
		}
		view.Refused = append(view.Refused, row)
	}
	return view
}

func (a *admin) refusedOf(name app.Name) []keeper.Refused {
	if a.egress == nil {
		return nil
	}
	return a.egress.Refused(name)
}

// typed shows what was typed, with its problems.
func (e *egressView) typed(form url.Values, problems fieldProblems) {
	e.Problems = problems
	if form.Has(egress.FieldMode) {
		e.Mode, e.Hosts = form.Get(egress.FieldMode), form.Get(egress.FieldHosts)
	}
}

// updateEgress changes where an app may connect to: 303 to the page of the release that
// does it without a gap, or back.
func (a *admin) updateEgress(v *visit) error {
	typed := v.request().PostForm
	form := egress.Form{Mode: typed.Get(egress.FieldMode), Hosts: typed.Get(egress.FieldHosts)}
	return a.changeEgress(v, func(egress.Egress) egress.Form { return form })
}

// allowHost adds a host to the list of an app.
func (a *admin) allowHost(v *visit) error {
	host := v.request().PostForm.Get(fieldEgressHost)
	return a.changeEgress(v, func(has egress.Egress) egress.Form {
		return egress.Form{Mode: egress.List.String(), Hosts: string(has.Hosts) + "\n" + host}
	})
}

func (a *admin) changeEgress(v *visit, change func(egress.Egress) egress.Form) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	release, err := a.setEgress(v, name, change)
	if err != nil {
		return a.refuseEgress(v, name, err)
	}
	return v.seeSaved(fmt.Sprintf("Outgoing connections of %s", name), accessPath(name), release)
}

// refuseEgress shows the tab Access with what was typed about outgoing connections, and
// what is wrong with it.
func (a *admin) refuseEgress(v *visit, name app.Name, err error) error {
	if !isShown(err) {
		return err
	}
	a.logProblem(v, asProblem(err))
	page, missing := a.accessPage(v, name)
	if missing != nil {
		return missing
	}
	problems := shownProblems(err, []string{egress.FieldMode, egress.FieldHosts})
	page.Problem = problems[""]
	page.Egress.typed(v.request().PostForm, problems)
	return v.page(problems.status(), "access", page)
}

// setEgress gives the app the settings that it has, but for where it may connect to. The
// zero Release says that there is nothing to run.
func (a *admin) setEgress(v *visit, name app.Name, change func(egress.Egress) egress.Form) (app.Release, error) {
	view, err := a.apps.App(v.context(), name)
	if err != nil {
		return app.Release{}, err
	}
	settings := view.Settings
	wanted, problems := egress.Parse(change(settings.Egress))
	if len(problems) > 0 {
		return app.Release{}, problems
	}
	settings.Egress = wanted
	v.done.detail = wanted.Mode.String()
	if wanted.Mode == egress.List {
		v.done.detail += " " + strings.Join(wanted.Hosts.List(), " ")
	}
	if v.caller.bearer {
		if err := v.mayWaive(view.App, settings); err != nil {
			return app.Release{}, err
		}
	}
	return a.settings.UpdateSettings(v.context(), name, settings, v.caller.name())
}

// refusedJSON is a host that an app wanted to connect to, as the API shows it.
type refusedJSON struct {
	To    string    `json:"to"`  // host:port, or "other hosts"
	Why   exit.Why  `json:"why"` // list: it is not on the list; address: it leads to a private address
	Count int64     `json:"count"`
	Last  time.Time `json:"last"`
}

// appEgressJSON is where an app may connect to, and what it was refused.
type appEgressJSON struct {
	egressJSON
	Refused []refusedJSON `json:"refused"`
}

// apiShowEgress answers with where the app may connect to, and what it was refused.
func (a *admin) apiShowEgress(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	refused := []refusedJSON{}
	for _, one := range a.refusedOf(view.Name) {
		refused = append(refused, refusedJSON(one))
	}
	return v.json(http.StatusOK, appEgressJSON{egressJSONOf(view.Settings.Egress), refused})
}

// apiUpdateEgress answers 201 with the release that changes where the app may connect to,
// or 200 where there is nothing to run. What a request leaves out stays as it is.
func (a *admin) apiUpdateEgress(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	wish := egressJSONOf(view.Settings.Egress)
	if err := decodeJSON(v.request(), &wish, `{"egress": "list", "egress_hosts": ["api.example.com:443"]}`); err != nil {
		return err
	}
	form := egress.Form{Mode: wish.Mode, Hosts: strings.Join(wish.Hosts, "\n")}
	release, err := a.setEgress(v, view.Name, func(egress.Egress) egress.Form { return form })
	if err != nil {
		return err
	}
	if release.Number == 0 {
		return a.apiShowEgress(v)
	}
	return v.createdRelease(release)
}

func egressPath(name app.Name) string { return appPath(name) + "/egress" }
