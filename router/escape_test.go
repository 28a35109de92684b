package router

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/traefik"
)

const payload = `"><script>alert(1)</script><img src=x onerror=alert(2)>`

// TestEscape_TextOfOthersIsNeverMarkup puts a payload wherever a page or a
// stream shows text that somebody else wrote.
func TestEscape_TextOfOthersIsNeverMarkup(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	view := s.anApp("hello")
	failed := aRelease("hello", 3, app.ReleaseFailed)
	failed.Reason, failed.Hint, failed.ArchiveName, failed.CreatedBy = payload+"reason", payload+"hint", payload+"file", payload+"by"
	s.apps.putRelease(failed)
	s.apps.appendLog(failed.ReleaseID, payload+"log\n")
	view.Observed.Detail = payload + "detail"
	view.Routes = []traefik.Route{{Host: "javascript:alert(1)", Path: traefik.Path("/" + payload)}}
	view.Latest = &failed
	s.apps.put(view)
	s.apps.output = []docker.Line{{At: time.Now(), Text: payload + "output"}}
	token := s.signIn()
	s.apps.onAct = func(string, app.Name) error {
		return problem.Conflict(payload+"message", payload)
	}

	texts := map[string]string{
		"dashboard":     s.get("/admin").body,
		"app":           s.get("/admin/apps/hello").body,
		"release":       s.get("/admin/apps/hello/releases/3").body,
		"releases":      s.get("/admin/apps/hello/releases").body,
		"settings":      s.get("/admin/apps/hello/settings").body,
		"volumes":       s.get("/admin/apps/hello/volumes").body,
		"output":        s.get("/admin/apps/hello/output").body,
		"action":        s.post("/admin/apps/hello/stop", url.Values{"csrf_token": {token}}).body,
		"confirm":       s.post("/admin/apps/hello/delete", url.Values{"csrf_token": {token}, "confirm": {payload}}).body,
		"upload":        s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", payload, ""}, part{"route", payload, ""}, part{"port", payload, ""}, zipPart).body,
		"address":       s.get("/admin/apps/" + url.PathEscape(payload)).body,
		"next":          s.get("/login?next=" + url.QueryEscape(payload)).body,
		"stream":        openEvents(t, s, "/admin/events", "").next(t).data,
		"output stream": openEvents(t, s, "/admin/apps/hello/output/events", "").next(t).data,
	}
	for _, e := range openEvents(t, s, "/admin/apps/hello/releases/3/events", "").until(t, "done") {
		texts["release stream "+e.name] += e.data
	}
	for _, e := range openEvents(t, s, "/admin/apps/hello/events", "").until(t, "releases") {
		texts["app stream "+e.name] += e.data
	}
	for name, text := range texts {
		if strings.Contains(text, "<script>alert") || strings.Contains(text, "<img src=x") {
			t.Errorf("%s lets the payload through", name)
		}
		if strings.Contains(text, `href="javascript:`) {
			t.Errorf("%s links to a script", name)
		}
	}
	for name, word := range map[string]string{"dashboard": "detail", "app": "reason", "release": "hint", "output": "output", "action": "message", "release stream log": "log"} {
		mustContain(t, texts[name], "&lt;script&gt;alert(1)", word)
	}
}

func TestEscape_LineEndsCannotForgeEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.apps.output = []docker.Line{{At: time.Now(), Text: "a\r\revent: gone\rdata: x\n\nevent: gone\ndata: y"}}
	s.signIn()
	stream := openEvents(t, s, "/admin/apps/hello/output/events", "")
	if e := stream.next(t); e.name != "output" || !strings.Contains(e.data, "event: gone") {
		t.Errorf("got %q", e)
	}
}
