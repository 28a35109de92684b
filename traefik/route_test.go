package traefik

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestParseRoute_ReadsBackWhatStringWrites(t *testing.T) {
	for _, text := range []string{"/", "/app", "/a/b", "example.com", "example.com/a", "xn--bcher-kva.example/a"} {
		if got := mustParseRoute(t, text).String(); got != text {
			t.Errorf("%s came back as %s", text, got)
		}
	}
}

// refuses fails the test unless text is refused with a reason and a next step.
func refuses(t *testing.T, text string) {
	t.Helper()
	route, err := ParseRoute(text)
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("%.80q was taken as %v (error %v)", text, route, err)
	}
	if invalid.Reason == "" || invalid.Hint == "" || invalid.Value == "" && text != "" {
		t.Errorf("%.80q is refused without a reason, a hint or its value: %+v", text, invalid)
	}
}

func TestParseRoute_RefusesTemplate(t *testing.T) {
	refuses(t, "{{ env `SECRET` }}")
	refuses(t, "/{{ env `SECRET` }}")
	refuses(t, "{{ env `SECRET` }}.example.com/app")
	refuses(t, "/{{")
}

func TestParseRoute_RefusesBacktickThatEndsTheRule(t *testing.T) {
	refuses(t, "/a`) || PathPrefix(`/admin")
	refuses(t, "a.example.com`) || Host(`b.example.com")
}

func TestParseRoute_RefusesRuleOperators(t *testing.T) {
	refuses(t, "/a||b")
	refuses(t, "/a&&b")
	refuses(t, "/!a")
	refuses(t, "/(a)")
}

func TestParseRoute_RefusesTrailingDots(t *testing.T) {
	refuses(t, "example.com.")
	refuses(t, "example.com../app")
	refuses(t, "/..")
	refuses(t, "/app/.")
}

func TestParseRoute_RefusesThreeHundredBytes(t *testing.T) {
	refuses(t, "/"+strings.Repeat("a", 299))
	refuses(t, strings.Repeat("a.", 148)+"com")
	refuses(t, strings.Repeat("a", 64)+".example.com")
	refuses(t, strings.Repeat("x://", 100_000))
}

func TestParseRoute_RefusesPunycodeThatStandsForNothing(t *testing.T) {
	refuses(t, "xn--a.example")
	refuses(t, "xn--.example")
}

func TestParseHost_LowersCase(t *testing.T) {
	host, err := ParseHost("APP.Example.com")
	if err != nil || host != "app.example.com" {
		t.Fatalf("got %q, %v", host, err)
	}
}

func TestParsePath_RefusesUpperCase(t *testing.T) { refuses(t, "/App") }

func TestParsePath_RefusesEncodedCharacters(t *testing.T) {
	refuses(t, "/a%2eb")
	refuses(t, "/a%2fb")
	refuses(t, "/%2e%2e/admin")
}

func TestParsePath_RefusesEmptySegments(t *testing.T) {
	refuses(t, "//")
	refuses(t, "//example.com")
	refuses(t, "/a//b")
	refuses(t, "/a//")
}

func TestParsePath_RefusesWhatServersReadDifferently(t *testing.T) {
	for _, text := range []string{"/a;b", `/a\b`, "/a?b", "/a#b", "/a b", "/a\x00b", "/a\nb", "/a,b", "/a:b", "/a@b", "/*"} {
		refuses(t, text)
	}
}

func TestParseHost_RefusesAddressesAndPorts(t *testing.T) {
	for _, text := range []string{"127.0.0.1", "1.2.3.4:80", "[::1]", "0x7f.0.0.0x1", "example.com:80", "user@example.com"} {
		refuses(t, text)
	}
}

func TestParseHost_RefusesTheVerifyDomain(t *testing.T) {
	refuses(t, VerifyHost("hello", 3))
	refuses(t, "BERTH.internal")
}

func TestRoute_PathDoesNotReachItsNeighbour(t *testing.T) {
	if got := mustParseRoute(t, "/app").Rule(); got != "Path(`/app`) || PathPrefix(`/app/`)" {
		t.Errorf("rule %s also matches /apple", got)
	}
	if Path("/apple").Within("/app") {
		t.Error("/apple counts as within /app")
	}
}

func TestRoute_DomainBeatsEveryPathOnAnyHost(t *testing.T) {
	longest := Route{Path: Path("/" + strings.TrimSuffix(strings.Repeat("abcdefghijk/", maxPathSegments), "/"))}
	if _, err := ParseRoute(longest.String()); err != nil {
		t.Fatal(err)
	}
	if domain := mustParseRoute(t, "a.example"); domain.Priority() <= longest.Priority() {
		t.Errorf("%s has priority %d, %s has %d", domain, domain.Priority(), longest, longest.Priority())
	}
}

func TestRoute_DeeperPathBeatsTheOneAround(t *testing.T) {
	for _, host := range []string{"", "a.example"} {
		outer, inner := mustParseRoute(t, host+"/abcdefghijklmnop"), mustParseRoute(t, host+"/abcdefghijklmnop/q")
		if !outer.Overlaps(inner) || inner.Priority() <= outer.Priority() {
			t.Errorf("%s does not beat %s", inner, outer)
		}
	}
}

func TestRoute_OverlapsWhereARequestMatchesBoth(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"/a", "/a", true},
		{"/a", "/a/b", true},
		{"/a", "/ab", false},
		{"/", "/ab", true},
		{"a.example", "/x", true},
		{"a.example/x", "/x/y", true},
		{"a.example/x", "b.example/x", false},
		{"a.example/x", "a.example/y", false},
	} {
		a, b := mustParseRoute(t, c.a), mustParseRoute(t, c.b)
		if a.Overlaps(b) != c.want || b.Overlaps(a) != c.want {
			t.Errorf("%s overlaps %s: want %t", a, b, c.want)
		}
	}
}

func TestRoute_URLKeepsTheProxysPort(t *testing.T) {
	for _, c := range []struct{ route, base, want string }{
		{"/app", "http://192.0.2.7:8081", "http://192.0.2.7:8081/app/"},
		{"/", "http://192.0.2.7", "http://192.0.2.7/"},
		{"a.example", "https://192.0.2.7", "https://a.example/"},
		{"a.example/x", "https://[2001:db8::1]:8443/ignored", "https://a.example:8443/x/"},
	} {
		base, err := url.Parse(c.base)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustParseRoute(t, c.route).URL(base).String(); got != c.want {
			t.Errorf("%s at %s is %s, want %s", c.route, c.base, got, c.want)
		}
	}
}

func FuzzParseRoute(f *testing.F) {
	for _, seed := range []string{
		"/", "/app", "/app/", "example.com", "example.com/a", "http://a.example", "bücher.example", "xn--bcher-kva.example",
		"{{ env `X` }}", "/a`b", "/a||b", "a.example.", "/%2e", "//", "/a;b", `/a\b`, "/..", "1.2.3.4",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		route, err := ParseRoute(text)
		var invalid *InvalidError
		if err != nil {
			if !errors.As(err, &invalid) || invalid.Reason == "" || invalid.Hint == "" {
				t.Fatalf("%q is refused without help: %v", text, err)
			}
			return
		}
		again, err := ParseRoute(route.String())
		if err != nil || again != route {
			t.Fatalf("%q became %q, which reads back as %v, %v", text, route, again, err)
		}
		checkRule(t, route)
	})
}

// checkRule takes the rule apart and expects the route and nothing else in it.
// Since the route can be read off its rule, no two routes have one rule.
func checkRule(t *testing.T, route Route) {
	t.Helper()
	rule := route.Rule()
	if strings.Contains(rule, "{{") || strings.ContainsAny(rule, "\"\\\n\r%;") {
		t.Fatalf("rule %s of %q holds what it must not", rule, route)
	}
	var found Route
	for i, part := range strings.Split(rule, "`") {
		switch {
		case i%2 == 1 && found.Path == "" && strings.HasPrefix(part, "/"):
			found.Path = Path(part)
		case i%2 == 1 && i == 1:
			found.Host = Host(part)
		}
	}
	if found.Path == "" {
		found.Path = "/"
	}
	if found != route {
		t.Fatalf("rule %s says %+v, the route is %+v", rule, found, route)
	}
}

func FuzzParseHost(f *testing.F) {
	for _, seed := range []string{"example.com", "EXAMPLE.com", "a.b.", "a..b", "xn--bcher-kva.example", "bücher.example", "exаmple.com", "☃.example", "1.2.3.4", "a_b.c", strings.Repeat("a", 64) + ".b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		host, err := ParseHost(text)
		if err != nil {
			return
		}
		again, err := ParseHost(string(host))
		if err != nil || again != host {
			t.Fatalf("%q became %q, which became %q, %v", text, host, again, err)
		}
		if isASCII(text) && strings.ToLower(text) != string(host) {
			t.Fatalf("%q became another name, %q", text, host)
		}
	})
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"/", "/a", "/a/", "/a/b", "//", "/.", "/a%2fb", "/~", "a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := ParsePath(text)
		if err != nil {
			return
		}
		parsed, err := url.Parse(string(path))
		if err != nil || parsed.Path != string(path) || parsed.EscapedPath() != string(path) {
			t.Fatalf("%q is not itself in a URL: %v, %v", path, parsed, err)
		}
		if parsed.JoinPath().Path != string(path) {
			t.Fatalf("%q is not clean", path)
		}
	})
}
