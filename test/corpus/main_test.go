package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus runs the command on one folder with the given files, and returns what it prints.
func corpus(t *testing.T, files map[string]string, flags ...string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, "one", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	if err := run(t.Context(), append(flags, folder), &out, &errs); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	return out.String()
}

func TestCorpus_ReadsTheTemplateBesideAComposeFile(t *testing.T) {
	files := map[string]string{
		"docker-compose.yml": "services:\n  web:\n    image: nginx:${TAG:?}\n    ports: [\"3000\"]\n    networks: [dokploy-network]\nnetworks:\n  dokploy-network:\n    external: true\n",
		"template.toml":      "[variables]\nmain_domain = \"${domain}\"\n[config.env]\nTAG = \"1.27\"\n[[config.domains]]\nserviceName = \"web\"\nport = 8080\nhost = \"${main_domain}\"\n",
	}
	out := corpus(t, files)
	for _, want := range []string{`"dialect":"dokploy","read":true,"planned":true,"main":"web","port":8080`, "1 of 1 planned", "0  templates that could not be read"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if out := corpus(t, files, "--variables", "none"); !strings.Contains(out, "0 of 1 planned") {
		t.Errorf("a variable without a value was not missed:\n%s", out)
	}
	files["template.toml"] = "[config.env]\nBERTH_A = \"1\"\n[[config.domains]]\nserviceName = \"nothing\"\n"
	if out := corpus(t, files); !strings.Contains(out, `"read":false,"planned":false`) || !strings.Contains(out, "BERTH_A") || !strings.Contains(out, "1  templates that could not be read") {
		t.Errorf("the causes of the template are missing:\n%s", out)
	}
}

func TestCorpus_RefusesFlagsThatItDoesNotKnow(t *testing.T) {
	for _, flags := range [][]string{{"--binds", "all", "."}, {"--variables", "some", "."}, {}} {
		var out bytes.Buffer
		if err := run(t.Context(), flags, &out, &out); err == nil {
			t.Errorf("%q was taken", flags)
		}
	}
}
