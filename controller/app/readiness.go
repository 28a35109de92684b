package app

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"berth/controller/problem"
	"berth/traefik"
)

// ReadyBy says what a new release must show before visitors reach it.
type ReadyBy string

// The kinds of proof. The container's own health check, if there is one, counts with each.
const (
	ReadyHTTP   ReadyBy = ""       // an answer over HTTP
	ReadyTCP    ReadyBy = "tcp"    // the port accepts connections
	ReadyHealth ReadyBy = "health" // the container's own health check alone
)

// readyHTTPWord is ReadyHTTP in forms and in the API.
const readyHTTPWord = "http"

// The bounds of a start time.
const (
	leastStartTime = time.Second
	mostStartTime  = 24 * time.Hour
)

// Readiness says when a new release counts as ready, and what the proxy speaks with the
// app. The zero value asks the usual paths over HTTP for an answer below 500.
type Readiness struct {
	By     ReadyBy `json:"by,omitempty"`
	Path   string  `json:"path,omitempty"`   // of ReadyHTTP; empty means the usual ones
	Status int     `json:"status,omitempty"` // of ReadyHTTP; 0 means any below 500
	// StartTime is how long a service may take to become ready; 0 leaves it to its health
	// check.
	StartTime time.Duration  `json:"start_time,omitempty"`
	Scheme    traefik.Scheme `json:"scheme,omitempty"`
}

// The fields of Readiness in forms.
const (
	FieldReady       = "ready"
	FieldReadyPath   = "ready_path"
	FieldReadyStatus = "ready_status"
	FieldStartTime   = "start_time"
	FieldScheme      = "scheme"
)

// ReadinessForm is Readiness as a person types it.
type ReadinessForm struct {
	By, Path, Status, StartTime, Scheme string
}

// Form returns the readiness as a person types it.
func (r Readiness) Form() ReadinessForm {
	form := ReadinessForm{By: string(r.By), Path: r.Path, Scheme: r.Scheme.String()}
	if r.By == ReadyHTTP {
		form.By = readyHTTPWord
	}
	if r.Status != 0 {
		form.Status = strconv.Itoa(r.Status)
	}
	if r.StartTime != 0 {
		form.StartTime = StartTimeText(r.StartTime)
	}
	return form
}

// StartTimeText is a start time as people type it, such as 90s, 3m or 1h30m.
func StartTimeText(d time.Duration) string {
	text := d.String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// ParseReadiness reads the form, or returns all its problems.
func ParseReadiness(form ReadinessForm) (Readiness, problem.Problems) {
	var parsed Readiness
	var problems problem.Problems
	var err error
	parsed.By, err = parseReadyBy(form.By)
	problems = problems.With(problem.AtField(FieldReady, err))
	parsed.Path, err = parseReadyPath(form.Path)
	problems = problems.With(problem.AtField(FieldReadyPath, err))
	parsed.Status, err = parseReadyStatus(form.Status)
	problems = problems.With(problem.AtField(FieldReadyStatus, err))
	parsed.StartTime, err = parseStartTime(form.StartTime)
	problems = problems.With(problem.AtField(FieldStartTime, err))
	if parsed.Scheme, err = traefik.ParseScheme(strings.TrimSpace(form.Scheme)); err != nil {
		problems = problems.With(problem.Invalid(fmt.Sprintf("%.20q is not a scheme.", form.Scheme), "Use http, or h2c for a service that speaks only HTTP/2, such as gRPC.").At(FieldScheme).Because(err))
	}
	if parsed.By != ReadyHTTP && (parsed.Path != "" || parsed.Status != 0) {
		problems = problems.With(problem.Invalid("A path and a status belong to the readiness check http.", "Leave both empty, or choose http.").At(FieldReady))
	}
	return parsed, problems
}

func parseReadyBy(text string) (ReadyBy, error) {
	switch by := ReadyBy(strings.TrimSpace(text)); by {
	case ReadyHTTP, readyHTTPWord:
		return ReadyHTTP, nil
	case ReadyTCP, ReadyHealth:
		return by, nil
	}
	return "", problem.Invalid(
		fmt.Sprintf("%.20q is not a readiness check.", text),
		"Use http (an answer), tcp (the port accepts connections) or health (the container's own health check alone).",
	)
}

var readyPathPattern = regexp.MustCompile(`^(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?$`)

func parseReadyPath(text string) (string, error) {
	path := strings.TrimSpace(text)
	dotted := strings.Contains(path+"/", "/./") || strings.Contains(path+"/", "/../")
	if path == "" || len(path) <= 200 && !dotted && readyPathPattern.MatchString(path) {
		return path, nil
	}
	return "", problem.Invalid(
		fmt.Sprintf("%.60q is not a path for the readiness check.", text),
		"Write a path that begins with a slash, without query, such as /healthz.",
	)
}

func parseReadyStatus(text string) (int, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "0" {
		return 0, nil
	}
	status, err := strconv.Atoi(text)
	if err != nil || status < 200 || status > 599 || len(text) != 3 {
		return 0, problem.Invalid(
			fmt.Sprintf("%.20q is not a status that an answer can have.", text),
			"Give a number from 200 to 599, such as 204, or leave it empty for any below 500.",
		)
	}
	return status, nil
}

// parseStartTime takes a plain number as seconds.
func parseStartTime(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "0" {
		return 0, nil
	}
	if _, err := strconv.ParseUint(text, 10, 32); err == nil {
		text += "s"
	}
	parsed, err := time.ParseDuration(text)
	if err != nil || parsed < leastStartTime || parsed > mostStartTime {
		return 0, problem.Invalid(
			fmt.Sprintf("%.20q is not a start time.", text),
			"Write it such as 90s or 3m, from a second to 24 hours, or leave it empty: then the health check decides.",
		)
	}
	return parsed, nil
}
