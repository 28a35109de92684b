//go:build integration

package router

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestBrowser_RoutesAndHostsAreChangedOnTheirPages(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	w := openWindow(t, s)
	w.signIn()
	w.open("/admin/apps/hello/routes")
	w.run(chromedp.SendKeys("#route", "shop.example.com"), chromedp.Click("#add button"), chromedp.WaitVisible(".notice.good"))
	w.mustBeClean()
	w.open("/settings/domains")
	w.run(chromedp.SendKeys("#from", "www.example.com"), chromedp.SendKeys("#to", "example.com"), chromedp.Click("#redirect button"), chromedp.WaitVisible(".notice.good"))
	w.mustBeClean()
	w.run(chromedp.Focus(".check-findings summary"), chromedp.SendKeys(".check-findings summary", "\r"), chromedp.WaitVisible(".check-findings[open]"))
	w.mustBeClean()
}
