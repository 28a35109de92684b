package router

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/volume"
	"berth/controller/volumes"
)

func TestVolumeQuota_IsShownChangedAndTheDefaultAgain(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	mustContain(t, s.get("/volumes").body, "Used of quota", "of 10 GB")
	mustContain(t, s.get("/volumes/data").body, "Used of quota", "of 10 GB", "Empty: the default, 10g.")
	change := func(quota string) answer {
		return s.post("/volumes/data/quota", url.Values{formField: {token}, "quota": {quota}})
	}
	if answer := change("20g"); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/volumes/data#notice" {
		t.Fatalf("%d to %q: %.300s", answer.StatusCode, answer.Header.Get("Location"), answer.body)
	}
	mustContain(t, s.get("/volumes/data").body, "The quota of data is saved.", "of 20 GB", `name="quota" value="20g"`)
	for typed, said := range map[string]string{
		"-5g": "&#34;-5g&#34; is not a quota that a volume can have.", "1m": "Give a size from 16m to 100t", "200t": "or nothing for the default",
	} {
		answer := change(typed)
		if answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", typed, answer.StatusCode)
		}
		mustContain(t, answer.body, said, `value="`+typed+`"`)
	}
	for _, nothing := range []string{"", "0"} {
		change("30g")
		change(nothing)
		mustContain(t, s.get("/volumes/data").body, "of 10 GB", `name="quota" value=""`)
	}
	if answer := s.post("/volumes/data/quota", url.Values{"quota": {"1g"}}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("without the form's token: %d", answer.StatusCode)
	}
	if answer := s.post("/volumes/missing/quota", url.Values{formField: {token}, "quota": {"1g"}}); answer.StatusCode != http.StatusNotFound {
		t.Errorf("of no volume: %d", answer.StatusCode)
	}
}

func TestVolumeQuota_OfTheAPI(t *testing.T) {
	t.Parallel()
	s, _ := newVolumeSite(t)
	bearer := adminToken
	const path = "/api/v1/volumes/data"
	answer := s.bearer(bearer, http.MethodPost, path+"/quota", `{"quota": "20g"}`)
	if answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, `"quota":21474836480,"quota_is_default":false`) {
		t.Errorf("%d: %s", answer.StatusCode, answer.body)
	}
	answer = s.bearer(bearer, http.MethodPost, path+"/quota", `{"quota": "1m"}`)
	if answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, "from 16m to 100t") {
		t.Errorf("%d: %s", answer.StatusCode, answer.body)
	}
	answer = s.bearer(bearer, http.MethodPost, path+"/quota", `{"quota": ""}`)
	if answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, `"quota":10737418240,"quota_is_default":true`) {
		t.Errorf("%d: %s", answer.StatusCode, answer.body)
	}
	answer = s.bearer(deployToken, http.MethodPost, path+"/quota", `{"quota": "20g"}`)
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("a token that may deploy: %d", answer.StatusCode)
	}
}

func TestVolumeWarning_IsOnTheDashboardAndOnThePageOfTheApp(t *testing.T) {
	t.Parallel()
	s, _ := newVolumeSite(t)
	s.anApp("hello")
	s.anApp("other")
	s.volumes.warnings = []volumes.Warning{{
		Volume: volume.Name("data"), Fill: "12 GB of 10 GB", Apps: []app.Name{"hello"}, Until: time.Now().Add(5*24*time.Hour + time.Hour),
	}}
	for _, path := range []string{"/admin", "/admin/apps/hello"} {
		mustContain(t, s.get(path).body, "12 GB of 10 GB", "hello is stopped", "in 5 d", `href="/volumes/data#quota"`)
	}
	if body := s.get("/admin/apps/other").body; strings.Contains(body, "12 GB of 10 GB") {
		t.Error("it is on the page of another app")
	}
}

func TestAppPage_OffersStartWhereBerthHasStoppedAService(t *testing.T) {
	t.Parallel()
	s, _ := newVolumeSite(t)
	view := s.anApp("hello")
	view.Observed = app.Observed{State: app.Unhealthy, Detail: "Stopped: db. The volume hello_data holds 12 GB of 10 GB."}
	view.Halted = []app.HaltedService{{Service: "db", Volume: "hello_data", Reason: "The volume hello_data holds 12 GB of 10 GB."}}
	s.apps.put(view)
	mustContain(t, s.get("/admin/apps/hello").body, "Stopped: db.", `action="/admin/apps/hello/start"`, `action="/admin/apps/hello/stop"`)
}
