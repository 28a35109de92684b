package router

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/secret"
	"berth/traefik"
)

// accessJSON is who may use an app, as the API shows it. No password or hash is in it.
type accessJSON struct {
	Password    bool            `json:"password"` // one is asked for
	Users       []string        `json:"users"`
	Closed      bool            `json:"closed"` // one is asked for, and nobody has one: no route
	Rules       accessRulesJSON `json:"rules"`
	Maintenance maintenanceJSON `json:"maintenance"`
}

type accessRulesJSON struct {
	Allow     []string          `json:"allow"` // addresses and ranges; empty: everybody
	Rate      *rateJSON         `json:"rate"`  // of each client; null: none
	MaxBodyMB int64             `json:"max_body_mb"`
	Headers   accessHeadersJSON `json:"headers"`
	// NoSlashRedirect lets the app answer for /name itself, in place of a redirect to /name/.
	NoSlashRedirect bool `json:"no_slash_redirect"`
	// EncodedPaths is none, names or slash; empty: names for a static site, none for others.
	EncodedPaths string `json:"encoded_paths"`
}

type rateJSON struct {
	Requests int64  `json:"requests"`
	Period   string `json:"period"` // second, minute or hour
	Burst    int64  `json:"burst,omitempty"`
}

type accessHeadersJSON struct {
	FrameOptions          string `json:"frame_options,omitempty"`
	ReferrerPolicy        string `json:"referrer_policy,omitempty"`
	PermissionsPolicy     string `json:"permissions_policy,omitempty"`
	ContentSecurityPolicy string `json:"content_security_policy,omitempty"`
	NoSniff               bool   `json:"no_sniff,omitempty"`
}

type maintenanceJSON struct {
	On   bool   `json:"on"`
	Text string `json:"text"`
}

func accessJSONOf(access traefik.Access) accessJSON {
	form := app.AccessFormOf(access)
	made := accessJSON{
		Password: access.Password, Users: []string{}, Closed: access.Closed(),
		Rules: accessRulesJSON{
			Allow: append([]string{}, strings.Fields(form.Allow)...), MaxBodyMB: access.MaxBodyBytes >> 20,
			Headers: accessHeadersJSON(access.Headers), NoSlashRedirect: access.NoSlashRedirect, EncodedPaths: form.EncodedPaths,
		},
		Maintenance: maintenanceJSON(access.Maintenance),
	}
	for _, user := range access.Users {
		made.Users = append(made.Users, user.Name)
	}
	if access.Rate != (traefik.Rate{}) {
		made.Rules.Rate = &rateJSON{Requests: access.Rate.Requests, Period: form.Period, Burst: access.Rate.Burst}
	}
	return made
}

// form gives the rules to the parser that all rules go through.
func (r accessRulesJSON) form() app.AccessForm {
	form := app.AccessForm{
		Allow: strings.Join(r.Allow, "\n"), FrameOptions: r.Headers.FrameOptions, ReferrerPolicy: r.Headers.ReferrerPolicy,
		PermissionsPolicy: r.Headers.PermissionsPolicy, CSP: r.Headers.ContentSecurityPolicy, NoSniff: r.Headers.NoSniff,
		NoSlashRedirect: r.NoSlashRedirect, EncodedPaths: r.EncodedPaths,
	}
	if r.Rate != nil {
		form.Rate, form.Period = strconv.FormatInt(r.Rate.Requests, 10), r.Rate.Period
		if r.Rate.Burst != 0 {
			form.Burst = strconv.FormatInt(r.Rate.Burst, 10)
		}
	}
	if r.MaxBodyMB != 0 {
		form.MaxBody = strconv.FormatInt(r.MaxBodyMB, 10)
	}
	return form
}

// accessWish is what a request changes; what it leaves out stays. Rules are
// replaced whole.
type accessWish struct {
	Password    *bool                  `json:"password"`
	Users       map[string]secret.Text `json:"users"` // passwords by name
	Remove      []string               `json:"remove"`
	Rules       *accessRulesJSON       `json:"rules"`
	Maintenance *maintenanceJSON       `json:"maintenance"`
}

func (w accessWish) change() (app.AccessChange, error) {
	change := app.AccessChange{Password: w.Password, Remove: w.Remove}
	for _, name := range slices.Sorted(maps.Keys(w.Users)) {
		change.Users = append(change.Users, app.AccessUser{Name: name, Password: w.Users[name]})
	}
	if w.Rules != nil {
		rules, err := app.ParseAccessRules(w.Rules.form())
		if err != nil {
			return app.AccessChange{}, err
		}
		change.Rules = &rules
	}
	if w.Maintenance != nil {
		page, err := app.ParseMaintenance(w.Maintenance.On, w.Maintenance.Text)
		if err != nil {
			return app.AccessChange{}, err
		}
		change.Maintenance = &page
	}
	return change, nil
}

func (a *admin) apiShowAccess(v *visit) error {
	view, err := a.appOf(v)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, accessJSONOf(view.Access))
}

// apiUpdateAccess changes what the body names, and answers once the proxy follows.
func (a *admin) apiUpdateAccess(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	var wish accessWish
	err = decodeJSON(v.request(), &wish, `{"users": {"user": "..."}, "rules": {"allow": ["192.0.2.0/24"]}}`)
	if err != nil {
		return err
	}
	change, err := wish.change()
	if err != nil {
		return err
	}
	access, err := a.settings.UpdateAccess(v.context(), name, change)
	if err != nil {
		return err
	}
	v.done.detail = change.Summary()
	return v.json(http.StatusOK, accessJSONOf(access))
}
