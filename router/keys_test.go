package router

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller/account"
	"berth/controller/audit"
)

// addKey sends the form of a key.
func (s *site) addKey(token, name, text string) answer {
	s.t.Helper()
	return s.post(keysPath, url.Values{formField: {token}, fieldKeyName: {name}, fieldKeyText: {text}})
}

func TestKeys_AreAddedShownAndRemoved(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.SSH = SSH{Port: 2222, Fingerprint: "SHA256:abc", PublicKey: "ssh-ed25519 AAAA"} })
	token := s.signIn()
	mustContain(t, s.get(keysPath).body, "There is no SSH key yet.", "ssh://git@berth.localhost:2222/APP.git", "SHA256:abc")
	line, _ := newKeyPair(t)
	if answer := s.addKey(token, "", line+" grace@laptop"); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	keys, err := s.keys.List(t.Context())
	if err != nil || len(keys) != 1 || keys[0].Name != "grace@laptop" || keys[0].AccountName != "admin" {
		t.Fatalf("%+v, %v", keys, err)
	}
	added := s.recorded(audit.ActionKeyAdd)
	if len(added) != 1 || added[0].Resource != "ssh key grace@laptop" || !strings.Contains(added[0].Detail, keys[0].Fingerprint()) {
		t.Errorf("audited %+v", added)
	}
	mustContain(t, s.get(keysPath).body, "grace@laptop", strings.ReplaceAll(keys[0].Fingerprint(), "+", "&#43;"), "can push now")
	if answer := s.post(fmt.Sprintf("%s/%d/remove", keysPath, keys[0].ID), url.Values{formField: {token}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	if keys, _ := s.keys.List(t.Context()); len(keys) != 0 || len(s.recorded(audit.ActionKeyRemove)) != 1 {
		t.Errorf("%+v is left", keys)
	}
	if answer := s.post(keysPath+"/77/remove", url.Values{formField: {token}}); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a key that is not there: %d", answer.StatusCode)
	}
}

func TestKeys_TheFormSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	mustContain(t, s.get(keysPath).body, "BERTH_SSH_PORT")
	line, _ := newKeyPair(t)
	s.aKey()
	keys, _ := s.keys.List(t.Context())
	for name, test := range map[string]struct {
		name, text, words string
		status            int
	}{
		"nothing":       {"laptop", "", "The public key is not one line.", http.StatusUnprocessableEntity},
		"no name":       {"", line, "is not a name for a key", http.StatusUnprocessableEntity},
		"a private key": {"laptop", "-----BEGIN OPENSSH PRIVATE KEY-----\nhidden\n", "This is the private half of a key.", http.StatusUnprocessableEntity},
		"two keys":      {"laptop", line + "\n" + line, "The public key is not one line.", http.StatusUnprocessableEntity},
	} {
		answer := s.addKey(token, test.name, test.text)
		if answer.StatusCode != test.status || !strings.Contains(answer.body, test.words) || strings.Contains(answer.body, "hidden\n") {
			t.Errorf("%s: %d %s", name, answer.StatusCode, answer.body)
		}
	}
	if now, _ := s.keys.List(t.Context()); len(now) != len(keys) {
		t.Errorf("there are %d keys", len(now))
	}
}

func TestKeys_TheAPIAddsThemToTheAccountOfTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.SSH = SSH{Port: 2222, Fingerprint: "SHA256:abc", PublicKey: "ssh-ed25519 AAAA"} })
	for _, token := range []string{readToken, deployToken} {
		if answer := s.bearer(token, http.MethodPost, "/api/v1/keys", s.keyWish()); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", token, answer.StatusCode)
		}
	}
	if answer := s.bearer(adminToken, http.MethodPost, "/api/v1/keys", s.keyWish()); answer.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", answer.StatusCode, answer.body)
	}
	keys, _ := s.keys.List(t.Context())
	if len(keys) != 1 || keys[0].AccountName != account.OperatorName {
		t.Errorf("%+v", keys)
	}
	if answer := s.bearer(adminToken, http.MethodPost, "/api/v1/keys", `{"key": "ssh-rsa AAAA"}`); answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, `"field":"key"`) {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	mustContain(t, s.bearer(readToken, http.MethodGet, "/api/v1/ssh", "").body, `"on":true`, `"address":"ssh://git@berth.localhost:2222/"`, `"host_key":"ssh-ed25519 AAAA"`)
}
