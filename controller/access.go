package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/secret"
	"berth/traefik"
)

// accessTimeout is how long a change of the access may take, hashes included.
const accessTimeout = 30 * time.Second

// AccessUser is a user with the password that they are to have.
type AccessUser struct {
	Name     string
	Password secret.Text
}

// AccessChange is what to change about who may use an app. What is nil or empty
// stays as it is.
type AccessChange struct {
	Users    []AccessUser // new ones, or new passwords; with one, Password is on
	Remove   []string     // names of users
	Password *bool        // off lets in without a password whoever the rest lets in
	Rules    *AccessRules
	// Maintenance is shown in place of the app while it is on.
	Maintenance *traefik.Maintenance
}

// UpdateAccess changes who may use an app. It is live when the call returns,
// without a release: the rules are the app's, whatever runs. Where the last user
// goes while the password stays on, the app is closed: it has no route any more.
func (c *Controller) UpdateAccess(ctx context.Context, name AppName, change AccessChange) (traefik.Access, error) {
	// The browser going away must not leave the proxy with other rules than the ledger.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), accessTimeout)
	defer cancel()
	unlock, err := c.apps.lock(ctx, name)
	if err != nil {
		return traefik.Access{}, err
	}
	defer unlock()
	app, err := c.findApp(ctx, name)
	if err != nil {
		return traefik.Access{}, err
	}
	if err := c.checkMaintenance(change); err != nil {
		return traefik.Access{}, err
	}
	wanted, err := change.Apply(app.Access)
	if err != nil {
		return traefik.Access{}, err
	}
	if !wanted.Equal(app.Access) {
		if err := c.ledger.UpdateAccess(ctx, name, wanted); err != nil {
			return traefik.Access{}, claimProblem(err, app)
		}
		c.notices.notify(name)
	}
	// Also where nothing changed: whoever asks again wants it to be true.
	if err := c.publishAccess(ctx, app); err != nil {
		c.requestReconcile()
		return traefik.Access{}, &Problem{
			Kind: KindUnavailable, Err: err,
			Message: fmt.Sprintf("The rules of %s are saved, and the proxy has not confirmed them yet.", name),
			Hint:    "Berth keeps trying. Look at the app itself before you rely on them.",
		}
	}
	return wanted, nil
}

// publishAccess publishes the table and waits until the proxy shows what it has
// for the app, if that has a route at all.
func (c *Controller) publishAccess(ctx context.Context, app App) error {
	table, err := c.publishNow(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, confirmTimeout, errProxySilent)
	defer cancel()
	err = c.confirm(ctx, table, ReleaseID{App: app.Name, Number: app.Live})
	if errors.Is(err, ErrNotFound) {
		return nil // nothing of it is published
	}
	return err
}

func (c *Controller) checkMaintenance(change AccessChange) error {
	if change.Maintenance == nil || !change.Maintenance.On || c.pages != "" {
		return nil
	}
	return &Problem{
		Kind: KindConflict, Field: "maintenance",
		Message: "This Berth has no handler of maintenance pages.",
		Hint:    "Start it with its own docker-compose.yml, which has one.",
	}
}

// Apply returns the access after the change, or the Problem with it.
func (c AccessChange) Apply(access traefik.Access) (traefik.Access, error) {
	access.Users = slices.Clone(access.Users)
	for _, name := range c.Remove {
		at := slices.IndexFunc(access.Users, func(u traefik.User) bool { return u.Name == name })
		if at < 0 {
			return traefik.Access{}, noSuchUser(name)
		}
		access.Users = slices.Delete(access.Users, at, at+1)
	}
	for _, user := range c.Users {
		made, err := user.hashed()
		if err != nil {
			return traefik.Access{}, err
		}
		access.Users = slices.DeleteFunc(access.Users, func(u traefik.User) bool { return u.Name == made.Name })
		access.Users, access.Password = append(access.Users, made), true
	}
	if len(access.Users) > traefik.MaxUsers {
		return traefik.Access{}, tooManyUsers()
	}
	if c.Password != nil {
		access.Password = *c.Password
	}
	if c.Rules != nil {
		access.Allow, access.Rate, access.MaxBodyBytes, access.Headers = c.Rules.Allow, c.Rules.Rate, c.Rules.MaxBodyBytes, c.Rules.Headers
		access.NoSlashRedirect = c.Rules.NoSlashRedirect
	}
	if c.Maintenance != nil {
		access.Maintenance = *c.Maintenance
	}
	return access.Canonical(), nil
}

// hashed is the user as the ledger keeps them.
func (u AccessUser) hashed() (traefik.User, error) {
	name, err := ParseAccessUser(u.Name)
	if err != nil {
		return traefik.User{}, err
	}
	if err := checkAccessPassword(name, u.Password); err != nil {
		return traefik.User{}, err
	}
	hash, err := secret.HashPasswordAt(traefik.PasswordCost, u.Password.Reveal())
	return traefik.User{Name: name, Hash: hash}, err
}

// Summary says what the change is about, for the audit log; no password is in it.
func (c AccessChange) Summary() string {
	var parts []string
	for _, user := range c.Users {
		parts = append(parts, "password of "+user.Name)
	}
	for _, name := range c.Remove {
		parts = append(parts, "removed "+name)
	}
	if c.Password != nil {
		parts = append(parts, "password protection "+onOff(*c.Password))
	}
	if c.Rules != nil {
		parts = append(parts, c.Rules.summary())
	}
	if c.Maintenance != nil {
		parts = append(parts, "maintenance "+onOff(c.Maintenance.On))
	}
	return strings.Join(parts, "; ")
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func noSuchUser(name string) *Problem {
	return &Problem{
		Kind: KindInvalid, Field: "user",
		Message: fmt.Sprintf("There is no user %.60q.", name),
		Hint:    "See the list of users for their names.",
	}
}

func tooManyUsers() *Problem {
	return &Problem{
		Kind: KindInvalid, Field: "user",
		Message: fmt.Sprintf("An app has %d users at most.", traefik.MaxUsers),
		Hint:    "Remove some, or let the app itself sign people in.",
	}
}
