package router

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/limit"
)

// TestVolumes_UploadsAndDeletionsOfOnePathAtOnceEndWell lets several send a file and
// remove it, and the folder that it is in, at one time.
func TestVolumes_UploadsAndDeletionsOfOnePathAtOnceEndWell(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) {
		many := limit.Budget{{Requests: 1_000_000, Span: time.Hour}}
		o.Limits = openLimits(t, freshLedger(t), time.Now, limit.Budgets{limit.Default: many, limit.VolumeUpload: many, limit.Login: many})
	})
	s.volumes.volume(t, "data")
	token := s.signIn()
	text := strings.Repeat("0123456789", 1000)
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for range 25 {
				sent := s.sendFiles("/volumes/data/upload?path=a%2Fb", token, false, aFile{"one.txt", text})
				if sent.StatusCode != http.StatusSeeOther && (sent.StatusCode < 400 || sent.StatusCode >= 500) {
					t.Errorf("upload: %d %.300s", sent.StatusCode, sent.body)
				}
				place := []string{"a", "a%2Fb", "a%2Fb%2Fone.txt"}[worker%3]
				form := url.Values{formField: {token}, "confirm": {s.confirmation("data", place)}}
				gone := s.post("/volumes/data/remove?path="+place, form)
				if gone.StatusCode != http.StatusSeeOther && (gone.StatusCode < 400 || gone.StatusCode >= 500) {
					t.Errorf("remove: %d %.300s", gone.StatusCode, gone.body)
				}
				if got := s.inVolume("a/b/one.txt"); got != "" && got != text {
					t.Errorf("a part of a file: %d bytes", len(got))
				}
			}
		})
	}
	all.Wait()
	if page := s.get("/volumes/data"); page.StatusCode != http.StatusOK {
		t.Errorf("the page afterwards: %d", page.StatusCode)
	}
	if s.volumes.keeper.Open() != 0 {
		t.Errorf("%d sessions were left open", s.volumes.keeper.Open())
	}
}
