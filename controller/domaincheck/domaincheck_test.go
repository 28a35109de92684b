package domaincheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"berth/test/claim"
	"berth/test/patience"
	"berth/traefik"
)

var beacon = traefik.Beacon{Token: "0123456789abcdef", Answer: "fedcba9876543210"}

// zone is a DNS server on this machine that says what it was given, record by record.
type zone struct {
	t       *testing.T
	address string
	mu      sync.Mutex
	records map[string][]dns.RR // by name
	failing map[string]int      // response code by name
	asked   []string
}

func newZone(t *testing.T, records ...string) *zone {
	t.Helper()
	z := &zone{t: t, records: make(map[string][]dns.RR), failing: make(map[string]int)}
	for _, text := range records {
		record, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		name := record.Header().Name
		z.records[name] = append(z.records[name], record)
	}
	ports, err := claim.Ports("127.0.0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	z.address = net.JoinHostPort("127.0.0.1", ports[0])
	packets, err := net.ListenPacket("udp", z.address)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", z.address)
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: z}, {Listener: listener, Handler: z}} {
		go func() { _ = server.ActivateAndServe() }()
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return z
}

// fail answers every question about the name with the code from here on.
func (z *zone) fail(name string, code int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.failing[name] = code
}

// ServeDNS answers like a server that follows no alias.
func (z *zone) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	z.mu.Lock()
	defer z.mu.Unlock()
	name, kind := question.Question[0].Name, question.Question[0].Qtype
	z.asked = append(z.asked, dns.TypeToString[kind]+" "+name)
	answer := new(dns.Msg).SetReply(question)
	if code, ok := z.failing[name]; ok {
		answer.Rcode = code
	}
	for _, record := range z.records[name] {
		if record.Header().Rrtype == kind || record.Header().Rrtype == dns.TypeCNAME {
			answer.Answer = append(answer.Answer, record)
		}
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		answer.Truncate(512)
	}
	_ = w.WriteMsg(answer)
}

func checker(z *zone, change func(*Options)) *Checker {
	options := Options{Resolver: z.address, Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.7")}, Beacon: beacon, Port: 1}
	if change != nil {
		change(&options)
	}
	return New(options)
}

// about is the finding of that kind.
func about(t *testing.T, findings []Finding, what About) Finding {
	t.Helper()
	for _, finding := range findings {
		if finding.About == what {
			return finding
		}
	}
	return Finding{}
}

func wantFinding(t *testing.T, got Finding, outcome Outcome, parts ...string) {
	t.Helper()
	text := got.Message + " " + got.Hint
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
	if got.Outcome != outcome {
		t.Errorf("%q is %s, want %s", text, got.Outcome, outcome)
	}
}

func TestCheck_NamesBothAddressesWhereDNSPointsElsewhere(t *testing.T) {
	z := newZone(t, "app.example.com. A 203.0.113.9")
	findings := checker(z, nil).Check(t.Context(), "app.example.com")
	wantFinding(t, about(t, findings, AboutDNS), Bad,
		"app.example.com points to 203.0.113.9, this server is 198.51.100.7.", "Change the A record of app.example.com to 198.51.100.7.")
}

func TestCheck_SaysWhichRecordIsMissing(t *testing.T) {
	z := newZone(t)
	z.fail("app.example.com.", dns.RcodeNameError)
	findings := checker(z, nil).Check(t.Context(), "app.example.com")
	wantFinding(t, about(t, findings, AboutDNS), Bad, "has no address in DNS", "Set the A record of app.example.com to 198.51.100.7.")
	if at := about(t, findings, AboutReach); at != (Finding{}) {
		t.Errorf("a host without an address is reached: %+v", at)
	}
}

func TestCheck_FollowsAliasesAndNamesThem(t *testing.T) {
	z := newZone(t, "app.example.com. CNAME edge.example.net.", "edge.example.net. CNAME pool.example.net.", "pool.example.net. A 203.0.113.9")
	findings := checker(z, nil).Check(t.Context(), "app.example.com")
	wantFinding(t, about(t, findings, AboutDNS), Bad, "203.0.113.9 (by way of edge.example.net, pool.example.net)")
}

func TestCheck_EndsWhereAliasesLeadInACircle(t *testing.T) {
	z := newZone(t, "a.example.com. CNAME b.example.com.", "b.example.com. CNAME a.example.com.")
	wantFinding(t, about(t, checker(z, nil).Check(t.Context(), "a.example.com"), AboutDNS), Unknown, "in a circle")
}

func TestCheck_FindsTheIPv6RecordThatLeadsAstray(t *testing.T) {
	z := newZone(t, "app.example.com. A 198.51.100.7", "app.example.com. AAAA 2001:db8::9")
	wantFinding(t, about(t, checker(z, nil).Check(t.Context(), "app.example.com"), AboutDNS), Bad, "points to 2001:db8::9 too", "some visitors get there", "Remove")
}

func TestCheck_SaysThatItDoesNotKnowTheServersAddress(t *testing.T) {
	z := newZone(t, "app.example.com. A 203.0.113.9")
	blind := checker(z, nil)
	blind.own = nil
	wantFinding(t, about(t, blind.Check(t.Context(), "app.example.com"), AboutDNS), Unknown, "does not know the public address", "BERTH_PUBLIC_ADDRESSES")
}

func TestCheck_IsBoundedWhereNoServerAnswers(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	findings := New(Options{Resolver: silent.LocalAddr().String(), Beacon: beacon}).Check(ctx, "app.example.com")
	if took := time.Since(began); took > patience.Of(time.Second) {
		t.Errorf("took %v", took)
	}
	wantFinding(t, about(t, findings, AboutDNS), Unknown, "did not answer in time")
	wantFinding(t, about(t, findings, AboutCAA), Unknown, "did not answer in time")
}

func TestCheck_CAA(t *testing.T) {
	for name, c := range map[string]struct {
		records []string
		outcome Outcome
		says    string
	}{
		"none":                             {nil, Good, "No CAA record"},
		"allows":                           {[]string{`app.example.com. CAA 0 issue "letsencrypt.org"`}, Good, "allow letsencrypt.org"},
		"allows with parameters":           {[]string{`app.example.com. CAA 0 issue "LetsEncrypt.org; validationmethods=http-01"`}, Good, "allow letsencrypt.org"},
		"another alone":                    {[]string{`example.com. CAA 0 issue "digicert.com"`}, Bad, `allow digicert.com alone, and not letsencrypt.org. Add the record: example.com CAA 0 issue "letsencrypt.org"`},
		"nobody":                           {[]string{`com. CAA 0 issue ";"`}, Bad, "The CAA records of com allow nobody"},
		"nearest wins":                     {[]string{`app.example.com. CAA 0 issue "letsencrypt.org"`, `example.com. CAA 0 issue ";"`}, Good, "app.example.com allow"},
		"wildcards alone":                  {[]string{`example.com. CAA 0 issuewild ";"`}, Good, "restrict nobody here"},
		"only a mail address":              {[]string{`example.com. CAA 0 iodef "mailto:me@example.com"`}, Good, "restrict nobody here"},
		"one of several":                   {[]string{`example.com. CAA 0 issue "digicert.com"`, `example.com. CAA 0 issue "letsencrypt.org"`}, Good, "allow letsencrypt.org"},
		"unknown and critical":             {[]string{`example.com. CAA 128 tbs "unknown"`}, Bad, "critical"},
		"a name that ends like ours":       {[]string{`example.com. CAA 0 issue "notletsencrypt.org"`}, Bad, "notletsencrypt.org alone"},
		"what is critical and known":       {[]string{`example.com. CAA 128 issue "letsencrypt.org"`}, Good, "allow letsencrypt.org"},
		"by way of an alias, which counts": {[]string{`app.example.com. CNAME x.example.net.`, `example.com. CAA 0 issue ";"`}, Bad, "example.com allow nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			z := newZone(t, c.records...)
			wantFinding(t, about(t, checker(z, nil).Check(t.Context(), "app.example.com"), AboutCAA), c.outcome, c.says)
		})
	}
}

func TestCheck_AServerThatFailsOnCAAIsSaid(t *testing.T) {
	z := newZone(t)
	z.fail("example.com.", dns.RcodeServerFailure)
	wantFinding(t, about(t, checker(z, nil).Check(t.Context(), "app.example.com"), AboutCAA), Unknown, "SERVFAIL", "gives no certificate")
}

// door is a web server on this machine, where a proxy would be.
func door(t *testing.T, handler http.HandlerFunc) (port uint16) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(server.Listener.Addr().String()).Port()
}

func TestCheck_ReachesItselfByTheBeacon(t *testing.T) {
	z := newZone(t, "app.example.com. A 127.0.0.1")
	var seen string
	port := door(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Host + r.URL.Path
		w.Header().Set(traefik.BeaconHeader, beacon.Answer)
		w.WriteHeader(http.StatusTeapot)
	})
	findings := checker(z, func(o *Options) { o.Port, o.Addresses = port, []netip.Addr{netip.MustParseAddr("127.0.0.1")} }).Check(t.Context(), "app.example.com")
	wantFinding(t, about(t, findings, AboutDNS), Good, "points to this server")
	wantFinding(t, about(t, findings, AboutReach), Good, "This Berth answers")
	if seen != "app.example.com/.well-known/berth-check/0123456789abcdef" {
		t.Errorf("asked for %q", seen)
	}
}

func TestCheck_TellsAnotherServerFromItself(t *testing.T) {
	z := newZone(t, "app.example.com. A 127.0.0.1")
	for name, handler := range map[string]http.HandlerFunc{
		"another Berth": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(traefik.BeaconHeader, "0000000000000000") },
		"an echo":       func(w http.ResponseWriter, r *http.Request) { w.Header().Set(traefik.BeaconHeader, r.URL.Path) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		},
	} {
		port := door(t, handler)
		findings := checker(z, func(o *Options) { o.Port, o.Addresses = port, []netip.Addr{netip.MustParseAddr("127.0.0.1")} }).Check(t.Context(), "app.example.com")
		if got := about(t, findings, AboutReach); got.Outcome != Bad || !strings.Contains(got.Message, "answered by another server") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestCheck_ConnectsToNoAddressInsideOfANetwork(t *testing.T) {
	connected := false
	port := door(t, func(http.ResponseWriter, *http.Request) { connected = true })
	for _, address := range []string{
		"A 127.0.0.1", "A 10.0.0.1", "A 192.168.1.1", "A 172.17.0.1", "A 169.254.169.254", "A 100.100.100.200", "A 0.0.0.0", "A 224.0.0.1", "A 255.255.255.255",
		"AAAA ::1", "AAAA fe80::1", "AAAA fd00:ec2::254", "AAAA ::ffff:169.254.169.254", "AAAA 64:ff9b::a9fe:a9fe", "AAAA ::",
	} {
		z := newZone(t, "app.example.com. "+address)
		findings := checker(z, func(o *Options) { o.Port = port }).Check(t.Context(), "app.example.com")
		wantFinding(t, about(t, findings, AboutReach), Bad, "is not an address that the internet can reach")
	}
	if connected {
		t.Error("a record of DNS led to a connection into this machine")
	}
}

func TestCheck_CountsTheBudgetOfTheRegisteredDomain(t *testing.T) {
	z := newZone(t)
	for name, c := range map[string]struct {
		ofDomain, ofHost int
		err              error
		outcome          Outcome
		says             string
	}{
		"room":        {12, 1, nil, Good, "12 of 50 certificates a week were asked for under example.co.uk"},
		"domain full": {50, 1, nil, Bad, "50 certificates were asked for under example.co.uk in the last 7 days, and 50 is the most"},
		"host full":   {9, 5, nil, Bad, "5 certificates were asked for app.example.co.uk"},
		"unknown":     {0, 0, errors.New("broken"), Unknown, "could not be counted"},
	} {
		var domain string
		budget := checker(z, func(o *Options) {
			o.Orders = func(_ context.Context, _ traefik.Host, of string, since time.Time) (int, int, error) {
				domain = of
				if age := time.Since(since); age < 7*24*time.Hour || age > 7*24*time.Hour+time.Minute {
					t.Errorf("counted since %v", since)
				}
				return c.ofDomain, c.ofHost, c.err
			}
		})
		wantFinding(t, about(t, budget.Check(t.Context(), "app.example.co.uk"), AboutBudget), c.outcome, c.says)
		if domain != "example.co.uk" {
			t.Errorf("%s: counted under %q", name, domain)
		}
	}
}

func TestCheck_TakesAnAnswerThatNeedsTCP(t *testing.T) {
	var records []string
	for i := range 60 {
		records = append(records, fmt.Sprintf("app.example.com. A 203.0.113.%d", i))
	}
	z := newZone(t, records...)
	findings := checker(z, nil).Check(t.Context(), "app.example.com")
	if got := about(t, findings, AboutDNS); got.Outcome != Bad || len(got.Message) > 300 {
		t.Errorf("%+v", got)
	}
}
