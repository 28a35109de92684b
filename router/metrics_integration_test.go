//go:build integration

package router

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestMetrics_ChartsAreSeenAndToldInTheBrowser takes the pictures that people look at, and
// lets a chart tell its values.
func TestMetrics_ChartsAreSeenAndToldInTheBrowser(t *testing.T) {
	s := newWalkedSite(t)
	s.signIn()
	w := openWindow(t, s)
	w.signIn()
	folder := cmp.Or(os.Getenv("BERTH_TEST_ARTEFACTS"), t.TempDir())
	for _, path := range []string{"/admin/apps/hello/metrics", "/settings/machine/metrics", "/admin"} {
		for _, scheme := range []string{"light", "dark"} {
			for name, viewport := range map[string]chromedp.Action[chromedp.Void]{
				"phone": chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile), "desktop": chromedp.EmulateViewport(1280, 900),
			} {
				w.run(viewport, emulate(scheme))
				w.open(path)
				if ask(w, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`)) {
					t.Errorf("%s on a %s is wider than the screen", path, name)
				}
				file := "metrics" + strings.ReplaceAll(path, "/", "-") + "-" + name + "-" + scheme + ".png"
				if err := os.WriteFile(filepath.Join(folder, file), ask(w, chromedp.FullScreenshot(100)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	checker := newAxe(w)
	w.open("/settings/machine/metrics")
	checker.check("the server's charts")
	w.open("/admin/apps/hello/metrics")
	checker.check("an app's charts")
	w.run(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll(".slices rect")[10].dispatchEvent(new PointerEvent("pointermove", {bubbles: true})); void 0`))
	w.wait(`/: mean [0-9.]+ %, peak/.test(document.querySelector("[data-chart-value]").textContent)`)
	w.mustBeClean()
}
