package router

import (
	"encoding/json"
	"fmt"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/traefik"
)

// fieldArrival holds what an app has beside its archive, where another server sends it. It
// stands in place of the fields of a person's form.
const fieldArrival = "moved"

// movedJSON is an app on its way from one server to another.
type movedJSON struct {
	Settings    settingsJSON        `json:"settings"`
	Access      movedAccessJSON     `json:"access"`
	Environment []movedVariableJSON `json:"environment"`
	Mounts      []mountJSON         `json:"mounts"`
}

type movedAccessJSON struct {
	Password    bool            `json:"password"`
	Users       []movedUserJSON `json:"users"`
	Rules       accessRulesJSON `json:"rules"`
	Maintenance maintenanceJSON `json:"maintenance"`
}

type movedUserJSON struct {
	Name string `json:"name"`
	Hash string `json:"hash"` // of the password, which nobody knows
}

type movedVariableJSON struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Secret bool   `json:"secret"`
	File   bool   `json:"file"`
	Build  bool   `json:"build"`
}

// DescribeMoved is what an app has, with its secrets, as the form of a new app takes it on
// another server.
func DescribeMoved(found app.App, variables []app.VariableWish) ([]byte, error) {
	shown := accessJSONOf(found.Access)
	made := movedJSON{
		Settings: settingsJSONOf(found.Settings), Mounts: mountsJSON(found.Mounts), Environment: []movedVariableJSON{},
		Access: movedAccessJSON{Password: shown.Password, Users: []movedUserJSON{}, Rules: shown.Rules, Maintenance: shown.Maintenance},
	}
	for _, user := range found.Access.Users {
		made.Access.Users = append(made.Access.Users, movedUserJSON(user))
	}
	for _, one := range variables {
		made.Environment = append(made.Environment, movedVariableJSON{one.Name, one.Value.Reveal(), one.Secret, one.File, one.Build})
	}
	return json.Marshal(made)
}

// parseMoved reads the field into the upload. Only an administrator sends it: it holds
// access rules.
func (a *admin) parseMoved(v *visit, text string, into *controller.Upload) error {
	if !v.caller.bearer || !v.caller.token.Scope.Allows(adminScope) {
		return problem.Forbidden("A token of this scope cannot take an app that moves.", "Use a token of the scope admin.").At(fieldArrival)
	}
	var moved movedJSON
	if err := json.Unmarshal([]byte(text), &moved); err != nil {
		return problem.Invalid("The app that moves cannot be read.", "See that both servers run the same version of Berth.").At(fieldArrival).Because(err)
	}
	settings, err := a.settings.ParseSettings(moved.Settings.form())
	if err != nil {
		return err
	}
	into.Settings, into.OwnLimits = &settings, true
	into.Routes = []plan.RouteWish{} // the other server adds them
	for _, one := range moved.Environment {
		into.Environment = append(into.Environment, app.VariableWish{Name: one.Name, Value: secret.Text(one.Value), Secret: one.Secret, File: one.File, Build: one.Build})
	}
	into.Mounts = nil
	for _, one := range moved.Mounts {
		mount, err := app.ParseMount(one.Volume, one.Target, one.ReadOnly)
		if err != nil {
			return err
		}
		into.Mounts = append(into.Mounts, mount)
	}
	into.Access, err = moved.Access.access()
	return err
}

// access goes through the parsers of the forms. No form has a hash, so that is checked here.
func (m movedAccessJSON) access() (traefik.Access, error) {
	rules, err := app.ParseAccessRules(m.Rules.form())
	if err != nil {
		return traefik.Access{}, err
	}
	page, err := app.ParseMaintenance(m.Maintenance.On, m.Maintenance.Text)
	if err != nil {
		return traefik.Access{}, err
	}
	var made traefik.Access
	for _, user := range m.Users {
		made.Users = append(made.Users, traefik.User(user))
	}
	if made, err = (app.AccessChange{Password: &m.Password, Rules: &rules, Maintenance: &page}).Apply(made); err != nil {
		return traefik.Access{}, err
	}
	if err := made.Check(); err != nil {
		return traefik.Access{}, problem.Invalid(fmt.Sprintf("The access rules of the app cannot be taken: %s.", err), "Change them on the server that it comes from.").At(fieldArrival)
	}
	return made, nil
}
