package traefik

import (
	"errors"
	"fmt"
	"net/netip"
)

// Dashboard says who can open the proxy's own pages. The zero value opens them only to
// this machine, on the published port of the dashboard.
type Dashboard struct {
	// Off closes the pages. Berth still calls the API, and only from Controller.
	Off        bool
	Controller netip.Addr // Berth's address for the proxy; needed with Off or Host
	// Host opens the pages to the world on this host, and closes them on the dashboard's
	// port.
	Host     Host
	Users    []User // at least one if Host is set
	Resolver string // for Host's certificate; empty means an existing certificate
}

// Local reports whether the pages are open on the dashboard's own port.
func (d Dashboard) Local() bool { return !d.Off && d.Host == "" }

// LocalRule matches the clients that may open the pages on the dashboard's own port.
func (o StaticOptions) LocalRule() string {
	rule := "(Host(`localhost`) || Host(`127.0.0.1`) || Host(`" + o.ProxyAddress.String() + "`))"
	if o.Gateway.IsValid() && o.Dashboard.Controller.IsValid() {
		rule += " && (ClientIP(`" + o.Gateway.String() + "`) || ClientIP(`" + o.Dashboard.Controller.String() + "`))"
	}
	return rule
}

// TLS is the TLS section of the router, in YAML's flow style.
func (d Dashboard) TLS() string {
	if d.Resolver == "" {
		return "{}"
	}
	return fmt.Sprintf("{certResolver: %s}", d.Resolver)
}

func (d Dashboard) check() error {
	if !d.Local() && !d.Controller.IsValid() {
		return errors.New("the dashboard needs the controller's address where it is not open to this machine")
	}
	if d.Host == "" {
		return nil
	}
	if parsed, err := ParseHost(string(d.Host)); err != nil || parsed != d.Host {
		return fmt.Errorf("dashboard host %.80q is not valid", d.Host)
	}
	if len(d.Users) == 0 {
		return errors.New("a dashboard with a host of its own needs a user")
	}
	for _, user := range d.Users {
		if err := user.check(); err != nil {
			return fmt.Errorf("dashboard: %w", err)
		}
	}
	if d.Resolver != "" && !resolverPattern.MatchString(d.Resolver) {
		return fmt.Errorf("dashboard resolver %.60q is not valid", d.Resolver)
	}
	return nil
}
