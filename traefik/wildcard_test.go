package traefik

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestParseAppHost_TakesOneStarAloneInFrontOfAWholeDomain(t *testing.T) {
	for text, want := range map[string]Host{
		"*.example.com": "*.example.com", "*.a.example.com": "*.a.example.com", "*.Example.COM": "*.example.com",
		"*.bücher.example": "*.xn--bcher-kva.example", "a.example.com": "a.example.com",
	} {
		if host, err := ParseAppHost(text); err != nil || host != want {
			t.Errorf("%s: %s, %v", text, host, err)
		}
	}
	for _, text := range []string{
		"*", "*.", "*.com", "*.localhost", "*.*.example.com", "a.*.example.com", "a*.example.com", "*a.example.com", "**.example.com",
		"*example.com", "example.*", "*.example.com.", "*.10.0.0.1", "*.berth.internal", "*.a.berth.internal", "*.exa`mple.com", "*.example.com`) || Host(`x",
		"*.[a-z]+.com", "*.(a|b).com", "*.exam.{1}.com", "*.{{env}}.com", "*.^example.com$", "*.ex\\.com", "*.xn--a.example", "*.аpple.com",
		"*." + strings.Repeat("a.", 120) + "com", " *.example.com", "*. example.com", "*:80.example.com", "*.example.com:80",
	} {
		if host, err := ParseAppHost(text); err == nil {
			t.Errorf("%s was taken as %s", text, host)
		}
	}
	if _, err := ParseHost("*.example.com"); err == nil {
		t.Error("a redirect, the admin app or the dashboard could have a wildcard")
	}
}

func TestWildcard_MatchesOneLabelAndNothingElse(t *testing.T) {
	rule := mustParseRoute(t, "*.exa-mple.com").Rule()
	pattern := regexp.MustCompile(strings.TrimSuffix(strings.TrimPrefix(rule, "HostRegexp(`"), "`)"))
	for host, want := range map[string]bool{
		"a.exa-mple.com": true, "a_b-1.exa-mple.com": true, "a.exa-mple.com.": true,
		"exa-mple.com": false, ".exa-mple.com": false, "a.b.exa-mple.com": false, "aexa-mple.com": false, "a.exa-mpleXcom": false,
		"a.exa-mple.com.evil.org": false, "evil.org/a.exa-mple.com": false, "a.exa-mple.com:80": false, "a\n.exa-mple.com": false,
	} {
		if pattern.MatchString(host) != want {
			t.Errorf("%q is matched: %v", host, !want)
		}
	}
	wildcard := Host("*.example.com")
	for host, want := range map[Host]bool{"a.example.com": true, "example.com": false, "a.b.example.com": false, "*.example.com": true, "*.a.example.com": false, "": false} {
		if wildcard.Matches(host) != want {
			t.Errorf("it matches %q: %v", host, !want)
		}
	}
}

func TestWildcard_LosesAgainstEveryExactHostAndWinsOverEveryPath(t *testing.T) {
	longest := "/" + strings.Repeat("aaaaaaaaaaa/", 15) + "bbbbbbbbbbbbbbbbbbb"
	wildcard, deep := mustParseRoute(t, "*.example.com"), mustParseRoute(t, "*.example.com"+longest)
	exact, path := mustParseRoute(t, "a.example.com"), mustParseRoute(t, longest)
	// The routers for bodies and slashes add up to three.
	if deep.Priority()+3 >= exact.Priority() || wildcard.Priority() <= path.Priority()+3 {
		t.Errorf("%d, %d, %d and %d", wildcard.Priority(), deep.Priority(), exact.Priority(), path.Priority())
	}
	if !wildcard.Overlaps(exact) || !exact.Overlaps(wildcard) || wildcard.Overlaps(mustParseRoute(t, "example.com")) {
		t.Error("overlaps")
	}
	if got := wildcard.URL(&url.URL{Scheme: "https", Host: "x:8443"}).String(); got != "https://www.example.com:8443/" {
		t.Error(got)
	}
}
