package router

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"berth/controller/audit"
	"berth/traefik"
)

func TestPorts_APersonAddsAndRemovesOneOnThePageOfRoutes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.anApp("other")
	token := s.signIn()
	add := func(app, port, target string) answer {
		return s.post("/admin/apps/"+app+"/ports", url.Values{"csrf_token": {token}, "public_port": {port}, "port_target": {target}})
	}
	mustContain(t, s.get("/admin/apps/hello/routes").body, `<option value="2222/tcp">`, `<option value="25565/udp">`)
	if answer := add("hello", "2222/tcp", "22"); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.300s", answer.StatusCode, answer.body)
	}
	page := s.get("/admin/apps/hello/routes").body
	mustContain(t, page, "Port 2222/tcp is added.", "port 22 of the main service", `<option value="25565/udp">`)
	if strings.Contains(page, `<option value="2222/tcp">`) {
		t.Error("the port is offered again")
	}
	for _, c := range [][4]string{
		{"other", "2222/tcp", "22", "The app hello has port 2222/tcp already."},
		{"other", "25565/tcp", "22", "Port 25565/tcp is not allowed on this server."},
		{"other", "443", "22", "belongs to Berth and its proxy"},
		{"other", "25565/udp", "0", "whole number from 1 to 65535"},
		{"other", "2222/tcp`)||HostSNI(`*", "22", "protocol of a port is tcp or udp"},
	} {
		answer := add(c[0], c[1], c[2])
		if answer.StatusCode < 400 || answer.StatusCode >= 500 || !strings.Contains(answer.body, c[3]) {
			t.Errorf("%q: %d, want %q: %.2000s", c, answer.StatusCode, c[3], answer.body)
		}
	}
	mustContain(t, s.get("/settings/machine").body, "2222/tcp", `href="/admin/apps/hello/routes#ports"`, "free")
	if answer := s.post("/admin/apps/hello/ports/remove", url.Values{"csrf_token": {token}, "public_port": {"2222/tcp"}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %.300s", answer.StatusCode, answer.body)
	}
	mustContain(t, s.get("/admin/apps/hello/routes").body, "Port 2222/tcp is removed.", `<option value="2222/tcp">`)
	var details []string
	for _, entry := range s.audit.recorded() {
		if entry.Action == audit.ActionPortChange {
			details = append(details, entry.Detail)
		}
	}
	mustContain(t, strings.Join(details, "\n"), "2222/tcp to port 22", "removed 2222/tcp")
}

func TestPorts_SaysWhatRulesAndPasswordsDoNotProtect(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	for _, port := range []string{"2222/tcp", "25565/udp"} {
		s.post("/admin/apps/hello/ports", url.Values{"csrf_token": {token}, "public_port": {port}, "port_target": {"22"}})
	}
	err := s.routing.ledger.UpdateAccess(t.Context(), "hello", traefik.Access{Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	if err != nil {
		t.Fatal(err)
	}
	mustContain(t, s.get("/admin/apps/hello/routes").body, "cannot check addresses over UDP", "Every allowed port has an app already.")
}

func TestPorts_API(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	path := "/api/v1/apps/hello/ports"
	answer := s.bearer(deployToken, http.MethodPost, path, `{"port": "2222"}`)
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	mustContain(t, answer.body, `"port":2222`, `"protocol":"tcp"`, `"target":2222`, `"state":"live"`, `"free":["25565/udp"]`)
	if answer := s.bearer(deployToken, http.MethodPost, path, `{"port": "2222", "target": 22}`); answer.StatusCode != http.StatusCreated || !strings.Contains(answer.body, `"target":22}`) && !strings.Contains(answer.body, `"target":22,`) {
		t.Errorf("another target: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(readToken, http.MethodGet, path, ""); answer.StatusCode != http.StatusOK {
		t.Errorf("status %d", answer.StatusCode)
	}
	if answer := s.bearer(readToken, http.MethodPost, path, `{"port": "25565/udp"}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a token that may only read: %d", answer.StatusCode)
	}
	for sent, want := range map[string]int{
		`{"port": "2223"}`:                      http.StatusConflict,
		`{"port": "80"}`:                        http.StatusUnprocessableEntity,
		`{"port": 2222}`:                        http.StatusUnprocessableEntity,
		`{"port": "25565/udp", "service": "x"}`: http.StatusUnprocessableEntity,
	} {
		if answer := s.bearer(deployToken, http.MethodPost, path, sent); answer.StatusCode != want {
			t.Errorf("%s: %d %s", sent, answer.StatusCode, answer.body)
		}
	}
	if answer := s.bearer(deployToken, http.MethodDelete, path+"/udp/25565", ""); answer.StatusCode != http.StatusConflict {
		t.Errorf("a port that it does not have: %d", answer.StatusCode)
	}
	if answer := s.bearer(deployToken, http.MethodDelete, path+"/tcp/2222", ""); answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, `"ports":[]`) {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
}
