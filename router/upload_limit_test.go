package router

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/limit"
)

// withUploads gives the site as many uploads and updates an hour.
func withUploads(t *testing.T, n int) func(*Options) {
	budgets := limit.Budgets{
		limit.Default: manyRequests[limit.Default], limit.Containers: manyRequests[limit.Containers],
		limit.Upload: {{Requests: n, Span: time.Hour}}, limit.Update: {{Requests: n, Span: time.Hour}},
	}
	return func(o *Options) { o.Limits = openLimits(t, freshLedger(t), time.Now, budgets) }
}

func TestLimits_PreviewIsNeverRefusedByTheLimitOnUploads(t *testing.T) {
	t.Parallel()
	s := newSite(t, withUploads(t, 1))
	s.anApp("other")
	token := s.signIn()
	for _, path := range []string{"/upload", "/admin/apps/other/update"} {
		if answer := s.upload(path, "", newForm(token, zipPart)...); answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d", path, answer.StatusCode)
		}
		_, held := s.check(path, token)
		answer := s.upload(path, "", newForm(token, part{fieldHeld, held, ""})...)
		if answer.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%s: deploying what was previewed: %d", path, answer.StatusCode)
		}
		mustContain(t, answer.body, "Try again in", `value="`+held+`"`)
		s.check(path, token)
	}
	for _, path := range []string{"/upload", "/api/v1/apps"} {
		s.upload(path, deployToken, newForm("", zipPart)[1:]...)
		if answer := s.upload(path, deployToken, part{fieldCheck, "true", ""}, zipPart); answer.StatusCode != http.StatusOK {
			t.Errorf("%s with a token: %d %.300s", path, answer.StatusCode, answer.body)
		}
	}
}

func TestLimits_PreviewsOfOneAccountAreBoundedInNumberAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("other")
	token := s.signIn()
	enter, leave := make(chan struct{}, previewsAtOnce), make(chan struct{})
	s.apps.onExamine = func(controller.Upload) (app.Preview, error) {
		enter <- struct{}{}
		<-leave
		return app.Preview{}, nil
	}
	preview := func() answer {
		return s.upload("/upload", "", newForm(token, part{fieldCheck, "true", ""}, zipPart)...)
	}
	var group sync.WaitGroup
	for range previewsAtOnce {
		group.Go(func() { preview() })
		<-enter
	}
	answer := preview()
	if answer.StatusCode != http.StatusConflict {
		t.Errorf("one more: %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "3 previews of yours are under way.", `value="hello"`)
	if answer := s.upload("/upload", deployToken, newForm("", zipPart)[1:]...); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("somebody else: %d", answer.StatusCode)
	}
	close(leave)
	group.Wait()
	if answer := preview(); answer.StatusCode != http.StatusOK {
		t.Errorf("after they ended: %d", answer.StatusCode)
	}
}

func TestLimits_DoubleClickOnDeployCountsOnceAlsoAtTheLastUpload(t *testing.T) {
	t.Parallel()
	s := newSite(t, withUploads(t, 1))
	token := s.signIn()
	_, held := s.check("/upload", token)
	accept := make(chan struct{})
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		<-accept
		return app.Release{ReleaseID: app.ReleaseID{App: u.Name, Number: 1}}, nil
	}
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""})...)
			if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(answer.Header.Get("Location"), "/admin/apps/hello/releases/1") {
				t.Errorf("a click: %d to %q", answer.StatusCode, answer.Header.Get("Location"))
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	close(accept)
	group.Wait()
	room, err := s.limits.Room(t.Context(), limit.Upload, limit.Account("admin"))
	if s.accepted() > 1 || err != nil {
		t.Errorf("calls %q, %v, %v", s.apps.called(), room, err)
	}
}

func TestLimits_DoubleClickLeavesTheOtherUploadsLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t, withUploads(t, 2))
	token := s.signIn()
	_, held := s.check("/upload", token)
	for range 5 {
		if answer := s.upload("/upload", "", newForm(token, part{fieldHeld, held, ""})...); answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("a click: %d", answer.StatusCode)
		}
	}
	if answer := s.upload("/upload", "", newForm(token, zipPart)...); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the second upload: %d", answer.StatusCode)
	}
}

func TestLimits_WhatIsLeftIsShownAtEveryButtonThatIsLimited(t *testing.T) {
	t.Parallel()
	s := newWalkedSite(t)
	token := s.signIn()
	view, err := s.apps.App(t.Context(), "hello")
	if err != nil {
		t.Fatal(err)
	}
	live := aRelease("hello", view.Live, app.ReleaseLive)
	live.Reference = "example.com/hello:1"
	s.apps.putRelease(live)
	for class, times := range map[limit.Class]int{limit.Upload: 6, limit.Update: 3, limit.VolumeCreate: 11, limit.VolumeUpload: 16} {
		for range times {
			if _, err := s.limits.Take(t.Context(), class, limit.Account("admin")); err != nil {
				t.Fatal(err)
			}
		}
	}
	pages := []string{"/upload", "/admin/apps/hello", "/volumes", "/volumes/hello"}
	var bodies []string
	for _, path := range pages {
		bodies = append(bodies, s.get(path).body)
	}
	for _, path := range []string{"/upload", "/admin/apps/hello/update"} {
		page, held := s.check(path, token)
		wrong := s.upload("/upload", "", part{formField, token, ""}, part{"name", "No Name", ""}, part{fieldHeld, held, ""})
		bodies = append(bodies, page.body, wrong.body)
	}
	limited, forms := regexp.MustCompile(`action="(/upload|/admin/apps/hello/update|/volumes|/volumes/hello/upload)"`), 0
	for _, body := range bodies {
		for _, form := range regexp.MustCompile(`(?s)<form.*?</form>`).FindAllString(body, -1) {
			if !limited.MatchString(form) {
				continue
			}
			forms++
			if n := strings.Count(form, " left in 1 hour."); n != 1 {
				t.Errorf("it says what is left %d times: %s", n, form)
			}
		}
	}
	if forms < 8 {
		t.Errorf("found only %d forms", forms)
	}
}
