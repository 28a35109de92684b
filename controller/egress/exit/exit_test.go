package exit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"berth/controller/address"
	"berth/controller/egress"
	"berth/test/patience"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// door is an exit that listens on this machine alone.
type door struct {
	*Exit
	address string
	client  *http.Client // that goes through it
	orders  io.Writer
	reports *bufio.Scanner
}

func openDoor(t *testing.T, may func(netip.Addr) bool) *door {
	t.Helper()
	in, orders := io.Pipe()
	out, reports := io.Pipe()
	e := New(Options{Pool: netip.MustParsePrefix("10.201.0.0/16"), Orders: in, Reports: reports, Logger: slog.New(slog.DiscardHandler)})
	if may != nil {
		e.may = may
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 3)
	go func() { ended <- e.serve(t.Context(), listener) }()
	go func() { ended <- e.talk.listen() }()
	go func() { ended <- e.talk.report(t.Context()) }()
	t.Cleanup(func() { _ = orders.Close(); _ = out.Close() })
	address := listener.Addr().String()
	through, _ := url.Parse("http://" + address)
	client := &http.Client{Timeout: patience.Of(10 * time.Second), Transport: &http.Transport{Proxy: http.ProxyURL(through), DisableKeepAlives: true}}
	return &door{e, address, client, orders, bufio.NewScanner(out)}
}

// tell gives the app on this machine's loopback a list, and returns the answer.
func (d *door) tell(t *testing.T, serial int64, before, hosts string) Report {
	t.Helper()
	rule := Rule{App: "shop", Address: loopback, Subnet: netip.MustParsePrefix("127.0.0.0/8"), Egress: egress.Egress{Mode: egress.List, Hosts: egress.Hosts(hosts)}}
	text, err := json.Marshal(Orders{Serial: serial, Rules: []Rule{rule}})
	if err != nil {
		t.Fatal(err)
	}
	go fmt.Fprintf(d.orders, "%s\n%s\n", before, text)
	for report := d.report(t); ; report = d.report(t) {
		if report.Serial == serial {
			return report
		}
	}
}

func (d *door) report(t *testing.T) (report Report) {
	t.Helper()
	if !d.reports.Scan() {
		t.Fatal(d.reports.Err())
	}
	if err := json.Unmarshal(d.reports.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

func anywhere(netip.Addr) bool { return true }

func hostOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address.Host
}

func get(t *testing.T, client *http.Client, address string) (status int, body string) {
	t.Helper()
	answer, err := client.Get(address)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

func TestExit_ConnectsWhatIsListedAndReportsTheRest(t *testing.T) {
	d := openDoor(t, anywhere)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "for ", r.Host) }))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secure") }))
	defer secure.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()

	if status, _ := get(t, d.client, plain.URL); status != http.StatusForbidden {
		t.Errorf("before it is told a list: %d", status)
	}
	d.tell(t, 1, `{"serial": 7, "rules": [{"app": "sh`, hostOf(t, plain)+"\n"+hostOf(t, secure))
	if status, body := get(t, d.client, plain.URL+"/x"); status != http.StatusOK || body != "for "+hostOf(t, plain) {
		t.Errorf("a plain request: %d %s", status, body)
	}
	d.client.Transport.(*http.Transport).TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig
	if status, body := get(t, d.client, secure.URL); status != http.StatusOK || body != "secure" {
		t.Errorf("over CONNECT: %d %s", status, body)
	}
	for range 3 {
		if status, _ := get(t, d.client, other.URL); status != http.StatusForbidden {
			t.Errorf("what is not listed: %d", status)
		}
	}
	if _, body := get(t, d.client, "https://evil.example.com/"); !strings.Contains(body, "Forbidden") {
		t.Errorf("CONNECT to what is not listed: %s", body)
	}
	found := make(map[string]int64)
	for _, refusal := range d.tell(t, 2, "", hostOf(t, other)).Refused {
		found[refusal.To] = refusal.Count
	}
	if found[hostOf(t, other)] != 3 || found["evil.example.com:443"] != 1 || len(found) != 2 {
		t.Errorf("refused were %v", found)
	}
	if status, _ := get(t, d.client, plain.URL); status != http.StatusForbidden {
		t.Errorf("what left the list: %d", status)
	}
	if refused := d.report(t).Refused; len(refused) != 1 || refused[0].To != hostOf(t, plain) || refused[0].Why != NotListed {
		t.Errorf("unasked it reports %v", refused)
	}
}

func TestExit_NeverReachesPrivateAddressesThatAreListed(t *testing.T) {
	d := openDoor(t, nil)
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(hostOf(t, inside))
	d.tell(t, 1, "", "127.0.0.1:"+port+"\n[::1]:"+port)
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"} {
		if status, body := get(t, d.client, "http://"+host+":"+port); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", host, status, body)
		}
	}
	for _, refusal := range d.tell(t, 2, "", "").Refused {
		if refusal.Why != ClosedAddress {
			t.Errorf("%s was refused for %s", refusal.To, refusal.Why)
		}
	}
}

func TestGuard_ReachesTheInternetAlone(t *testing.T) {
	t.Parallel()
	pool := netip.MustParsePrefix("10.201.0.0/16")
	strict, lax := address.Guard{Never: []netip.Prefix{pool}}, address.Guard{Never: []netip.Prefix{pool}, Private: true}
	for text, want := range map[string][2]bool{
		"93.184.216.34": {true, true}, "2606:4700::1111": {true, true}, "::ffff:93.184.216.34": {true, true},
		"10.0.0.5": {false, true}, "192.168.1.1": {false, true}, "fd00::5": {false, true}, "::ffff:10.0.0.5": {false, true},
		"10.201.0.2": {false, false}, "10.201.255.254": {false, false}, "::ffff:10.201.0.2": {false, false},
		"127.0.0.1": {false, false}, "::1": {false, false}, "0.0.0.0": {false, false}, "169.254.169.254": {false, false}, "fe80::1": {false, false},
		"fd00:ec2::254": {false, false}, "100.100.100.200": {false, false}, "224.0.0.1": {false, false}, "64:ff9b::a9fe:a9fe": {false, false},
	} {
		address := netip.MustParseAddr(text)
		if got := [2]bool{strict.Allows(address), lax.Allows(address)}; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestExit_KnowsAppsByTheirNetworkAlone(t *testing.T) {
	t.Parallel()
	var known rules
	known.replace([]Rule{
		{App: "shop", Address: netip.MustParseAddr("10.201.0.62"), Subnet: netip.MustParsePrefix("10.201.0.32/27")},
		{App: "blog", Address: netip.MustParseAddr("10.201.0.94"), Subnet: netip.MustParsePrefix("10.201.0.64/27")},
	}, nil)
	for _, test := range [][3]string{
		{"10.201.0.62", "10.201.0.35", "shop"},
		{"::ffff:10.201.0.94", "::ffff:10.201.0.70", "blog"},
		{"10.201.0.94", "10.201.0.35", ""},
		{"10.201.0.62", "10.201.0.70", ""},
		{"10.201.0.3", "10.201.0.35", ""},
		{"127.0.0.1", "127.0.0.1", ""},
	} {
		rule, _ := known.find(netip.MustParseAddr(test[0]), netip.MustParseAddr(test[1]))
		if rule.App != test[2] {
			t.Errorf("from %s at %s it is %q, want %q", test[1], test[0], rule.App, test[2])
		}
	}
}

func TestExit_RefusesWhatIsNoRequestToAProxy(t *testing.T) {
	d := openDoor(t, anywhere)
	d.tell(t, 1, "", "example.com:80\nexample.com:443")
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "GET https://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n",
		"CONNECT example.com HTTP/1.1\r\nHost: example.com\r\n\r\n", "CONNECT exa_mple..com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
		"CONNECT example.com:0 HTTP/1.1\r\nHost: example.com\r\n\r\n", "GET ftp://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n",
	} {
		connection, err := net.Dial("tcp", d.address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(connection, head)
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %v, %v", head, answer, err)
		}
		_ = connection.Close()
	}
}

func TestExit_TheHostOfTheURLWinsOverTheHeader(t *testing.T) {
	d := openDoor(t, anywhere)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) }))
	defer server.Close()
	d.tell(t, 1, "", hostOf(t, server))
	connection, err := net.Dial("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "GET %s/ HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\n\r\n", server.URL)
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(answer.Body); string(body) != hostOf(t, server) {
		t.Errorf("the server was asked for %q", body)
	}
}

func TestBook_IsBoundedForEachApp(t *testing.T) {
	t.Parallel()
	b := newBook()
	for i := range 10 * mostOfBook {
		b.add("shop", fmt.Sprintf("h%d.example.com:443", i), NotListed)
	}
	b.add("blog", "one.example.com:443", NotListed)
	all := b.news(true)
	if len(all) != mostOfBook+2 {
		t.Errorf("it holds %d", len(all))
	}
	var sum int64
	for _, refusal := range all {
		sum += refusal.Count
	}
	if sum != 10*mostOfBook+1 {
		t.Errorf("it counted %d", sum)
	}
	if b.keepOnly([]Rule{{App: "blog"}}); len(b.news(true)) != 1 {
		t.Error("it keeps apps that are gone")
	}
}

func TestSlots_AreBoundedForEachAppAndInAll(t *testing.T) {
	t.Parallel()
	s := newSlots()
	taken := 0
	for s.take("shop") {
		taken++
	}
	if taken != mostOfApp || !s.take("blog") {
		t.Errorf("one app takes %d", taken)
	}
	if s.free("shop"); !s.take("shop") {
		t.Error("a slot that was given back is lost")
	}
}

// answers is what a DNS server was told to send.
type answers struct {
	dns.ResponseWriter
	sent *dns.Msg
}

func (a *answers) WriteMsg(m *dns.Msg) error {
	a.sent = m
	return nil
}

func TestExit_AnswersNoQuestion(t *testing.T) {
	t.Parallel()
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeANY} {
		w, question := &answers{}, new(dns.Msg).SetQuestion("secret.evil.example.com.", kind)
		if refuseName(w, question); w.sent.Rcode != dns.RcodeRefused || w.sent.Id != question.Id || len(w.sent.Answer) != 0 {
			t.Errorf("%s is answered with %s", dns.TypeToString[kind], w.sent)
		}
	}
}
