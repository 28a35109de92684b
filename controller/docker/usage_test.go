package docker

import (
	"encoding/json"
	"testing"

	"github.com/docker/docker/api/types/container"
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
