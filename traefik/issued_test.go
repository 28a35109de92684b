package traefik

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const issuedFile = `{"production-http": {"Account": {"Email": "me@example.com", "PrivateKey": "a2V5"}, "Certificates": [
 {"domain": {"main": "a.example.com"}, "certificate": "eA==", "key": "eQ==", "Store": "default"},
 {"domain": {"main": "b.example.com"}, "certificate": "eA==", "key": "eQ==", "Store": "default"},
 {"domain": {"main": "a.example.com", "sans": ["*.a.example.com"]}, "certificate": "eA==", "key": "eQ==", "Store": "default"}]},
 "production-tls": {"Account": null, "Certificates": null}}`

func TestIssued_ForgetsOneHostAndKeepsTheRest(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, issuedName)
	if err := os.WriteFile(path, []byte(issuedFile), 0o600); err != nil {
		t.Fatal(err)
	}
	issued := NewIssued(folder)
	if err := issued.Forget("a.example.com"); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[Host]bool{"a.example.com": false, "b.example.com": true} {
		if has, err := issued.Has(host); has != want || err != nil {
			t.Errorf("%s: %t, %v", host, has, err)
		}
	}
	var left map[string]struct {
		Account      struct{ Email, PrivateKey string }
		Certificates []struct{ Certificate, Key, Store string }
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &left)
	}
	kept := left["production-http"]
	if err != nil || len(kept.Certificates) != 2 || kept.Certificates[0].Key != "eQ==" || kept.Account.PrivateKey != "a2V5" {
		t.Errorf("%v: %s", err, text)
	}
	information, err := os.Stat(path)
	if err != nil || information.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", information.Mode(), err)
	}
}

func TestIssued_LeavesAFileAloneThatItCannotRead(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, issuedName)
	if has, err := NewIssued(folder).Has("a.example.com"); has || err != nil {
		t.Errorf("no file: %t, %v", has, err)
	}
	if err := os.WriteFile(path, []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewIssued(folder).Forget("a.example.com"); err == nil {
		t.Error("a broken file was taken")
	}
	if text, err := os.ReadFile(path); string(text) != "{half" || err != nil {
		t.Errorf("now it holds %q", text)
	}
}
