//go:build integration

package router

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/problem"
)

// dropFolder drops a folder that holds a file and another folder, as the browser
// shows them to a script: their names in parts, the last part empty.
const dropFolder = `(() => {
  const file = (path, text) => ({isFile: true, fullPath: path, file: done => done(new File([text], path.split("/").pop()))});
  const folder = (path, below) => ({isDirectory: true, fullPath: path, createReader: () => {
    const parts = below.map(one => [one]).concat([[]]);
    return {readEntries: done => done(parts.shift())};
  }});
  const tree = folder("/photos", [file("/photos/one.txt", "one"), folder("/photos/deep", [file("/photos/deep/two.txt", "two")])]);
  const event = new Event("drop", {bubbles: true, cancelable: true});
  Object.defineProperty(event, "dataTransfer", {value: {files: [], items: [{webkitGetAsEntry: () => tree}]}});
  document.querySelector("[data-drop]").dispatchEvent(event);
})()`

func TestBrowser_FolderThatIsDroppedKeepsItsShape(t *testing.T) {
	s := newSite(t)
	s.volumes.volume(t, "data")
	w := openWindow(t, s)
	w.signIn()
	w.open("/volumes/data")
	w.run(chromedp.Evaluate[chromedp.Void](dropFolder))
	w.wait(`document.querySelector("[data-chosen]").textContent === "2 files (6 B)"`)
	w.run(chromedp.Click(`form[data-upload] button.main`), chromedp.WaitVisible(`#files`))
	if s.inVolume("photos/one.txt") != "one" || s.inVolume("photos/deep/two.txt") != "two" {
		t.Error("the files are not where they belong")
	}
	w.wait(`document.activeElement.id === "notice"`)
	w.mustBeClean()
}

func TestBrowser_FolderThatIsChosenKeepsItsShape(t *testing.T) {
	s := newSite(t)
	s.volumes.volume(t, "data")
	folder := filepath.Join(t.TempDir(), "letters")
	if err := os.MkdirAll(filepath.Join(folder, "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "old", "a.txt"), []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := openWindow(t, s)
	w.signIn()
	w.open("/volumes/data")
	w.run(chromedp.SetUploadFiles("#folder", []string{folder}))
	w.wait(`document.querySelector("[data-chosen]").textContent.includes("a.txt")`)
	w.run(chromedp.Click(`form[data-upload] button.main`), chromedp.WaitVisible(`#files`))
	if got := s.inVolume("letters/old/a.txt"); got != "dear" {
		t.Errorf("got %q", got)
	}
	w.mustBeClean()
}

// dropApp drops the folder of an app, with folders that no build needs and names that a tar
// has trouble with.
const dropApp = `(() => {
  const name = path => path.split("/").pop();
  const file = (path, text) => ({isFile: true, name: name(path), fullPath: path, file: done => done(new File([text], name(path)))});
  const folder = (path, below) => ({isDirectory: true, name: name(path), fullPath: path, createReader: () => {
    const parts = below.map(one => [one]).concat([[]]);
    return {readEntries: done => done(parts.shift())};
  }});
  const long = "/My Shop/src/" + "l".repeat(120);
  const tree = folder("/My Shop", [
    file("/My Shop/Dockerfile", "FROM scratch\n"), file("/My Shop/empty", ""), file("/My Shop/größe.txt", "x".repeat(513)),
    folder("/My Shop/src", [folder(long, [file(long + "/ä.txt", "deep")])]),
    folder("/My Shop/node_modules", [file("/My Shop/node_modules/a.js", "no")]), folder("/My Shop/.git", [file("/My Shop/.git/HEAD", "no")])
  ]);
  const event = new Event("drop", {bubbles: true, cancelable: true});
  Object.defineProperty(event, "dataTransfer", {value: {files: [], items: [{webkitGetAsEntry: () => tree}]}});
  document.querySelector("[data-drop]").dispatchEvent(event);
})()`

func TestBrowser_FolderOfAnAppThatIsDroppedIsLookedInto(t *testing.T) {
	s := newSite(t)
	folder := realUploads(t, s)
	got := map[string]string{}
	s.apps.onExamine = func(u controller.Upload) (app.Preview, error) {
		tree, err := folder.Open(u.Archive.File())
		if err != nil {
			return app.Preview{}, err
		}
		defer tree.Close()
		for _, entry := range tree.Entries() {
			if entry.Kind == archive.File {
				text, err := tree.ReadFile(t.Context(), entry.Path, 1<<20)
				if err != nil {
					return app.Preview{}, err
				}
				got[entry.Path] = string(text)
			}
		}
		return app.Preview{}, problem.Invalid("Seen.", "It is all there.").At(fieldArchive)
	}
	w := openWindow(t, s)
	w.signIn()
	w.open("/upload")
	w.run(chromedp.Evaluate[chromedp.Void](dropApp))
	w.wait(`document.getElementById("archive-problem")?.textContent.includes("Seen.")`)
	w.wait(`document.querySelector("[data-chosen]").textContent.startsWith("My Shop.tar (")`)
	long := "src/" + strings.Repeat("l", 120) + "/ä.txt"
	if len(got) != 4 || got["Dockerfile"] != "FROM scratch\n" || got["empty"] != "" || got["größe.txt"] != strings.Repeat("x", 513) || got[long] != "deep" {
		t.Errorf("got %.2000q", got)
	}
	w.mustBeClean()
}

// chosenEarly chooses a file while the page's script is still on its way, as a person does on a
// slow line, and as a browser does that comes back to a form.
const chosenEarly = `document.addEventListener("readystatechange", () => {
  const field = document.querySelector("#file");
  if (!field || field.files.length) return;
  const carrier = new DataTransfer();
  carrier.items.add(new File(["dear"], "early.txt"));
  field.files = carrier.files;
})`

func TestBrowser_FileThatWasChosenBeforeTheScriptRanIsShown(t *testing.T) {
	s := newSite(t)
	s.volumes.volume(t, "data")
	w := openWindow(t, s)
	w.signIn()
	w.run(beforeEveryPage(chosenEarly))
	w.open("/volumes/data")
	w.wait(`document.querySelector("[data-chosen]").textContent.includes("early.txt")`)
	w.run(chromedp.Click(`form[data-upload] button.main`), chromedp.WaitVisible(`#files`))
	if got := s.inVolume("early.txt"); got != "dear" {
		t.Errorf("got %q", got)
	}
	w.mustBeClean()
}

// A folder can be chosen without a mouse: its field takes the focus, and what it gives is
// the archive.
func TestBrowser_FolderOfAnAppThatIsChosenIsLookedInto(t *testing.T) {
	s := newSite(t)
	folder := realUploads(t, s)
	s.apps.onExamine = func(u controller.Upload) (app.Preview, error) {
		tree, err := folder.Open(u.Archive.File())
		if err != nil {
			return app.Preview{}, err
		}
		defer tree.Close()
		var plan []app.ServicePreview
		for _, entry := range tree.Entries() {
			plan = append(plan, app.ServicePreview{Name: entry.Path})
		}
		return app.Preview{Kind: "Dockerfile", Plan: plan}, nil
	}
	shop := filepath.Join(t.TempDir(), "My Shop")
	for path, text := range map[string]string{"Dockerfile": "FROM scratch\n", "src/a.txt": "a", "node_modules/b.js": "b", ".git/HEAD": "c"} {
		at := filepath.Join(shop, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := openWindow(t, s)
	w.signIn()
	w.open("/upload")
	w.run(chromedp.Focus("#archive-folder"))
	w.wait(`document.activeElement.id === "archive-folder"`)
	w.run(chromedp.SetUploadFiles("#archive-folder", []string{shop}), chromedp.WaitVisible("#held"))
	w.wait(`document.querySelector("h1").textContent === "Deploy My Shop.tar" && document.getElementById("name").value === "my-shop"`)
	found := ask(w, chromedp.Evaluate[string](`document.querySelector(".held").textContent`))
	if !strings.Contains(found, "Dockerfile") || !strings.Contains(found, "src/a.txt") || strings.Contains(found, "b.js") || strings.Contains(found, "HEAD") {
		t.Errorf("found %s", found)
	}
	w.mustBeClean()
}

// An example is deployed with three clicks.
func TestBrowser_AnExampleIsDeployed(t *testing.T) {
	s := newSite(t)
	w := openWindow(t, s)
	w.signIn()
	w.open("/upload")
	w.run(chromedp.Click(`button[value="static-site"]`), chromedp.WaitVisible("#held"))
	w.mustBeClean()
	w.run(chromedp.Click(`#held button.main`), chromedp.WaitVisible(".steps"))
	if path := ask(w, chromedp.Evaluate[string](`location.pathname`)); path != "/admin/apps/static-site/releases/1" {
		t.Errorf("at %s", path)
	}
	w.mustBeClean()
}
