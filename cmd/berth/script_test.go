package main

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"berth/controller/pinned"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"berth": main}) }

func TestCommandLine_AnswersAsTheTranscriptsSay(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(env *testscript.Env) error {
		server := httptest.NewTLSServer(standIn())
		env.Defer(server.Close)
		env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
		env.Setenv("XDG_CONFIG_HOME", "")
		env.Setenv("SERVER", server.URL)
		env.Setenv("FINGERPRINT", pinned.FingerprintOf(server.Certificate()))
		content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		return os.WriteFile(filepath.Join(env.WorkDir, "server.pem"), content, 0o600)
	}})
}

// standInAnswers are what a stand-in for a server says to the token berth_fresh, by method
// and path. What it has no answer for it says back, with the body that it got.
var standInAnswers = map[string]string{
	"GET /api/v1/apps":      `{"apps":[{"name":"shop","state":"running","release":3,"urls":["https://shop.example.com"]},{"name":"blog","state":"stopped","release":1,"urls":[]}]}`,
	"GET /api/v1/apps/shop": `{"name":"shop","state":"running","release":3,"settings":{"memory_mb":512},"urls":["https://shop.example.com"]}`,
	"GET /api/v1/apps/shop/releases": `{"releases":[{"number":3,"state":"live","created_at":"2026-01-02T03:04:05Z","created_by":"ann"},` +
		`{"number":2,"state":"failed","created_at":"2026-01-01T03:04:05Z","created_by":"ann","reason":"The build failed.\u001b[2J"}]}`,
	"GET /api/v1/apps/shop/releases/4":     `{"app":"shop","number":4,"state":"live"}`,
	"GET /api/v1/apps/shop/releases/4/log": "built\n",
	"GET /api/v1/apps/shop/releases/4/diff": `{"app":"shop","from":3,"to":4,"same":false,"files":{"compared":true,"added":1,"removed":1,"changed":400,"list":[` +
		`{"path":"edited.txt","change":"changed","from_bytes":3,"to_bytes":5},{"path":"gone\u001b[2J","change":"removed","from_bytes":7,"to_bytes":0},{"path":"new.txt","change":"added","from_bytes":0,"to_bytes":9}]},` +
		`"images":[{"service":"web","change":"changed","from":"sha256:1","to":"sha256:2"}],"variables":[{"name":"KEY","change":"changed"},{"service":"db","name":"MODE","change":"added"}],` +
		`"settings":[{"name":"port","from":"","to":"8080","hidden":false},{"service":"web","name":"label auth","from":"","to":"","hidden":true}]}`,
	"GET /api/v1/apps/shop/releases/4/diff/lines": `{"app":"shop","from":3,"to":4,"same":false,"files":{"compared":true,"added":0,"removed":0,"changed":2,"list":[` +
		`{"path":"edited.txt","change":"changed","from_bytes":3,"to_bytes":5,"lines":["@@ -1,1 +1,1 @@","-one","+\ttwo\u001b[2J"]},` +
		`{"path":"logo.png","change":"changed","from_bytes":3,"to_bytes":5,"note":"A binary file."}]},"images":[],"variables":[],"settings":[]}`,
	"GET /api/v1/apps/shop/releases/3/diff": `{"app":"shop","from":2,"to":3,"same":true,"files":{"compared":true,"list":[]},"images":[],"variables":[],"settings":[]}`,
	"GET /api/v1/apps/shop/releases/2/diff": `{"app":"shop","from":1,"to":2,"same":true,"files":{"compared":false,"note":"The archive of r1 is no longer kept.","list":[]},"images":[],"variables":[],"settings":[],"notes":["A note."]}`,
	"GET /api/v1/apps/shop/metrics": `{"range":"day","charts":[{"title":"Memory","unit":"bytes","lines":[{"name":"used","values":[null,1048576,3145728]},{"name":"limit","values":[null,null]}]},` +
		`{"title":"Response time","unit":"seconds","lines":[{"name":"p95","values":[0.2,0.1]}]}],"marks":[]}`,
	"GET /api/v1/apps/shop/releases/4/archive": "PK zip",
	"POST /api/v1/apps/shop/rollback":          `{"app":"shop","number":4,"state":"queued"}`,
	"POST /api/v1/apps/shop/rename":            `{"app":"store","number":4,"state":"queued"}`,
	"GET /api/v1/apps/store/releases/4":        `{"app":"store","number":4,"state":"live"}`,
	"GET /api/v1/apps/store/releases/4/log":    "started\n",
	"POST /api/v1/apps/shop/restart":           `{"name":"shop","state":"running"}`,
	"POST /api/v1/apps/shop/run":               `{"text":"rows: 3\u001b[2J"}` + "\n\n" + `{"text":"a warning","stderr":true}` + "\n" + `{"text":"","exit":0}` + "\n",
	"POST /api/v1/apps/blog/run":               `{"text":"","exit":3}` + "\n",
	"POST /api/v1/apps/mail/run":               `{"text":"begun"}` + "\n" + `{"text":"","problem":"The command did not end within 5 minutes.","hint":"Make it shorter."}` + "\n",
	"POST /api/v1/apps/lost/run":               `{"text":"begun"}` + "\n",
	"POST /api/v1/apps/shop/releases/3/retry":  `{"app":"shop","number":4,"state":"queued"}`,
	"GET /api/v1/audit":                        `{"entries":[{"sequence":7,"at":"2026-01-01T00:00:00Z","action":"APP_RUN","success":true,"account":"admin","resource":"app shop","detail":"\"rake\""}]}`,
	"GET /api/v1/audit/export":                 "{}\n",
	"POST /api/v1/audit/verify":                `{"whole":false,"entries":7,"findings":["entry 3 was changed"],"more":0}`,
	"GET /api/v1/openapi.json":                 `{"openapi":"3.1.0"}`,
	"GET /api/v1/volumes/data/tar":             "tar",
	"GET /api/v1/volumes/data/files/logs":      `{"entries":[{"name":"a.txt","kind":"file","size":5,"modified":"2026-01-01T00:00:00Z"}],"more":false}`,
	"GET /api/v1/volumes/data/files/a.txt":     "hello",
	"GET /api/v1/backups":                      `{"backups":[{"set":"s1","state":"done","began_at":"2026-01-01T00:00:00Z","bytes":5,"sent_bytes":5,"reason":""}]}`,
	"DELETE /api/v1/apps/shop":                 "",
	"POST /api/v1/apps/shop/move":              `{"to":"https://other.example.com:8001","state":"done","redirect":"https://other.example.com/shop/"}`,
	"DELETE /api/v1/apps/shop/move":            "",
	"POST /api/v1/apps/blog/move":              `{"to":"https://other.example.com:8001","state":"running","step":"check","step_number":1,"steps":7}`,
	"GET /api/v1/apps/blog/move":               `{"to":"https://other.example.com:8001","state":"failed","reason":"The other server has an app called blog already.","hint":"Delete it there."}`,
	"GET /api/v1/apps/mail/move":               `{"to":"https://other.example.com:8001","state":"running","step":"volumes","step_number":2,"steps":7,"bytes":3000000,"total_bytes":6000000,"bytes_per_second":1000000}`,
	"DELETE /api/v1/login":                     "",
	"GET /api/v1/registries":                   `{"registries":[{"registry":"ghcr.io","user":"ann","changed_at":"2026-01-02T03:04:05Z"}]}`,
	"DELETE /api/v1/registries/ghcr.io":        "",
	"POST /api/v1/registries/ghcr.io/test":     "",
}

// standIn is a server with one account, whose second factor is 123456 and whose
// one-time password has to be changed once.
func standIn() http.Handler {
	var changed atomic.Bool
	mux := http.NewServeMux()
	refuse := func(w http.ResponseWriter, status int, field, detail string) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"field":%q,"detail":%q,"hint":"Try again."}`, field, detail)
	}
	mux.HandleFunc("POST /api/v1/login", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.FormValue("username") != "ann" || r.FormValue("password") != "hush":
			refuse(w, http.StatusUnauthorized, "password", "Wrong user name or password.")
		case r.FormValue("code") != "123456":
			refuse(w, http.StatusUnauthorized, "code", "This account has two-factor authentication.")
		case !changed.Load() && r.FormValue("new_password") == "":
			refuse(w, http.StatusForbidden, "new_password", "The one-time password must be changed first.")
		default:
			changed.Store(true)
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprintf(w, `{"token":"berth_fresh","account":"ann","scope":%q,"expires_at":"2030-01-02T03:04:05Z"}`, r.FormValue("scope"))
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer, known := standInAnswers[r.Method+" "+r.URL.Path]
		switch {
		case r.Header.Get("Authorization") != "Bearer berth_fresh":
			refuse(w, http.StatusUnauthorized, "", "This token is unknown or has expired.")
		case strings.HasPrefix(r.URL.Path, "/api/v1/apps/none"):
			refuse(w, http.StatusNotFound, "", "There is no app none.")
		case known && answer == "":
			w.WriteHeader(http.StatusNoContent)
		case known:
			_, _ = io.WriteString(w, answer)
		default:
			body, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, `{"asked":%q,"body":%q}`, r.Method+" "+r.URL.Path, body)
		}
	})
	return mux
}
