package exposition

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"berth/controller/metrics"
)

func someReport() Report {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return Report{
		Version: "1.0", Now: now, Certificates: []Certificate{{Host: "shop.example.com", Ends: now.Add(48 * time.Hour)}},
		Apps:   []App{{Name: "blog", Release: 3, Wanted: true}, {Name: "idle", Release: 2}, {Name: "new", Wanted: true}, {Name: "shop", Release: 7, Wanted: true, Up: true}},
		Firing: 2, Heartbeat: &Job{GoodAt: now.Add(-time.Minute), Failing: true}, Backup: &Job{Failing: true},
		States: []metrics.State{
			{Values: metrics.Values{metrics.CPU: 150_000, metrics.Queue: 2, metrics.Load: 1250}},
			{App: "blog", Values: metrics.Values{metrics.Memory: 1024, metrics.Processes: 3}, Totals: metrics.Totals{CPUSeconds: 1.5}},
			{App: "shop", Values: metrics.Values{metrics.Memory: 4096, metrics.BuildTime: 8000}, Totals: metrics.Totals{
				CPUSeconds: 9, Requests: [6]float64{0, 0, 10, 0, 3, 2}, Seconds: 1.25, Latencies: metrics.Latencies{0.1: 12, math.Inf(1): 15},
			}},
			{App: "shop", Service: "db", Values: metrics.Values{metrics.Memory: 3072}, Totals: metrics.Totals{CPUSeconds: 4}},
			{App: "shop", Service: "web", Values: metrics.Values{metrics.Memory: 1024}, Totals: metrics.Totals{CPUSeconds: 5}},
		},
	}
}

func TestWrite_TellsEachServiceOnceAndRequestsByApp(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	Write(&text, someReport())
	for _, line := range []string{
		`berth_info{version="1.0"} 1`,
		`berth_certificate_remaining_seconds{host="shop.example.com"} 172800`,
		`berth_server_cpu_cores 1.5`,
		`berth_app_up{app="blog"} 0`,
		`berth_app_up{app="shop"} 1`,
		`berth_app_live_release{app="idle"} 2`,
		`berth_alerts_firing 2`,
		`berth_heartbeat_last_success_timestamp_seconds 1772323140`,
		`berth_heartbeat_failing 1`,
		`berth_backup_failing 1`,
		`berth_releases_under_way 2`,
		`berth_app_memory_bytes{app="blog",service=""} 1048576`,
		`berth_app_memory_bytes{app="shop",service="db"} 3145728`,
		`berth_app_cpu_seconds_total{app="shop",service="web"} 5`,
		`berth_app_requests_total{app="shop",class="5xx"} 2`,
		`berth_app_request_duration_seconds_bucket{app="shop",le="0.1"} 12`,
		`berth_app_request_duration_seconds_bucket{app="shop",le="+Inf"} 15`,
		`berth_app_request_duration_seconds_sum{app="shop"} 1.25`,
		`berth_app_request_duration_seconds_count{app="shop"} 15`,
		`berth_app_last_release_duration_seconds{app="shop"} 8`,
		"# TYPE berth_app_cpu_seconds_total counter",
	} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("the line is missing: %s", line)
		}
	}
	if strings.Contains(text.String(), `berth_app_memory_bytes{app="shop",service=""}`) {
		t.Error("the memory of a compose app is told twice")
	}
	for _, told := range []string{`berth_app_up{app="idle"}`, `berth_app_up{app="new"}`, "berth_backup_last_success", "berth_backup_drill"} {
		if strings.Contains(text.String(), told) {
			t.Errorf("%s is told, and is not known", told)
		}
	}
	if t.Failed() {
		t.Log(text.String())
	}
}

func TestWrite_BeginsEachFamilyOnceWithItsHelp(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	Write(&text, someReport())
	begun := make(map[string]int)
	last := ""
	for line := range strings.Lines(text.String()) {
		if name, ok := strings.CutPrefix(line, "# HELP "); ok {
			last, _, _ = strings.Cut(name, " ")
			begun[last]++
			continue
		}
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, last) {
			t.Errorf("a line of another family after %s: %s", last, line)
		}
	}
	for name, times := range begun {
		if times != 1 {
			t.Errorf("%s begins %d times", name, times)
		}
	}
}
