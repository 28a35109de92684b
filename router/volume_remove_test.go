package router

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"berth/controller/volume"
)

var confirmField = regexp.MustCompile(`name="confirm" value="([0-9a-f]{32})"`)

// confirmation is what the question about a folder says to confirm with; empty where there is none.
func (s *site) confirmation(name, place string) string {
	s.t.Helper()
	found := confirmField.FindStringSubmatch(s.get("/volumes/" + name + "/remove?path=" + place).body)
	if found == nil {
		return ""
	}
	return found[1]
}

func TestVolumes_FolderIsDeletedOnlyAfterAQuestionThatNamesItsCount(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.sendFiles("/volumes/data/upload?path=photos", token, false, aFile{"a.txt", "one"}, aFile{"deep/b.txt", "four"})
	mustContain(t, s.get("/volumes/data").body, `<a class="button destroy" href="/volumes/data/remove?path=photos">Delete`)

	unasked := s.post("/volumes/data/remove?path=photos", url.Values{formField: {token}})
	if unasked.StatusCode != http.StatusConflict || s.inVolume("photos/a.txt") != "one" {
		t.Fatalf("without a question: %d", unasked.StatusCode)
	}
	mustContain(t, unasked.body, "Delete folder photos with 2 files and 1 folder (7 B)?", "The folder was not deleted: it needs a confirmation.")

	question := s.get("/volumes/data/remove?path=photos")
	mustContain(t, question.body, "Delete folder photos with 2 files and 1 folder (7 B)?", "This can't be undone.", `href="/volumes/data">Cancel`)
	seen := s.confirmation("data", "photos")
	s.sendFiles("/volumes/data/upload?path=photos", token, false, aFile{"new.txt", "since"})
	changed := s.post("/volumes/data/remove?path=photos", url.Values{formField: {token}, "confirm": {seen}})
	if changed.StatusCode != http.StatusConflict || s.inVolume("photos/new.txt") != "since" {
		t.Fatalf("with the count of before: %d", changed.StatusCode)
	}
	mustContain(t, changed.body, "Delete folder photos with 3 files and 1 folder (12 B)?", "The folder was not deleted: it has changed.")

	gone := s.post("/volumes/data/remove?path=photos", url.Values{formField: {token}, "confirm": {s.confirmation("data", "photos")}})
	if gone.StatusCode != http.StatusSeeOther || s.inVolume("photos/a.txt") != "" {
		t.Errorf("with the count of now: %d %.300s", gone.StatusCode, gone.body)
	}
	if open := s.volumes.keeper.Open(); open != 0 {
		t.Errorf("%d sessions are open", open)
	}
}

func TestVolumes_ConfirmationOfOneFolderDeletesNoOther(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	for _, folder := range []string{"first", "second"} {
		s.sendFiles("/volumes/data/upload?path="+folder, token, false, aFile{"same.txt", "same"})
	}
	answer := s.post("/volumes/data/remove?path=second", url.Values{formField: {token}, "confirm": {s.confirmation("data", "first")}})
	if answer.StatusCode != http.StatusConflict || s.inVolume("second/same.txt") != "same" {
		t.Errorf("%d", answer.StatusCode)
	}
}

func TestVolumes_FileAndLinkAreDeletedWithoutAQuestion(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.sendFiles("/volumes/data/upload?path=photos", token, false, aFile{"a.txt", "one"})
	if err := os.Symlink("photos", filepath.Join(s.volumes.keeper.Folder("data"), "link")); err != nil {
		t.Fatal(err)
	}
	s.get("/volumes/data") // which shows what is said of the upload
	if asked := s.get("/volumes/data/remove?path=photos%2Fa.txt"); asked.Header.Get("Location") != "/volumes/data?path=photos" {
		t.Errorf("a question about a file: %d", asked.StatusCode)
	}
	for _, place := range []string{"link", "photos%2Fa.txt"} {
		if answer := s.post("/volumes/data/remove?path="+place, url.Values{formField: {token}}); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", place, answer.StatusCode)
		}
	}
}

func TestRemovalTitle_NamesTheCountWithItsSize(t *testing.T) {
	t.Parallel()
	for want, usage := range map[string]volume.Usage{
		"Delete empty folder x?":                                   {},
		"Delete folder x with 1 file (3 B)?":                       {Files: 1, Bytes: 3},
		"Delete folder x with 1,234 files and 12 folders (56 MB)?": {Files: 1234, Folders: 12, Bytes: 56 << 20},
		"Delete folder x with more than 1,234,567 files (0 B)?":    {Files: 1234567, Partial: true},
		"Delete folder x with 0 files and 1 folder (0 B)?":         {Folders: 1},
	} {
		if got := removalTitle("x", usage); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
