package router

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
)

func TestDelete_ThatTheEngineTakesLongForIsAcceptedAndNoError(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.apps.onAct = func(string, app.Name) error {
		return fmt.Errorf("%w: the engine is busy", controller.ErrStillRemoving)
	}
	if answer := s.bearer(adminToken, http.MethodDelete, "/api/v1/apps/hello", ""); answer.StatusCode != http.StatusAccepted || answer.body != "" {
		t.Errorf("by the API: %d %q", answer.StatusCode, answer.body)
	}
	answer := s.post("/admin/apps/hello/delete", url.Values{formField: {token}, "confirm": {"hello"}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin#notice" {
		t.Errorf("by the form: %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	mustContain(t, s.get("/admin").body, "hello is being deleted.", "Berth keeps removing the app.")
	if log := s.logged.String(); !strings.Contains(log, "the engine is busy") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log:\n%s", log)
	}
}
