package readiness_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/readiness"
)

func TestAsk_TakesTheAnswerThatTheAppNames(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wanted app.Readiness
		answer map[string]int // by path; 404 for others
		ready  bool
		says   string
	}{
		"any page below 500":          {app.Readiness{}, nil, true, ""},
		"all pages broken but one":    {app.Readiness{}, map[string]int{"/health": 500, "/status": 503, "/api/health": 500, "/api/status": 500, "/": 204}, true, ""},
		"nothing listens":             {app.Readiness{}, map[string]int{"/health": 502}, false, "nothing answers on x:1"},
		"a page of its own":           {app.Readiness{Path: "/ready"}, map[string]int{"/health": 500}, true, ""},
		"its page is broken":          {app.Readiness{Path: "/ready"}, map[string]int{"/ready": 500}, false, "/ready answered 500"},
		"a status":                    {app.Readiness{Path: "/ready", Status: 204}, map[string]int{"/ready": 204}, true, ""},
		"another status":              {app.Readiness{Path: "/ready", Status: 204}, map[string]int{"/ready": 200}, false, "/ready answered 200"},
		"a status above 500":          {app.Readiness{Path: "/ready", Status: 501}, map[string]int{"/ready": 501}, true, ""},
		"a port with any answer":      {app.Readiness{By: app.ReadyTCP}, map[string]int{"/": 500}, true, ""},
		"a port that nobody has":      {app.Readiness{By: app.ReadyTCP}, map[string]int{"/": 502}, false, "nothing answers on x:1"},
		"a WebSocket server's answer": {app.Readiness{}, map[string]int{"/health": 426}, true, ""},
		"a gRPC server's answer":      {app.Readiness{Scheme: "h2c"}, map[string]int{"/health": 415}, true, ""},
	} {
		ready, err := readiness.Ask(t.Context(), test.wanted, "x:1", func(_ context.Context, path string) (int, error) {
			if status, found := test.answer[path]; found {
				return status, nil
			}
			return 404, nil
		})
		if ready != test.ready || !ready && (!errors.Is(err, readiness.ErrNotReady) || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: got %t, %v", name, ready, err)
		}
	}
}

func TestPatience_IsAsLongAsTheHealthCheckMayFail(t *testing.T) {
	t.Parallel()
	const most = 15 * time.Minute
	slow := docker.Image{HasHealthcheck: true, HealthStartPeriod: 120 * time.Second, HealthInterval: 5 * time.Second}
	for name, test := range map[string]struct {
		health         *plan.Healthcheck
		image          docker.Image
		start          time.Duration
		want, wantedBe time.Duration
	}{
		"none":                           {nil, docker.Image{}, 0, time.Minute, time.Minute},
		"the image's":                    {nil, slow, 0, 135 * time.Second, 135 * time.Second},
		"the engine's defaults":          {nil, docker.Image{HasHealthcheck: true}, 0, 90 * time.Second, 90 * time.Second},
		"a hasty one":                    {nil, docker.Image{HasHealthcheck: true, HealthInterval: time.Second, HealthRetries: 2}, 0, time.Minute, time.Minute},
		"the file's":                     {&plan.Healthcheck{Test: []string{"CMD", "x"}, StartPeriod: time.Minute, Interval: 10 * time.Second, Retries: 6}, docker.Image{}, 0, 2 * time.Minute, 2 * time.Minute},
		"the file's, the rest the image": {&plan.Healthcheck{Retries: 10}, slow, 0, 170 * time.Second, 170 * time.Second},
		"switched off":                   {&plan.Healthcheck{Test: []string{"NONE"}}, slow, 0, time.Minute, time.Minute},
		"a start time":                   {nil, slow, 3 * time.Minute, 3 * time.Minute, 3 * time.Minute},
		"a short start time":             {nil, slow, 5 * time.Second, 5 * time.Second, 5 * time.Second},
		"more than the most":             {nil, slow, time.Hour, most, time.Hour},
		"numbers that overflow": {nil, docker.Image{
			HasHealthcheck: true, HealthStartPeriod: math.MaxInt64, HealthInterval: math.MaxInt64, HealthRetries: math.MaxInt64,
		}, 0, most, 1_001_000 * time.Hour},
	} {
		if got, wanted := readiness.Patience(test.health, test.image, test.start, most); got != test.want || wanted != test.wantedBe {
			t.Errorf("%s: got %s of %s, want %s of %s", name, got, wanted, test.want, test.wantedBe)
		}
	}
}

func TestLastFailure_ShowsWhatTheHealthCheckPrinted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		exit               int
		output, says, mend string
	}{
		{1, "/bin/sh: 1: curl: not found", "exit code 1; it printed: /bin/sh: 1: curl: not found", "does not hold curl"},
		{127, "sh: wget: not found", "exit code 127", "does not hold wget"},
		{-1, `OCI runtime exec failed: exec failed: container_linux.go:380: starting container process caused: exec: "curl": executable file not found in $PATH: unknown`, "did not end by itself", "does not hold curl"},
		{1, "one\ntwo", "it printed: one / two", "what the health check runs"},
		{1, "", "it printed nothing", "what the health check runs"},
		{1, strings.Repeat("x", 5000) + "the end", "xthe end", "what the health check runs"},
	} {
		condition := docker.Condition{HealthRan: true, HealthExit: test.exit, HealthOutput: test.output}
		says, mend := readiness.LastFailure(condition), readiness.Mend(condition)
		if !strings.Contains(says, test.says) || !strings.Contains(mend, test.mend) || len(says) > 450 {
			t.Errorf("%q: got %q / %q", test.output, says, mend)
		}
	}
	if mend := readiness.Mend(docker.Condition{Health: "starting"}); !strings.Contains(mend, "Start time") {
		t.Errorf("while it starts: %q", mend)
	}
	if said := readiness.LastFailure(docker.Condition{}); said != "" {
		t.Errorf("a check that has not run: %q", said)
	}
}

func TestExpects_NamesThePathAndTheStatus(t *testing.T) {
	t.Parallel()
	for want, wanted := range map[string]app.Readiness{
		"/health, /status or / must answer with a status below 500": {},
		"/x must answer with a status below 500":                    {Path: "/x"},
		"/x must answer with the status 204":                        {Path: "/x", Status: 204},
		"/health, /status or / must answer with the status 204":     {Status: 204},
		"accept connections":                                        {By: app.ReadyTCP},
	} {
		if got := readiness.Expects(wanted); !strings.Contains(got, want) {
			t.Errorf("%+v: got %q", wanted, got)
		}
	}
}
