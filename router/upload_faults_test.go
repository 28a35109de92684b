package router

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
)

// manyFaults is the refusal of a compose file with a fault for each offer.
func manyFaults() error {
	fault := func(line int, offer problem.Offer, subject, reason string) *problem.Refusal {
		return &problem.Refusal{File: "compose.yaml", Line: line, Reason: reason, Hint: "Do it otherwise.", Offer: offer, Subject: subject}
	}
	return problem.Refused(fieldArchive, problem.Refusals{
		fault(2, problem.OfferMain, "cache,db", "Which service does the route lead to?"),
		fault(3, problem.OfferBinds, "", "A bind of /srv/data."),
		fault(4, problem.OfferBinds, "", "A bind of /srv/more."),
		fault(5, problem.OfferDotenv, "", "The variable DB_PASSWORD has no value."),
		fault(6, problem.OfferPlain, "DOMAIN,TZ", "command of web uses secrets."),
		fault(7, problem.OfferRootStart, "cache", "The service cache wants to run as root."),
		fault(8, problem.OfferWritableRoot, "web", "The service web wants to write to its own files."),
		fault(9, "", "", "<script>alert(1)</script> is refused."),
	})
}

// refuseAll makes the site refuse every upload with manyFaults.
func (s *site) refuseAll(into *controller.Upload) {
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		*into = u
		return app.Release{}, manyFaults()
	}
	s.apps.onExamine = func(u controller.Upload) (app.Preview, error) {
		*into = u
		return app.Preview{}, manyFaults()
	}
}

func TestFaults_AllStandOnTheFormWithAChoiceForEachOffer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	var wish controller.Upload
	s.refuseAll(&wish)
	for _, path := range []string{"/upload", "/admin/apps/hello/update"} {
		page := s.upload(path, "", append(newForm(token), zipPart)...)
		if page.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", path, page.StatusCode)
		}
		mustContain(t, page.body, "8 faults. The first:", "compose.yaml, line 9", "A bind of /srv/more.", "&lt;script&gt;alert(1)",
			`<option>cache</option><option>db</option>`, `name="value_DB_PASSWORD"`, `name="generate" value="DB_PASSWORD"`,
			`name="plain" value="DOMAIN"`, `name="plain" value="TZ"`, `name="root_start" value="cache"`,
			"Security exception: writable root, for web", `name="dotenv"`)
		offered := page.body[strings.Index(page.body, `class="offers`):]
		if n := strings.Count(offered[:strings.Index(offered, "</fieldset>")], `name="host_folders"`); n != 1 {
			t.Errorf("%s: the offer of two faults stands there %d times", path, n)
		}
	}
}

func TestFaults_WhatWasChosenReachesTheAppAndIsKeptOnTheForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	var wish controller.Upload
	s.refuseAll(&wish)
	page := s.upload("/upload", "", newForm(token, part{"main", "cache", ""}, part{"host_folders", "1", ""}, part{"dotenv", "1", ""},
		part{"plain", "TZ", ""}, part{"plain", "DOMAIN", ""}, part{"database_services", "cache", ""}, part{"writable_root", "1", ""},
		part{"environment", "TZ=UTC\nKEY=hush-hush", ""}, part{"value_DB_PASSWORD", "hush-again", ""},
		part{"value_TOKEN", "", ""}, part{"generate", "TOKEN", ""}, part{"value_EMPTY", "", ""}, zipPart)...)
	settings := wish.Settings
	if settings == nil || settings.Choices.Main != "cache" || !settings.Choices.Volumes || !settings.Choices.Dotenv ||
		!settings.Database || settings.DatabaseServices != "cache" || !settings.WritableRoot || settings.Port != 3000 {
		t.Fatalf("settings %+v", settings)
	}
	got := map[string]app.VariableWish{}
	for _, one := range wish.Environment {
		got[one.Name] = one
	}
	if len(got) != 4 || got["TZ"].Secret || !got["KEY"].Secret || got["DB_PASSWORD"].Value.Reveal() != "hush-again" || !got["DB_PASSWORD"].Secret ||
		len(got["TOKEN"].Value.Reveal()) < 20 || !got["TOKEN"].Secret {
		t.Errorf("environment %+v", wish.Environment)
	}
	if strings.Contains(page.body, "hush") || strings.Contains(page.body, got["TOKEN"].Value.Reveal()) {
		t.Error("the form shows a secret again")
	}
	mustContain(t, page.body, `<option selected>cache</option>`, `name="host_folders" value="1" checked`, `name="dotenv" value="1" checked`,
		`name="plain" value="TZ" checked`, `name="plain" value="DOMAIN" checked`, `name="value_EMPTY"`)
}

func TestFaults_AnUpdateChangesOnlyWhatItSends(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	var wish controller.Upload
	s.refuseAll(&wish)
	s.upload("/admin/apps/hello/update", "", part{formField, token, ""}, zipPart)
	if wish.Settings != nil || wish.Environment != nil {
		t.Errorf("nothing was sent: %+v", wish)
	}
	before, err := s.apps.App(t.Context(), "hello")
	if err != nil {
		t.Fatal(err)
	}
	s.upload("/admin/apps/hello/update", "", part{formField, token, ""}, part{"host_folders", "1", ""}, zipPart)
	want := before.Settings
	want.Choices.Volumes = true
	if wish.Settings == nil || *wish.Settings != want {
		t.Errorf("settings %+v, want %+v", wish.Settings, want)
	}
}

func TestFaults_ATokenOfDeployGivesNoSecurityExceptionWithAnUpload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	var wish controller.Upload
	s.refuseAll(&wish)
	for _, path := range []string{"/api/v1/apps", "/api/v1/apps/hello/update"} {
		for _, sent := range []part{{"writable_root", "true", ""}, {"database_services", "db", ""}, {"database", "true", ""}, {"root_start", "main", ""}} {
			answer := s.upload(path, deployToken, newForm("", sent, zipPart)...)
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: %d", path, sent, answer.StatusCode)
			}
		}
	}
	if wish.Name != "" {
		t.Errorf("the upload went on: %+v", wish)
	}
}

func TestFaults_TheAPIListsThem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	var wish controller.Upload
	s.refuseAll(&wish)
	for _, path := range []string{"/api/v1/apps", "/api/v1/apps/hello/update"} {
		for _, more := range [][]part{nil, {{fieldCheck, "true", ""}}} {
			answer := s.upload(path, deployToken, newForm("", append(more, zipPart)...)...)
			var got struct{ Faults []faultJSON }
			if err := json.Unmarshal([]byte(answer.body), &got); err != nil || len(got.Faults) != 8 {
				t.Fatalf("%s: %v %s", path, err, answer.body)
			}
			want := faultJSON{File: "compose.yaml", Line: 5, Reason: "The variable DB_PASSWORD has no value.", Hint: "Do it otherwise.", Offer: "dotenv", Variable: "DB_PASSWORD"}
			if !slices.Contains(got.Faults, want) {
				t.Errorf("%s: %+v", path, got.Faults)
			}
		}
	}
}

func TestFaults_OfAFailedReleaseAllStandOnItsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.signIn()
	refused, _ := manyFaults().(*problem.Problem) //nolint:errorlint // it is one
	s.aFailure(problem.Remedy{}.With(refused.Faults, func(text string) string { return strings.ReplaceAll(text, "/srv", "***") }))
	mustContain(t, s.get("/admin/apps/hello/releases/5").body, "compose.yaml, line 3: A bind of ***/data. Do it otherwise.", "&lt;script&gt;alert(1)")
}

func TestChoices_StandClosedOnTheFormAndInTheSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for _, page := range []string{s.needs(s.signIn()), s.get("/admin/apps/hello/settings").body} {
		mustContain(t, page, `<details class="more"><summary>Compose file</summary>`, `name="main"`, `name="profiles"`, `name="host_folders"`, `name="dotenv"`)
	}
}
