package traefik

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// metricsPath is where the proxy tells what it answered, beside its API.
const metricsPath = "/metrics"

const maxMetricsBytes = 64 << 20 // of one answer; 100 apps take about 1 MB

// A kind of Counter.
const (
	CountRequests     = "traefik_service_requests_total"
	CountDuration     = "traefik_service_request_duration_seconds_bucket"
	CountRequestBytes = "traefik_service_requests_bytes_total"
	CountAnswerBytes  = "traefik_service_responses_bytes_total"
)

// Counter is one number that the proxy counts for an app, from the proxy's start on or from
// the app's first request.
type Counter struct {
	Kind string // one of the kinds above
	ID   string // unlike that of every other counter of the proxy
	App  string
	Code int     // the status of the answers
	Most float64 // seconds; CountDuration counts answers that took no longer; may be infinite
}

// Counters tells each what the proxy counts of the requests to apps.
func (c *Client) Counters(ctx context.Context, each func(Counter, float64)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api.JoinPath(metricsPath).String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("ask proxy for its counters: %w", err)
	}
	request.SetBasicAuth(APIUser, string(c.password))
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("ask proxy for its counters: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	defer discard(response.Body, maxAPIBytes)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask proxy for its counters: status %d", response.StatusCode)
	}
	return readCounters(io.LimitReader(response.Body, maxMetricsBytes), each)
}

// readCounters reads Prometheus's text form. Lines that are not of an app are left out.
func readCounters(from io.Reader, each func(Counter, float64)) error {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || !strings.HasPrefix(line, "traefik_service_") {
			continue
		}
		counter, ok := parseCounter(line[:at])
		if !ok {
			continue
		}
		if value, err := strconv.ParseFloat(line[at+1:], 64); err == nil && value >= 0 {
			each(counter, value)
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("read counters of proxy: %w", err)
	}
	return nil
}

func parseCounter(id string) (Counter, bool) {
	kind, rest, ok := strings.Cut(id, "{")
	if !ok || kind != CountRequests && kind != CountDuration && kind != CountRequestBytes && kind != CountAnswerBytes {
		return Counter{}, false
	}
	counter := Counter{Kind: kind, ID: id}
	for rest != "" && rest[0] != '}' {
		name, after, ok := strings.Cut(rest, `="`)
		if !ok {
			return Counter{}, false
		}
		value, after, ok := strings.Cut(after, `"`) // no value of ours has a quote or a backslash
		if !ok || strings.Contains(value, `\`) {
			return Counter{}, false
		}
		rest = strings.TrimPrefix(after, ",")
		if !counter.take(name, value) {
			return Counter{}, false
		}
	}
	return counter, counter.App != "" && (kind != CountDuration || counter.Most > 0)
}

// take notes one label.
func (c *Counter) take(name, value string) (ok bool) {
	var err error
	switch name {
	case "service":
		c.App, ok = appOfService(value)
		return ok
	case "code":
		c.Code, err = strconv.Atoi(value)
	case "le":
		c.Most, err = strconv.ParseFloat(value, 64)
	}
	return err == nil
}

// appOfService is the app of a service's name, which Target.service makes.
func appOfService(name string) (app string, ok bool) {
	app, _, ok = releaseOfService(name)
	return app, ok
}

// releaseOfService is the app of a service's name, and the number of its release.
func releaseOfService(name string) (app string, release int64, ok bool) {
	name, ok = strings.CutSuffix(name, "@file")
	if !ok {
		return "", 0, false
	}
	at := strings.LastIndex(name, "-r")
	for at > 0 {
		number, _, _ := strings.Cut(name[at+2:], "-")
		if release, err := strconv.ParseInt(number, 10, 64); err == nil && release >= 0 && appPattern.MatchString(name[:at]) {
			return name[:at], release, true
		}
		at = strings.LastIndex(name[:at], "-r")
	}
	return "", 0, false
}
