package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func (s *apiServer) run(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	environment := []string{"BERTH_TOKEN=berth_test", "BERTH_CA_FILE=" + s.caFile, "BERTH_SERVER=" + s.URL}
	var out strings.Builder
	err = run(t.Context(), args, environment, &out, io.Discard)
	return out.String(), err
}

func TestDeploy_SendsTheNameOfAnImageInPlaceOfAnArchive(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	stdout, err := server.run(t, "deploy", "--image", "nginx:1.27", "--name", "hello")
	if err != nil || stdout != "http://127.0.0.1/hello\n" {
		t.Fatalf("stdout %q, %v", stdout, err)
	}
	if server.fields["image"] != "docker.io/library/nginx:1.27" || server.fields["name"] != "hello" || server.fields["archive"] != "" {
		t.Errorf("fields: %v", server.fields)
	}
	if _, err := server.run(t, "deploy", "--image", "nginx:1.28", "--name", "hello"); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(server.requests, "POST /api/v1/apps/hello/update") || server.fields["image"] != "docker.io/library/nginx:1.28" {
		t.Errorf("fields: %v, requests %v", server.fields, server.requests)
	}
}

func TestDeploy_TakesOneOfArchiveAndImage(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	source := writeFile(t, "app.zip", "bytes")
	for _, args := range [][]string{
		{"deploy", "--name", "hello"},
		{"deploy", source, "--image", "nginx:1.27", "--name", "hello"},
		{"deploy", "--image", "nginx", "--name", "hello"},
		{"deploy", "--check", "--image", "nginx:1.27"},
	} {
		if _, err := server.run(t, args...); exitCode(err) != exitUsage {
			t.Errorf("%q: %v", args, err)
		}
	}
	if len(server.requests) > 0 {
		t.Errorf("requests: %q", server.requests)
	}
}

func TestDeploy_AsksForTheFallbackOfASite(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	source := writeFile(t, "app.zip", "bytes")
	if _, err := server.run(t, "deploy", source, "--name", "hello", "--fallback"); err != nil || server.fields["fallback"] != "true" {
		t.Fatalf("fields %v, %v", server.fields, err)
	}
	var asked string
	server.mux.HandleFunc("POST /api/v1/apps/hello/settings", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = string(body)
		fmt.Fprint(w, "{}")
	})
	if _, err := server.run(t, "deploy", source, "--name", "hello", "--fallback"); err != nil || asked != `{"fallback": true}` {
		t.Errorf("asked for %q, %v", asked, err)
	}
}
