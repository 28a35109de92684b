package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestBackup_AsksForOneAndWaitsForItsEnd(t *testing.T) {
	t.Parallel()
	var asked atomic.Bool
	state := "done"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			asked.Store(true)
			w.WriteHeader(http.StatusAccepted) // with no body
			return
		}
		if !asked.Load() {
			_, _ = fmt.Fprint(w, `{"backups":[]}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"backups":[{"set":"2026-a","began_at":"2026-11-29T23:00:00Z","state":%q,"bytes":2000000,"sent_bytes":1000,"reason":"The disk is full.","warnings":["One."]}]}`, state)
	}))
	defer server.Close()
	environment := []string{"BERTH_TOKEN=berth_x", "BERTH_SERVER=" + server.URL}
	var out, notes strings.Builder
	if err := run(t.Context(), []string{"backup"}, environment, &out, &notes); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Backed up as 2026-a: 2MB, of which 1kB were sent.") || !strings.Contains(notes.String(), "Warning: One.") {
		t.Errorf("%s%s", out.String(), notes.String())
	}
	state = "failed"
	asked.Store(false)
	if err := run(t.Context(), []string{"backup"}, environment, &out, &notes); err == nil || !strings.Contains(err.Error(), "The disk is full.") {
		t.Errorf("a failed one: %v", err)
	}
}
