// Package routing says who answers where: it makes one route table of the ledger,
// publishes it, and confirms with the proxy that it serves it.
package routing

import (
	"log/slog"
	"sync"

	"berth/controller/app"
	"berth/controller/domaincheck"
	"berth/traefik"
)

// Options are what Routes need. Every field is required unless it says otherwise.
type Options struct {
	Ledger    Ledger
	Proxy     Proxy
	Publisher Publisher
	Logger    *slog.Logger

	PortLedger PortLedger
	Ports      []traefik.Port // public ports that apps may have, as in the proxy's static configuration; may be empty

	Locks     *app.Locks     // of the apps, which promotion takes too
	Notify    func(app.Name) // something of the app changed
	Reconcile func()         // asks for a reconciliation, and does not wait for it
	Beacon    traefik.Beacon // that tells this proxy from others

	Reserved []traefik.Host      // hosts that no app may have, such as the admin host; may be empty
	Admin    traefik.AdminRoute  // where the admin app answers in public; no app may have its host or one below it
	Base     traefik.Host        // gives each app NAME.Base; may be empty
	Check    domaincheck.Options // New fills in the beacon and the orders
	// Pages is the host:port of the handler of pages as the proxy reaches it; empty
	// where there is none: then no app can be in maintenance, and visitors of what is
	// not there get the proxy's own 404.
	Pages   string
	Domains Domains // how hosts are served over HTTPS; nil serves all with the fallback
}

// Routes are the routes of all apps, with the redirects and the home beside them. They
// are called so because a router is the proxy's, and a table is a value that they make.
// They are safe for concurrent use.
type Routes struct {
	ledger    Ledger
	proxy     Proxy
	publisher Publisher
	logger    *slog.Logger

	portLedger PortLedger
	ports      []traefik.Port // allowed

	locks     *app.Locks
	notify    func(app.Name)
	reconcile func()
	beacon    traefik.Beacon

	reserved []traefik.Host
	admin    traefik.AdminRoute
	base     traefik.Host
	checker  *domaincheck.Checker
	pages    string  // host:port of the handler of pages
	domains  Domains // may be nil

	publishing sync.Mutex // from reading the route table to writing it
	pending    *appSet    // whose routes the proxy has not confirmed
	replaced   *appSet    // that a page stands in for while their next release starts
	unchecked  *uncheckedHosts
}

// New returns Routes that have started nothing yet.
func New(o Options) *Routes {
	o.Check.Beacon, o.Check.Orders = o.Beacon, o.Ledger.CountCertificateOrders
	return &Routes{
		ledger: o.Ledger, proxy: o.Proxy, publisher: o.Publisher, logger: o.Logger,
		locks: o.Locks, notify: o.Notify, reconcile: o.Reconcile, beacon: o.Beacon,
		reserved: o.Reserved, admin: o.Admin, base: o.Base, checker: domaincheck.New(o.Check), pages: o.Pages, domains: o.Domains,
		portLedger: o.PortLedger, ports: o.Ports,
		pending: newAppSet(), replaced: newAppSet(), unchecked: newUncheckedHosts(),
	}
}

// HasPages reports whether a page can stand in place of an app.
func (r *Routes) HasPages() bool { return r.pages != "" }
