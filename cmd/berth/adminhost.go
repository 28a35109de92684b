//go:build linux && cgo

package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"berth/controller/routing"
	"berth/traefik"
)

// defaultAdminHost means this machine to every browser, without a DNS server.
const defaultAdminHost traefik.Host = "berth.localhost"

// likelyAdminHost is the admin app's name where nobody chose one: what the operator
// has given it otherwise, else the default.
func (c Config) likelyAdminHost() traefik.Host {
	if len(c.AdminHosts) > 0 {
		return c.AdminHosts[0]
	}
	if c.CertificateFile != "" {
		if leaf, err := readLeaf(c.CertificateFile); err == nil { // else the start says what is wrong with it
			return cmp.Or(firstHost(leaf), defaultAdminHost)
		}
	}
	return defaultAdminHost
}

// firstHost is the first name of a certificate that a browser can ask for; empty
// where there is none.
func firstHost(leaf *x509.Certificate) traefik.Host {
	for _, name := range leaf.DNSNames {
		if host, err := traefik.ParseHost(name); err == nil {
			return host
		}
	}
	return ""
}

// ownHosts are the names of the admin app that no app can have.
func (c Config) ownHosts() []traefik.Host {
	return append(slices.DeleteFunc([]traefik.Host{c.AdminHost}, func(h traefik.Host) bool { return h == "" }), c.AdminHosts...)
}

// adminHosts are the names that the admin app answers to: the configured ones
// and those of its certificate.
func adminHosts(config Config, leaf *x509.Certificate) []string {
	var hosts []string
	for _, host := range config.ownHosts() {
		hosts = append(hosts, string(host))
	}
	for _, name := range leaf.DNSNames {
		if !strings.Contains(name, "*") {
			hosts = append(hosts, name)
		}
	}
	return hosts
}

// appsHost is where apps without a host answer, as far as the operator has said so.
func (c Config) appsHost() string {
	if len(c.PublicAddresses) == 0 {
		return ""
	}
	return c.PublicAddresses[0].String()
}

// warnOfReservedRoutes says which apps had a host before it became the admin app's. A
// look that fails says so itself: the pages tell the same.
func warnOfReservedRoutes(ctx context.Context, routes *routing.Routes, logger *slog.Logger) {
	reserved, err := routes.ReservedRoutes(ctx)
	if err != nil {
		logger.Warn("look for routes on the admin app's host", "error", err)
		return
	}
	for _, one := range reserved {
		logger.Warn("a route does not answer: its host is the admin app's", "app", one.App, "route", one.Route.String(),
			"next", "give the app another host, or choose another one with BERTH_ADMIN_HOST")
	}
}

// adminURL is where a person on this machine opens the admin app.
func adminURL(config Config) string {
	port := config.AdminPort
	if config.AdminListen.Addr().IsLoopback() {
		port = config.AdminListen.Port()
	}
	return fmt.Sprintf("https://%s", net.JoinHostPort(string(config.AdminHost), strconv.Itoa(int(port))))
}

// knownAdminURL is where people elsewhere open the admin app; empty where it is known on this
// machine alone.
func knownAdminURL(config Config) string {
	if host := string(config.AdminPublicHost); host != "" {
		if config.HTTPSPort == 0 || config.HTTPSPort == 443 {
			return "https://" + host
		}
		return "https://" + net.JoinHostPort(host, strconv.Itoa(int(config.HTTPSPort)))
	}
	at, err := netip.ParseAddr(string(config.AdminHost))
	if strings.HasSuffix("."+string(config.AdminHost), ".localhost") || err == nil && at.IsLoopback() {
		return ""
	}
	return adminURL(config)
}
