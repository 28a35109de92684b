package traefik

import (
	"encoding/json"
	"strings"
	"time"
)

// Request is one request to an app that the proxy answered, as its access log tells. It has
// no query and no credentials: the proxy writes none, and none is read.
type Request struct {
	App     string
	Release int64
	At      time.Time // when it began
	Method  string
	Host    string
	Path    string
	Status  int
	Took    time.Duration
	Bytes   int64 // of the answer's body
	Client  string
}

// ParseRequest reads a line of the proxy's output; false where it is not about a request to an app.
func ParseRequest(line string) (Request, bool) {
	var read struct {
		Service  string    `json:"ServiceName"`
		At       time.Time `json:"StartUTC"`
		Method   string    `json:"RequestMethod"`
		Host     string    `json:"RequestHost"`
		Path     string    `json:"RequestPath"`
		Status   int       `json:"DownstreamStatus"`
		Duration int64     `json:"Duration"` // nanoseconds
		Bytes    int64     `json:"DownstreamContentSize"`
		Client   string    `json:"ClientHost"`
	}
	if !strings.Contains(line, `"DownstreamStatus"`) || json.Unmarshal([]byte(line), &read) != nil {
		return Request{}, false
	}
	app, release, ok := releaseOfService(read.Service)
	if !ok {
		return Request{}, false
	}
	path, _, _ := strings.Cut(read.Path, "?")
	path, _, _ = strings.Cut(path, "#")
	if !strings.HasPrefix(path, "/") { // "*", or an address with whatever stands before its path
		path = "-"
	}
	return Request{
		App: app, Release: release, At: read.At, Method: read.Method, Host: read.Host, Path: path,
		Status: read.Status, Took: time.Duration(read.Duration), Bytes: read.Bytes, Client: read.Client,
	}, true
}
