//go:build integration

package router

import (
	"testing"

	"github.com/chromedp/chromedp"

	"berth/controller/app"
)

const rowsShown = `[...document.querySelectorAll(".keys tbody tr")].filter(row => row.offsetParent !== null).length`

func TestBrowser_FilterOfWhatIsSupportedIsTheAddress(t *testing.T) {
	s := newSite(t)
	w := openWindow(t, s)
	w.signIn()
	w.open("/admin/compose")
	all := ask(w, chromedp.Evaluate[int](rowsShown))
	inAll := 0
	for _, state := range []string{"supported", "limited", "noted", "refused"} {
		w.run(chromedp.Click(`a[href="#show-` + state + `"]`))
		shown := ask(w, chromedp.Evaluate[int](rowsShown))
		if others := ask(w, chromedp.Evaluate[int](`[...document.querySelectorAll(".keys tbody tr:not(.is-`+state+`)")].filter(row => row.offsetParent !== null).length`)); shown == 0 || others > 0 {
			t.Errorf("%s: %d rows, %d of others", state, shown, others)
		}
		inAll += shown
	}
	if all == 0 || inAll != all {
		t.Errorf("%d rows in all, %d by their states", all, inAll)
	}
	w.mustBeClean()
}

func TestBrowser_LongNamesOfImagesFitEveryWidth(t *testing.T) {
	s := newSite(t)
	view := s.anApp("hello")
	view.Settings.Database, view.Settings.DatabaseServices = true, "a-long-name-of-a-service,another-long-name-of-a-service"
	s.apps.put(view)
	s.apps.forbidden = []app.Waiver{app.WaiverWritableRoot}
	live := aRelease("hello", 2, app.ReleaseLive)
	live.Reference, live.Image = fullImage, "sha256:bb"
	live.Digest = "docker.io/nginxinc/nginx-unprivileged@sha256:4c2e3f0a4c2e3f0a4c2e3f0a4c2e3f0a4c2e3f0a4c2e3f0a4c2e3f0a4c2e3f0a"
	s.apps.putRelease(live)
	s.volumes.volume(t, "data")
	w := openWindow(t, s)
	w.signIn()
	for _, width := range []int64{1280, 320} {
		w.run(chromedp.EmulateViewport(width, 900))
		for _, path := range []string{"/admin/compose", "/admin/apps/hello", "/admin/apps/hello/releases/2", "/upload", "/volumes/data"} {
			w.open(path)
			if wide := ask(w, chromedp.Evaluate[float64](`document.documentElement.scrollWidth`)); wide > float64(width) {
				t.Errorf("%s is %v wide at %d", path, wide, width)
			}
		}
	}
	w.mustBeClean()
}
