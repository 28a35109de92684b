package router

import (
	"strings"
	"testing"
	"time"

	"berth/controller/docker"
)

func TestOutput_PageStaysBelowOneMegabyteAndShowsTheNewestLines(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	for range 500 {
		s.apps.output = append(s.apps.output, docker.Line{At: time.Now(), Text: strings.Repeat("&", 60_000)})
	}
	s.apps.output = append(s.apps.output, docker.Line{At: time.Now(), Text: "the last word"})
	page := s.get("/admin/apps/hello/output").body
	if len(page) >= 1<<20 || !strings.Contains(page, "the last word") || !strings.Contains(page, "&amp;&amp;") {
		t.Errorf("%d bytes, the last line in it: %t", len(page), strings.Contains(page, "the last word"))
	}
}
