package router

import (
	"berth/controller/chart"
	"berth/controller/metrics"
)

// chartOf is what one chart shows.
type chartOf struct {
	title string
	unit  chart.Unit
	lines []chart.Line
}

func chartsOf(wanted []chartOf, bins chart.Bins, marks []chart.Mark) []chart.Chart {
	charts := make([]chart.Chart, 0, len(wanted))
	for _, one := range wanted {
		charts = append(charts, chart.New(chart.Options{Title: one.title, Unit: one.unit, From: bins.From, To: bins.To, Lines: one.lines, Marks: marks}))
	}
	return charts
}

// appCharts are those of an app. Requests go to an app, and not to one of its services.
func appCharts(bins chart.Bins, whole bool) []chartOf {
	charts := []chartOf{
		{"CPU, of one core", chart.Percent, []chart.Line{{Name: "mean", Values: bins.Mean(metrics.CPU)}, {Name: "peak", Values: bins.Most(metrics.CPU)}}},
		{"Memory", chart.Bytes, []chart.Line{
			{Name: "used", Values: bins.Mean(metrics.Memory)},
			{Name: "peak", Values: bins.Most(metrics.Memory)},
			{Name: "limit", Values: bins.Mean(metrics.MemorySize), Limit: true},
		}},
	}
	if whole {
		charts = append(charts, requestCharts(bins)...)
		charts = append(charts, chartOf{"Volumes", chart.Bytes, []chart.Line{{Name: "stored", Values: bins.Mean(metrics.DiskUsed)}}})
	}
	return append(charts,
		chartOf{"Network", chart.BytesEachSecond, []chart.Line{{Name: "received", Values: bins.Mean(metrics.NetworkIn)}, {Name: "sent", Values: bins.Mean(metrics.NetworkOut)}}},
		chartOf{"Disk access", chart.BytesEachSecond, []chart.Line{{Name: "read", Values: bins.Mean(metrics.BlockRead)}, {Name: "written", Values: bins.Mean(metrics.BlockWritten)}}},
		chartOf{"Processes", chart.Number, []chart.Line{{Name: "processes", Values: bins.Mean(metrics.Processes)}}},
	)
}

func requestCharts(bins chart.Bins) []chartOf {
	return []chartOf{
		{"Requests answered", chart.EachSecond, []chart.Line{
			{Name: "all", Values: bins.Rate(metrics.Requests)}, {Name: "4xx", Values: bins.Rate(metrics.Errors4xx)}, {Name: "5xx", Values: bins.Rate(metrics.Errors5xx)},
		}},
		{"Response time", chart.Seconds, []chart.Line{
			{Name: "p50", Values: bins.Mean(metrics.LatencyP50)}, {Name: "p95", Values: bins.Mean(metrics.LatencyP95)}, {Name: "p99", Values: bins.Mean(metrics.LatencyP99)},
		}},
		{"Traffic of requests", chart.BytesEachSecond, []chart.Line{{Name: "received", Values: bins.Rate(metrics.BytesIn)}, {Name: "sent", Values: bins.Rate(metrics.BytesOut)}}},
	}
}

func serverCharts(bins chart.Bins) []chartOf {
	return []chartOf{
		{"CPU, of one core", chart.Percent, []chart.Line{{Name: "mean", Values: bins.Mean(metrics.CPU)}, {Name: "peak", Values: bins.Most(metrics.CPU)}}},
		{"Memory", chart.Bytes, []chart.Line{
			{Name: "used", Values: bins.Mean(metrics.Memory)},
			{Name: "peak", Values: bins.Most(metrics.Memory)},
			{Name: "size", Values: bins.Mean(metrics.MemorySize), Limit: true},
		}},
		{"Load", chart.Number, []chart.Line{{Name: "load", Values: bins.Mean(metrics.Load)}}},
		{"Disk", chart.Bytes, []chart.Line{{Name: "used", Values: bins.Mean(metrics.DiskUsed)}, {Name: "size", Values: bins.Mean(metrics.DiskSize), Limit: true}}},
		{"Requests to all apps", chart.EachSecond, []chart.Line{
			{Name: "all", Values: bins.Rate(metrics.Requests)}, {Name: "4xx", Values: bins.Rate(metrics.Errors4xx)}, {Name: "5xx", Values: bins.Rate(metrics.Errors5xx)},
		}},
		{"Releases under way", chart.Number, []chart.Line{{Name: "releases", Values: bins.Most(metrics.Queue)}}},
		{"Time of a release", chart.Seconds, []chart.Line{{Name: "mean", Values: bins.Mean(metrics.BuildTime)}, {Name: "longest", Values: bins.Most(metrics.BuildTime)}}},
	}
}
