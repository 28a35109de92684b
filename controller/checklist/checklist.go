// Package checklist checks what a server needs before strangers may reach it, and says how to fix what is missing.
package checklist

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"berth/controller/account"
	"berth/controller/alert"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/certificates"
	"berth/controller/docker"
	"berth/controller/pause"
	"berth/controller/reach"
	"berth/controller/refusals"
	"berth/controller/routing"
)

const (
	firstCheck = 20 * time.Second // after the start, when the proxy answers
	every      = 30 * time.Minute
	checkTime  = time.Minute // for all rows
)

// State is how a row stands.
type State string

// The states of rows.
const (
	Green State = "green"
	Amber State = "amber" // to be thought about, or not known
	Red   State = "red"   // to be fixed
)

// Row is one line of the checklist.
type Row struct {
	Name  string `json:"name"` // never changes
	Title string `json:"title"`
	State State  `json:"state"`
	Found string `json:"found"`
	Fix   string `json:"fix,omitempty"`
	Page  string `json:"page,omitempty"` // of the admin app, where it is fixed
}

// Report is the whole checklist.
type Report struct {
	At   time.Time `json:"at"`
	Rows []Row     `json:"rows"`
}

// Count returns how many rows are in the state.
func (r Report) Count(state State) (count int) {
	for _, row := range r.Rows {
		if row.State == state {
			count++
		}
	}
	return count
}

// Red counts the rows that are to be fixed.
func (r Report) Red() int { return r.Count(Red) }

// Accounts lists who can sign in.
type Accounts interface {
	List(context.Context) ([]account.Account, error)
}

// Audit checks the audit log.
type Audit interface {
	Verify(context.Context) (audit.Verdict, error)
}

// Broker tells how the engine is reached, and what was refused.
type Broker interface {
	Report() (refusals.State, docker.BrokerReport)
}

// Engine tells what runs, and in which versions.
type Engine interface {
	Places(context.Context) ([]docker.Place, error)
	Parts(context.Context) ([]docker.Part, error)
}

// Proxy tells its version.
type Proxy interface {
	Version(context.Context) (string, error)
}

// Apps lists the apps.
type Apps interface {
	ListApps(context.Context) ([]app.App, error)
}

// Ports lists the public ports.
type Ports interface {
	AllowedPorts(context.Context) ([]routing.PortUse, error)
}

// Domains tells how hosts are served.
type Domains interface {
	Settings() certificates.ProxySettings
	Domains(context.Context) ([]certificates.DomainView, error)
}

// Reach tells what probes found out.
type Reach interface {
	Proofs(context.Context) ([]reach.Proof, error)
	Report(context.Context) (reach.Report, error)
}

// Backups tells when the last backup was made, and when one was proven and whether that
// is done by itself; the zero time: there was none.
type Backups interface {
	LastBackup(context.Context) (time.Time, error)
	LastProven(context.Context) (at time.Time, on bool, err error)
}

// Heartbeat tells how requests to a monitor ended.
type Heartbeat interface {
	FindHeartbeat(context.Context) (alert.Heartbeat, error)
}

// Facts are those that the settings tell.
type Facts struct {
	SecretKeyBytes int              // of the setting; 0: the key is in the data folder
	ForceHTTPS     bool             // of the admin app
	AdminLocal     bool             // the admin app listens on this machine alone
	AdminPublic    string           // its host name on the internet, through the proxy; empty: none
	OwnCertificate bool             // the admin app shows a certificate of the operator's
	CertificateEnd func() time.Time // of the admin app's; it is renewed while Berth runs
	AdminPort      uint16           // where the admin app listens in its container
	DashboardPort  uint16           // likewise, the proxy's own pages
	AppsApart      bool
	BuildsApart    bool
	BuildsLimited  bool
}

// Options are what a checklist needs. All are required.
type Options struct {
	Accounts  Accounts
	Audit     Audit
	Broker    Broker
	Engine    Engine
	Proxy     Proxy
	Apps      Apps
	Ports     Ports
	Domains   Domains
	Reach     Reach
	Backups   Backups
	Heartbeat Heartbeat
	OpenFiles func() ([]string, error)
	Facts     Facts
	Logger    *slog.Logger
}

// Checklist checks, and keeps the last report. It is safe for concurrent use.
type Checklist struct {
	Options

	checking sync.Mutex

	mu   sync.Mutex
	last Report
	now  func() time.Time
}

// New returns a Checklist that has checked nothing yet.
func New(o Options) *Checklist { return &Checklist{Options: o, now: time.Now} }

// Last returns the last report; its time is zero before the first.
func (c *Checklist) Last() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// Run checks now and then until ctx ends, so that pages need not wait.
func (c *Checklist) Run(ctx context.Context) error {
	for wait := firstCheck; pause.For(ctx, wait) == nil; wait = every {
		c.Check(ctx)
	}
	return nil
}

// Check checks every row now. A row that cannot be checked is amber, and says why.
func (c *Checklist) Check(ctx context.Context) Report {
	c.checking.Lock()
	defer c.checking.Unlock()
	checking, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	report := Report{At: c.now().UTC()}
	for _, one := range c.checks() {
		row, err := one.check(checking)
		if err != nil {
			c.Logger.Warn("check a row of the checklist", "row", one.name, "error", err)
			row = Row{State: Amber, Found: "This could not be checked.", Fix: "See Berth's log, and check again."}
		}
		row.Name, row.Title = one.name, one.title
		report.Rows = append(report.Rows, row)
	}
	if ctx.Err() == nil { // nobody gave up meanwhile
		c.mu.Lock()
		c.last = report
		c.mu.Unlock()
	}
	return report
}

// check is one row, before it is known.
type check struct {
	name, title string
	check       func(context.Context) (Row, error)
}

func (c *Checklist) checks() []check {
	return []check{
		{"password", "Passwords", c.password},
		{"second-factor", "Two-factor authentication", c.secondFactor},
		{"secret-key", "Secret key", c.secretKey},
		{"admin-https", "HTTPS of the admin app", c.adminHTTPS},
		{"https", "HTTPS of apps", c.appsHTTPS},
		{"admin-address", "Address of the admin app", c.adminAddress},
		{"dashboard", "The proxy's dashboard", c.dashboard},
		{"backup", "Backup", c.backup},
		{"proven", "Last proven backup", c.proven},
		{"heartbeat", "Heartbeat", c.heartbeat},
		{"audit", "Audit log", c.audit},
		{"files", "Files of Berth", c.files},
		{"engine", "Container engine", c.engineVersion},
		{"runc", "runc", c.runcVersion},
		{"buildkit", "BuildKit", c.buildKitVersion},
		{"proxy", "Traefik", c.proxyVersion},
		{"broker", "Broker", c.broker},
		{"firewall", "Network of apps", c.firewall},
		{"builds", "Builds", c.builds},
		{"exceptions", "Security exceptions", c.exceptions},
		{"egress", "Connections of apps", c.egress},
		{"ports", "Public ports", c.ports},
		{"reach", "Apps only through the proxy", c.reach},
		{"probe", "Probe", c.probe},
	}
}

func green(found string) (Row, error) { return Row{State: Green, Found: found}, nil }

func amber(found, fix, page string) (Row, error) {
	return Row{State: Amber, Found: found, Fix: fix, Page: page}, nil
}

func red(found, fix, page string) (Row, error) {
	return Row{State: Red, Found: found, Fix: fix, Page: page}, nil
}
