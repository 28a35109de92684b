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

func TestBrowser_FolderOfAnAppThatIsDroppedIsDeployed(t *testing.T) {
	s := newSite(t)
	folder := realUploads(t, s)
	got := map[string]string{}
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		tree, err := folder.Open(u.Archive.File())
		if err != nil {
			return app.Release{}, err
		}
		defer tree.Close()
		for _, entry := range tree.Entries() {
			if entry.Kind == archive.File {
				text, err := tree.ReadFile(t.Context(), entry.Path, 1<<20)
				if err != nil {
					return app.Release{}, err
				}
				got[entry.Path] = string(text)
			}
		}
		return app.Release{}, problem.Invalid("Seen.", "It is all there.").At(fieldArchive)
	}
	w := openWindow(t, s)
	w.signIn()
	w.open("/upload")
	w.run(chromedp.Evaluate[chromedp.Void](dropApp))
	w.wait(`document.querySelector("[data-chosen]").textContent.startsWith("My Shop.tar (")`)
	w.wait(`document.getElementById("name").value === "my-shop" && document.getElementById("route").value === "/my-shop"`)
	w.run(chromedp.Click(`form[data-upload] button.main`))
	w.wait(`document.getElementById("archive-problem")?.textContent.includes("Seen.")`)
	w.wait(`document.querySelector("[data-chosen]").textContent.startsWith("My Shop.tar (")`)
	long := "src/" + strings.Repeat("l", 120) + "/ä.txt"
	if len(got) != 4 || got["Dockerfile"] != "FROM scratch\n" || got["empty"] != "" || got["größe.txt"] != strings.Repeat("x", 513) || got[long] != "deep" {
		t.Errorf("got %.2000q", got)
	}
	w.mustBeClean()
}
