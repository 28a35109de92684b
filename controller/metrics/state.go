package metrics

// Totals are what was counted of an app or a service since Berth was started.
type Totals struct {
	CPUSeconds              float64
	NetworkIn, NetworkOut   float64 // bytes
	BlockRead, BlockWritten float64 // bytes
	Restarts                float64
	Requests                [6]float64 // by the first digit of the status; the place 0 has all others
	BytesIn, BytesOut       float64
	Latencies               Latencies
	Seconds                 float64 // that all requests took, by the middle of their buckets
}

// State is what is known of a subject at the moment.
type State struct {
	App     string // empty: the server
	Service string // empty: all of the app
	Values  Values // the newest levels
	Totals  Totals
}
