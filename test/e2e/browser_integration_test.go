//go:build integration

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"berth/controller/archive"
	"berth/test/patience"
)

const (
	newPassword = "Harbour-light-in-fog-42"
	// networkChanged is how Chromium says that an interface of the machine came or went.
	networkChanged = "ERR_NETWORK_CHANGED"
)

// pageTimeout is how long a page may take to come and to show what is expected of it.
func pageTimeout() time.Duration { return patience.Of(time.Minute) }

type step = chromedp.Action[chromedp.Void]

// browser is one headless Chromium with a profile of its own.
type browser struct {
	t     *testing.T
	ctx   context.Context
	typed []step // what was done on the page that is open, for press to do once more
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	ctx, stop := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Headless, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
		// The certificate is Berth's own; the other tests pin it.
		chromedp.IgnoreCertErrors,
	))
	t.Cleanup(stop)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("this test needs Chromium: %v", err)
	}
	return &browser{t: t, ctx: ctx}
}

// run does the steps on the page that is open.
func (b *browser) run(what string, steps ...step) {
	b.t.Helper()
	b.typed = append(b.typed, steps...)
	if err := b.do(pageTimeout(), steps...); err != nil {
		b.shoot("failed-" + b.t.Name())
		b.t.Fatalf("%s: %v", what, err)
	}
}

func (b *browser) do(within time.Duration, steps ...step) error {
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// open goes to a page, again where the network changed under the browser.
func (b *browser) open(path string) {
	b.t.Helper()
	b.run("open "+path, navigate(berth.Pages+path), chromedp.WaitVisible("main#main")) // a search for main alone finds the word in Domains too
	b.typed = nil
}

// navigate goes to an address, again where the network changed under the browser.
func navigate(address string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for {
			_, err := chromedp.Navigate(address)(ctx, t)
			if err == nil || !strings.Contains(err.Error(), networkChanged) {
				return err
			}
		}
	})
}

// visitUntil opens an address of an app or of the proxy, and waits until it shows what it
// should. It is opened again now and then: a script that is dropped, as press says of pages,
// never comes.
func (b *browser) visitUntil(what, address string, shows func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(pageTimeout()); time.Now().Before(deadline); {
		b.run("open "+address, navigate(address))
		for again := time.Now().Add(pageTimeout() / 6); time.Now().Before(again); time.Sleep(100 * time.Millisecond) {
			if shows() {
				return
			}
		}
	}
	b.shoot("failed-" + b.t.Name())
	b.t.Fatalf("%s never came about; the page says %.300q", what, b.text("body"))
}

// press clicks a button and waits for what the answer shows. The browser runs
// beside the engine: a container that comes or goes changes the machine's
// network, and the browser then drops what it is loading, which no visitor's
// browser does. The page is opened again then, by the path. Where that does not show
// the answer, as it is a refusal or was never sent, press does once more what was done on
// the page since it was opened, and clicks again.
func (b *browser) press(path, selector, landing string) {
	b.t.Helper()
	from, typed := eval[string](b, `location.pathname + location.search`), b.typed
	b.run("press "+selector, chromedp.Click(selector))
	pressed := time.Now()
	for reopen := pressed.Add(pageTimeout() / 6); time.Since(pressed) < pageTimeout(); time.Sleep(50 * time.Millisecond) {
		if b.sees(landing) {
			b.typed = nil
			return
		}
		if strings.Contains(b.text("body"), networkChanged) || time.Now().After(reopen) {
			b.open(path)
			if b.sees(landing) {
				return // it was sent, and the answer alone was lost
			}
			if !b.sees(selector) {
				b.open(from)
			}
			again := append(slices.Clone(typed), chromedp.Click(selector))
			if err := b.do(pageTimeout()/6, again...); err != nil {
				b.t.Logf("press %s once more: %v", selector, err)
			}
			reopen = time.Now().Add(pageTimeout() / 6)
		}
	}
	b.shoot("failed-" + b.t.Name())
	b.t.Fatalf("after %s was pressed, %s never showed", selector, landing)
}

// refused is press for a form that comes back with a question: the next press asks it once
// more before it answers.
func (b *browser) refused(path, selector, question string) {
	b.t.Helper()
	asked := append(slices.Clone(b.typed), chromedp.Click(selector), chromedp.WaitVisible(question))
	b.press(path, selector, question)
	b.typed = asked
}

// signIn sends the form of the sign-in page, which is open.
func (b *browser) signIn(password string) {
	b.t.Helper()
	b.run("type the password", chromedp.SendKeys("#password", password))
	b.press("/admin", "form[action='/login'] button", "#apps")
}

func (b *browser) sees(selector string) bool {
	b.t.Helper()
	return eval[bool](b, fmt.Sprintf(`document.querySelector(%q)?.checkVisibility() ?? false`, selector))
}

// eval runs an expression in the page, again where the page was left meanwhile.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pageTimeout())
	defer cancel()
	for {
		value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
		switch {
		case err == nil:
			return value
		case ctx.Err() != nil || !pageLeft(err):
			b.t.Fatalf("evaluate %s: %v", expression, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// pageLeft reports whether the browser was between two pages.
func pageLeft(err error) bool {
	for _, words := range []string{"Inspected target navigated or closed", "Execution context was destroyed", "Cannot find context with specified id"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// text is all that the elements of the selector say.
func (b *browser) text(selector string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.innerText).join("\n")`, selector))
}

// scriptsLost says that a script of the page was lost on its way: a network of the engine
// came or went at that moment, and this browser is on the same machine.
const scriptsLost = `!document.documentElement.classList.contains("script") ||
	performance.getEntriesByType("resource").some(function (one) { return one.initiatorType === "script" && one.responseStatus === 0 })`

// waitText waits until an element says the words. A page whose script was dropped,
// as press says of pages, cannot follow what happens: it is loaded again, and what was done
// on it is done once more.
func (b *browser) waitText(selector, words string) {
	b.t.Helper()
	reload := time.Now().Add(pageTimeout() / 12)
	for deadline := time.Now().Add(pageTimeout()); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if strings.Contains(b.text(selector), words) {
			return
		}
		if time.Now().After(reload) && eval[bool](b, scriptsLost) {
			typed := b.typed
			b.open(eval[string](b, `location.pathname + location.search`))
			if err := b.do(pageTimeout()/6, typed...); err != nil {
				b.t.Logf("do once more what was done before a script was lost: %v", err)
			}
			b.typed = typed
			reload = time.Now().Add(pageTimeout() / 12)
		}
	}
	b.shoot("failed-" + b.t.Name())
	b.t.Fatalf("%s never said %q; it says %q", selector, words, b.text(selector))
}

// shoot keeps a screenshot of the whole page, at desktop and at phone width.
func (b *browser) shoot(name string) {
	b.t.Helper()
	for _, size := range []struct {
		name string
		view step
	}{
		{"desktop", chromedp.EmulateViewport(1280, 900)},
		{"phone", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile)},
	} {
		err := chromedp.Do(b.ctx, size.view, chromedp.Sleep(200*time.Millisecond))
		if err != nil {
			b.t.Fatalf("resize for %s: %v", name, err)
		}
		_ = eval[bool](b, `(scrollTo(0, 0), true)`) // the head of a page stays where it is looked at
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			b.t.Fatalf("screenshot %s: %v", name, err)
		}
		if err := os.WriteFile(filepath.Join(artefacts, name+"-"+size.name+".png"), picture, 0o644); err != nil {
			b.t.Error(err)
		}
	}
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		b.t.Error(err)
	}
}

// fits fails where a page is wider than a phone.
func (b *browser) fits(path string) {
	b.t.Helper()
	b.run("phone", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	b.open(path)
	// A phone's window grows with a page that is too wide, so its own width says nothing.
	if over := eval[int](b, `document.documentElement.scrollWidth - 390`); over > 0 {
		b.t.Errorf("%s is %d pixels wider than a phone", path, over)
	}
	b.run("desktop", chromedp.EmulateViewport(1280, 900))
}

// file keeps an archive of the test app on disk, for the form to send.
func file(t *testing.T, name, mode, version string) string {
	t.Helper()
	archive, err := berth.App(mode, version)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, name, archive)
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBrowser_WalksTheWholeWay comes first, while the password of the first start holds:
// the files of this package are in that order. It is the main job as a person does it: first
// sign-in, upload, live page, failed update, good update, rollback, delete.
func TestBrowser_WalksTheWholeWay(t *testing.T) {
	b := newBrowser(t)
	oneTime, err := berth.OneTimePassword()
	if err != nil {
		t.Fatal(err)
	}
	b.open("/admin")
	b.shoot("01-sign-in")
	b.run("sign in wrongly", chromedp.SendKeys("#password", "wrong"))
	b.press("/login", "form[action='/login'] button", "#password-problem")
	b.run("sign in", chromedp.SendKeys("#password", oneTime))
	b.press("/password", "form[action='/login'] button", "#new_password")
	b.open("/upload") // nothing else is let through before the password is changed
	b.run("the forced change stands before every page", chromedp.WaitVisible("#new_password"))
	b.shoot("02-choose-password")
	b.run("choose a password", chromedp.SendKeys("#old_password", oneTime),
		chromedp.SendKeys("#new_password", newPassword), chromedp.SendKeys("#repeat_password", newPassword))
	b.press("/admin", "form[action='/password'] button", "#apps")

	b.open("/upload")
	b.shoot("03-upload")
	b.send(write(t, "notes.zip", []byte("not a ZIP")), "#archive-problem")
	b.shoot("04-upload-refused")
	b.send(file(t, "walk.zip", "slow", "v1"), "#held")
	b.shoot("04-upload-found")
	if name := eval[string](b, `document.querySelector("#name").value + document.querySelector("#route").value`); name != "walk/walk" {
		t.Errorf("name and route are %q", name)
	}
	b.press("/admin/apps/walk/releases/1", "#held button.main", ".steps")
	b.shoot("05-release-under-way")
	b.waitText(".outcome", "answers at")
	b.waitText("ol.log", "is live")
	b.shoot("06-release-live")
	answers(t, 2*time.Second, "/walk", "testapp v1")

	b.open("/admin/apps/walk")
	b.waitText("#output-panel", "testapp v1 listens on 8000")
	visit(t, "/walk/print?line=hello-from-a-visitor")
	b.waitText("#output-panel", "hello-from-a-visitor")
	b.waitText("#summary", "MB")
	b.shoot("07-app")
	b.run("update that dies", chromedp.SetUploadFiles("input[name=archive]", []string{file(t, "walk-v2.zip", "write", "v2")}))
	b.press("/admin/apps/walk/releases/2", "#update button[type=submit]", ".steps")
	b.waitText(".outcome", "read-only")
	b.shoot("08-release-failed")
	answers(t, time.Second, "/walk", "testapp v1")

	b.open("/admin/apps/walk")
	b.run("update", chromedp.SetUploadFiles("input[name=archive]", []string{file(t, "walk-v3.zip", "", "v3")}))
	b.press("/admin/apps/walk/releases/3", "#update button[type=submit]", ".steps")
	b.waitText(".outcome", "answers at")
	answers(t, 2*time.Second, "/walk", "testapp v3")

	b.open("/admin/apps/walk/releases")
	b.press("/admin/apps/walk/releases/4", "form[action$='/rollback'] button", ".steps")
	b.waitText(".outcome", "answers at")
	answers(t, 2*time.Second, "/walk", "testapp v1")

	b.open("/admin")
	b.waitText("#app-walk", "running")
	b.shoot("09-dashboard")
	b.press("/admin", "#app-walk button[formaction$='/stop']", "#app-walk button[formaction$='/start']")
	b.waitText("#app-walk .app-state", "stopped")
	b.press("/admin", "#app-walk button[formaction$='/start']", "#app-walk button[formaction$='/stop']")
	answers(t, converge, "/walk", "testapp v1")

	for _, path := range []string{"/admin", "/upload", "/admin/apps/walk", "/admin/apps/walk/releases/2", "/password"} {
		b.fits(path)
	}
	b.deleteWalk()
}

// send opens the upload form and chooses a file, which is looked into at once; the page
// then shows what is expected. A container that comes or goes breaks an upload: it is sent
// again then.
func (b *browser) send(file, expected string) {
	b.t.Helper()
	for deadline := time.Now().Add(pageTimeout()); time.Now().Before(deadline); {
		b.open("/upload")
		b.run("choose "+filepath.Base(file), chromedp.SetUploadFiles("input[name=archive]", []string{file}))
		if patience.Eventually(10*time.Second, func() bool { return b.sees(expected) }) {
			return
		}
	}
	b.shoot("failed-" + b.t.Name())
	b.t.Fatalf("after %s was sent, the page never showed %s", file, expected)
}

func (b *browser) deleteWalk() {
	b.open("/admin/apps/walk/settings")
	b.run("a wrong name", chromedp.SendKeys("#confirm", "talk"))
	b.press("/admin/apps/walk/settings", "form[action$='/delete'] button", "#confirm-problem")
	b.shoot("10-delete-refused")
	b.run("the name", chromedp.SetValue("#confirm", "walk"))
	b.press("/admin", "form[action$='/delete'] button", "main:not(:has(#app-walk)):not(:has(#confirm))")
	if status, _ := visit(b.t, "/walk"); status != 404 {
		b.t.Errorf("the route of a deleted app answers %d", status)
	}
	if len(containers(b.t, "walk")) != 0 {
		b.t.Error("containers of a deleted app are left")
	}
	networks := docker(b.t, "network", "ls", "--quiet", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.app=walk")
	images := docker(b.t, "images", "--quiet", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.app=walk")
	if networks != "" || images != "" {
		b.t.Errorf("left of a deleted app: networks %q, images %q", networks, images)
	}
}

// TestBrowser_SeesHowASiteIsBuiltBeforeItIs sends an archive once, reads what
// Berth makes of it, and deploys it then.
func TestBrowser_SeesHowASiteIsBuiltBeforeItIs(t *testing.T) {
	o := newOperator(t)
	t.Cleanup(func() { o.remove("tides") })
	site, err := os.Create(filepath.Join(t.TempDir(), "tides.zip"))
	if err != nil {
		t.Fatal(err)
	}
	err = archive.Pack(t.Context(), filepath.Join(berth.Repository(), "examples", "static-site"), site, nil)
	if err = errors.Join(err, site.Close()); err != nil {
		t.Fatal(err)
	}
	password := resetPassword(t)
	b := newBrowser(t)
	b.open("/login")
	b.signIn(password)

	b.send(site.Name(), "#held")
	b.run("open the Dockerfile", chromedp.Click("#held-dockerfile"))
	b.shoot("12-preview")
	for _, words := range []string{"tides.zip", "Static site", "index.html at the top", "FROM scratch", "Download"} {
		if !strings.Contains(b.text("main"), words) {
			t.Errorf("the page does not say %q: %s", words, b.text("main"))
		}
	}
	if status, _ := visit(t, "/tides/"); status != 404 {
		t.Errorf("before the deploy the route answers %d", status)
	}
	b.press("/admin/apps/tides/releases/1", "#held button.main", ".steps")
	b.waitText(".outcome", "answers at")
	if _, body := visit(t, "/tides/"); !strings.Contains(strings.ToLower(body), "high tides") {
		t.Errorf("the site says %.300q", body)
	}
}

// TestBrowser_SeesTheProxysDashboard: Traefik's own dashboard, on localhost.
func TestBrowser_SeesTheProxysDashboard(t *testing.T) {
	b := newBrowser(t)
	b.visitUntil("the dashboard", berth.Dashboard+"/dashboard/", func() bool {
		return b.sees("h1") && strings.Contains(strings.ToLower(b.text("body")), "traefik")
	})
	b.run("let it settle", chromedp.Sleep(time.Second))
	b.shoot("11-traefik-dashboard")
}
