package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"berth/controller/pinned"
	"berth/controller/problem"
)

func TestPin_RefusesAnotherCertificateThanTheOneThatWasAgreedTo(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = w.Write([]byte(`{}`))
	}))
	defer server.Close()
	right := pinned.FingerprintOf(server.Certificate())
	for _, pinned := range []string{right, strings.ToLower(strings.ReplaceAll(right, ":", ""))} {
		api, err := newClient(server.URL, "berth_x", "")
		if err != nil {
			t.Fatal(err)
		}
		api.pin(pinned)
		if _, err := api.ask(t.Context(), http.MethodGet, "/api/v1/apps", nil); err != nil {
			t.Errorf("%s: %v", pinned, err)
		}
	}
	api, err := newClient(server.URL, "berth_x", "")
	if err != nil {
		t.Fatal(err)
	}
	api.pin(strings.Repeat("00:", 31) + "00")
	_, err = api.ask(t.Context(), http.MethodGet, "/api/v1/apps", nil)
	if problem.KindOf(err) != problem.KindUnavailable || !strings.Contains(err.Error(), "another certificate") || asked != 2 {
		t.Errorf("another certificate: %v, asked %d times", err, asked)
	}
}

// TestCommands_CoverEveryRowOfTheAPI reads the rows of the table of access.
func TestCommands_CoverEveryRowOfTheAPI(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, c := range commands() {
		for _, row := range c.rows {
			covered[row] = true
		}
	}
	golden, err := readBounded("../../router/testdata/access.golden")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(golden)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[1], "/api/v1/") {
			continue
		}
		rows++
		if row := fields[0] + " " + fields[1]; !covered[row] {
			t.Errorf("no command asks %s", row)
		}
	}
	if rows < 40 {
		t.Errorf("only %d rows were found", rows)
	}
}
