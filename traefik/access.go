package traefik

import (
	"cmp"
	"errors"
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
	MaxBodyLimit         = 32 << 20 // bytes; the proxy stores bodies in a folder of 128 MB in memory
	MaxRate              = 10_000   // requests in one period, and at once
	MaxMaintenanceText   = 2000     // characters
	maxMaintenanceBytes  = 4 * MaxMaintenanceText
	maxPasswordHashBytes = 60
)

// PasswordCost is the bcrypt cost of the hashes. The proxy checks the password of every
// request: cost 8 takes about 15 ms, and cost 12 a quarter of a second. With cost 12, a
// few requests a second would stop the proxy for all apps.
const PasswordCost = 8

// guard is the rate of an app that has passwords and no rate of its own: it bounds the
// proxy's work for password guesses.
var guard = Rate{Requests: 20, Period: time.Second, Burst: 200}

// Access says who may use an app, and how. The zero Access admits everybody. With
// Password on and no user it admits nobody: the app then has no route.
type Access struct {
	Password bool           // visitors need a name and a password
	Users    []User         // by name
	Allow    []netip.Prefix // admitted addresses; empty: all
	Rate     Rate
	// MaxBodyBytes is the largest body of a request; 0 is no limit. The proxy collects
	// the answer to a request with a body before it sends it.
	MaxBodyBytes int64
	Headers      ResponseHeaders
	Maintenance  Maintenance
	// NoSlashRedirect lets the app answer the path of a route without its final slash.
	// Otherwise the proxy redirects to the path with the slash.
	NoSlashRedirect bool
	EncodedPaths    EncodedPaths // encoded characters in paths
}

// User is a person who may sign in.
type User struct {
	Name string
	Hash string // bcrypt
}

// String is the user in the form of the proxy's basic auth.
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

// Rate bounds the requests of each client; an IPv6 /64 is one client. The zero Rate
// bounds nothing.
type Rate struct {
	Requests int64 // in a Period, on average
	Period   time.Duration
	Burst    int64 // at once
}

// ResponseHeaders replace headers of the app's answers; an empty one keeps the app's own.
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
	Text string // the operator's plain text; may be empty
}

// Closed reports whether the access admits nobody: the app then has no route.
func (a Access) Closed() bool { return a.Password && len(a.Users) == 0 }

// Canonical returns one form for all equal accesses.
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
		a.NoSlashRedirect == other.NoSlashRedirect && a.EncodedPaths == other.EncodedPaths
}

var (
	userPattern = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)
	hashPattern = regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)
)

// Check refuses an access that would weaken or break the published configuration: a
// stranger may have written the row.
func (a Access) Check() error {
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
	return errors.Join(a.Rate.check(), a.EncodedPaths.check(), a.Headers.check())
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

// check refuses a value that can end a header or begin another.
func (h ResponseHeaders) check() error {
	for _, value := range h.values() {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fmt.Errorf("%.60q cannot be the value of a header", value)
		}
	}
	return nil
}

// values returns the headers to set, by name.
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
