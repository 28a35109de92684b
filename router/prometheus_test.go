package router

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/controller/backup"
	"berth/controller/metrics"
)

func TestPrometheus_TellsWhatIsMeasuredToATokenOfItsScope(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.metrics.states = []metrics.State{
		{Values: metrics.Values{metrics.Queue: 2}},
		{App: "shop", Values: metrics.Values{metrics.Memory: 1024}, Totals: metrics.Totals{Requests: [6]float64{0, 0, 7}}},
	}
	s.anApp("hello")
	s.apps.looked = 0
	answer := s.bearer(metricsToken, http.MethodGet, "/metrics", "")
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("status %d, type %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	for _, line := range []string{
		"berth_releases_under_way 2\n", "berth_app_memory_bytes{app=\"shop\",service=\"\"} 1048576\n",
		"berth_app_requests_total{app=\"shop\",class=\"2xx\"} 7\n", "berth_info{version=\"0.1.0\"} 1\n",
		"berth_app_up{app=\"hello\"} 1\n", "berth_app_live_release{app=\"hello\"} 2\n", "berth_alerts_firing 0\n", "berth_heartbeat_failing 0\n",
	} {
		if !strings.Contains(answer.body, line) {
			t.Errorf("%q is missing in\n%s", line, answer.body)
		}
	}
	if s.apps.looked > 0 || strings.Contains(answer.body, "berth_heartbeat_last_success") || strings.Contains(answer.body, "canary") {
		t.Errorf("a scrape counts as a look (%d), or tells of a heartbeat that was not sent, or its address:\n%s", s.apps.looked, answer.body)
	}
	if other := s.bearer(metricsToken, http.MethodGet, "/api/v1/apps", ""); other.StatusCode != http.StatusForbidden {
		t.Errorf("the token reads apps: %d", other.StatusCode)
	}
	if anonymous := s.get("/metrics"); anonymous.StatusCode != http.StatusUnauthorized {
		t.Errorf("anybody reads it: %d", anonymous.StatusCode)
	}
}

func TestPrometheus_TellsWhenJobsLastSucceeded(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_000_000, 0)
	job := ran(ran(nil, backup.Done, at), backup.Failed, at.Add(time.Hour))
	if job == nil || !job.Failing || !job.GoodAt.Equal(at) {
		t.Errorf("a failure after a success is %+v", job)
	}
	if job = ran(job, backup.Done, at.Add(2*time.Hour)); job.Failing || !job.GoodAt.Equal(at.Add(2*time.Hour)) {
		t.Errorf("a success after a failure is %+v", job)
	}
	if job = ran(nil, backup.Failed, at); !job.Failing || !job.GoodAt.IsZero() {
		t.Errorf("the first failure is %+v", job)
	}
	if ran(nil, "running", at) != nil {
		t.Error("a run that has not ended counts")
	}
}
