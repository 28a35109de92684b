package firstpage

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func assetsOf(t *testing.T, page string) string {
	t.Helper()
	at, err := url.Parse("http://app.invalid/shop/")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, asset := range Assets([]byte(page), at) {
		paths = append(paths, asset.String())
	}
	return strings.ReplaceAll(strings.Join(paths, " "), "http://app.invalid", "")
}

func TestAssets_AreThoseOfTheSameHost(t *testing.T) {
	for page, want := range map[string]string{
		`<script src="/app.js"></script><link rel="stylesheet" href="site.css">`:             "/app.js /shop/site.css",
		`<LINK REL="shortcut ICON" HREF=/favicon.ico><img src="../logo.png?v=1#x">`:          "/favicon.ico /logo.png?v=1",
		`<img src="a.png"><img src="./a.png"><img src="">`:                                   "/shop/a.png",
		`<base href="/"><script src="app.js"></script><base href="/other/"><img src=x.png>`:  "/app.js /x.png",
		`<base href="https://cdn.example/"><script src="app.js"></script><img src="/x.png">`: "",
		`<script src="https://evil.example/x.js"></script><img src="//evil.example/x.png">`:  "",
		`<img src="http://app.invalid@evil.example/x"><img src="http://u@app.invalid/x">`:    "",
		`<img src="data:image/png;base64,AA"><script src="javascript:x"></script>`:           "",
		`<a href="/page"></a><link rel="canonical" href="/c"><form action="/f"></form>`:      "",
		`<script>var x = '<img src="/no.png">';</script><!-- <img src="/no.png"> -->`:        "",
		`<img src="%zz"><img src="http://[::1">`:                                             "",
		`<title><img src="/no.png"></title>not <b html`:                                      "",
	} {
		if got := assetsOf(t, page); got != want {
			t.Errorf("%s: got %q, want %q", page, got, want)
		}
	}
}

func TestAssets_AreBounded(t *testing.T) {
	var page strings.Builder
	fmt.Fprintf(&page, `<img src="/%s"><img src="/fits">`, strings.Repeat("x", longestAsset))
	for i := range 1000 {
		fmt.Fprintf(&page, `<img src="/%d.png">`, i)
	}
	if got := strings.Fields(assetsOf(t, page.String())); len(got) != mostAssets || got[0] != "/fits" {
		t.Errorf("got %d: %.200v", len(got), got)
	}
	if got := assetsOf(t, `<img alt="`+strings.Repeat("x", longestToken)+`" src="/a"><img src="/b">`); got != "" {
		t.Errorf("behind a tag without an end: %s", got)
	}
}

func FuzzAssets(f *testing.F) {
	f.Add(`<base href="//x"><link rel="icon" href="?"><img src="/a">`)
	f.Fuzz(func(t *testing.T, page string) {
		at := &url.URL{Scheme: "http", Host: "app.invalid", Path: "/shop/"}
		for _, asset := range Assets([]byte(page), at) {
			if asset.Scheme != "http" || asset.Host != "app.invalid" || !strings.HasPrefix(asset.RequestURI(), "/") {
				t.Errorf("%q led to %q", page, asset)
			}
		}
	})
}
