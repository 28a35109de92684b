package router

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"berth/controller/problem"
	"berth/controller/registries"
	"berth/controller/secret"
)

// Registries keep the logins of registries of images.
type Registries interface {
	List(context.Context) ([]registries.Login, error)
	Save(context.Context, registries.Wish) (registries.Login, error)
	Remove(ctx context.Context, host string) error
	SignIn(ctx context.Context, host string) error
}

const registriesPath = "/settings/registries"

type registriesPage struct {
	frame
	Logins   []registryRow
	Host     string // this and the next as typed
	User     string
	Problems fieldProblems
}

// registryRow is a login as the list shows it.
type registryRow struct {
	registries.Login

	Path string // what is done with it goes below
}

// Wrong is the problem of a field.
func (p registriesPage) Wrong(field string) *problem.Problem { return p.Problems[field] }

// Fields are the fields of the form but for the password.
func (p registriesPage) Fields() []textField {
	return []textField{
		{registries.FieldHost, "Registry", p.Host, "ghcr.io", p.Wrong(registries.FieldHost)},
		{registries.FieldUser, "User name", p.User, "user", p.Wrong(registries.FieldUser)},
	}
}

func (a *admin) showRegistries(v *visit) error { return a.registriesForm(v, registriesPage{}) }

func (a *admin) registriesForm(v *visit, page registriesPage) error {
	found, err := a.registries.List(v.context())
	if err != nil {
		return err
	}
	for _, login := range found {
		page.Logins = append(page.Logins, registryRow{login, registriesPath + "/" + url.PathEscape(login.Host)})
	}
	page.frame = v.frame("Registries")
	page.Section, page.Tab, page.Problem = "settings", "registries", page.Problems[""]
	return v.page(page.Problems.status(), "registries", page)
}

// createRegistry saves a login, in the place of the one that the registry had: 303 to the page.
func (a *admin) createRegistry(v *visit) error {
	form := v.request().PostForm
	wish := registries.Wish{Host: form.Get(registries.FieldHost), User: form.Get(registries.FieldUser), Password: secret.Text(form.Get(registries.FieldPassword))}
	saved, err := a.saveRegistry(v, wish)
	if err != nil {
		return a.refuseOnRegistries(v, registriesPage{Host: wish.Host, User: wish.User}, err)
	}
	if err := v.notify("The login of " + saved.Host + " is saved. Sign in once to see whether it is taken."); err != nil {
		return err
	}
	return v.seeOther(registriesPath)
}

func (a *admin) saveRegistry(v *visit, wish registries.Wish) (registries.Login, error) {
	saved, err := a.registries.Save(v.context(), wish)
	if err == nil {
		v.done.resource, v.done.detail = "registry "+saved.Host, "a login of "+saved.User
	}
	return saved, err
}

// refuseOnRegistries shows the page with what is wrong, and what was typed but the password.
func (a *admin) refuseOnRegistries(v *visit, page registriesPage, err error) error {
	if !isShown(err) {
		return err
	}
	a.logProblem(v, asProblem(err))
	page.Problems = shownProblems(err, []string{registries.FieldHost, registries.FieldUser, registries.FieldPassword})
	return a.registriesForm(v, page)
}

// deleteRegistry forgets a login: 303 to the page.
func (a *admin) deleteRegistry(v *visit) error {
	host, err := a.dropRegistry(v)
	if err != nil {
		return err
	}
	if err := v.notify("The login of " + host + " was removed. Berth asks it as anybody from now on."); err != nil {
		return err
	}
	return v.seeOther(registriesPath)
}

func (a *admin) dropRegistry(v *visit) (host string, err error) {
	host = v.gin.Param("host")
	v.done.resource = "registry " + host
	return host, a.namedRegistry(v, a.registries.Remove(v.context(), host))
}

// testRegistry signs in to a registry: 303 to the page, which says that it worked.
func (a *admin) testRegistry(v *visit) error {
	host, err := a.trySignIn(v)
	if err != nil {
		return a.refuseOnRegistries(v, registriesPage{}, movedFaults(err, map[string]string{registries.FieldHost: ""}))
	}
	if err := v.notify("The registry " + host + " takes the login."); err != nil {
		return err
	}
	return v.seeOther(registriesPath)
}

func (a *admin) trySignIn(v *visit) (host string, err error) {
	host = v.gin.Param("host")
	v.done.resource = "registry " + host
	return host, a.namedRegistry(v, a.registries.SignIn(v.context(), host))
}

// namedRegistry keeps the audit log from naming a registry that is not there.
func (*admin) namedRegistry(v *visit, err error) error {
	if problem.KindOf(err) == problem.KindNotFound && err != nil {
		v.done.resource = ""
	}
	return err
}

// registryJSON is the login of a registry as the API shows it: never its password.
type registryJSON struct {
	Registry  string    `json:"registry"`
	User      string    `json:"user"`
	ChangedAt time.Time `json:"changed_at"`
}

// registriesJSON is all logins, by registry.
type registriesJSON struct {
	Registries []registryJSON `json:"registries"`
}

// registryWish is how Berth is to sign in.
type registryWish struct {
	User     string `json:"user"`
	Password string `json:"password"` // or a token
}

func registryJSONOf(l registries.Login) registryJSON {
	return registryJSON{l.Host, l.User, l.ChangedAt}
}

// apiListRegistries shows which registries have a login.
func (a *admin) apiListRegistries(v *visit) error {
	found, err := a.registries.List(v.context())
	if err != nil {
		return err
	}
	made := registriesJSON{Registries: []registryJSON{}}
	for _, login := range found {
		made.Registries = append(made.Registries, registryJSONOf(login))
	}
	return v.json(http.StatusOK, made)
}

// apiSaveRegistry saves the login of a registry, in the place of the one that it had.
func (a *admin) apiSaveRegistry(v *visit) error {
	var wish registryWish
	if err := decodeJSON(v.request(), &wish, `{"user": "user", "password": "..."}`); err != nil {
		return err
	}
	saved, err := a.saveRegistry(v, registries.Wish{Host: v.gin.Param("host"), User: wish.User, Password: secret.Text(wish.Password)})
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, registryJSONOf(saved))
}

// apiDeleteRegistry forgets the login of a registry.
func (a *admin) apiDeleteRegistry(v *visit) error {
	if _, err := a.dropRegistry(v); err != nil {
		return err
	}
	return v.emptyAnswer()
}

// apiTestRegistry answers 204 once the registry took the login.
func (a *admin) apiTestRegistry(v *visit) error {
	if _, err := a.trySignIn(v); err != nil {
		return err
	}
	return v.emptyAnswer()
}
