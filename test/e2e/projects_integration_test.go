//go:build integration

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"berth/controller/archive"
	"berth/test/patience"
)

// project is an app as people have it, in a folder of testdata/projects.
type project struct {
	name string // of the folder, the app and its route
	// add writes what only a running test can have into a copy of the folder.
	add func(t *testing.T, folder string)
	// fill is typed into the form before the archive is sent.
	fill []step
	// stepsDown names the service that starts as root and goes on as this user.
	stepsDown, asUser string
	// tries uses the app as its visitors do.
	tries func(t *testing.T, b *browser)
}

// offerOfRoot is the tick on the form that lets a service start as root.
const offerOfRoot = "input[name=database_services]"

var projects = []project{
	{name: "slow-start", tries: visitSlowStart}, // first, so that it starts while the others are built
	{name: "vite-site", tries: visitSite},
	{name: "flask-database", tries: visitDatabase, fill: []step{chromedp.SetValue("#environment", "DATABASE_PASSWORD=light-in-the-fog")}},
	{name: "step-down", tries: visitBlog, stepsDown: "blog", asUser: "33"},
	{name: "nginx-front", tries: visitFront},
	{name: "git-server", tries: visitForge, add: addRepository},
	{name: "worker-queue", tries: visitQueue},
	{name: "websocket-chat", tries: visitChat},
	{name: "file-upload", tries: visitFiles},
	{name: "cron-inside", tries: visitCron},
}

// TestProjects_GoFromArchiveToRunning sends apps of different kinds through the form, uses each
// through the proxy, and looks at their containers: nothing of them is less hardened than the
// table says.
func TestProjects_GoFromArchiveToRunning(t *testing.T) {
	o := newOperator(t)
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))
	for _, p := range projects {
		b.sendProject(p)
		t.Cleanup(func() {
			o.remove(p.name)
			removeVolumes(t, p.name)
		})
	}
	for _, p := range projects {
		t.Run(p.name, func(t *testing.T) {
			mine := &browser{t: t, ctx: b.ctx}
			if release := (&operator{t: t, client: o.client, token: o.token}).wait(p.name); release.State != "live" {
				mine.open("/admin/apps/" + p.name + "/releases/1")
				mine.shoot("failed-" + p.name)
				t.Fatalf("release is %+v:\n%s", release, mine.text("main"))
			}
			p.tries(t, mine)
			mustBeHardened(t, p)
			mine.open("/admin/apps/" + p.name)
			mine.waitText("main", "running")
			mine.shoot("60-" + p.name + "-app")
		})
	}
}

// sendProject sends the folder by the form, and accepts what the form offers for a service
// that starts as root.
func (b *browser) sendProject(p project) {
	b.t.Helper()
	content := packProject(b.t, p)
	if p.stepsDown == "" {
		b.sendByForm(p.name, content, ".steps", p.fill...)
		return
	}
	offer := offerOfRoot + "[value=" + p.stepsDown + "]"
	page := "/admin/apps/" + p.name + "/releases/1"
	for deadline := time.Now().Add(pageTimeout()); time.Now().Before(deadline); {
		b.sendByForm(p.name, content, offer, p.fill...)
		b.shoot("60-" + p.name + "-offer")
		b.run("accept the offer", tick(offer), chromedp.Click("form[action='/upload'] button[type=submit]"))
		// As in sendByForm: what was lost is sent again.
		patience.Eventually(10*time.Second, func() bool { return b.sees(".steps") || b.lostUpload() })
		if b.sees(".steps") {
			return
		}
		if b.open(page); b.sees(".steps") {
			return
		}
	}
	b.shoot("failed-" + b.t.Name())
	b.t.Fatalf("the archive of %s was never taken with what was offered", p.name)
}

// tick ticks a box that may be ticked already.
func tick(selector string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelector(%q).checked = true`, selector))(ctx, t)
		return err
	})
}

// packProject zips a copy of the project's folder.
func packProject(t *testing.T, p project) []byte {
	t.Helper()
	folder := filepath.Join(t.TempDir(), p.name)
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("testdata", "projects", p.name))); err != nil {
		t.Fatal(err)
	}
	if p.add != nil {
		p.add(t, folder)
	}
	var out bytes.Buffer
	if err := archive.Pack(t.Context(), folder, &out, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// removeVolumes removes the volumes of a compose app, which outlive it.
func removeVolumes(t *testing.T, app string) {
	t.Helper()
	prefix := berth.Name + "-vol-" + app + "_"
	for _, volume := range strings.Fields(docker(t, "volume", "ls", "--quiet", "--filter", "name="+prefix)) {
		docker(t, "volume", "rm", volume)
	}
}
