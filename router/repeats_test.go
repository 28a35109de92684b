package router

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
)

// fakeRepeats are Repeats of apps that no ledger has.
type fakeRepeats struct {
	mu  sync.Mutex
	all map[digest]fakeRepeat
}

type fakeRepeat struct {
	release app.ReleaseID
	content digest
	until   time.Time
}

func newFakeRepeats() *fakeRepeats { return &fakeRepeats{all: make(map[digest]fakeRepeat)} }

func (f *fakeRepeats) FindRepeat(_ context.Context, key digest, now time.Time) (app.ReleaseID, digest, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.all[key]
	if !now.Before(found.until) {
		return app.ReleaseID{}, digest{}, nil
	}
	return found.release, found.content, nil
}

func (f *fakeRepeats) SaveRepeat(_ context.Context, key, content digest, release app.ReleaseID, _, until time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[key] = fakeRepeat{release, content, until}
	return nil
}

// numbering accepts every upload as the next release of its app, and says when it does.
func numbering(s *site, accepting func()) {
	var last atomic.Int64
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		accepting()
		release := aRelease(u.Name, last.Add(1), app.ReleaseQueued)
		s.apps.putRelease(release)
		s.apps.put(controller.AppView{App: app.App{Name: u.Name}, Latest: &release})
		return release, nil
	}
}

// sendOnce uploads by the form, or with a token and the key in its header.
func (s *site) sendOnce(path, key, token string, parts ...part) answer {
	s.t.Helper()
	if token != "" {
		return s.upload(path, "", append([]part{{formField, token, ""}, {fieldOnce, key, ""}}, parts...)...)
	}
	body, kind := multipartBody(s.t, parts...)
	r := s.request(http.MethodPost, path, body)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+deployToken)
	r.Header.Set(repeatHeader, key)
	return s.do(r)
}

func TestLimits_AnUploadThatIsSentAgainCountsOnceAndHasOneRelease(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path   string
		form   bool
		fields []part
	}{
		"form of a new app":  {"/upload", true, newForm("", zipPart)[1:]},
		"form of an update":  {"/admin/apps/hello/update", true, []part{zipPart}},
		"image pulled again": {"/admin/apps/hello/update", true, []part{{fieldImage, "example.com/hello:1", ""}}},
		"API, new app":       {"/api/v1/apps", false, newForm("", zipPart)[1:]},
		"API, update":        {"/api/v1/apps/hello/update", false, []part{zipPart}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, withUploads(t, 2))
			s.anApp("hello")
			token := s.signIn()
			if !test.form {
				token = ""
			}
			var accepted atomic.Int64
			numbering(s, func() { accepted.Add(1) })
			if name == "image pulled again" {
				s.apps.onAct = func(string, app.Name) error { accepted.Add(1); return nil }
				release := aRelease("hello", 9, app.ReleaseQueued)
				s.apps.put(controller.AppView{App: app.App{Name: "hello"}, Latest: &release})
			}
			first := s.sendOnce(test.path, "one", token, test.fields...)
			if first.StatusCode >= http.StatusBadRequest {
				t.Fatalf("the first: %d %.500s", first.StatusCode, first.body)
			}
			for range 3 {
				again := s.sendOnce(test.path, "one", token, test.fields...)
				if again.StatusCode != first.StatusCode || again.Header.Get("Location") != first.Header.Get("Location") || again.body != first.body {
					t.Errorf("again: %d to %q, at first %d to %q", again.StatusCode, again.Header.Get("Location"), first.StatusCode, first.Header.Get("Location"))
				}
			}
			if n := accepted.Load(); n != 1 {
				t.Errorf("%d were accepted", n)
			}
			if other := s.sendOnce(test.path, "two", token, test.fields...); other.StatusCode != first.StatusCode {
				t.Errorf("a second upload: %d %.300s", other.StatusCode, other.body)
			}
			if other := s.sendOnce(test.path, "three", token, test.fields...); other.StatusCode != http.StatusTooManyRequests {
				t.Errorf("one over the limit: %d", other.StatusCode)
			}
		})
	}
}

func TestLimits_TheSameUploadAtOnceCountsOnceAlsoAtTheLastOne(t *testing.T) {
	t.Parallel()
	s := newSite(t, withUploads(t, 1))
	s.anApp("hello")
	accept := make(chan struct{})
	var accepted atomic.Int64
	numbering(s, func() { accepted.Add(1); <-accept })
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if answer := s.sendOnce("/api/v1/apps/hello/update", "one", "", zipPart); answer.StatusCode != http.StatusCreated {
				t.Errorf("%d %s", answer.StatusCode, answer.body)
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	close(accept)
	group.Wait()
	if n := accepted.Load(); n != 1 {
		t.Errorf("%d were accepted", n)
	}
}

func TestLimits_AKeyOfAnUploadHidesNoOtherUpload(t *testing.T) {
	t.Parallel()
	const update = "/api/v1/apps/hello/update"
	s := newSite(t, withUploads(t, 4))
	s.anApp("hello")
	var refuse atomic.Bool
	var accepted atomic.Int64
	numbering(s, func() { accepted.Add(1) })
	number := s.apps.onAccept
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		if refuse.Load() {
			return app.Release{}, problem.Invalid("There is no Dockerfile.", "Add one.").At("archive")
		}
		return number(u)
	}
	send := func(want int, content string) {
		t.Helper()
		if answer := s.sendOnce(update, "one", "", part{"archive", content, "app.zip"}); answer.StatusCode != want {
			t.Errorf("%q: %d %s", content, answer.StatusCode, answer.body)
		}
	}
	refuse.Store(true)
	send(http.StatusUnprocessableEntity, "PK 1") // gives its count back, and leaves nothing behind
	refuse.Store(false)
	send(http.StatusCreated, "PK 1")
	send(http.StatusCreated, "PK 22") // the key alone makes no repeat
	send(http.StatusCreated, "PK 22")
	if n := accepted.Load(); n != 2 {
		t.Errorf("%d were accepted, want 2", n)
	}
	// After another release the same again is a wish of its own.
	later := aRelease("hello", 7, app.ReleaseLive)
	s.apps.put(controller.AppView{App: app.App{Name: "hello"}, Latest: &later})
	send(http.StatusCreated, "PK 22")
	if n := accepted.Load(); n != 3 {
		t.Errorf("%d were accepted, want 3", n)
	}
	send(http.StatusCreated, "PK 333")
	send(http.StatusTooManyRequests, "PK 4444") // counted once its content is known
	if answer := s.sendOnce(update, strings.Repeat("k", 201), "", zipPart); answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a long key: %d", answer.StatusCode)
	}
}

func TestUpload_EachPageHasAKeyOfItsOwnForItsForms(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	keys := map[string]bool{}
	for _, page := range []string{s.needs(token), s.needs(token), s.get("/admin/apps/hello").body} {
		found := regexp.MustCompile(`name="once" value="([A-Z2-7]{26})"`).FindStringSubmatch(page)
		if found == nil || keys[found[1]] {
			t.Fatalf("%q after %v: %.300s", found, keys, page)
		}
		keys[found[1]] = true
	}
}
