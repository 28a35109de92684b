package router

import (
	"net/http"

	"berth/controller/app"
	"berth/controller/routing"
	"berth/traefik"
)

// domainJSON is a host with what answers there.
type domainJSON struct {
	Host     traefik.Host      `json:"host"`
	Routes   []domainRouteJSON `json:"routes"`
	Redirect *redirectJSON     `json:"redirect"` // null: it does not redirect
	Check    *hostCheckJSON    `json:"check"`    // null: it was not checked
}

type domainRouteJSON struct {
	App     app.Name `json:"app"`
	Route   string   `json:"route"`
	Derived bool     `json:"derived"` // by the base domain
}

type redirectJSON struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Permanent bool   `json:"permanent"`
}

// domainsJSON is every host.
type domainsJSON struct {
	Domains []domainJSON `json:"domains"`
}

// hostWish names a host.
type hostWish struct {
	Host string `json:"host"`
}

// homeJSON is where "/" leads that no app has.
type homeJSON struct {
	Home    string   `json:"home"`    // a route of an app; empty: nowhere
	Missing bool     `json:"missing"` // no app has the route any more
	Choices []string `json:"choices"`
}

// homeWish is a route of an app; empty is nowhere.
type homeWish struct {
	Home string `json:"home"`
}

func (a *admin) apiListDomains(v *visit) error { return a.answerDomains(v, http.StatusOK) }

func (a *admin) answerDomains(v *visit, status int) error {
	found, err := a.routing.HostViews(v.context())
	if err != nil {
		return err
	}
	made := domainsJSON{Domains: []domainJSON{}}
	for _, one := range found {
		made.Domains = append(made.Domains, domainJSONOf(one))
	}
	return v.json(status, made)
}

func domainJSONOf(view routing.HostView) domainJSON {
	made := domainJSON{Host: view.Host, Routes: []domainRouteJSON{}}
	for _, route := range view.Routes {
		made.Routes = append(made.Routes, domainRouteJSON{route.App, route.Route.String(), route.Derived})
	}
	if r := view.Redirect; r != nil {
		made.Redirect = &redirectJSON{string(r.From), string(r.To), r.Permanent}
	}
	if !view.Check.At.IsZero() {
		made.Check = &hostCheckJSON{At: view.Check.At, Findings: list(view.Check.Findings)}
	}
	return made
}

// apiCheckHost asks about a host again, and answers with what was found.
func (a *admin) apiCheckHost(v *visit) error {
	var wish hostWish
	if err := decodeJSON(v.request(), &wish, `{"host": "app.example.com"}`); err != nil {
		return err
	}
	_, check, err := a.checkKnownHost(v, wish.Host)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, hostCheckJSON{At: check.At, Findings: list(check.Findings)})
}

func (a *admin) apiShowHome(v *visit) error {
	home, err := a.routing.Home(v.context())
	if err != nil {
		return err
	}
	made := homeJSON{Home: home.Chosen.String(), Missing: home.Missing, Choices: []string{}}
	for _, choice := range home.Choices {
		made.Choices = append(made.Choices, choice.String())
	}
	return v.json(http.StatusOK, made)
}

func (a *admin) apiUpdateHome(v *visit) error {
	var wish homeWish
	if err := decodeJSON(v.request(), &wish, `{"home": "/hello"}`); err != nil {
		return err
	}
	if err := a.routing.UpdateHome(v.context(), wish.Home); err != nil {
		return err
	}
	v.done.detail = "home " + wish.Home
	return a.apiShowHome(v)
}

// apiCreateRedirect answers 201 with every host.
func (a *admin) apiCreateRedirect(v *visit) error {
	var wish redirectJSON
	if err := decodeJSON(v.request(), &wish, `{"from": "www.example.com", "to": "example.com", "permanent": true}`); err != nil {
		return err
	}
	redirect, err := a.parseRedirect(redirectForm(wish))
	if err != nil {
		return err
	}
	v.done.detail = string(redirect.From) + " to " + string(redirect.To)
	if err := a.routing.CreateRedirect(v.context(), redirect); err != nil {
		return err
	}
	return a.answerDomains(v, http.StatusCreated)
}

// apiDeleteRedirect answers with every host.
func (a *admin) apiDeleteRedirect(v *visit) error {
	host, err := traefik.ParseHost(v.gin.Param("host"))
	if err != nil {
		return malformed("That is not a host that redirects.", "Look at the list of domains.", err)
	}
	v.done.detail = string(host)
	if err := a.routing.DeleteRedirect(v.context(), host); err != nil {
		return err
	}
	return a.answerDomains(v, http.StatusOK)
}
