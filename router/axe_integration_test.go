//go:build integration

package router

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axePath is where scripts/tools puts the checker of pages.
var axePath = filepath.Join("..", ".cache", "axe-core", "axe.min.js")

// axe checks pages for what keeps people from using them.
type axe struct {
	*window
	script string
}

func newAxe(w *window) *axe {
	w.t.Helper()
	script, err := os.ReadFile(axePath)
	if err != nil {
		w.t.Fatalf("%v: run scripts/tools first", err)
	}
	return &axe{window: w, script: string(script)}
}

// violation is a rule that a page breaks, and where.
type violation struct {
	ID    string
	Help  string
	Nodes []struct{ HTML, FailureSummary string }
}

// check checks the page that is open as a phone and as a desktop show it, light and dark.
func (a *axe) check(name string) {
	a.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		a.run(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch), emulate(scheme))
		a.report(name + ", phone, " + scheme)
		a.run(chromedp.EmulateViewport(1280, 800), emulate(scheme))
		a.report(name + ", desktop, " + scheme)
	}
}

// emulate chooses the scheme and stops what moves: a colour in between is no fault.
func emulate(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	})
}

func (a *axe) report(name string) {
	a.t.Helper()
	if !ask(a.window, chromedp.Evaluate[bool](`typeof axe === "object"`)) {
		a.run(chromedp.Evaluate[chromedp.Void](a.script + ";void 0"))
	}
	a.run(chromedp.Evaluate[chromedp.Void](`window.found = null; scrollTo(0, 0);
		axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(
			result => { window.found = JSON.stringify(result.violations) }, error => { window.found = JSON.stringify([{id: "axe", help: String(error)}]) }); void 0`))
	a.wait(`window.found !== null`)
	var violations []violation
	if err := json.Unmarshal([]byte(ask(a.window, chromedp.Evaluate[string](`window.found`))), &violations); err != nil {
		a.t.Fatal(err)
	}
	for _, broken := range violations {
		a.t.Errorf("%s: %s", name, broken)
	}
	if ask(a.window, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`)) {
		a.t.Errorf("%s: the page is wider than the screen", name)
	}
}

func (v violation) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (%s)", v.Help, v.ID)
	for _, node := range v.Nodes {
		fmt.Fprintf(&text, "\n\t%.160s\n\t\t%s", node.HTML, strings.ReplaceAll(node.FailureSummary, "\n", "\n\t\t"))
	}
	return text.String()
}

func TestAxe_FindsNothingOnAnyPage(t *testing.T) {
	s := newWalkedSite(t)
	w := openWindow(t, s)
	a := newAxe(w)
	for _, path := range []string{"/login", "/nothing"} {
		w.open(path)
		a.check(path)
	}
	token := s.signIn()
	w.signIn()
	fillLimits(s)
	checked := 0
	s.sendFiles("/volumes/hello/upload", token, false, aFile{"photos/a.txt", "one"}, aFile{"b.txt", "two"})
	for _, path := range append(walkedPaths(), "/volumes/hello/remove?path=photos") {
		if s.walkTo(path).root.FirstChild == nil { // a download
			continue
		}
		checked++
		w.open(path)
		a.check(path)
	}
	if checked < 25 {
		t.Errorf("only %d pages were checked", checked)
	}
}

// TestAxe_FindsNothingInAnyState goes through what the walk does not show: forms that
// were refused, releases under way and failed, a second factor.
func TestAxe_FindsNothingInAnyState(t *testing.T) {
	s := newSite(t)
	w := openWindow(t, s)
	pages := &preview{window: w, look: newAxe(w).check}
	pages.everyPage(t, s)
	t.Run("of people", func(t *testing.T) {
		people := newPeople(t)
		w := openWindow(t, people.site)
		pages := &preview{window: w, look: newAxe(w).check}
		pages.pagesOfPeople(people)
	})
}
