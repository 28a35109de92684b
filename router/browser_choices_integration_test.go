//go:build integration

package router

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// choose sets a field as a person does.
func (w *window) choose(field, value string) {
	w.t.Helper()
	w.run(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(f => {
		if (f.type === "checkbox" || f.type === "radio") f.checked = %[2]q !== "";
		else f.value = %[2]q;
		f.dispatchEvent(new Event("input", {bubbles: true}));
		f.dispatchEvent(new Event("change", {bubbles: true}));
	})(document.querySelector(%[1]q))`, field, value)))
}

func TestBrowser_AFieldShowsOnlyWithTheChoiceThatNeedsIt(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	w := openWindow(t, s)
	w.signIn()
	for _, page := range []struct {
		path          string
		field, value  string // the choice
		shown, hidden string // by that
	}{
		{"/settings/proxy", "#authority", "none", "#authority", "#email"},
		{"/settings/proxy", "#authority", "letsencrypt", "#dry_run", "#directory"},
		{"/settings/proxy", "#authority", "other", "#trust", "#dry_run"},
		{"/settings/proxy", "#dashboard", "local", "#dashboard", "#dashboard_password"},
		{"/settings/proxy", "#dashboard", "host", "#dashboard_password", ""},
		{"/settings/backups", "#place-bucket", "bucket", "#secret_key", "#folder"},
		{"/settings/backups", "#place-folder", "folder", "#folder", "#secret_key"},
		{"/settings/backups", "#scheduled", "", "#scheduled", "#time"},
		{"/settings/backups", "#scheduled", "1", "#time", ""},
		{"/admin/apps/hello/access", "#rate", "", "#rate", "#burst"},
		{"/admin/apps/hello/access", "#rate", "10", "#burst", ""},
		{"/admin/apps/hello/access", "#egress-open", "open", "#egress-open", "#egress_hosts"},
		{"/admin/apps/hello/access", "#egress-list", "list", "#egress_hosts", ""},
		{"/admin/apps/hello/environment", "[name=kind][value=secret]", "secret", "#variable-value", "#variable-build"},
		{"/admin/apps/hello/environment", "[name=kind][value=variable]", "variable", "#variable-build", ""},
		{"/settings/alerts/rules", "#watch", "metric:disk_percent", "#threshold", ""},
		{"/settings/alerts/rules", "#watch", "event:release.failed", "#for", "#threshold"},
	} {
		t.Run(fmt.Sprintf("%s %s=%s", page.path, page.field, page.value), func(t *testing.T) {
			w.open(page.path)
			w.choose(page.field, page.value)
			w.wait(fmt.Sprintf(`document.querySelector(%q).checkVisibility()`, page.shown))
			if page.hidden != "" {
				w.wait(fmt.Sprintf(`!document.querySelector(%q).checkVisibility()`, page.hidden))
			}
		})
	}
	w.mustBeClean()
}
