package traefik

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

// The bounds of an Access.
const (
	MaxUsers             = 100
	MaxAllowed           = 100
	MaxBodyLimit         = 32 << 20 // bytes; the proxy keeps bodies in a folder of 128 MB in memory
	MaxRate              = 10_000   // requests in one period, and at once
	MaxMaintenanceText   = 2000     // characters
	maxMaintenanceBytes  = 4 * MaxMaintenanceText
	maxPasswordHashBytes = 60
)

// PasswordCost is the cost of the hashes. The proxy checks the password of every
// request: 8 takes it about 15 ms, cost 12 a quarter of a second, so that a few
// requests a second would stop it for all apps.
const PasswordCost = 8

// guard is the rate of an app with passwords that has no other: it bounds what
// guessing costs the proxy.
var guard = Rate{Requests: 20, Period: time.Second, Burst: 200}

// Access is who may use an app, and how. The zero Access lets everybody in; with
// Password on and no user, nobody: then the app has no route at all.
type Access struct {
	Password bool           // a name and a password are asked for
	Users    []User         // by name
	Allow    []netip.Prefix // whose requests are answered; empty: everybody's
	Rate     Rate
	// MaxBodyBytes is the largest body that a request may have; 0 is no limit. The
	// answers of requests with bodies are collected before they are sent.
	MaxBodyBytes int64
	Headers      ResponseHeaders
	Maintenance  Maintenance
	// NoSlashRedirect lets the app answer for the path of a route without a slash
	// behind it, in place of a redirect to the one that has it.
	NoSlashRedirect bool
}

// User is one who may sign in.
type User struct {
	Name string
	Hash string // bcrypt
}

// String is the user as the proxy's basic auth takes it.
func (u User) String() string { return u.Name + ":" + u.Hash }

func (u User) check() error {
	if !userPattern.MatchString(u.Name) || len(u.Hash) != maxPasswordHashBytes || !hashPattern.MatchString(u.Hash) {
		return fmt.Errorf("user %.60q is not valid", u.Name)
	}
	if cost, err := bcrypt.Cost([]byte(u.Hash)); err != nil || cost < PasswordCost {
		return fmt.Errorf("the hash of user %.60q is not a bcrypt hash of cost %d or more", u.Name, PasswordCost)
	}
	return nil
}

// Rate bounds the requests of each client, an IPv6 customer being a /64. The zero
// Rate bounds nothing.
type Rate struct {
	Requests int64 // in a Period, on average
	Period   time.Duration
	Burst    int64 // at once
}

// ResponseHeaders replace those of the app's answers; an empty one leaves the
// app's own.
type ResponseHeaders struct {
	FrameOptions          string
	ReferrerPolicy        string
	PermissionsPolicy     string
	ContentSecurityPolicy string
	NoSniff               bool // X-Content-Type-Options
}

// Maintenance shows a page in place of the app, with status 503.
type Maintenance struct {
	On   bool
	Text string // of the operator, plain text; may be empty
}

// Closed reports whether nobody can get in: the app has no route then.
func (a Access) Closed() bool { return a.Password && len(a.Users) == 0 }

// Canonical gives the one form of all that mean the same.
func (a Access) Canonical() Access {
	a.Users = slices.SortedFunc(slices.Values(a.Users), func(x, y User) int { return cmp.Compare(x.Name, y.Name) })
	allow := make([]netip.Prefix, 0, len(a.Allow))
	for _, prefix := range a.Allow {
		allow = append(allow, prefix.Masked())
	}
	slices.SortFunc(allow, func(x, y netip.Prefix) int {
		return cmp.Or(x.Addr().Compare(y.Addr()), cmp.Compare(x.Bits(), y.Bits()))
	})
	a.Allow = slices.Compact(allow)
	if len(a.Users) == 0 {
		a.Users = nil
	}
	if len(a.Allow) == 0 {
		a.Allow = nil
	}
	return a
}

// Equal reports whether a and other mean the same.
func (a Access) Equal(other Access) bool {
	a, other = a.Canonical(), other.Canonical()
	return a.Password == other.Password && slices.Equal(a.Users, other.Users) && slices.Equal(a.Allow, other.Allow) &&
		a.Rate == other.Rate && a.MaxBodyBytes == other.MaxBodyBytes && a.Headers == other.Headers && a.Maintenance == other.Maintenance &&
		a.NoSlashRedirect == other.NoSlashRedirect
}

var (
	userPattern = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)
	hashPattern = regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)
)

// check refuses what would weaken or break what is published: it may come from a
// row that someone else wrote.
func (a Access) check() error {
	for i, user := range a.Users {
		if err := user.check(); err != nil {
			return err
		}
		if slices.ContainsFunc(a.Users[:i], func(other User) bool { return other.Name == user.Name }) {
			return fmt.Errorf("user %.60q is there twice", user.Name)
		}
	}
	if len(a.Users) > MaxUsers || len(a.Allow) > MaxAllowed {
		return fmt.Errorf("%d users and %d addresses are too many", len(a.Users), len(a.Allow))
	}
	for _, prefix := range a.Allow {
		if !prefix.IsValid() || prefix.Bits() == 0 || prefix.Addr().Is4In6() {
			return fmt.Errorf("%s is not a range of addresses", prefix)
		}
	}
	if a.MaxBodyBytes < 0 || a.MaxBodyBytes > MaxBodyLimit {
		return fmt.Errorf("a body of %d bytes is not between 0 and %d", a.MaxBodyBytes, MaxBodyLimit)
	}
	if text := a.Maintenance.Text; len(text) > maxMaintenanceBytes || !utf8.ValidString(text) {
		return fmt.Errorf("the text of the maintenance page has %d bytes, or is none", len(text))
	}
	if err := a.Rate.check(); err != nil {
		return err
	}
	return a.Headers.check()
}

func (r Rate) check() error {
	if r == (Rate{}) {
		return nil
	}
	if r.Requests < 1 || r.Requests > MaxRate || r.Burst < 1 || r.Burst > MaxRate || r.Period < time.Second || r.Period > time.Hour {
		return fmt.Errorf("%d requests in %s, %d at once, is not a rate", r.Requests, r.Period, r.Burst)
	}
	return nil
}

// check lets only through what cannot end a header or begin another.
func (h ResponseHeaders) check() error {
	for _, value := range h.values() {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fmt.Errorf("%.60q cannot be the value of a header", value)
		}
	}
	return nil
}

// values are the headers to set, by name.
func (h ResponseHeaders) values() map[string]string {
	set := make(map[string]string)
	for name, value := range map[string]string{
		"X-Frame-Options": h.FrameOptions, "Referrer-Policy": h.ReferrerPolicy,
		"Permissions-Policy": h.PermissionsPolicy, "Content-Security-Policy": h.ContentSecurityPolicy,
	} {
		if value != "" {
			set[name] = value
		}
	}
	if h.NoSniff {
		set["X-Content-Type-Options"] = "nosniff"
	}
	return set
}
