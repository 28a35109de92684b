package router

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"berth/controller/app"
	"berth/controller/backup"
	"berth/router/openapi"
)

// apiCall is a good request of one row of the API.
type apiCall struct {
	path    string // with the parameters filled in; empty: as concrete does
	body    string
	parts   []part // of a form, in place of the body
	before  func(*site, *apiCall)
	refused bool // the stand-ins refuse it; its good answer is in a test of its own
}

// apiCalls are a good request of each row; a row without one fails.
var apiCalls = map[string]apiCall{
	"GET /api/v1/openapi.json": {},

	"POST /api/v1/login":   {body: `{}`, refused: true},
	"DELETE /api/v1/login": {},

	"GET /api/v1/alerts":                    {},
	"POST /api/v1/alerts/channels/:id/test": {refused: true},
	"POST /api/v1/alerts/rules":             {body: `{"name": "Disk", "on": true, "watch": "metric:disk_percent", "threshold": 90, "for": "5m", "pause": "15m"}`},
	"GET /api/v1/alerts/rules/:id":          {},
	"PUT /api/v1/alerts/rules/:id":          {body: `{"name": "Down", "on": false, "watch": "event:app.down"}`},
	"DELETE /api/v1/alerts/rules/:id":       {},
	"POST /api/v1/alerts/channels":          {body: `{"name": "phone", "settings": {"kind": "ntfy", "address": "https://ntfy.example.com", "to": "berth"}}`},
	"GET /api/v1/alerts/channels/:id":       {},
	"PUT /api/v1/alerts/channels/:id":       {body: `{"name": "ops", "settings": {"kind": "webhook", "address": "https://hooks.example.com"}}`},
	"DELETE /api/v1/alerts/channels/:id":    {},
	"POST /api/v1/alerts/rules/:id/mute":    {body: `{"for": "8h"}`},
	"POST /api/v1/alerts/rules/:id/unmute": {before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPost, "/api/v1/alerts/rules/1/mute", `{"for": "8h"}`)
	}},
	"GET /api/v1/alerts/heartbeat":       {},
	"PUT /api/v1/alerts/heartbeat":       {body: `{"url": "https://monitor.example.com/ping", "minutes": 5, "method": "POST"}`},
	"DELETE /api/v1/alerts/heartbeat":    {},
	"POST /api/v1/alerts/heartbeat/test": {},
	"GET /api/v1/events":                 {},
	"GET /api/v1/apps/:name/logs":        {},
	"GET /api/v1/apps/:name/backup-hook": {},
	"PUT /api/v1/apps/:name/backup-hook": {body: `{"backup_service": "db", "backup_before": ["dump"]}`},
	"POST /api/v1/backups/drill":         {refused: true},

	"POST /api/v1/apps/:name/rename":    {body: `{"name": "store"}`},
	"POST /api/v1/apps/:name/duplicate": {body: `{"name": "again", "route": "/again"}`},

	"PATCH /api/v1/apps/:name": {body: `{"project": "Shop", "tags": ["web"]}`},

	"GET /api/v1/apps":  {},
	"POST /api/v1/apps": {parts: []part{{"name", "fresh", ""}, {"route", "/fresh", ""}, zipPart}},

	"GET /api/v1/apps/:name":                    {},
	"DELETE /api/v1/apps/:name":                 {},
	"POST /api/v1/apps/:name/update":            {parts: []part{{"check", "1", ""}, zipPart}},
	"POST /api/v1/apps/:name/start":             {},
	"POST /api/v1/apps/:name/stop":              {},
	"POST /api/v1/apps/:name/restart":           {},
	"POST /api/v1/apps/:name/run":               {body: `{"command": ["echo", "hello"]}`},
	"POST /api/v1/apps/:name/rollback":          {body: `{"release": 1}`},
	"POST /api/v1/apps/:name/settings":          {body: `{"memory_mb": 64}`},
	"GET /api/v1/apps/:name/environment":        {},
	"PUT /api/v1/apps/:name/environment":        {body: `{"variables": {"MODE": "fast"}}`},
	"PATCH /api/v1/apps/:name/environment":      {body: `{"variables": {"MODE": "fast"}, "remove": ["OLD"]}`},
	"POST /api/v1/apps/:name/environment/apply": {},
	"POST /api/v1/apps/:name/mounts":            {body: `{"mounts": [{"volume": "hello", "target": "/data"}]}`},
	"GET /api/v1/apps/:name/ports":              {},
	"POST /api/v1/apps/:name/ports":             {body: `{"port": "2222/tcp", "target": 22}`},
	"DELETE /api/v1/apps/:name/ports/:protocol/:number": {path: "/api/v1/apps/hello/ports/tcp/2222", before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPost, "/api/v1/apps/hello/ports", `{"port": "2222/tcp", "target": 22}`)
	}},
	"GET /api/v1/apps/:name/push":      {},
	"PATCH /api/v1/apps/:name/push":    {body: `{"branch": "main", "folder": "web"}`},
	"GET /api/v1/apps/:name/webhook":   {},
	"PATCH /api/v1/apps/:name/webhook": {body: `{"on": true, "repository": "https://git.example.com/ann/shop.git"}`},
	"POST /api/v1/apps/:name/webhook/renew": {before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPatch, "/api/v1/apps/hello/webhook", `{"repository": "https://git.example.com/ann/shop.git"}`)
	}},
	"POST /api/v1/apps/:name/webhook/fetch": {before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPatch, "/api/v1/apps/hello/webhook", `{"repository": "https://git.example.com/ann/shop.git"}`)
	}},
	"GET /api/v1/apps/:name/image-tag":          {},
	"PUT /api/v1/apps/:name/image-tag":          {body: `{"on": true, "minutes": 15}`},
	"POST /api/v1/apps/:name/image-tag/check":   {},
	"POST /api/v1/apps/:name/image-tag/hook":    {},
	"DELETE /api/v1/apps/:name/image-tag/hook":  {},
	"GET /api/v1/apps/:name/webhook/deliveries": {},
	"GET /api/v1/apps/:name/egress":             {},
	"PUT /api/v1/apps/:name/egress":             {body: `{"egress": "none"}`},
	"GET /api/v1/apps/:name/routes":             {},
	"POST /api/v1/apps/:name/routes":            {body: `{"route": "new.example.org"}`},
	"POST /api/v1/apps/:name/routes/change":     {body: `{"route": "/hello", "to": "new.example.org"}`},
	"POST /api/v1/apps/:name/routes/remove": {body: `{"route": "/hello"}`, before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPost, "/api/v1/apps/hello/routes", `{"route": "new.example.org"}`)
	}},
	"GET /api/v1/apps/:name/access":                      {},
	"PATCH /api/v1/apps/:name/access":                    {body: `{"rules": {"allow": ["192.0.2.0/24"], "rate": {"requests": 10, "period": "second"}}}`},
	"GET /api/v1/apps/:name/releases":                    {},
	"GET /api/v1/apps/:name/releases/:number":            {},
	"GET /api/v1/apps/:name/releases/:number/log":        {before: func(s *site, _ *apiCall) { s.apps.appendLog(app.ReleaseID{App: "hello", Number: 1}, "built\n") }},
	"GET /api/v1/metrics":                                {},
	"GET /api/v1/apps/:name/metrics":                     {},
	"GET /api/v1/apps/:name/releases/:number/diff":       {path: "/api/v1/apps/hello/releases/1/diff?with=2"},
	"GET /api/v1/apps/:name/releases/:number/diff/lines": {path: "/api/v1/apps/hello/releases/1/diff/lines?with=2"},
	"GET /api/v1/apps/:name/releases/:number/archive":    {before: func(s *site, _ *apiCall) { s.keepArchive(1, "a.txt", "text") }},
	"POST /api/v1/apps/:name/releases/:number/archive/missing": {
		before: func(s *site, _ *apiCall) { s.keepArchive(1, "a.txt", "text") },
		body:   `{"pieces": ["0000000000000000000000000000000000000000000000000000000000000000"]}`,
	},
	"POST /api/v1/apps/:name/releases/:number/cancel": {},
	"POST /api/v1/apps/:name/releases/:number/retry":  {body: `{"port": 5000}`},

	"GET /api/v1/checklist":        {},
	"POST /api/v1/checklist/probe": {},
	"GET /api/v1/disks":            {},
	"PATCH /api/v1/disks":          {body: `{"releases": 3}`},
	"POST /api/v1/disks/clean":     {},
	"GET /api/v1/backups":          {},
	"POST /api/v1/backups": {before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPut, apiBackups+"/settings", s.backupSettings())
	}},
	"PUT /api/v1/backups/settings": {before: func(s *site, call *apiCall) { call.body = s.backupSettings() }},

	"GET /api/v1/domains":        {},
	"POST /api/v1/domains/check": {body: `{"host": "hello.apps.example.com"}`},
	"GET /api/v1/home":           {},
	"PUT /api/v1/home":           {body: `{"home": ""}`},
	"POST /api/v1/redirects":     {body: `{"from": "a.example.com", "to": "b.example.com"}`},
	"DELETE /api/v1/redirects/:host": {path: "/api/v1/redirects/a.example.com", before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPost, "/api/v1/redirects", `{"from": "a.example.com", "to": "b.example.com"}`)
	}},

	"GET /api/v1/certificates":              {},
	"GET /api/v1/certificates/:host":        {},
	"PATCH /api/v1/certificates/:host":      {body: `{"source": "none"}`},
	"PUT /api/v1/certificates/:host/own":    {body: `{"chain": "x", "key": "y"}`, refused: true},
	"DELETE /api/v1/certificates/:host/own": {refused: true},
	"POST /api/v1/certificates/:host/again": {},
	"GET /api/v1/proxy":                     {},
	"PATCH /api/v1/proxy":                   {body: `{"authority": "letsencrypt", "email": "me@example.com"}`},

	"GET /api/v1/limits":               {},
	"PUT /api/v1/limits/:class":        {path: "/api/v1/limits/upload", body: `{"budget": "3/1h"}`},
	"DELETE /api/v1/limits/:class":     {path: "/api/v1/limits/upload"},
	"POST /api/v1/limits/:class/clear": {path: "/api/v1/limits/login/clear", body: `{"subject": "address 127.0.0.1"}`},

	"GET /api/v1/accounts":                               {},
	"DELETE /api/v1/accounts/:account":                   {path: "/api/v1/accounts/grace", refused: true},
	"GET /api/v1/accounts/:account/sessions":             {path: "/api/v1/accounts/admin/sessions", before: func(s *site, _ *apiCall) { s.signIn() }},
	"DELETE /api/v1/accounts/:account/sessions":          {path: "/api/v1/accounts/admin/sessions"},
	"DELETE /api/v1/accounts/:account/sessions/:session": {before: func(s *site, call *apiCall) { call.path = "/api/v1/accounts/admin/sessions/" + s.aSession() }},
	"GET /api/v1/tokens":                                 {},
	"DELETE /api/v1/tokens/:id":                          {},
	"GET /api/v1/keys":                                   {},
	"POST /api/v1/keys":                                  {before: func(s *site, call *apiCall) { call.body = s.keyWish() }},
	"DELETE /api/v1/keys/:id":                            {},
	"GET /api/v1/ssh":                                    {},
	"GET /api/v1/registries":                             {},
	"PUT /api/v1/registries/:host":                       {body: `{"user": "ann", "password": "x"}`},
	"DELETE /api/v1/registries/:host":                    {},
	"POST /api/v1/registries/:host/test":                 {refused: true},

	"GET /api/v1/audit":         {},
	"GET /api/v1/audit/export":  {},
	"POST /api/v1/audit/verify": {},

	"POST /api/v1/apps/:name/move": {body: `{"to": "https://other.example.com:8001", "token": "berth_x"}`},
	"GET /api/v1/apps/:name/move": {before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPost, "/api/v1/apps/hello/move", `{"to": "https://other.example.com:8001", "token": "berth_x"}`)
	}},
	"DELETE /api/v1/apps/:name/move": {before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPost, "/api/v1/apps/hello/move", `{"to": "https://other.example.com:8001", "token": "berth_x"}`)
	}},

	"GET /api/v1/apps/:name/settings": {},
	"GET /api/v1/backups/settings":    {},
	"GET /api/v1/volumes/:volume":     {},
	"GET /api/v1/volumes/:volume/tar": {},
	"PUT /api/v1/volumes/:volume/tar": {path: "/api/v1/volumes/fresh/tar", body: strings.Repeat("\x00", 1024)},
	"DELETE /api/v1/volumes/:volume/files/*path": {before: func(s *site, _ *apiCall) {
		s.bearer(adminToken, http.MethodPut, "/api/v1/volumes/hello/files/a.txt", "text")
	}},

	"GET /api/v1/volumes":                     {},
	"POST /api/v1/volumes":                    {body: `{"name": "fresh"}`},
	"POST /api/v1/volumes/:volume/quota":      {body: `{"quota": "20g"}`},
	"DELETE /api/v1/volumes/:volume":          {path: "/api/v1/volumes/free", before: func(s *site, _ *apiCall) { s.volumes.volume(s.t, "free") }},
	"GET /api/v1/volumes/:volume/files/*path": {path: "/api/v1/volumes/hello/files/"},
	"PUT /api/v1/volumes/:volume/files/*path": {body: "text"},
}

// TestContract_EveryAnswerIsWhatTheDocumentSays sends a good request to each row, and those
// that each row refuses, and holds what comes back against the document.
func TestContract_EveryAnswerIsWhatTheDocumentSays(t *testing.T) {
	t.Parallel()
	document := strictDocument(t)
	for _, r := range new(admin).apiRoutes() {
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			t.Parallel()
			call, known := apiCalls[r.method+" "+r.path]
			if !known {
				t.Fatal("there is no request for this row")
			}
			s := newWalkedSite(t)
			if call.path == "" {
				call.path = concrete(r.path)
			}
			if call.before != nil {
				call.before(s, &call)
			}
			for _, refused := range refusedCalls(r, call) {
				answer := s.call(refused.token, r.method, refused.apiCall)
				if refused.token != adminToken && answer.StatusCode < http.StatusBadRequest {
					t.Errorf("%s as %q with %q: %d", refused.path, refused.token, refused.body, answer.StatusCode)
				}
				checkAnswer(t, document, r, answer)
			}
			answer := s.call(adminToken, r.method, call)
			if !call.refused && !slices.ContainsFunc(r.api.out, func(out openapi.Answer) bool { return out.Status == answer.StatusCode }) {
				t.Errorf("%d %s", answer.StatusCode, answer.body)
			}
			checkAnswer(t, document, r, answer)
		})
	}
}

// backupSettings are settings of backups that are good.
func (s *site) backupSettings() string {
	s.t.Helper()
	_, public, err := backup.NewKey()
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf(`{"folder": %q, "recipients": %q, "keep": {"daily": 7}, "time": "03:30", "zone": "UTC"}`, s.t.TempDir(), public)
}

// aSession signs the browser in, and names its session.
func (s *site) aSession() string {
	s.t.Helper()
	s.signIn()
	found := decode(s.t, s.bearer(adminToken, http.MethodGet, "/api/v1/accounts/admin/sessions", "").body)
	return found["sessions"].([]any)[0].(map[string]any)["id"].(string)
}

type refusedCall struct {
	token string
	apiCall
}

// refusedCalls are requests that a row refuses.
func refusedCalls(r route, good apiCall) []refusedCall {
	calls := []refusedCall{{"", good}, {"nonsense", good}}
	if r.access.scope != metricsScope {
		calls = append(calls, refusedCall{metricsToken, good})
	}
	for part, wrong := range map[string][]string{"/hello": {"/missing", "/No_Name"}, "/1": {"/99", "/x"}} {
		for _, other := range wrong {
			if strings.Contains(good.path, part) && !strings.HasSuffix(r.path, "*path") {
				elsewhere := good
				elsewhere.path = strings.Replace(good.path, part, other, 1)
				calls = append(calls, refusedCall{adminToken, elsewhere})
			}
		}
	}
	if r.api.in.Type != nil {
		for _, body := range []string{"{", `{"no such field": 1}`, "[]"} {
			calls = append(calls, refusedCall{adminToken, apiCall{path: good.path, body: body}})
		}
	}
	return calls
}

// call sends the request with the token; none where it is empty.
func (s *site) call(token, method string, call apiCall) answer {
	s.t.Helper()
	if call.parts != nil && token != "" {
		return s.upload(call.path, token, call.parts...)
	}
	r := s.request(method, call.path, strings.NewReader(call.body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(r)
}

func checkAnswer(t *testing.T, document *openapi3.T, r route, answer answer) {
	t.Helper()
	path := openapi.Path(r.path)
	item := document.Paths.Value(path)
	if item == nil || item.GetOperation(r.method) == nil {
		t.Fatalf("the document has no %s %s", r.method, path)
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: answer.Request,
			Route:   &routers.Route{Spec: document, Path: path, PathItem: item, Method: r.method, Operation: item.GetOperation(r.method)},
		},
		Status: answer.StatusCode, Header: answer.Header, Body: io.NopCloser(strings.NewReader(answer.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
		t.Errorf("%s %s: %d %.300s\n%v", r.method, answer.Request.URL.Path, answer.StatusCode, answer.body, err)
	}
}

// strictDocument is the document with no room for fields that it does not name.
func strictDocument(t *testing.T) *openapi3.T {
	t.Helper()
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.FileBodyDecoder)
	made := new(admin).apiDocument()
	for _, schema := range made.Components.Schemas {
		if schema.Additional == nil {
			schema.Additional = false
		}
	}
	text, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	return loadDocument(t, text)
}
