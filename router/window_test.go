package router

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"berth/test/patience"
)

// window is a real browser's window on a site.
type window struct {
	t       *testing.T
	site    *site
	browser context.Context
}

// openWindow opens a window of a headless browser that ends with the test.
func openWindow(t *testing.T, s *site) *window {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(patience.Of(20*time.Second)))
	if _, err := os.Stat("/usr/bin/chromium"); err == nil {
		options = append(options, chromedp.ExecPath("/usr/bin/chromium"))
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancelAllocator)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(cancelBrowser)
	if err := chromedp.Do(browser, watchForProblems()); err != nil {
		t.Fatal(err)
	}
	return &window{t: t, site: s, browser: browser}
}

// watchForProblems notes in every page what its script threw and what its
// content policy stopped.
func watchForProblems() chromedp.Action[chromedp.Void] {
	const script = `window.problems = [];
		addEventListener("error", e => problems.push("error: " + e.message));
		addEventListener("unhandledrejection", e => problems.push("rejection: " + e.reason));
		addEventListener("securitypolicyviolation", e => problems.push("policy: " + e.violatedDirective + " " + e.blockedURI));`
	return beforeEveryPage(script)
}

// beforeEveryPage runs a script in each page that is opened from now on, before its own.
func beforeEveryPage(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// problems are those of the page that is open.
func (w *window) problems() []string {
	w.t.Helper()
	return ask(w, chromedp.Evaluate[[]string](`window.problems`))
}

// signIn signs the window in.
func (w *window) signIn() {
	w.t.Helper()
	w.fill("/login", `#password`, w.site.accounts.password, `form[action="/login"] button`)
}

func (w *window) run(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.browser, patience.Of(20*time.Second))
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		w.t.Fatal(err)
	}
}

// open tries again where the machine's networks changed meanwhile, which a
// browser takes for a reason to give uw.
func (w *window) open(path string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.browser, patience.Of(20*time.Second))
	defer cancel()
	var err error
	for range 5 {
		if err = chromedp.Do(ctx, chromedp.Navigate(w.site.server.URL+path)); err == nil {
			return
		}
		time.Sleep(300 * time.Millisecond)
	}
	w.t.Fatal(err)
}

// ask runs an action that has an answer.
func ask[T any](w *window, action chromedp.Action[T]) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.browser, patience.Of(20*time.Second))
	defer cancel()
	answer, err := chromedp.Run(ctx, action)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}

// fill opens a page, types into a field where one is given, and presses a button.
func (w *window) fill(path, field, text, button string) {
	w.t.Helper()
	w.open(path)
	var actions []chromedp.Action[chromedp.Void]
	if field != "" {
		actions = append(actions, chromedp.SendKeys(field, text))
	}
	w.run(append(actions, chromedp.Click(button), chromedp.Sleep(700*time.Millisecond))...)
}
