package app

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/problem"
	"berth/controller/secret"
	"berth/traefik"
)

// AccessTimeout is how long a change of the access may take, with its hashes.
const AccessTimeout = 30 * time.Second

// AccessUser is a user with a new password.
type AccessUser struct {
	Name     string
	Password secret.Text
}

// AccessChange is a change of who may use an app. A nil or empty field changes nothing.
type AccessChange struct {
	Users    []AccessUser // new users, or new passwords; a user turns Password on
	Remove   []string     // names of users
	Password *bool        // off admits visitors without a password, if the other rules allow them
	Rules    *AccessRules
	// Maintenance is shown in place of the app while it is on.
	Maintenance *traefik.Maintenance
}

// Apply returns the access after the change, or a Problem if the access would be invalid.
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
		access.NoSlashRedirect, access.EncodedPaths = c.Rules.NoSlashRedirect, c.Rules.EncodedPaths
	}
	if c.Maintenance != nil {
		access.Maintenance = *c.Maintenance
	}
	return access.Canonical(), nil
}

// hashed is the user as the ledger stores it.
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

// Summary describes the change for the audit log, without passwords.
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

func noSuchUser(name string) *problem.Problem {
	return problem.Invalid(fmt.Sprintf("There is no user %.60q.", name), "See the list of users for their names.").At("user")
}

func tooManyUsers() *problem.Problem {
	return problem.Invalid(
		fmt.Sprintf("An app has %d users at most.", traefik.MaxUsers),
		"Remove some, or let the app itself sign people in.",
	).At("user")
}
