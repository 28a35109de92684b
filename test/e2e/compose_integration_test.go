//go:build integration

package e2e

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestCompose_GuestbookLivesThroughItsReleases takes the example through what its
// users do: two services, a volume and a secret, through the real engine and proxy.
func TestCompose_GuestbookLivesThroughItsReleases(t *testing.T) {
	o := newOperator(t)
	book := newGuestbook(t)
	o.shipBook(book, "/book", "first")
	t.Cleanup(func() {
		o.remove("book")
		docker(t, "volume", "rm", berth.Name+"-vol-book_entries")
	})
	if release := o.wait("book"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	sign(t, "Ada", "I was here")
	answers(t, 2*time.Second, "/book/", "I was here")

	store := idOf(t, "book-r1.store")
	finish := underLoad(t, "/book/")
	for i := 2; i <= 4; i++ {
		o.shipBook(book, "", "title "+strconv.Itoa(i))
		if release := o.wait("book"); release.State != "live" {
			t.Errorf("release is %+v", release)
		}
		answers(t, 2*time.Second, "/book/", "title "+strconv.Itoa(i))
	}
	time.Sleep(2 * time.Second) // the last old instance is retired in here
	finish()
	if now := idOf(t, "book-r1.store"); now != store {
		t.Errorf("the store's container is %s, it was %s", now, store)
	}
	eventually(t, converge, "two containers and one network to be left", func() bool { return booked(t, "book-r1.store", "book-r4.web") })

	book.store = "retries: 11"
	o.shipBook(book, "", "replaced")
	if release := o.wait("book"); release.State != "live" {
		t.Errorf("release is %+v", release)
	}
	answers(t, 2*time.Second, "/book/", "I was here")
	eventually(t, converge, "the store to be replaced", func() bool { return booked(t, "book-r5.store", "book-r5.web") })

	book.store, book.web = "retries: 12", "[nonsense]"
	store = idOf(t, "book-r5.store")
	o.shipBook(book, "", "broken")
	if release := o.wait("book"); release.State != "failed" {
		t.Errorf("release is %+v", release)
	}
	answers(t, converge, "/book/", "I was here")
	eventually(t, converge, "the old store to be back", func() bool { return booked(t, "book-r5.store", "book-r5.web") })
	if now := idOf(t, "book-r5.store"); now != store {
		t.Errorf("the old store's container is %s, it was %s", now, store)
	}

	docker(t, "rm", "--force", berth.Name+"-book-r5.store")
	answers(t, 2*converge, "/book/", "I was here")
}

// TestCompose_VariablesRollbackAndDeletionLeaveTheStoreAlone: none of them is a
// reason to stop a database, or to lose what it has written.
func TestCompose_VariablesRollbackAndDeletionLeaveTheStoreAlone(t *testing.T) {
	o := newOperator(t)
	book := newGuestbook(t)
	ship := func(route string) {
		t.Helper()
		o.shipBook(book, route, "${TITLE:-Guestbook}")
		if release := o.wait("book"); release.State != "live" {
			t.Fatalf("release is %+v", release)
		}
	}
	ship("/book")
	deleted := false
	t.Cleanup(func() {
		if !deleted {
			o.remove("book")
		}
		docker(t, "volume", "rm", berth.Name+"-vol-book_entries")
	})
	sign(t, "Ada", "I was here")
	store := idOf(t, "book-r1.store")
	finish := underLoad(t, "/book/")
	if status, err := berth.Send(t.Context(), o.token, http.MethodPatch, "/api/v1/apps/book/environment", `{"variables": {"TITLE": "Visitors"}}`, nil); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	o.act("book", "environment/apply")
	if release := o.wait("book"); release.State != "live" || release.Number != 2 {
		t.Errorf("release is %+v", release)
	}
	answers(t, 2*time.Second, "/book/", "Visitors")
	if status, err := berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/book/rollback", `{"release": 1}`, nil); err != nil || status >= 300 {
		t.Fatal(status, err)
	}
	if release := o.wait("book"); release.State != "live" || release.Number != 3 {
		t.Errorf("release is %+v", release)
	}
	answers(t, 2*time.Second, "/book/", "Guestbook")
	time.Sleep(2 * time.Second)
	finish()
	if now := idOf(t, "book-r1.store"); now != store {
		t.Errorf("the store's container is %s, it was %s", now, store)
	}
	eventually(t, converge, "what was superseded to be gone", func() bool { return booked(t, "book-r1.store", "book-r3.web") })

	o.act("book", "stop")
	o.act("book", "start")
	answers(t, converge, "/book/", "I was here")
	o.remove("book")
	deleted = true
	if left := append(instancesOf(t, "book"), networksOf(t, "book")...); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
	ship("/book")
	deleted = false
	answers(t, converge, "/book/", "I was here")
}

func TestCompose_KilledAtEveryMoment(t *testing.T) {
	o := newOperator(t)
	book := newGuestbook(t)
	o.shipBook(book, "/book", "v0")
	t.Cleanup(func() {
		o.remove("book")
		docker(t, "volume", "rm", berth.Name+"-vol-book_entries")
	})
	if release := o.wait("book"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	sign(t, "Ada", "I was here")
	for i, delay := range []time.Duration{300, 1000, 1700, 2400, 3100, 3800} {
		if i%2 == 1 {
			book.store = "retries: " + strconv.Itoa(20+i) // another one, so that it is replaced
		}
		rested(t)
		o.shipBook(book, "", "v"+strconv.Itoa(i+1))
		time.Sleep(delay * time.Millisecond)
		kill(t)
		release := o.wait("book")
		if release.State != "live" {
			t.Errorf("killed %d ms after the upload: release is %+v\n%s", delay, release, docker(t, "logs", "--tail", "30", berth.Controller()))
		}
		answers(t, converge, "/book/", "I was here")
		answers(t, converge, "/book/", "v"+strconv.Itoa(i+1))
		eventually(t, 2*converge, "two containers and one network to be left", func() bool {
			return len(instancesOf(t, "book")) == 2 && len(networksOf(t, "book")) == 1
		})
	}
}

// guestbook is the example's files, of which a test changes a little.
type guestbook struct {
	binary     []byte
	compose    string
	web, store string // another command of web; another number of retries of the store
}

func newGuestbook(t *testing.T) *guestbook {
	t.Helper()
	source := filepath.Join(berth.Repository(), "examples", "compose-guestbook")
	binary := filepath.Join(t.TempDir(), "guestbook")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Dir, build.Env = filepath.Join(source, "app"), append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	compose, err := os.ReadFile(filepath.Join(source, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	return &guestbook{binary: text, compose: strings.Replace(string(compose), "environment: GUESTBOOK_TOKEN", "file: ./token.txt", 1)}
}

func (g *guestbook) archive(t *testing.T, title string) []byte {
	t.Helper()
	compose := strings.Replace(g.compose, "${TITLE:-Guestbook}", title, 1)
	if g.web != "" {
		compose = strings.Replace(compose, "command: [web]", "command: "+g.web, 1)
	}
	if g.store != "" {
		compose = strings.Replace(compose, "retries: 10", g.store, 1)
	}
	var out bytes.Buffer
	packed := zip.NewWriter(&out)
	for _, file := range []struct {
		name    string
		content []byte
	}{
		{"compose.yaml", []byte(compose)},
		{"app/Dockerfile", lastStage(t, "compose-guestbook/app")},
		{"app/data/.keep", nil},
		{"app/guestbook", g.binary},
		{"token.txt", []byte("a-token-of-the-test")},
	} {
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate}
		header.SetMode(0o755)
		entry, err := packed.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write(file.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// lastStage is the end of an example's Dockerfile, for what its first stage builds but a test
// has built already.
func lastStage(t *testing.T, example string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(berth.Repository(), "examples", example, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, stage, found := strings.Cut(string(text), "FROM scratch\n")
	if !found {
		t.Fatalf("no stage of %s is from scratch", example)
	}
	return []byte("FROM scratch\n" + strings.ReplaceAll(stage, "--from=build ", ""))
}

func (o *operator) shipBook(book *guestbook, route, title string) {
	o.t.Helper()
	if status, body := o.send("book", route, "guestbook.zip", book.archive(o.t, title)); status != http.StatusSeeOther {
		o.t.Fatalf("upload: got %d, want 303: %s", status, body)
	}
}

func sign(t *testing.T, name, text string) {
	t.Helper()
	answer, err := http.PostForm(berth.Apps+"/book/", url.Values{"name": {name}, "text": {text}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the guestbook answers %d", answer.StatusCode)
	}
}

func idOf(t *testing.T, instance string) string {
	t.Helper()
	return docker(t, "inspect", "--format", "{{.Id}}", berth.Name+"-"+instance)
}

func networksOf(t *testing.T, app string) []string {
	t.Helper()
	return strings.Fields(docker(t, "network", "ls", "--format", "{{.Name}}", "--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.app="+app))
}

// booked reports whether these instances of the guestbook are there alone, on one network.
func booked(t *testing.T, instances ...string) bool {
	t.Helper()
	for i, instance := range instances {
		instances[i] = berth.Name + "-" + instance
	}
	there := instancesOf(t, "book")
	return slices.Equal(there, instances) && len(networksOf(t, "book")) == 1 && len(containers(t, "book")) == 2*len(instances)
}

// instancesOf are the names of an app's containers, without the keepers of secrets.
func instancesOf(t *testing.T, app string) []string {
	t.Helper()
	names := strings.Fields(docker(t, "ps", "--all", "--format", "{{.Names}}", "--filter", "label=berth.role=app",
		"--filter", "label=berth.stack="+berth.Name, "--filter", "label=berth.app="+app))
	slices.Sort(names)
	return names
}

// TestBrowser_DeploysAComposeAppAfterALookAtItsPlan is a person's way with an app of
// two services, and a look at each page that tells of it.
func TestBrowser_DeploysAComposeAppAfterALookAtItsPlan(t *testing.T) {
	o := newOperator(t)
	t.Cleanup(func() {
		o.remove("visitors")
		docker(t, "volume", "rm", berth.Name+"-vol-visitors_entries")
	})
	packed := write(t, "visitors.zip", newGuestbook(t).archive(t, "The visitors of today"))
	b := newBrowser(t)
	b.open("/login")
	b.signIn(resetPassword(t))

	b.send(packed, "#held")
	b.run("open the list of services", chromedp.Click(".words > summary"))
	b.shoot("13-compose-preview")
	for _, words := range []string{"visitors.zip", "2 services", "store", "web"} {
		if !strings.Contains(b.text("main"), words) {
			t.Errorf("the page does not say %q: %s", words, b.text("main"))
		}
	}
	b.press("/admin/apps/visitors/releases/1", "#held button.main", ".steps")
	b.waitText(".outcome", "answers at")
	b.shoot("14-compose-release")
	answers(t, 2*time.Second, "/visitors/", "The visitors of today")

	b.open("/admin/apps/visitors")
	b.waitText("main", "store")
	b.shoot("15-compose-app")
	for name, path := range map[string]string{
		"16-supported": "/admin/compose", "17-proxy-settings": "/settings/proxy", "18-certificates": "/settings/certificates",
	} {
		b.open(path)
		b.shoot(name)
		b.fits(path)
	}
	b.fits("/admin/apps/visitors")
	b.fits("/admin/apps/visitors/releases/1")
}
