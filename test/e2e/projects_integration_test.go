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

	"github.com/chromedp/chromedp"

	"berth/controller/archive"
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
const offerOfRoot = "input[name=root_start]"

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
	{name: "grpc-echo", tries: visitGRPC, fill: []step{chromedp.SetValue("#scheme", "h2c"), chromedp.SetValue("#ready", "tcp")}},
	{name: "multi-route", tries: visitBoth},
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
	fill := p.fill
	if p.stepsDown != "" {
		fill = append(fill, tick(offerOfRoot+"[value="+p.stepsDown+"]"))
	}
	b.sendByForm(p.name, packProject(b.t, p), ".steps", fill...)
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
