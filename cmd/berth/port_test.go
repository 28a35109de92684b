package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPort_SendsWhatTheWordsSayAndPrintsThePorts(t *testing.T) {
	t.Parallel()
	var asked strings.Builder
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked.WriteString(strings.TrimSpace(r.Method + " " + r.URL.Path + " " + string(body)))
		_, _ = io.WriteString(w, `{"ports":[{"port":2222,"protocol":"tcp","service":"","target":22,"state":"live"},
{"port":25565,"protocol":"udp","service":"game","target":25565,"state":"off"}],"free":["1883/tcp"]}`)
	}))
	defer server.Close()
	environment := []string{"BERTH_TOKEN=berth_x", "BERTH_SERVER=" + server.URL}
	for want, words := range map[string][]string{
		`GET /api/v1/apps/git/ports`: {"git", "list"},
		`POST /api/v1/apps/git/ports {"port":"2222/tcp","service":"","target":22}`:     {"git", "add", "2222", "--target", "22"},
		`POST /api/v1/apps/git/ports {"port":"25565/udp","service":"game","target":0}`: {"git", "add", "25565/udp", "--service", "game"},
		`DELETE /api/v1/apps/git/ports/udp/25565`:                                      {"git", "remove", "25565/udp"},
	} {
		asked.Reset()
		var out, notes strings.Builder
		if err := run(t.Context(), append([]string{"port"}, words...), environment, &out, &notes); err != nil {
			t.Fatal(err)
		}
		if asked.String() != want {
			t.Errorf("%q sent %q, want %q", words, asked.String(), want)
		}
		for _, part := range []string{"2222/tcp", "live", "(main)", "25565/udp", "game"} {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%q is not in %s", part, out.String())
			}
		}
		if notes.String() != "Free: 1883/tcp\n" {
			t.Errorf("noted %q", notes.String())
		}
	}
}
