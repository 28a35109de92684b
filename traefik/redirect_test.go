package traefik

import (
	"regexp"
	"strings"
	"testing"
)

func TestGolden_Redirects(t *testing.T) {
	checkGolden(t, "redirects", func(t *testing.T, input string) string {
		configuration, err := Generate(parseTable(t, input))
		if err != nil {
			return err.Error() + "\n"
		}
		file, err := new(document).encode(configuration)
		if err != nil {
			t.Fatal(err)
		}
		return string(file)
	})
}

func TestRedirect_LeadsToItsHostAndNowhereElse(t *testing.T) {
	regex := Redirect{From: "www.example.com", To: "example.com"}.regex()
	compiled := regexp.MustCompile(regex.Regex)
	for url, want := range map[string]string{
		"http://www.example.com/":                    "http://example.com/",
		"https://WWW.Example.COM./a/b?c=%2F&d":       "https://example.com/a/b?c=%2F&d",
		"http://www.example.com:8080":                "http://example.com:8080",
		"http://www.example.com?a":                   "http://example.com?a",
		"http://www.example.com//evil.example/":      "http://example.com//evil.example/",
		"http://www.example.com/$1${1}":              "http://example.com/$1${1}",
		"http://www.example.com/@evil.example":       "http://example.com/@evil.example",
		"http://www.example.com*":                    "",
		"http://www.example.com@evil.example/":       "",
		"http://www.example.com.evil.example/":       "",
		"http://wwwxexample.com/":                    "",
		"http://evil.example/http://www.example.com": "",
		"http://www.example.com\\evil.example/":      "",
		"javascript://www.example.com/":              "",
	} {
		got := ""
		if compiled.MatchString(url) {
			got = compiled.ReplaceAllString(url, regex.Replacement)
		}
		if got != want {
			t.Errorf("%s led to %q, want %q", url, got, want)
		}
	}
}

func TestHome_NeverRepeatsTheHostThatWasSent(t *testing.T) {
	for home, wants := range map[string][2]string{
		"/shop":            {"/shop/", "/shop/?a=b"},
		"example.com":      {"http://example.com:8080/", "http://example.com:8080/?a=b"},
		"example.com/shop": {"http://example.com:8080/shop/", "http://example.com:8080/shop/?a=b"},
	} {
		regex := homeRegex(mustParseRoute(t, home))
		compiled := regexp.MustCompile(regex.Regex)
		for i, url := range []string{"http://evil.example:8080/", "http://evil.example:8080/?a=b"} {
			if got := compiled.ReplaceAllString(url, regex.Replacement); got != wants[i] {
				t.Errorf("home %s: %s led to %q, want %q", home, url, got, wants[i])
			}
		}
	}
}

func FuzzRedirect(f *testing.F) {
	f.Add("/a", "www.example.com")
	f.Add("//evil.example", "www.example.com:80")
	f.Fuzz(func(t *testing.T, uri, host string) {
		regex := Redirect{From: "www.example.com", To: "example.com"}.regex()
		compiled := regexp.MustCompile(regex.Regex)
		url := "http://" + host + uri
		if !compiled.MatchString(url) {
			return
		}
		got := compiled.ReplaceAllString(url, regex.Replacement)
		rest, found := strings.CutPrefix(got, "http://example.com")
		if !found || rest != "" && !strings.ContainsRune("/?:", rune(rest[0])) {
			t.Errorf("%q led to %q", url, got)
		}
		if port, isPort := strings.CutPrefix(rest, ":"); isPort {
			if at := strings.IndexAny(port, "/?"); strings.Trim(port[:max(at, 0)], "0123456789") != "" {
				t.Errorf("%q led to %q", url, got)
			}
		}
	})
}
