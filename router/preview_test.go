package router

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/label"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/traefik"
)

// TestPreview_ShootsEveryPage is for looking at the pages while working on them:
//
//	BERTH_PREVIEW=/tmp/shots go test -run Preview ./router
//
// puts a picture of every page, wide and narrow, light and dark, into the
// folder. BERTH_PREVIEW_ONLY=upload narrows it to the shots whose name holds
// that text.
func TestPreview_ShootsEveryPage(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("BERTH_PREVIEW")
	if folder == "" {
		t.Skip("BERTH_PREVIEW names no folder")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	p := &preview{window: openWindow(t, s), folder: folder, only: os.Getenv("BERTH_PREVIEW_ONLY")}
	p.everyPage(t, s)
}

// everyPage goes through the pages, each with a few states that people see.
func (p *preview) everyPage(t *testing.T, s *site) {
	s.apps.onAct = func(verb string, name app.Name) error {
		if verb == "restart" && name == "grafana" {
			return fmt.Errorf("the engine's socket is gone")
		}
		return nil
	}
	p.shoot("login", "/login")
	p.fill("/login", `#password`, "wrong", `form[action="/login"] button`)
	p.shootHere("login-wrong")
	s.accounts.account.MustChange = true
	p.fill("/login", `#password`, s.accounts.password, `form[action="/login"] button`)
	p.shootHere("password-forced")
	s.accounts.account.MustChange = false
	p.shoot("dashboard-empty", "/admin")
	fillPreview(s)
	p.shoot("dashboard", "/admin")
	p.shoot("dashboard-filtered", "/admin?text=a&sort=memory")
	p.shoot("settings", "/settings")
	p.shoot("limits-free", "/settings/limits")
	fillLimits(s)
	p.shoot("limits", "/settings/limits")
	p.shoot("upload", "/upload")
	p.uploadRefused(t)
	p.uploadChecked(t)
	p.uploadFaults(t)
	p.shoot("app", "/admin/apps/hello")
	p.shoot("app-services", "/admin/apps/grafana")
	p.shoot("app-failed", "/admin/apps/shop")
	p.fill("/admin/apps/hello/settings", `#confirm`, "helo", `.danger button`)
	p.shootHere("app-delete-refused")
	p.fill("/admin/apps/hello/settings", `#settings-memory`, "lots", `#settings button`)
	p.shootHere("app-settings-refused")
	for _, tab := range []string{"releases", "volumes", "settings", "access", "routes"} {
		p.shoot("app-"+tab, "/admin/apps/hello/"+tab)
	}
	p.fill("/admin/apps/hello/volumes", `#new-volume-name`, "No Name", `#new-volume button`)
	p.shootHere("app-volume-refused")
	p.shoot("app-under-way", "/admin/apps/api")
	p.shoot("release-under-way", "/admin/apps/api/releases/3")
	p.shoot("release-queued", "/admin/apps/worker/releases/1")
	p.shoot("release-live", "/admin/apps/hello/releases/2")
	p.shoot("release-failed", "/admin/apps/shop/releases/3")
	p.shoot("release-cancelled", "/admin/apps/hello/releases/1")
	p.shoot("release-compared", "/admin/apps/hello/releases/2/diff?with=1")
	p.shoot("events", "/events")
	p.shoot("alerts", "/settings/alerts")
	p.shoot("backups", "/settings/backups")
	p.shoot("output", "/admin/apps/hello/output")
	fillLogs(s)
	p.shoot("logs", "/admin/apps/hello/logs")
	p.shoot("logs-refused", "/admin/apps/hello/logs?q=%5B&regex=1&since=soon")
	p.shoot("logs-requests", "/admin/apps/hello/logs?service=%40requests")
	p.shoot("environment", "/admin/apps/hello/environment?name=GREETING")
	p.fill("/admin/apps/hello/environment", `#variable-name`, "PORT", `#set button`)
	p.shootHere("environment-refused")
	p.shoot("password", "/password")
	p.shoot("help", "/help")
	p.fill("/volumes", "", "", `.theme [value="dark"]`)
	p.shootHere("theme-dark")
	p.fill("/volumes", "", "", `.theme [value="system"]`)
	p.shoot("help-found", "/help?q=token")
	p.shoot("help-guide", "/help/https")
	p.shoot("help-tables", "/help/metrics")
	p.shoot("tokens", "/settings/tokens")
	p.open("/settings/tokens")
	p.run(chromedp.SendKeys("#token-name", "CI"), chromedp.SendKeys("#token-from", "10.0.0.5/8"),
		chromedp.Click("#create button"), chromedp.WaitVisible("#token-from-problem"))
	p.shootHere("tokens-refused")
	p.fill("/settings/tokens", `#token-name`, "CI of blog", `#create button`)
	p.shootHere("tokens-made")
	p.shoot("not-found", "/admin/apps/missing")
	p.fill("/admin", "", "", `[formaction="/admin/apps/grafana/restart"]`)
	p.shootHere("internal-error")
}

// TestPreview_ShootsThePagesOfPeople is the same for the pages that need real accounts.
func TestPreview_ShootsThePagesOfPeople(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("BERTH_PREVIEW")
	if folder == "" {
		t.Skip("BERTH_PREVIEW names no folder")
	}
	people := newPeople(t)
	p := &preview{window: openWindow(t, people.site), folder: folder, only: os.Getenv("BERTH_PREVIEW_ONLY")}
	p.pagesOfPeople(people)
}

// pagesOfPeople goes through the pages of accounts.
func (p *preview) pagesOfPeople(people *people) {
	people.accounts.password = peoplePassword
	people.enterFrom("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1")
	people.enterFrom(firefox)
	p.signIn()
	p.shoot("dashboard-suggestion", "/admin")
	p.shoot("account", "/settings/account")
	p.shoot("sessions", "/settings/sessions")
	p.shoot("accounts-one", "/settings/accounts")
	p.fill("/settings/accounts", `#name`, "Jane Doe", `#create button`)
	p.shootHere("accounts-refused")
	p.fill("/settings/accounts", `#name`, "jane", `#create button`)
	p.shootHere("accounts-created")
	p.shoot("account-other", "/settings/accounts/jane")
	p.shoot("factor-off", "/settings/second-factor")
	p.fill("/settings/second-factor", `#password`, peoplePassword, `form[action$="/begin"] button`)
	p.shootHere("factor-setup")
	key := ask(p.window, chromedp.Evaluate[string](`document.querySelector(".key code").textContent`))
	phone := strings.ReplaceAll(key, " ", "")
	p.fill("/settings/second-factor", `#code`, people.phoneCode(phone, 0), `form[action$="/confirm"] button`)
	p.shootHere("recovery-codes")
	p.shoot("factor-on", "/settings/second-factor")
	p.fill("/settings/second-factor", `#off-password`, "wrong", `.skip`)
	p.run(chromedp.SendKeys(`#off-code`, "000000"), chromedp.Click(`.danger button`), chromedp.Sleep(700*time.Millisecond))
	p.shootHere("factor-off-refused")
	p.run(chromedp.Click(`.bar-end button`), chromedp.Sleep(500*time.Millisecond))
	p.shoot("login-several", "/login")
	p.run(chromedp.SendKeys(`#username`, "admin"), chromedp.SendKeys(`#password`, peoplePassword),
		chromedp.Click(`form[action="/login"] button`), chromedp.Sleep(700*time.Millisecond))
	p.shootHere("login-code")
	p.fill("/login/code", `#code`, "123456", `form button`)
	p.shootHere("login-code-wrong")
}

type preview struct {
	*window
	folder string
	only   string
	look   func(name string) // what is done instead of taking pictures, where it is set
}

func (p *preview) shoot(name, path string) {
	p.t.Helper()
	if !strings.Contains(name, p.only) {
		return
	}
	p.open(path)
	p.shootHere(name)
}

// overflowing are the texts of facts and cells that reach over their neighbours.
const overflowing = `Array.from(document.querySelectorAll("td, th, dd, dt")).filter(e =>
	e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "visible").map(e => e.textContent.trim().slice(0, 80))`

// shootHere takes the pictures of the page that is open.
func (p *preview) shootHere(name string) {
	p.t.Helper()
	if !strings.Contains(name, p.only) {
		return
	}
	if p.look != nil {
		p.look(name)
		return
	}
	for _, width := range []int64{1280, 768, 390, 320} {
		for _, scheme := range []string{"light", "dark"} {
			p.run(chromedp.EmulateViewport(width, 800), emulateScheme(scheme),
				chromedp.Evaluate[chromedp.Void](`scrollTo(0, 0)`), chromedp.Sleep(500*time.Millisecond))
			picture := ask(p.window, chromedp.FullScreenshot(100))
			file := filepath.Join(p.folder, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
			if err := os.WriteFile(file, picture, 0o644); err != nil {
				p.t.Fatal(err)
			}
			for _, problem := range p.problems() {
				p.t.Errorf("%s: %s", name, problem)
			}
			if ask(p.window, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`)) {
				p.t.Errorf("%s at %d is wider than the screen", name, width)
			}
			for _, fact := range ask(p.window, chromedp.Evaluate[[]string](overflowing)) {
				p.t.Errorf("%s at %d: this is wider than its cell: %s", name, width, fact)
			}
		}
	}
}

// uploadChecked looks at how an archive will be built, and sends it with a name
// that is taken.
func (p *preview) uploadChecked(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "tides.zip")
	if err := os.WriteFile(archive, []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.open("/admin/apps/hello")
	p.run(chromedp.Click("#check"), chromedp.SetUploadFiles("#archive", []string{archive}), chromedp.Sleep(200*time.Millisecond))
	p.shootHere("app-check-chosen")
	p.run(chromedp.Click(`form[data-upload] button[type="submit"]`), chromedp.WaitVisible("#held"))
	p.shootHere("app-check")
	p.open("/upload")
	p.run(chromedp.SetUploadFiles("#archive", []string{archive}), chromedp.WaitVisible("#held"))
	p.shootHere("upload-check")
	p.run(chromedp.Click(`details.advanced > summary`), chromedp.Click(`details.more > summary`))
	p.shootHere("upload-advanced")
	p.site.apps.onAccept = func(controller.Upload) (app.Release, error) {
		return app.Release{}, problem.Conflict("There is an app called tides already.", "Choose another name.").At("name")
	}
	defer func() { p.site.apps.onAccept = nil }()
	p.run(chromedp.Click(`#held button.main`), chromedp.WaitVisible("#name-problem"))
	p.shootHere("upload-check-refused")
}

func (p *preview) uploadRefused(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "My App.zip")
	if err := os.WriteFile(archive, []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.site.apps.onExamine = func(controller.Upload) (app.Preview, error) {
		return app.Preview{}, problem.Invalid(
			"There is no Dockerfile in the archive, only package.json and 14 other files.",
			"Put a file called Dockerfile into the top folder, and upload again.",
		).At("archive")
	}
	defer func() { p.site.apps.onExamine = nil }()
	p.open("/upload")
	p.run(chromedp.SetUploadFiles("#archive", []string{archive}), chromedp.WaitVisible(".drop.wrong"))
	if kept := ask(p.window, chromedp.Evaluate[string](`document.getElementById("archive").files[0].name`)); kept != "My App.zip" {
		t.Errorf("the form kept %q", kept)
	}
	p.shootHere("upload-refused")
	p.open("/upload")
	p.run(chromedp.Click(`details.paste > summary`), chromedp.SendKeys("#compose_text", "services: 1"),
		chromedp.Click(`form[aria-labelledby="paste-title"] button`), chromedp.WaitVisible("#compose_text-problem"))
	if kept := ask(p.window, chromedp.Evaluate[string](`document.getElementById("compose_text").value`)); kept != "services: 1" {
		t.Errorf("the form kept %q", kept)
	}
	p.shootHere("upload-paste-refused")
}

// previewEnvironment has a variable of every sort.
var previewEnvironment = environment.Environment{
	Live: 2, Added: []string{"DATABASE_PASSWORD"}, Changed: []string{"GREETING"}, Removed: []string{"OLD_MODE"},
	Variables: []environment.VariableView{
		{Name: "DATABASE_PASSWORD", Secret: true, Unapplied: true},
		{Name: "DATABASE_URL", Value: "postgres://shop@db.internal:5432/shop?sslmode=verify-full&application_name=shop&connect_timeout=10"},
		{Name: "EMPTY"},
		{Name: "GREETING", Value: "Hello,\n  this is a value\n  of several lines.", Unapplied: true},
		{Name: "LD_PRELOAD", Value: "/usr/lib/libjemalloc.so.2", Warning: app.VariableWarning("LD_PRELOAD")},
		{Name: "SIGNING_KEY", Secret: true},
	},
}

// fillPreview puts one app of every sort into the fake.
func fillPreview(s *site) {
	s.anApp("hello")
	s.apps.environment = previewEnvironment
	hello := aRelease("hello", 1, app.ReleaseCancelled)
	hello.Reason, hello.Hint = "admin cancelled it while it was building.", "Upload the archive again when you are ready."
	s.apps.putRelease(hello)
	s.apps.appendLog(app.ReleaseID{App: "hello", Number: 2}, previewLog)
	for i := range 60 {
		s.apps.output = append(s.apps.output, docker.Line{
			At: time.Now().Add(time.Duration(i-60) * 3 * time.Second), Stderr: i%17 == 3,
			Text: fmt.Sprintf(`{"level":"info","method":"GET","path":"/orders/%d","status":200,"took":"%dms"}`, 4100+i, i*7%43),
		})
	}

	grafana := s.anApp("grafana")
	host, _ := traefik.ParseRoute("metrics.example.com")
	grafana.Routes = []traefik.Route{host}
	grafana.Usage = app.Usage{MemoryBytes: 486 << 20, MemoryLimit: 512 << 20, CPUPercent: 38}
	grafana.Services = []controller.ServiceView{
		{Name: "store", Image: "postgres:17-alpine", Copies: 1, KeptFrom: 1, Observed: app.Observed{State: app.Running}, Memory: 91 << 20, HasUsage: true},
		{Name: "worker", Copies: 2, Observed: app.Observed{State: app.Crashing, Detail: "It ended with exit code 1 and is started again; restarts so far: 4."}, Memory: 12 << 20, HasUsage: true},
		{Name: "web", Main: true, Copies: 1, Observed: app.Observed{State: app.Running}, Memory: 383 << 20, HasUsage: true},
	}
	grafana.Labels = label.Labels{Project: "Monitoring", Tags: []string{"eu", "internal"}}
	s.apps.put(grafana)

	shop := s.anApp("shop")
	failed := aRelease("shop", 3, app.ReleaseFailed)
	failed.Reason = "The build failed at step 4 of 6: npm ci ended with code 1."
	failed.Hint = "The lock file and package.json disagree. Run npm install, and upload again with both files."
	s.apps.putRelease(failed)
	s.apps.appendLog(failed.ReleaseID, previewLog+previewFailure)
	shop.Latest, shop.Settings.WritableRoot = &failed, true
	s.apps.put(shop)

	api := s.anApp("api")
	building := aRelease("api", 3, app.ReleaseBuilding)
	building.CreatedAt = time.Now().Add(-9 * time.Second)
	building.Steps[0].At, building.Steps[1].At = building.CreatedAt, building.CreatedAt.Add(60*time.Millisecond)
	s.apps.putRelease(building)
	s.apps.appendLog(building.ReleaseID, previewLog[:600])
	api.UnderWay, api.Latest = &building, &building
	api.Observed = app.Observed{State: app.Unhealthy, Detail: "Its own health check fails since 2 minutes."}
	s.apps.put(api)

	worker := s.anApp("worker")
	queued := aRelease("worker", 1, app.ReleaseQueued)
	s.apps.putRelease(queued)
	s.apps.places[queued.ReleaseID] = 2
	worker.Live, worker.UnderWay, worker.Latest, worker.HasUsage = 0, &queued, &queued, false
	worker.Observed.State = app.Waiting
	s.apps.put(worker)

	crashing := s.anApp("crm-2024-customer-portal-staging-eu-w1")
	crashing.Observed = app.Observed{State: app.Crashing, Detail: "It ran out of memory (512 MB) and was started again 6 times."}
	s.apps.put(crashing)

	stopped := s.anApp("wiki")
	stopped.Wanted, stopped.Observed.State, stopped.HasUsage = app.WantedStopped, app.Stopped, false
	s.apps.put(stopped)
}

const previewLog = `berth: release r2 of hello, from app.zip (48 kB)
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 412B done
#1 DONE 0.0s
#2 [internal] load metadata for docker.io/library/golang:1.26
#2 DONE 0.8s
#3 [build 1/4] FROM docker.io/library/golang:1.26
#3 CACHED
#4 [internal] load build context
#4 transferring context: 61.44kB done
#4 DONE 0.1s
#5 [build 2/4] WORKDIR /src
#5 DONE 0.2s
#6 [build 3/4] COPY . .
#6 DONE 0.1s
#7 [build 4/4] RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /hello .
#7 14.22 go: downloading golang.org/x/text v0.43.0
#7 DONE 16.9s
#8 [stage-1 1/1] COPY --from=build /hello /hello
#8 DONE 0.0s
#9 exporting to image
#9 writing image sha256:0b7c9a5ee8cf6a4a0c9fd1a2e1c0a9b3 done
#9 DONE 0.1s
berth: started berth-hello-r2, waiting for an answer on port 8000
berth: answered through the proxy after 0.4 s
berth: live
`

const previewFailure = `#10 [4/6] RUN npm ci
#10 1.940 npm error code EUSAGE
#10 1.941 npm error
#10 1.941 npm error npm ci can only install packages when your package.json and package-lock.json are in sync.
#10 1.941 npm error Missing: left-pad@1.3.0 from lock file
#10 1.943 npm error A complete log of this run can be found in: /root/.npm/_logs/debug-0.log
#10 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1
berth: the build failed; release r2 goes on serving
`

func emulateScheme(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// fillLimits uses up some limits from other addresses.
func fillLimits(s *site) {
	for i := range 9 {
		address := netip.AddrFrom4([4]byte{203, 0, 113, byte(9 + i%2)})
		_, _ = s.limits.TakeLogin(context.Background(), "admin", address)
		_, _ = s.limits.TakeLogin(context.Background(), "root", netip.MustParseAddr("2001:db8:7::1"))
	}
	for range 12 {
		_, _ = s.limits.Take(context.Background(), limit.Upload, limit.Token(3, "ci of the shop"))
	}
}
