package router

import (
	"net/http"
	"strings"
	"testing"

	"berth/controller/metrics"
)

func TestPrometheus_TellsWhatIsMeasuredToATokenOfItsScope(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.metrics.states = []metrics.State{
		{Values: metrics.Values{metrics.Queue: 2}},
		{App: "shop", Values: metrics.Values{metrics.Memory: 1024}, Totals: metrics.Totals{Requests: [6]float64{0, 0, 7}}},
	}
	answer := s.bearer(metricsToken, http.MethodGet, "/metrics", "")
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("status %d, type %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	for _, line := range []string{
		"berth_releases_under_way 2\n", "berth_app_memory_bytes{app=\"shop\",service=\"\"} 1048576\n",
		"berth_app_requests_total{app=\"shop\",class=\"2xx\"} 7\n", "berth_info{version=\"0.1.0\"} 1\n",
	} {
		if !strings.Contains(answer.body, line) {
			t.Errorf("%q is missing in\n%s", line, answer.body)
		}
	}
	if other := s.bearer(metricsToken, http.MethodGet, "/api/v1/apps", ""); other.StatusCode != http.StatusForbidden {
		t.Errorf("the token reads apps: %d", other.StatusCode)
	}
	if anonymous := s.get("/metrics"); anonymous.StatusCode != http.StatusUnauthorized {
		t.Errorf("anybody reads it: %d", anonymous.StatusCode)
	}
}
