package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRoute_SendsWhatTheWordsSayAndPrintsTheRoutes(t *testing.T) {
	t.Parallel()
	var asked strings.Builder
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked.WriteString(strings.TrimSpace(r.Method + " " + r.URL.Path + " " + string(body)))
		_, _ = io.WriteString(w, `{"routes":[{"route":"xn--bcher-kva.example","unicode":"bücher.example","url":"http://xn--bcher-kva.example/","state":"live",
"check":{"at":"2026-11-22T12:00:00Z","findings":[{"about":"DNS","outcome":"bad","message":"It points elsewhere.","hint":"Change it."},{"about":"CAA","outcome":"good","message":"Fine."}]}},
{"route":"hello.apps.example.com","url":"http://hello.apps.example.com/","state":"live","derived":true},
{"route":"/api","url":"http://x/api/","state":"live","service":"api","port":9000}]}`)
	}))
	defer server.Close()
	environment := []string{"BERTH_TOKEN=berth_x", "BERTH_SERVER=" + server.URL}
	for want, words := range map[string][]string{
		`GET /api/v1/apps/hello/routes`:                                                               {"hello", "list"},
		`POST /api/v1/apps/hello/routes {"route":"a.example.com","take_over":false}`:                  {"hello", "add", "a.example.com"},
		`POST /api/v1/apps/hello/routes {"route":"a.example.com","take_over":true}`:                   {"hello", "add", "--take-over", "a.example.com"},
		`POST /api/v1/apps/other/routes {"route":"a.example.com","take_over":true}`:                   {"hello", "move", "a.example.com", "other"},
		`POST /api/v1/apps/hello/routes/remove {"route":"/a"}`:                                        {"hello", "remove", "/a"},
		`POST /api/v1/apps/hello/routes/change {"route":"/a","take_over":false,"to":"b.example.com"}`: {"hello", "change", "/a", "b.example.com"},

		`POST /api/v1/apps/hello/routes {"port":9000,"route":"/api","service":"api","take_over":false}`:     {"hello", "add", "/api", "--service", "api", "--port", "9000"},
		`POST /api/v1/apps/hello/routes/change {"route":"/api","service":"","take_over":false,"to":"/api"}`: {"hello", "change", "/api", "--service", ""},
	} {
		asked.Reset()
		var out, notes strings.Builder
		if err := run(t.Context(), append([]string{"route"}, words...), environment, &out, &notes); err != nil {
			t.Fatal(err)
		}
		if asked.String() != want {
			t.Errorf("%q sent %q, want %q", words, asked.String(), want)
		}
		for _, part := range []string{"xn--bcher-kva.example (bücher.example)", "hello.apps.example.com (by its name)", "/api (leads to api, port 9000)"} {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%q is not in %s", part, out.String())
			}
		}
		if notes.String() != "Warning: xn--bcher-kva.example: It points elsewhere. Change it.\n" {
			t.Errorf("noted %q", notes.String())
		}
	}
}
