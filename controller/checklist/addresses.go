package checklist

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"berth/controller/certificates"
	"berth/controller/docker"
	"berth/controller/egress"
	"berth/controller/printable"
)

const (
	certificateIn = 14 * 24 * time.Hour
	proxyPage     = "/settings/proxy"
	machinePage   = "/settings/machine"
)

func (c *Checklist) adminHTTPS(context.Context) (Row, error) {
	const page = "/settings/certificates"
	if end := c.Facts.CertificateEnd; c.Facts.OwnCertificate && end().Sub(c.now()) < certificateIn {
		return red("The certificate of the admin app expires on "+end().UTC().Format(time.DateOnly)+".", "Replace the file that SSL_CERT_FILE names.", page)
	}
	if !c.Facts.ForceHTTPS {
		return amber("The admin app speaks HTTPS. Cookies are not marked for HTTPS alone everywhere.", "Set FORCE_HTTPS=true in .env, and run make up.", "")
	}
	return green("The admin app speaks HTTPS alone.")
}

func (c *Checklist) appsHTTPS(ctx context.Context) (Row, error) {
	settings := c.Domains.Settings()
	views, err := c.Domains.Domains(ctx)
	if err != nil {
		return Row{}, err
	}
	var plain []string
	for _, view := range views {
		if view.Served && (view.From == certificates.SourceNone || settings.Authority == certificates.AuthorityNone && view.From != certificates.SourceOwn) {
			plain = append(plain, string(view.Host))
		}
	}
	switch {
	case len(plain) > 0:
		return red("These hosts have no certificate: "+printable.List(plain)+".", "Choose a certificate authority, or upload certificates.", proxyPage)
	case len(views) == 0 && settings.Authority == certificates.AuthorityNone:
		return amber("HTTPS certificates are off, and no app has a host of its own yet.", "Choose a certificate authority before you give an app a host.", proxyPage)
	case !settings.ForceHTTPS:
		return amber("Every host has a source of certificates. Plain requests are not redirected everywhere.", "Turn on the redirect to HTTPS.", proxyPage)
	}
	return green("Every host has a source of certificates, and plain requests are redirected.")
}

func (c *Checklist) adminAddress(ctx context.Context) (Row, error) {
	row, err := c.adminListens(ctx)
	if err == nil && c.Facts.AdminPublic != "" {
		row.Found += " The proxy leads to it at https://" + c.Facts.AdminPublic + "."
	}
	return row, err
}

func (c *Checklist) adminListens(ctx context.Context) (Row, error) {
	if c.Facts.AdminLocal {
		return green("The admin app listens on this machine alone.")
	}
	open, known, err := c.published(ctx, docker.RoleController, c.Facts.AdminPort)
	switch {
	case err != nil:
		return Row{}, err
	case len(open) > 0:
		return red("The admin app is open to the network at "+printable.List(open)+".",
			"Publish its port on 127.0.0.1 in docker-compose.yml, and reach it through SSH or a VPN.", "")
	case !known:
		return amber("The admin app listens on an address that others may reach.", "Set BERTH_ADMIN_LISTEN to an address of 127.0.0.0/8, or see that a firewall keeps others out.", "")
	}
	return green("The admin app is published on this machine alone.")
}

func (c *Checklist) dashboard(ctx context.Context) (Row, error) {
	open, _, err := c.published(ctx, docker.RoleProxy, c.Facts.DashboardPort)
	if err != nil {
		return Row{}, err
	}
	if len(open) > 0 {
		return red("The proxy's dashboard is open to the network at "+printable.List(open)+".", "Publish its port on 127.0.0.1 in docker-compose.yml.", "")
	}
	if settings := c.Domains.Settings(); settings.Dashboard == certificates.DashboardHost {
		return amber(fmt.Sprintf("The proxy's dashboard answers at %s to everybody with its password.", settings.DashboardHost), "Set it to this machine alone, unless you need it elsewhere.", proxyPage)
	}
	return green("The proxy's dashboard is open to this machine alone.")
}

// published returns where a port of one of the stack's own containers is open to others.
// It is known where the container is found.
func (c *Checklist) published(ctx context.Context, role string, target uint16) (open []string, known bool, err error) {
	places, err := c.Engine.Places(ctx)
	for _, place := range places {
		if place.Role != role {
			continue
		}
		known = true
		for _, published := range place.Published {
			if published.Target == target && !published.Address.IsLoopback() {
				open = append(open, netip.AddrPortFrom(published.Address, published.Port).String())
			}
		}
	}
	return open, known, err
}

func (c *Checklist) ports(ctx context.Context) (Row, error) {
	uses, err := c.Ports.AllowedPorts(ctx)
	if err != nil {
		return Row{}, err
	}
	var taken, free []string
	for _, use := range uses {
		switch {
		case use.App != "" && use.Allowed:
			taken = append(taken, fmt.Sprintf("%s (%s)", use.Port, use.App))
		case use.App == "":
			free = append(free, use.Port.String())
		}
	}
	if len(free) > 0 {
		return amber("Ports are open that no app has: "+printable.List(free)+".", "Take them out of BERTH_PORTS, and run make up.", machinePage)
	}
	if len(taken) > 0 {
		return green("Beside HTTP and HTTPS, apps have these ports: " + printable.List(taken) + ".")
	}
	return green("Apps answer over HTTP and HTTPS only.")
}

func (c *Checklist) exceptions(ctx context.Context) (Row, error) {
	apps, err := c.Apps.ListApps(ctx)
	if err != nil {
		return Row{}, err
	}
	var loose []string
	for _, one := range apps {
		if names := one.Settings.Waivers(); len(names) > 0 {
			loose = append(loose, string(one.Name)+": "+strings.Join(names, ", "))
		}
	}
	if len(loose) > 0 {
		return amber("Apps have security exceptions: "+printable.List(loose)+".", "Remove those that the app runs without. BERTH_FORBID_WAIVERS forbids them all.", "/admin")
	}
	return green("No app has a security exception.")
}

// egress tells which apps may connect to everything: that is what apps need at first, so it
// is no fault.
func (c *Checklist) egress(ctx context.Context) (Row, error) {
	apps, err := c.Apps.ListApps(ctx)
	if err != nil {
		return Row{}, err
	}
	var open []string
	for _, one := range apps {
		if one.Settings.Egress.Run().Mode == egress.Open {
			open = append(open, string(one.Name))
		}
	}
	if len(open) > 0 {
		return green("These apps may connect to every host of the internet: " + printable.List(open) + ". Their pages have a list of hosts for those that need few.")
	}
	return green("No app may connect to every host of the internet.")
}
