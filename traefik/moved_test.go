package traefik

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestMoved_RoutesLeadToTheSamePlaceOnTheOtherServer(t *testing.T) {
	target := Target{
		App: "shop", Release: 1, Address: "shop-r1:8080", Unavailable: true, Moved: "https://other.example.com:8443/shop/", Pages: "pages:80",
		Access: Access{Password: true}, Routes: []Route{mustParseRoute(t, "/shop"), mustParseRoute(t, "shop.example.com")},
	}
	if err := target.check(); err != nil {
		t.Fatal(err)
	}
	made, err := Decode(Labels(target))
	if err != nil {
		t.Fatal(err)
	}
	leads := func(router, url string) string {
		t.Helper()
		found := made.HTTP.Routers[router]
		if found == nil || found.Service != noService {
			t.Fatalf("%s: %+v", router, found)
		}
		regex := made.HTTP.Middlewares[found.Middlewares[len(found.Middlewares)-1]].RedirectRegex
		if regex == nil || regex.Permanent {
			t.Fatalf("%s: %+v", router, regex)
		}
		compiled := regexp.MustCompile(regex.Regex)
		if !compiled.MatchString(url) {
			return ""
		}
		return compiled.ReplaceAllString(url, regex.Replacement)
	}
	for _, test := range [][3]string{
		{"shop-0-web", "http://here/shop", "https://other.example.com:8443/shop"},
		{"shop-0-websecure", "https://here:8443/shop/cart?a=$1", "https://other.example.com:8443/shop/cart?a=$1"},
		{"shop-0-web", "http://here/shop?a=b", "https://other.example.com:8443/shop?a=b"},
		{"shop-0-web", "http://here/shopping", ""},
		{"shop-1-web", "http://shop.example.com/cart", "https://other.example.com:8443/shop/cart"},
		{"shop-1-web", "http://shop.example.com", "https://other.example.com:8443/shop"},
	} {
		if got := leads(test[0], test[1]); got != test[2] {
			t.Errorf("%s led to %q, want %q", test[1], got, test[2])
		}
	}
}

func TestMoved_FormerPathOfARenamedAppRedirectsBesideTheApp(t *testing.T) {
	live := Target{App: "shop", Release: 3, Address: "shop-r3:8080", Routes: []Route{{Path: "/shop"}}}
	former := Target{App: "shop", Unavailable: true, Moved: "/shop", Routes: []Route{{Path: "/store"}}}
	made, err := Generate(Table{Targets: []Target{former, live}, Pages: "pages:80"})
	if err != nil {
		t.Fatal(err)
	}
	services := make(map[string]string)
	for _, router := range made.HTTP.Routers {
		services[router.Rule] = router.Service
	}
	if services["Path(`/shop`) || PathPrefix(`/shop/`)"] != "shop-r3" {
		t.Errorf("the app is not led to: %v", services)
	}
	at := made.HTTP.Routers["shop-F0-web"]
	if at == nil || at.Rule != "Path(`/store`) || PathPrefix(`/store/`)" {
		t.Fatalf("the former path has no router: %v", services)
	}
	for name, middleware := range made.HTTP.Middlewares {
		if redirect := middleware.RedirectRegex; redirect != nil && slices.Contains(at.Middlewares, name) {
			if redirect.Replacement != "/shop${1}" || redirect.Permanent {
				t.Errorf("it redirects to %q, permanent %v", redirect.Replacement, redirect.Permanent)
			}
			return
		}
	}
	t.Errorf("its router has no redirect: %v", at.Middlewares)
}

func TestMoved_RefusesAddressesThatWouldBecomeStructure(t *testing.T) {
	for _, address := range []string{"", "other", "ftp://other", "https://other/${1}", "https://other/{{x}}", "https://a b", "https://other/a?b=c", "https://user@other/", "https://other\n"} {
		if _, err := ParseMoved(address); err == nil {
			t.Errorf("%q is accepted", address)
		}
	}
	for _, address := range []string{"https://other", "http://192.0.2.1:8080/shop", "https://[2001:db8::1]:8443/shop/"} {
		if _, err := ParseMoved(address); err != nil {
			t.Error(err)
		}
	}
	running := Target{App: "shop", Release: 1, Address: "shop-r1:8080", Moved: "https://other", Routes: []Route{{Path: "/"}}}
	if err := running.check(); err == nil || !strings.Contains(err.Error(), "has not moved") {
		t.Errorf("an app that answers: %v", err)
	}
}
