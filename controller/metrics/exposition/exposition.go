// Package exposition writes what is measured in the text that Prometheus reads. Labels are
// names of apps, services and hosts, which their parsers have checked.
package exposition

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	write "github.com/VictoriaMetrics/metrics"

	"berth/controller/metrics"
)

// Certificate is when the certificate of a host ends.
type Certificate struct {
	Host string
	Ends time.Time
}

// Report is what is told.
type Report struct {
	Version      string
	States       []metrics.State
	Apps         []App
	Firing       int // alerts
	Certificates []Certificate
	Heartbeat    *Job // nil: it is off
	Backup       *Job // nil: none ran yet
	Drill        *Job // of a backup; nil: none ran yet
	Now          time.Time
}

// App is how an app is.
type App struct {
	Name    string
	Release int64 // that is live; 0: none
	Wanted  bool  // it should run
	Up      bool  // it runs, and its health check passes
}

// Job is what runs again and again.
type Job struct {
	GoodAt  time.Time // when it last succeeded; zero: never
	Failing bool      // it failed the last time
}

// family is one metric of the text.
type family struct {
	name, help, kind string
	each             func(Report, func(labels string, value float64))
}

// Write writes the whole report.
func Write(to io.Writer, report Report) {
	for _, one := range families() {
		begun := false
		one.each(report, func(labels string, value float64) {
			if !begun {
				begun = true
				_, _ = fmt.Fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", one.name, one.help, one.name, one.kind)
			}
			writeValue(to, one.name+labels, value)
		})
	}
	writeLatencies(to, report.States)
}

// writeValue writes whole numbers whole: a float with an exponent reads worse.
func writeValue(to io.Writer, name string, value float64) {
	const exact = 1 << 53
	if value >= 0 && value < exact && value == math.Trunc(value) {
		write.WriteGaugeUint64(to, name, uint64(value))
		return
	}
	write.WriteGaugeFloat64(to, name, value)
}

func families() []family {
	return slices.Concat(ownFamilies(), stateFamilies(), serverFamilies(), levelFamilies(), totalFamilies())
}

func ownFamilies() []family {
	return []family{
		{"berth_info", "The version of Berth.", "gauge", func(r Report, tell func(string, float64)) {
			tell(fmt.Sprintf(`{version=%q}`, r.Version), 1)
		}},
		{"berth_certificate_remaining_seconds", "Time until the certificate of a host ends. Below zero it has ended.", "gauge", func(r Report, tell func(string, float64)) {
			for _, certificate := range r.Certificates {
				tell(fmt.Sprintf(`{host=%q}`, certificate.Host), certificate.Ends.Sub(r.Now).Truncate(time.Second).Seconds())
			}
		}},
	}
}

func stateFamilies() []family {
	return slices.Concat([]family{
		{"berth_app_up", "Whether an app that should run does, and its health check passes.", "gauge", func(r Report, tell func(string, float64)) {
			for _, app := range r.Apps {
				if app.Wanted && app.Release > 0 {
					tell(fmt.Sprintf(`{app=%q}`, app.Name), truth(app.Up))
				}
			}
		}},
		{"berth_app_live_release", "Number of the release that is live.", "gauge", func(r Report, tell func(string, float64)) {
			for _, app := range r.Apps {
				if app.Release > 0 {
					tell(fmt.Sprintf(`{app=%q}`, app.Name), float64(app.Release))
				}
			}
		}},
		{"berth_alerts_firing", "Alerts that fire.", "gauge", func(r Report, tell func(string, float64)) { tell("", float64(r.Firing)) }},
	},
		jobFamilies("berth_heartbeat", "heartbeat", func(r Report) *Job { return r.Heartbeat }),
		jobFamilies("berth_backup", "backup", func(r Report) *Job { return r.Backup }),
		jobFamilies("berth_backup_drill", "drill of a backup", func(r Report) *Job { return r.Drill }),
	)
}

// jobFamilies tell nothing of a job that is off or never ran.
func jobFamilies(name, words string, of func(Report) *Job) []family {
	return []family{
		{name + "_last_success_timestamp_seconds", "When the last " + words + " succeeded, in Unix time.", "gauge", func(r Report, tell func(string, float64)) {
			if job := of(r); job != nil && !job.GoodAt.IsZero() {
				tell("", float64(job.GoodAt.Unix()))
			}
		}},
		{name + "_failing", "Whether the last " + words + " failed.", "gauge", func(r Report, tell func(string, float64)) {
			if job := of(r); job != nil {
				tell("", truth(job.Failing))
			}
		}},
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func serverFamilies() []family {
	server := func(name, help string, metric metrics.Metric, share float64) family {
		return family{name, help, "gauge", func(r Report, tell func(string, float64)) {
			for _, state := range r.States {
				if value, ok := state.Values[metric]; ok && state.App == "" {
					tell("", metric.Value(float64(value))*share)
				}
			}
		}}
	}
	return []family{
		server("berth_server_cpu_cores", "Processor cores that the server uses.", metrics.CPU, 0.01),
		server("berth_server_memory_used_bytes", "Memory of the server that is in use.", metrics.Memory, 1),
		server("berth_server_memory_size_bytes", "Memory of the server.", metrics.MemorySize, 1),
		server("berth_server_disk_used_bytes", "Space in use on the disk with Berth's data.", metrics.DiskUsed, 1),
		server("berth_server_disk_size_bytes", "Size of the disk with Berth's data.", metrics.DiskSize, 1),
		server("berth_server_load", "Load of the server over one minute.", metrics.Load, 1),
		server("berth_releases_under_way", "Releases that wait or are under way.", metrics.Queue, 1),
	}
}

func levelFamilies() []family {
	level := func(name, help string, metric metrics.Metric) family {
		return family{name, help, "gauge", func(r Report, tell func(string, float64)) {
			for _, state := range leaves(r.States) {
				if value, ok := state.Values[metric]; ok {
					tell(labelsOf(state), metric.Value(float64(value)))
				}
			}
		}}
	}
	ofApp := func(name, help string, metric metrics.Metric) family {
		return family{name, help, "gauge", func(r Report, tell func(string, float64)) {
			for _, state := range apps(r.States) {
				if value, ok := state.Values[metric]; ok {
					tell(fmt.Sprintf(`{app=%q}`, state.App), metric.Value(float64(value)))
				}
			}
		}}
	}
	return []family{
		level("berth_app_memory_bytes", "Memory in use, without page cache that can be freed.", metrics.Memory),
		level("berth_app_memory_limit_bytes", "Most memory that may be used.", metrics.MemorySize),
		level("berth_app_processes", "Processes that run.", metrics.Processes),
		ofApp("berth_app_volume_bytes", "Bytes in the volumes, when they were last counted.", metrics.DiskUsed),
		ofApp("berth_app_last_release_duration_seconds", "Time that the newest release took from its upload to its end.", metrics.BuildTime),
	}
}

func totalFamilies() []family {
	total := func(name, help string, of func(metrics.Totals) float64) family {
		return family{name, help, "counter", func(r Report, tell func(string, float64)) {
			for _, state := range leaves(r.States) {
				tell(labelsOf(state), of(state.Totals))
			}
		}}
	}
	requested := func(name, help string, of func(metrics.Totals) float64) family {
		return family{name, help, "counter", func(r Report, tell func(string, float64)) {
			for _, state := range apps(r.States) {
				tell(fmt.Sprintf(`{app=%q}`, state.App), of(state.Totals))
			}
		}}
	}
	return []family{
		total("berth_app_cpu_seconds_total", "Processor time that was used.", func(t metrics.Totals) float64 { return t.CPUSeconds }),
		total("berth_app_network_receive_bytes_total", "Bytes that were received.", func(t metrics.Totals) float64 { return t.NetworkIn }),
		total("berth_app_network_transmit_bytes_total", "Bytes that were sent.", func(t metrics.Totals) float64 { return t.NetworkOut }),
		total("berth_app_block_read_bytes_total", "Bytes that were read from disks.", func(t metrics.Totals) float64 { return t.BlockRead }),
		total("berth_app_block_written_bytes_total", "Bytes that were written to disks.", func(t metrics.Totals) float64 { return t.BlockWritten }),
		total("berth_app_restarts_total", "Times that the engine started it again.", func(t metrics.Totals) float64 { return t.Restarts }),
		{"berth_app_requests_total", "Requests that were answered, by class of the status.", "counter", func(r Report, tell func(string, float64)) {
			for _, state := range apps(r.States) {
				for class := 1; class <= 5; class++ {
					tell(fmt.Sprintf(`{app=%q,class="%dxx"}`, state.App, class), state.Totals.Requests[class])
				}
			}
		}},
		requested("berth_app_request_bytes_total", "Bytes of requests.", func(t metrics.Totals) float64 { return t.BytesIn }),
		requested("berth_app_response_bytes_total", "Bytes of answers.", func(t metrics.Totals) float64 { return t.BytesOut }),
	}
}

const latencyName = "berth_app_request_duration_seconds"

func writeLatencies(to io.Writer, states []metrics.State) {
	begun := false
	for _, state := range apps(states) {
		latencies := state.Totals.Latencies
		count, told := latencies[math.Inf(1)]
		if !told {
			continue
		}
		if !begun {
			begun = true
			_, _ = fmt.Fprintf(to, "# HELP %s Time until a request was answered. The sum is estimated from the buckets.\n# TYPE %[1]s histogram\n", latencyName)
		}
		for _, bound := range slices.Sorted(maps.Keys(latencies)) {
			text := "+Inf"
			if !math.IsInf(bound, 1) {
				text = strconv.FormatFloat(bound, 'g', -1, 64)
			}
			writeValue(to, fmt.Sprintf(`%s_bucket{app=%q,le=%q}`, latencyName, state.App, text), latencies[bound])
		}
		writeValue(to, fmt.Sprintf(`%s_sum{app=%q}`, latencyName, state.App), state.Totals.Seconds)
		writeValue(to, fmt.Sprintf(`%s_count{app=%q}`, latencyName, state.App), count)
	}
}

// leaves are the apps of one service, and the services of the others, so that a sum over
// all counts nothing twice.
func leaves(states []metrics.State) []metrics.State {
	several := make(map[string]bool)
	for _, state := range states {
		if state.Service != "" {
			several[state.App] = true
		}
	}
	var found []metrics.State
	for _, state := range states {
		if state.App != "" && (state.Service != "" || !several[state.App]) {
			found = append(found, state)
		}
	}
	return found
}

func apps(states []metrics.State) []metrics.State {
	var found []metrics.State
	for _, state := range states {
		if state.App != "" && state.Service == "" {
			found = append(found, state)
		}
	}
	return found
}

func labelsOf(state metrics.State) string {
	return fmt.Sprintf(`{app=%q,service=%q}`, state.App, state.Service)
}
