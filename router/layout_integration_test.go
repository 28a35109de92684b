//go:build integration

package router

import (
	"testing"

	"github.com/chromedp/chromedp"

	"berth/controller/app"
)

// keepCopies has the page keep what is copied, as a browser without a person has no clipboard.
const keepCopies = `Object.defineProperty(navigator, "clipboard", { value: { writeText(text) { window.copied = text; return Promise.resolve(); } } }); void 0`

func TestLayout_WhatStandsBeforeAButtonIsCopied(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	id := app.ReleaseID{App: "hello", Number: 3}
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseFailed))
	s.apps.appendLog(id, "first\nsecond <b>\n")
	w := openWindow(t, s)
	w.signIn()
	copies := func(path, button, want string) {
		t.Helper()
		w.open(path)
		w.run(chromedp.Evaluate[chromedp.Void](keepCopies), chromedp.Click(button))
		w.wait(`document.getElementById("said").textContent === "Copied."`)
		if got := ask(w, chromedp.Evaluate[string](`window.copied`)); got != want {
			t.Errorf("%s of %s copied %q, want %q", button, path, got, want)
		}
		w.wait(`document.querySelector("` + button + `").firstChild.data === "Copied"`)
		w.mustBeClean()
	}
	copies("/admin/apps/hello/routes", ".routes .copy", "http://127.0.0.1/hello/")
	copies("/admin/apps/hello/releases/3", "[data-copy-lines]", "first\nsecond <b>")
	copies("/help/git", ".command .copy", "git remote add berth https://berth.localhost:8001/git/shop.git\ngit push berth main")

	w.open("/settings/tokens")
	w.run(chromedp.SendKeys("#token-name", "ci"), chromedp.Click("#create button"), chromedp.WaitVisible("#fresh"),
		chromedp.Evaluate[chromedp.Void](keepCopies), chromedp.Click(".fresh .copy"))
	w.wait(`window.copied === document.getElementById("fresh").value && window.copied !== ""`)
	w.mustBeClean()
}

func TestLayout_ShortcutsOpenPagesAndNeverWhileSomebodyTypes(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	w := openWindow(t, s)
	w.signIn()
	press := func(keys string) { w.run(chromedp.KeyEvent(keys)) }

	w.open("/admin")
	press("gh")
	w.run(chromedp.WaitVisible("#help-query"))
	press("/")
	w.wait(`document.activeElement.id === "help-query"`)
	press("g?gd/")
	w.wait(`document.activeElement.value.endsWith("g?gd/") && location.pathname === "/help" && !document.getElementById("shortcuts").open`)
	w.run(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	press("d") // alone it is none
	press("?")
	w.wait(`document.getElementById("shortcuts").open`)
	newAxe(w).check("the shortcuts")
	press("gd") // a dialog has the keys
	w.wait(`location.pathname === "/help"`)
	w.run(chromedp.Click(`#shortcuts-on`), chromedp.Click(`#shortcuts button`))
	press("?")
	w.open("/volumes")
	press("gd")
	press("?")
	w.wait(`location.pathname === "/volumes" && !document.getElementById("shortcuts").open`)
	w.run(chromedp.Click(`[data-shortcuts]`), chromedp.Click(`#shortcuts-on`), chromedp.Click(`#shortcuts button`))
	press("gd")
	w.run(chromedp.WaitVisible(".empty, .apps"))
	w.mustBeClean()
}

func TestLayout_TheTabFollowsTheRelease(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseBuilding))
	w := openWindow(t, s)
	w.signIn()
	w.open("/admin/apps/hello/releases/3")
	w.wait(`document.title === "Building: hello r3 · Berth"`)
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseVerifying))
	w.wait(`document.title === "Verifying: hello r3 · Berth"`)
	w.wait(`!document.querySelector("link[rel=icon]").href.includes("trouble")`)
	s.apps.putRelease(aRelease("hello", 3, app.ReleaseFailed))
	w.wait(`document.title === "Failed: hello r3 · Berth" && document.querySelector("link[rel=icon]").href.includes("mark-trouble")`)
	w.mustBeClean()
}

func TestLayout_ThemeOfThisBrowserWinsOverTheSystem(t *testing.T) {
	s := newSite(t)
	w := openWindow(t, s)
	w.signIn()
	w.run(emulate("light"))
	ground := func(theme string) string {
		w.open("/help")
		w.run(chromedp.Click(`.theme [value="`+theme+`"]`), chromedp.WaitVisible("#notice"))
		w.mustBeClean()
		return ask(w, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`))
	}
	light := ground("system")
	dark := ground("dark")
	if light == dark {
		t.Errorf("the ground is %s in both", dark)
	}
	checker := newAxe(w)
	checker.report("dark on a light system")
	w.run(emulate("dark"))
	if got := ground("light"); got != light {
		t.Errorf("light on a dark system is %s, want %s", got, light)
	}
	checker.report("light on a dark system")
	if got := ground("system"); got != dark {
		t.Errorf("a dark system is %s, want %s", got, dark)
	}
}

func TestLayout_TheBarFitsEveryWidth(t *testing.T) {
	s := newSite(t)
	s.anApp("hello")
	w := openWindow(t, s)
	w.signIn()
	w.open("/help")
	for width := int64(320); width <= 1280; width += 20 {
		w.run(chromedp.EmulateViewport(width, 800))
		if wide := ask(w, chromedp.Evaluate[int](`document.documentElement.scrollWidth`)); int64(wide) > width {
			t.Errorf("at %d the page is %d wide", width, wide)
		}
	}
}
