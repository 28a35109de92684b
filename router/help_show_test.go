package router

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestHelp_ListsTheGuidesAndSearchesWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	mustContain(t, s.get("/help").body, `href="/help/https"`, `href="/help/backups#restore"`, `href="/help/api"`, `action="/help"`)
	mustContain(t, s.get("/help?q=standard+webhooks").body, `href="/help/alerts#the-webhook"`, "Standard Webhooks")
	mustContain(t, s.get("/help?q=%3Cb%3Enowhere").body, "Nothing holds", "&lt;b&gt;nowhere")
	guide := s.get("/help/metrics")
	mustContain(t, guide.body, `<h1>Metrics</h1>`, `href="#prometheus"`, `id="prometheus"`, `href="/help/grafana.json"`)
	if file := s.get("/help/grafana.json"); file.StatusCode != http.StatusOK || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the dashboard for Grafana: %d", file.StatusCode)
	}
	for _, path := range []string{"/help/nothing", "/help/nothing.json", "/help/https.md", "/help/ARCHITECTURE", "/help/..%2Fembed.go", "/help/%2e%2e"} {
		if answer := s.get(path); answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
}

// TestHelp_EveryLinkOfAPageLeadsToAPartOfAGuide reads the templates, as no walk shows each link.
func TestHelp_EveryLinkOfAPageLeadsToAPartOfAGuide(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signIn()
	link := regexp.MustCompile(`href="(/help[^"{?]*)"`)
	linked := make(map[string]bool)
	files, err := filepath.Glob("../templates/*/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(source), -1) {
			path, fragment, _ := strings.Cut(found[1], "#")
			linked[strings.TrimPrefix(path, "/help/")] = true
			page := s.get(path)
			if page.StatusCode != http.StatusOK || fragment != "" && !strings.Contains(page.body, `id="`+fragment+`"`) {
				t.Errorf("%s links to %s: %d", filepath.Base(file), found[1], page.StatusCode)
			}
		}
	}
	for _, guide := range []string{"https", "git", "cli", "logs", "metrics", "alerts", "backups", "egress", "ports"} {
		if !linked[guide] {
			t.Errorf("no page links to the guide %s", guide)
		}
	}
}
