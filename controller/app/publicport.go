package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"berth/traefik"
)

// ErrNoPort says that the app does not have the public port.
var ErrNoPort = errors.New("the app has no such public port")

// PortTakenError says that another app has the public port.
type PortTakenError struct {
	Port traefik.Port
	App  Name
}

func (e *PortTakenError) Error() string { return fmt.Sprintf("port %s belongs to %s", e.Port, e.App) }

// PublicPort is a port of the machine that leads to a service of an app, over TCP or UDP.
type PublicPort struct {
	Port    traefik.Port
	App     Name
	Service string // as the compose file calls it; empty is the service that the routes lead to
	Target  uint16 // where the service listens
}

// String says what the port leads to, as an audit entry names it.
func (p PublicPort) String() string {
	if p.Service == "" {
		return fmt.Sprintf("%s to port %d", p.Port, p.Target)
	}
	return fmt.Sprintf("%s to port %d of %s", p.Port, p.Target, p.Service)
}

// ServiceAlias is the name of a service beside the main one for the proxy, which is on the
// networks of all apps. The argument main is the name of the main instance, STACK-APP-rN.
// The name has no dot, so nobody's domain is called like it. It ends in a hash of the
// service's name, and never in a release as names of main instances do: the service b of
// an app a must not be found in place of the app a-b. The hash is short, because a name
// in DNS has 63 bytes at most.
func ServiceAlias(main, service string) string {
	sum := sha256.Sum256([]byte(service))
	return main + "-s" + hex.EncodeToString(sum[:4])
}
