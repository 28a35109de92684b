package traefik

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const someCounters = `# HELP traefik_service_requests_total How many HTTP requests processed on a service.
# TYPE traefik_service_requests_total counter
traefik_service_requests_total{code="200",method="GET",protocol="http",service="shop-r4@file"} 12
traefik_service_requests_total{code="502",method="GET",protocol="http",service="shop-r4-5f3a@file"} 1
traefik_service_requests_total{code="200",method="GET",protocol="http",service="api@internal"} 900
traefik_service_requests_total{code="200",method="GET",protocol="http",service="pages@file"} 3
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="shop-r2-r7@file",le="0.25"} 9
traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="shop-r2-r7@file",le="+Inf"} 10
traefik_service_request_duration_seconds_sum{code="200",method="GET",protocol="http",service="shop-r4@file"} 1.5
traefik_service_responses_bytes_total{code="200",method="GET",protocol="http",service="shop-r4@file"} 4.2e+06
traefik_service_requests_bytes_total{code="200",service="shop-r4@file"} NaN
traefik_service_requests_total{code="x",service="shop-r4@file"} 5
traefik_service_requests_total{code="200",service="sh\"op-r4@file"} 5
traefik_service_requests_total{code="200"
`

func TestCounters_AreThoseOfAppsAndNothingElse(t *testing.T) {
	t.Parallel()
	var got []string
	err := readCounters(strings.NewReader(someCounters), func(c Counter, value float64) {
		got = append(got, fmt.Sprintf("%s %s %d %v: %v", strings.TrimPrefix(c.Kind, "traefik_service_"), c.App, c.Code, c.Most, value))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"requests_total shop 200 0: 12",
		"requests_total shop 502 0: 1",
		"request_duration_seconds_bucket shop-r2 200 0.25: 9",
		fmt.Sprintf("request_duration_seconds_bucket shop-r2 200 %v: 10", math.Inf(1)),
		"responses_bytes_total shop 200 0: 4.2e+06",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCounters_AreAskedForWithThePasswordOfTheAPI(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); r.URL.Path != metricsPath || user != APIUser || password != "opens it" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(someCounters))
	}))
	defer server.Close()
	for password, works := range map[APIPassword]bool{"opens it": true, "another": false} {
		client, err := NewClient(server.URL, server.URL, password)
		if err != nil {
			t.Fatal(err)
		}
		counters := 0
		err = client.Counters(t.Context(), func(Counter, float64) { counters++ })
		if works != (err == nil && counters == 5) {
			t.Errorf("%d counters, error %v", counters, err)
		}
	}
}

func FuzzReadCounters_NamesOnlyApps(f *testing.F) {
	f.Add(someCounters)
	f.Fuzz(func(t *testing.T, text string) {
		_ = readCounters(strings.NewReader(text), func(c Counter, _ float64) {
			if !appPattern.MatchString(c.App) {
				t.Errorf("an app is %q", c.App)
			}
		})
	})
}
