//go:build integration

package router

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"berth/controller/app"
)

// loaded is what one load of a page took in the browser.
type loaded struct {
	Load, Paint float64 // milliseconds until the load event, and until something was painted
	Nodes       int     // of the document
}

// load opens the page a few times, and returns the median of each figure.
func (w *window) load(path string) loaded {
	w.t.Helper()
	const times = 7
	var loads, paints []float64
	var last loaded
	for range times {
		w.open(path)
		w.wait(`performance.getEntriesByName("first-contentful-paint").length > 0 && performance.getEntriesByType("navigation")[0].loadEventEnd > 0`)
		last = ask(w, chromedp.Evaluate[loaded](`({
			Load: performance.getEntriesByType("navigation")[0].loadEventEnd,
			Paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
			Nodes: document.getElementsByTagName("*").length,
		})`))
		loads, paints = append(loads, last.Load), append(paints, last.Paint)
	}
	slices.Sort(loads)
	slices.Sort(paints)
	return loaded{loads[times/2], paints[times/2], last.Nodes}
}

// TestBrowser_AThousandAppsAreAsUsableAsAPageOfThem compares within one browser, so a slow
// machine slows both sides.
func TestBrowser_AThousandAppsAreAsUsableAsAPageOfThem(t *testing.T) {
	s := newSite(t)
	w := openWindow(t, s)
	w.signIn()
	made := 0
	upTo := func(count int) loaded {
		for ; made < count; made++ {
			s.filed(app.Name(fmt.Sprintf("app-%03d", made)), "Shop", "eu")
		}
		return w.load("/admin")
	}
	few, page, many := upTo(10), upTo(appsOnAPage), upTo(1000)
	t.Logf("load, paint, nodes: %.0f ms, %.0f ms, %d with 10 apps; %.0f ms, %.0f ms, %d with %d; %.0f ms, %.0f ms, %d with 1000",
		few.Load, few.Paint, few.Nodes, page.Load, page.Paint, page.Nodes, appsOnAPage, many.Load, many.Paint, many.Nodes)
	if many.Nodes > page.Nodes+100 {
		t.Errorf("the document of 1000 apps has %d nodes, and that of one page of apps %d", many.Nodes, page.Nodes)
	}
	if many.Load > 5*few.Load+50 || many.Paint > 5*few.Paint+50 {
		t.Errorf("1000 apps load in %.0f ms and paint in %.0f ms, 10 apps in %.0f and %.0f", many.Load, many.Paint, few.Load, few.Paint)
	}
	took := ask(w, chromedp.Evaluate[float64](`new Promise(done => {
		const field = document.getElementById("filter-text"), began = performance.now();
		field.value = "app-777";
		field.dispatchEvent(new Event("input", {bubbles: true}));
		const look = () => document.querySelectorAll(".apps tbody tr[id]").length === 1 ? done(performance.now() - began) : requestAnimationFrame(look);
		look();
	})`, chromedp.EvalAwaitPromise))
	t.Logf("the filter shows one of 1000 apps after %.0f ms", took)
	if took > 2000 {
		t.Errorf("the filter takes %.0f ms", took)
	}
	w.mustBeClean()
}
