package docker

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
)

func TestUsage_ReadsWhatTheEngineTellsUnderBothVersionsOfCgroups(t *testing.T) {
	t.Parallel()
	for version, text := range map[string]string{
		"1": `{"read": "2026-03-01T00:00:00Z", "pids_stats": {"current": 3},
			"memory_stats": {"usage": 5000, "limit": 9000, "stats": {"total_inactive_file": 1000}}, "cpu_stats": {"cpu_usage": {"total_usage": 77}},
			"blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 10}, {"op": "Write", "value": 20}, {"op": "Total", "value": 30}, {"op": "Read", "value": 1}]},
			"networks": {"eth0": {"rx_bytes": 100, "tx_bytes": 200}, "eth1": {"rx_bytes": 1, "tx_bytes": 2}}}`,
		"2": `{"read": "2026-03-01T00:00:00Z", "pids_stats": {"current": 3},
			"memory_stats": {"usage": 5000, "limit": 9000, "stats": {"inactive_file": 1000}}, "cpu_stats": {"cpu_usage": {"total_usage": 77}},
			"blkio_stats": {"io_service_bytes_recursive": [{"op": "read", "value": 11}, {"op": "write", "value": 20}]},
			"networks": {"eth0": {"rx_bytes": 101, "tx_bytes": 202}}}`,
	} {
		var stats container.StatsResponse
		if err := json.Unmarshal([]byte(text), &stats); err != nil {
			t.Fatal(err)
		}
		want := Usage{
			MemoryBytes: 4000, MemoryLimit: 9000, CPUNanos: 77, At: stats.Read,
			NetworkIn: 101, NetworkOut: 202, BlockRead: 11, BlockWritten: 20, Processes: 3,
		}
		if got := usageOf(stats); got != want {
			t.Errorf("version %s: %+v", version, got)
		}
	}
}

func TestUsage_AsksAboutRestartsOnlyWhereTheCountersBeginAnew(t *testing.T) {
	t.Parallel()
	restarts, cpu, at := 2, 100, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	engine, fake := openFake(t, map[string]http.HandlerFunc{
		"GET /containers/one/json": func(w http.ResponseWriter, r *http.Request) {
			dockertest.AnswerJSON(map[string]any{
				"Id": "one", "Name": "/one", "RestartCount": restarts, "State": map[string]any{"Status": "running", "Running": true},
				"Config": map[string]any{"Labels": map[string]string{link.LabelStack: "berth", link.LabelRole: link.RoleApp}},
			})(w, r)
		},
		"GET /containers/one/stats": func(w http.ResponseWriter, r *http.Request) {
			dockertest.AnswerJSON(map[string]any{"read": at, "cpu_stats": map[string]any{"cpu_usage": map[string]any{"total_usage": cpu}}})(w, r)
		},
	})
	asked := func() (times int) {
		for _, call := range fake.Asked() {
			if call == "GET /containers/one/json" {
				times++
			}
		}
		return times
	}
	var used Usage
	for step, c := range []struct {
		after         time.Duration
		cpu, restarts int
		told, asks    int
	}{
		{0, 100, 2, 2, 1},
		{time.Minute, 200, 2, 2, 1},      // it counts on
		{2 * time.Minute, 300, 9, 2, 1},  // and the restarts are not asked again
		{3 * time.Minute, 250, 9, 9, 2},  // it began anew
		{4 * time.Minute, 260, 9, 9, 2},  // and counts on
		{13 * time.Minute, 270, 9, 9, 3}, // for ten minutes
	} {
		at, cpu, restarts = at.Truncate(24*time.Hour).Add(c.after), c.cpu, c.restarts
		var err error
		if used, err = engine.Usage(t.Context(), "one", used); err != nil {
			t.Fatal(err)
		}
		if used.Restarts != c.told || asked() != c.asks || used.CPUNanos != uint64(c.cpu) {
			t.Errorf("step %d: %+v, asked %d times", step, used, asked())
		}
	}
}
