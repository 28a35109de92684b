//go:build integration

package router

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
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
