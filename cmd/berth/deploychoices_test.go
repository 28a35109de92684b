package main

import (
	"strings"
	"testing"
)

func TestDeploy_SendsWhatTheArchiveLeavesOpen(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"main": "web", "port": "8080", "profiles": "a,b", "compose": "deploy/compose.yaml,deploy/more.yaml", "host_folders": "true", "dotenv": "true",
		"value_MODE": "a=b", "plain": "KEY,MODE,API_URL", "build": "API_URL", "value_API_URL": "https://x", "value_BERTH_TOKEN": "berth_test", "database_services": "db,cache", "writable_root": "true", "root_start": "web,db", "image_volumes": "true", "bound": "web:/a.conf=volume,web:/b=image", "service_routes": "/api=api:9000,/x=web",
		"start_time": "3m", "ready": "http", "ready_path": "/healthz", "ready_status": "204", "scheme": "h2c",
	}
	for _, exists := range []bool{false, true} {
		server := newAPIServer(t)
		server.exists = exists
		_, _, err := deploy(t, server, "berth_test", "--main", "web", "--port", "8080", "--profile", "a", "--profile", "b", "--compose", "deploy/compose.yaml", "--compose", "deploy/more.yaml", "--host-folders", "--dotenv",
			"--set", "MODE=a=b", "--plain", "KEY", "--build-arg", "API_URL=https://x", "--secret", "BERTH_TOKEN", "--waive", "database:db,cache", "--waive", "writable_root", "--waive", "root_start:web,db", "--image-volumes", "--bound", "web:/a.conf=volume", "--bound", "web:/b=image", "--service-route", "/api=api:9000", "--service-route", "/x=web",
			"--start-time", "3m", "--ready", "http", "--ready-path", "/healthz", "--ready-status", "204", "--scheme", "h2c")
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range want {
			if server.fields[name] != value {
				t.Errorf("the app is there: %v: %s is %q, want %q", exists, name, server.fields[name], value)
			}
		}
	}
}

func TestDeploy_RefusesFlagsOfChoicesThatMeanNothing(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{
		{"--port", "x"},
		{"--set", "hush"},
		{"--set", "=hush"},
		{"--build-arg", "hush"},
		{"--secret", "HUSH_IS_NOT_THERE"},
		{"--waive", "all"},
		{"--waive", "database:"},
		{"--waive", "writable_root:web"},
		{"--start-time", "soon"},
		{"--ready", "ping"},
		{"--ready-path", "x"},
		{"--ready", "tcp", "--ready-status", "200"},
		{"--scheme", "https"},
		{"--waive", "root_start:"},
		{"--bound", "web:/a.conf"},
	} {
		server := newAPIServer(t)
		_, _, err := deploy(t, server, "berth_test", flags...)
		if exitCode(err) != exitUsage || len(server.requests) > 0 || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v, %q", flags, err, server.requests)
		}
	}
}

func TestDeploy_PrintsEveryFaultWithItsNextStep(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	server.problem = `{"detail": "2 faults. The first: compose.yaml, line 3: No.", "hint": "Do.", "field": "archive",
		"faults": [{"file": "compose.yaml", "line": 3, "reason": "No.", "hint": "Do."}, {"file": "compose.yaml", "line": 9, "reason": "Nor this.", "hint": "Do that."}]}`
	for _, flags := range [][]string{nil, {"--check"}} {
		_, _, err := deploy(t, server, "berth_test", flags...)
		var said strings.Builder
		report(&said, err)
		want := "berth: 2 faults. The first: compose.yaml, line 3: No.\n  compose.yaml, line 3: No.\n    next: Do.\n  compose.yaml, line 9: Nor this.\n    next: Do that.\n"
		if exitCode(err) != exitRefused || said.String() != want {
			t.Errorf("%d %s", exitCode(err), said.String())
		}
	}
}

func TestDeploy_CheckPrintsThePlan(t *testing.T) {
	t.Parallel()
	var preview previewAnswer
	preview.Plan.Main, preview.Plan.Port = "web", 80
	preview.Plan.Services = []plannedService{
		{Name: "db", Image: "postgres:17", Volumes: []string{"data:/data"}, Loosens: []string{"database"}}, {Name: "web", Build: "web/Dockerfile"},
	}
	got := strings.Join(preview.lines(), "\n")
	if want := "  db: image postgres:17; volumes data:/data; security exceptions database\n  web: built with web/Dockerfile; has the route, port 80"; got != want {
		t.Errorf("got\n%s", got)
	}
}
