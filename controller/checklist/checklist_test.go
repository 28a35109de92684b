package checklist

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/alert"
	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/certificates"
	"berth/controller/docker"
	"berth/controller/probe"
	"berth/controller/problem"
	"berth/controller/reach"
	"berth/controller/refusals"
	"berth/controller/routing"
	"berth/traefik"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// server is one on which all is well, until a test changes that.
type server struct {
	accounts []account.Account
	verdict  audit.Verdict
	state    refusals.State
	refused  docker.BrokerReport
	places   []docker.Place
	parts    []docker.Part
	traefik  string
	apps     []app.App
	uses     []routing.PortUse
	settings certificates.ProxySettings
	domains  []certificates.DomainView
	proofs   []reach.Proof
	probe    reach.Report
	backup   time.Time
	proven   time.Time
	noDrills bool
	beat     alert.Heartbeat
	open     []string
	broken   error // of the engine
	facts    Facts
}

func wellKept() *server {
	return &server{
		accounts: []account.Account{{Name: "admin", SecondFactor: true}},
		verdict:  audit.Verdict{At: noon, Entries: 7, Lines: 7},
		state:    refusals.Guarded,
		places: []docker.Place{
			{Role: docker.RoleController, Published: []docker.Published{{Address: netip.MustParseAddr("127.0.0.1"), Port: 8001, Target: 8001}}},
			{Role: docker.RoleProxy, Published: []docker.Published{{Address: netip.MustParseAddr("127.0.0.1"), Port: 8080, Target: 8080}, {Address: netip.IPv4Unspecified(), Port: 443, Target: 8443}}},
		},
		parts:    []docker.Part{{Name: "Engine", Version: "29.6.0"}, {Name: "runc", Version: "1.3.3"}},
		traefik:  "3.7.13",
		settings: certificates.ProxySettings{Authority: certificates.AuthorityLetsEncrypt, ForceHTTPS: true, Dashboard: certificates.DashboardLocal},
		domains:  []certificates.DomainView{{Domain: certificates.Domain{Host: "shop.example.com"}, From: certificates.SourceHTTP, Served: true}},
		proofs:   []reach.Proof{{Release: app.ReleaseID{App: "shop", Number: 3}, At: noon, Answered: true}},
		probe:    reach.Report{At: noon, Results: []probe.Result{{Try: probe.Try{Kind: probe.Host, Target: "a port", Address: "10.201.0.1:22"}}}},
		backup:   noon.Add(-time.Hour),
		proven:   noon.Add(-time.Hour),
		beat:     alert.Heartbeat{Sealed: []byte("x"), Minutes: 1, GoodAt: noon.Add(-time.Minute)},
		facts:    Facts{SecretKeyBytes: 64, ForceHTTPS: true, AdminPort: 8001, DashboardPort: 8080, AppsApart: true, BuildsApart: true, BuildsLimited: true},
	}
}

func (s *server) List(context.Context) ([]account.Account, error) { return s.accounts, nil }
func (s *server) Verify(context.Context) (audit.Verdict, error)   { return s.verdict, nil }
func (s *server) Places(context.Context) ([]docker.Place, error)  { return s.places, s.broken }

func (s *server) Parts(context.Context) ([]docker.Part, error)  { return s.parts, s.broken }
func (s *server) Version(context.Context) (string, error)       { return s.traefik, nil }
func (s *server) ListApps(context.Context) ([]app.App, error)   { return s.apps, nil }
func (s *server) Settings() certificates.ProxySettings          { return s.settings }
func (s *server) Proofs(context.Context) ([]reach.Proof, error) { return s.proofs, nil }
func (s *server) LastBackup(context.Context) (time.Time, error) { return s.backup, nil }
func (s *server) LastProven(context.Context) (time.Time, bool, error) {
	return s.proven, !s.noDrills, nil
}
func (s *server) FindHeartbeat(context.Context) (alert.Heartbeat, error)  { return s.beat, nil }
func (s *server) AllowedPorts(context.Context) ([]routing.PortUse, error) { return s.uses, nil }
func (s *server) Domains(context.Context) ([]certificates.DomainView, error) {
	return s.domains, nil
}

// brokerOf and reachOf are the server's, whose methods have the same name.
type (
	brokerOf struct{ *server }
	reachOf  struct{ *server }
)

func (b brokerOf) Report() (refusals.State, docker.BrokerReport) { return b.state, b.refused }

func (r reachOf) Report(context.Context) (reach.Report, error) {
	if r.probe.At.IsZero() {
		return reach.Report{}, problem.ErrNotFound
	}
	return r.probe, nil
}

func (s *server) list() *Checklist {
	c := New(Options{
		Accounts: s, Audit: s, Broker: brokerOf{s}, Engine: s, Proxy: s, Apps: s, Ports: s, Domains: s, Reach: reachOf{s}, Backups: s, Heartbeat: s,
		OpenFiles: func() ([]string, error) { return s.open, nil }, Facts: s.facts, Logger: slog.New(slog.DiscardHandler),
	})
	c.now = func() time.Time { return noon }
	return c
}

func (s *server) row(t *testing.T, name string) Row {
	t.Helper()
	for _, row := range s.list().Check(t.Context()).Rows {
		if row.Name == name {
			return row
		}
	}
	t.Fatalf("there is no row %s", name)
	return Row{}
}

func TestCheck_AllIsGreenOnAServerThatIsWellKept(t *testing.T) {
	t.Parallel()
	list := wellKept().list()
	report := list.Check(t.Context())
	for _, row := range report.Rows {
		if row.Name == "buildkit" && row.State == Amber {
			continue // the engine does not tell it
		}
		if row.State != Green || row.Found == "" || row.Title == "" || row.Fix != "" {
			t.Errorf("%+v", row)
		}
	}
	if report.Red() != 0 || !list.Last().At.Equal(noon) || len(report.Rows) < 20 {
		t.Errorf("%+v", report)
	}
}

func TestCheck_EachFaultTurnsItsRowAndSaysItsFix(t *testing.T) {
	t.Parallel()
	soon := noon.Add(24 * time.Hour)
	leak := []probe.Result{{Try: probe.Try{Kind: probe.Host, Target: "a port of this machine", Address: "10.201.0.1:22"}, Reached: true}}
	for name, test := range map[string]struct {
		row    string
		state  State
		says   string
		change func(*server)
	}{
		"one-time password": {"password", Red, "admin", func(s *server) { s.accounts[0].MustChange = true }},
		"no second factor":  {"second-factor", Red, "admin", func(s *server) { s.accounts[0].SecondFactor = false }},
		"short key":         {"secret-key", Red, "5 characters", func(s *server) { s.facts.SecretKeyBytes = 5 }},
		"own certificate": {"admin-https", Red, "2026-11-30", func(s *server) {
			s.facts.OwnCertificate, s.facts.CertificateEnd = true, func() time.Time { return soon }
		}},
		"HTTPS not forced":  {"admin-https", Amber, "FORCE_HTTPS", func(s *server) { s.facts.ForceHTTPS = false }},
		"no authority":      {"https", Red, "shop.example.com", func(s *server) { s.settings.Authority = certificates.AuthorityNone }},
		"a host without":    {"https", Red, "shop.example.com", func(s *server) { s.domains[0].From = certificates.SourceNone }},
		"no redirect":       {"https", Amber, "redirect", func(s *server) { s.settings.ForceHTTPS = false }},
		"open admin app":    {"admin-address", Red, "0.0.0.0:8001", func(s *server) { s.places[0].Published[0].Address = netip.IPv4Unspecified() }},
		"public admin app":  {"admin-address", Green, "https://admin.example.com", func(s *server) { s.facts.AdminPublic = "admin.example.com" }},
		"open egress":       {"egress", Green, "shop", func(s *server) { s.apps = []app.App{{Name: "shop"}} }},
		"admin app unknown": {"admin-address", Amber, "BERTH_ADMIN_LISTEN", func(s *server) { s.places = nil }},
		"open dashboard":    {"dashboard", Red, "192.0.2.1:8080", func(s *server) { s.places[1].Published[0].Address = netip.MustParseAddr("192.0.2.1") }},
		"dashboard on host": {"dashboard", Amber, "d.example.com", func(s *server) {
			s.settings.Dashboard, s.settings.DashboardHost = certificates.DashboardHost, "d.example.com"
		}},
		"no backup":       {"backup", Red, "no backup", func(s *server) { s.backup = time.Time{} }},
		"old backup":      {"backup", Red, "2026-11-01", func(s *server) { s.backup = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }},
		"no drills":       {"proven", Amber, "drills are off", func(s *server) { s.noDrills = true }},
		"never proven":    {"proven", Red, "No backup is proven", func(s *server) { s.proven = time.Time{} }},
		"old proof":       {"proven", Red, "2026-11-01", func(s *server) { s.proven = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }},
		"no heartbeat":    {"heartbeat", Amber, "falls silent", func(s *server) { s.beat = alert.Heartbeat{} }},
		"new heartbeat":   {"heartbeat", Amber, "No heartbeat was sent yet", func(s *server) { s.beat.GoodAt = time.Time{} }},
		"lost heartbeat":  {"heartbeat", Red, "answered 404", func(s *server) { s.beat.GoodAt, s.beat.Error = noon.Add(-time.Hour), "the server answered 404" }},
		"late heartbeat":  {"heartbeat", Green, "2026-11-29 11:50", func(s *server) { s.beat.GoodAt, s.beat.Error = noon.Add(-10*time.Minute), "the server answered 404" }},
		"audit broken":    {"audit", Red, "1 findings", func(s *server) { s.verdict.Findings = []audit.Finding{{}} }},
		"open files":      {"files", Red, "secret.key", func(s *server) { s.open = []string{"secret.key"} }},
		"old engine":      {"engine", Red, "29.5.1", func(s *server) { s.parts[0].Version = "20.10.24+dfsg1" }},
		"old runc":        {"runc", Red, "CVE-2025-31133", func(s *server) { s.parts[1].Version = "1.2.7" }},
		"old BuildKit":    {"buildkit", Red, "CVE-2024-23651", func(s *server) { s.parts[0].Version = "20.10.24" }},
		"new BuildKit":    {"buildkit", Amber, "0.31.1", func(*server) {}},
		"no version":      {"runc", Amber, "does not tell", func(s *server) { s.parts = s.parts[:1] }},
		"strange version": {"engine", Amber, "no known form", func(s *server) { s.parts[0].Version = "library" }},
		"old Traefik":     {"proxy", Red, "3.7.13", func(s *server) { s.traefik = "3.7.9" }},
		"plain socket":    {"broker", Red, "plain socket", func(s *server) { s.state = refusals.Direct }},
		"silent broker":   {"broker", Amber, "not answered", func(s *server) { s.state = refusals.Unknown }},
		"refusals": {"broker", Red, "HostConfig.Privileged", func(s *server) {
			s.refused = docker.BrokerReport{Refused: 2, Recent: []docker.BrokerRefusal{{Field: "HostConfig.Privileged"}}}
		}},
		"no wall":    {"firewall", Red, "make up as root", func(s *server) { s.facts.AppsApart = false }},
		"builds":     {"builds", Amber, "BERTH_FENCE_BUILDS", func(s *server) { s.facts.BuildsApart = false }},
		"exceptions": {"exceptions", Amber, "shop: writable root", func(s *server) { s.apps = []app.App{{Name: "shop", Settings: app.Settings{WritableRoot: true}}} }},
		"free port": {"ports", Amber, "2222/tcp", func(s *server) {
			s.uses = []routing.PortUse{{Port: traefik.Port{Number: 2222, Protocol: traefik.TCP}, Allowed: true}}
		}},
		"direct way":         {"reach", Red, "10.0.0.2:80", func(s *server) { s.proofs[0].Leaks = []probe.Try{{Address: "10.0.0.2:80"}} }},
		"no answer":          {"reach", Red, "shop", func(s *server) { s.proofs[0].Answered = false }},
		"no probe":           {"probe", Amber, "No probe", func(s *server) { s.probe = reach.Report{} }},
		"probe came through": {"probe", Red, "10.201.0.1:22", func(s *server) { s.probe.Results = leak }},
		"old probe":          {"probe", Amber, "2026-01-01", func(s *server) { s.probe.At = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }},
		"no engine":          {"runc", Amber, "could not be checked", func(s *server) { s.broken = errors.New("gone") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wellKept()
			test.change(s)
			row := s.row(t, test.row)
			if row.State != test.state || (row.Fix == "") != (test.state == Green) || !strings.Contains(row.Found+" "+row.Fix, test.says) {
				t.Errorf("%+v", row)
			}
		})
	}
}

func TestCheck_WhoGivesUpChangesNothing(t *testing.T) {
	t.Parallel()
	list := wellKept().list()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	list.Check(ctx)
	if !list.Last().At.IsZero() {
		t.Error("a report that nobody waited for is kept")
	}
}
