package traefik

import (
	"net/http"
	"strings"
	"testing"
)

// leading is an app whose /api leads to a service of its own.
func leading(t *testing.T) Target {
	t.Helper()
	return parseTargets(t, "hello r3 berth-hello-r3:8000 / /api@berth-r3-x01:9000 proving\n")[0]
}

func TestProbe_AsksTheServiceThatTheRouteLeadsTo(t *testing.T) {
	hosts := make(chan string, 1)
	part := leading(t).At(mustParseRoute(t, "/api"))
	client := fakeProxy(t, func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Host
		w.Header().Set(releaseHeader, part.service())
	})
	if _, err := client.Probe(t.Context(), part, "/"); err != nil {
		t.Fatal(err)
	}
	if host := <-hosts; host == VerifyHost("hello", 3) || !strings.HasSuffix(host, "."+VerifyHost("hello", 3)) {
		t.Errorf("it asked %s", host)
	}
	if _, err := client.Probe(t.Context(), leading(t).At(mustParseRoute(t, "/")), "/"); err == nil {
		t.Error("the answer of another service was taken for that of the main one")
	}
}

func TestGenerate_RefusesAddressesOfRoutesThatWouldBecomeStructure(t *testing.T) {
	for _, address := range []string{"x", "x:0", "x:80/path", "`env`:80", "user@x:80", "x:99999"} {
		target := leading(t)
		target.Leads[mustParseRoute(t, "/api")] = address
		if _, err := Generate(Table{Targets: []Target{target}}); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
}

func TestTarget_NoAppTakesTheNameOfAnotherAppsPart(t *testing.T) {
	part := leading(t).At(mustParseRoute(t, "/api"))
	// An app with the name of the part's service: its own service has a release behind it.
	other := Target{App: part.service(), Release: 1}
	if other.service() == part.service() || strings.HasPrefix(other.verifyHost(), part.lead+".") {
		t.Errorf("%s and %s", other.service(), part.service())
	}
}
