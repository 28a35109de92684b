package egress

import (
	"strings"
	"testing"
)

func TestHosts_MatchNamesPortsAndWildcardsExactly(t *testing.T) {
	t.Parallel()
	hosts, err := ParseHosts("API.example.com.:443, *.cdn.example.com:443\n203.0.113.7:8443 [2001:db8::1]:443 api.example.com:443")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(hosts.List()); got != 4 {
		t.Errorf("%d entries of %q", got, hosts)
	}
	for host, want := range map[string]bool{
		"api.example.com": true, "API.EXAMPLE.COM": true, "api.example.com.": true,
		"a.cdn.example.com": true, "a.b.cdn.example.com": true, "cdn.example.com": false, "evilcdn.example.com": false,
		"example.com": false, "api.example.com.evil.org": false, "xapi.example.com": false,
		"2001:db8::1": true, "2001:db8:0::1": true, "": false, ".cdn.example.com": false, "..cdn.example.com": false,
		"api.example.com\x00": false, "api.example.com ": false, "2001:db8::1%eth0": false, "203.0.113.7": false,
	} {
		if got := hosts.Match(host, 443); got != want {
			t.Errorf("%q on 443: %v, want %v", host, got, want)
		}
	}
	if !hosts.Match("203.0.113.7", 8443) || !hosts.Match("::ffff:203.0.113.7", 8443) || hosts.Match("api.example.com", 80) {
		t.Error("a port or an address is compared wrongly")
	}
}

func TestParseHosts_NamesEachWrongEntryAtOnce(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"example.com", "example.com:0", "example.com:65536", "example.com:x", "*:443", "*.*.example.com:443", "a*.example.com:443",
		"https://example.com:443", "exa mple.com:443", "*.10.0.0.1:443", "10.0.0:80", "1.2.3.4.5:80", "[fe80::1%eth0]:443", ":443", "-a.example.com:443",
		strings.Repeat("a.", 127) + "example.com:443", "example..com:443",
	} {
		if _, err := ParseHosts(wrong); err == nil {
			t.Errorf("%q is accepted", wrong)
		}
	}
	_, err := ParseHosts("good.example.com:443 bad-one bad-two:0")
	if err == nil || !strings.Contains(err.Error(), "bad-one") || !strings.Contains(err.Error(), "bad-two:0") || strings.Contains(err.Error(), "good.example") {
		t.Errorf("the refusal is %v", err)
	}
}

func TestEgress_LoosensIsMoreThanBefore(t *testing.T) {
	t.Parallel()
	one, two := Egress{List, "a.example:443"}, Egress{List, "a.example:443\nb.example:443"}
	for _, test := range []struct {
		before, after Egress
		want          bool
	}{
		{Egress{}, Egress{Mode: None}, false},
		{Egress{}, two, false},
		{Egress{Mode: None}, Egress{}, true},
		{Egress{Mode: None}, one, true},
		{one, two, true},
		{two, one, false},
		{one, Egress{}, true},
		{one, Egress{Mode: None, Hosts: two.Hosts}, false},
	} {
		if got := test.after.Loosens(test.before); got != test.want {
			t.Errorf("%v after %v: %v", test.after, test.before, got)
		}
	}
}

func TestEgress_AllowsByItsMode(t *testing.T) {
	t.Parallel()
	hosts := Hosts("a.example:443")
	for mode, want := range map[Mode][2]bool{Open: {true, true}, List: {true, false}, None: {false, false}, "other": {false, false}} {
		e := Egress{mode, hosts}
		if got := [2]bool{e.Allows("a.example", 443), e.Allows("b.example", 443)}; got != want {
			t.Errorf("%s allows %v, want %v", mode, got, want)
		}
	}
}

func FuzzParseHosts(f *testing.F) {
	f.Add("a.example:443,*.b.example:80 [::1]:1")
	f.Fuzz(func(t *testing.T, text string) {
		hosts, err := ParseHosts(text)
		if err != nil {
			return
		}
		again, err := ParseHosts(string(hosts))
		if err != nil || again != hosts {
			t.Errorf("%q became %q and then %q, %v", text, hosts, again, err)
		}
	})
}
