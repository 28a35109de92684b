package router

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
)

const tagRow = "/api/v1/apps/hello/image-tag"

func TestTagWatch_IsOffUntilAPersonSwitchesItOn(t *testing.T) {
	t.Parallel()
	made, fake := newTagWatches(t)
	s := newSite(t, func(o *Options) { o.TagWatches = made })
	s.anApp("hello")
	token := s.signIn()
	if page := s.get("/admin/apps/hello/settings").body; strings.Contains(page, "Redeploy when the tag moves") {
		t.Error("an app that was built shows the form")
	}
	pinned := "ghcr.io/ann/shop@sha256:" + strings.Repeat("a", 64)
	live := aRelease("hello", 3, app.ReleaseLive)
	live.Reference, live.Digest = "ghcr.io/ann/shop:2", pinned
	s.apps.putRelease(live)
	mustContain(t, s.get("/admin/apps/hello/settings").body, "Redeploy when the tag moves", "ghcr.io/ann/shop:2", pinned, `name="tag_minutes" value="15"`)
	mustContain(t, s.bearer(readToken, http.MethodGet, tagRow, "").body, `"on":false,"minutes":15`)

	if answer := s.post("/admin/apps/hello/image-tag", url.Values{formField: {token}, "tag_watch": {"1"}, "tag_minutes": {"4"}}); answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, "Write 5 to 1440.") {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if answer := s.post("/admin/apps/hello/image-tag", url.Values{formField: {token}, "tag_watch": {"1"}, "tag_minutes": {"30"}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	kept := fake.kept["hello"]
	if !kept.On || kept.Minutes != 30 {
		t.Fatalf("kept %+v", kept)
	}
	kept.Seen, kept.LookedAt = "sha256:bb", time.Now()
	fake.kept["hello"] = kept
	mustContain(t, s.get("/admin/apps/hello/settings").body, "sha256:bb", "at the last look")
	kept.Fault = "The registry answers 502 Bad Gateway. Berth looks again at the next time."
	fake.kept["hello"] = kept
	mustContain(t, s.get("/admin/apps/hello/settings").body, "The last look failed", kept.Fault)
	mustContain(t, s.bearer(readToken, http.MethodGet, tagRow, "").body, `"on":true,"minutes":30,"seen":"sha256:bb"`, "502 Bad Gateway")

	if answer := s.bearer(deployToken, http.MethodPut, tagRow, `{"on": false}`); answer.StatusCode != http.StatusOK || fake.kept["hello"].On || fake.kept["hello"].Minutes != 15 {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(deployToken, http.MethodPut, tagRow, `{"on": true, "minutes": 1}`); answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(readToken, http.MethodPut, tagRow, `{"on": true}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
}

func TestTagWatch_ARegistryTellsOfAPush(t *testing.T) {
	t.Parallel()
	made, fake := newTagWatches(t)
	s := newSite(t, func(o *Options) { o.TagWatches = made })
	s.anApp("hello")
	live := aRelease("hello", 3, app.ReleaseLive)
	live.Reference = "ghcr.io/ann/shop:2"
	s.apps.putRelease(live)
	token := s.signIn()
	send := func(path string) answer {
		return s.post("/admin/apps/hello/image-tag"+path, url.Values{formField: {token}})
	}
	page := send("/hook")
	if page.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", page.StatusCode, page.body)
	}
	key := regexp.MustCompile(`id="taghook-secret"[^>]* value="([A-Z2-7]+)"`).FindStringSubmatch(page.body)
	address := regexp.MustCompile(`id="taghook-address" value="https://[^/"]+(/hooks/images/[A-Z2-7]+)"`).FindStringSubmatch(page.body)
	if key == nil || address == nil {
		t.Fatal("the page shows no address or no secret")
	}
	if again := s.get("/admin/apps/hello/settings").body; strings.Contains(again, key[1]) || !strings.Contains(again, address[1]) {
		t.Error("the secret is shown again, or the address is not")
	}
	tell := func(path string) answer { return s.do(s.request(http.MethodPost, path, strings.NewReader("x"))) }
	if got := tell(address[1] + "?secret=" + key[1]); got.StatusCode != http.StatusAccepted || got.body != "" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	for path, want := range map[string]int{
		address[1]: http.StatusForbidden, address[1] + "?secret=x": http.StatusForbidden,
		"/hooks/images/" + strings.Repeat("A", 26) + "?secret=" + key[1]: http.StatusNotFound, "/hooks/images/x": http.StatusBadRequest,
	} {
		if got := tell(path); got.StatusCode != want {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	if got := send("/check"); got.StatusCode != http.StatusSeeOther || fake.kept["hello"].LookedAt.IsZero() {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := send("/hook/remove"); got.StatusCode != http.StatusSeeOther || fake.kept["hello"].HasHook() {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := tell(address[1] + "?secret=" + key[1]); got.StatusCode != http.StatusNotFound {
		t.Errorf("after its end: %d", got.StatusCode)
	}
}
