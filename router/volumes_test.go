package router

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/limit"
)

// aFile is one file of an upload.
type aFile struct{ name, text string }

// sendFiles uploads files as the volume's page does; with an empty token the
// field is left out.
func (s *site) sendFiles(path, token string, unpack bool, files ...aFile) answer {
	s.t.Helper()
	var body bytes.Buffer
	out := multipart.NewWriter(&body)
	if token != "" {
		_ = out.WriteField(formField, token)
	}
	if unpack {
		_ = out.WriteField("unpack", "1")
	}
	for _, file := range files {
		part, err := out.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + file.name + `"`}})
		if err != nil {
			s.t.Fatal(err)
		}
		_, _ = io.WriteString(part, file.text)
	}
	_ = out.Close()
	r := s.request(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", out.FormDataContentType())
	return s.do(r)
}

func zipOf(t testing.TB, files ...aFile) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, file := range files {
		entry, err := w.Create(file.name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(entry, file.text)
	}
	_ = w.Close()
	return out.String()
}

// inVolume is what a file of the volume "data" holds; empty where it is missing.
func (s *site) inVolume(path string) string {
	text, _ := os.ReadFile(filepath.Join(s.volumes.keeper.Folder("data"), path))
	return string(text)
}

// newVolumeSite has an empty volume called data, and somebody who is signed in.
func newVolumeSite(t *testing.T) (s *site, token string) {
	t.Helper()
	s = newSite(t)
	s.volumes.volume(t, "data")
	return s, s.signIn()
}

func TestVolumes_CreateUploadBrowseDownloadDelete(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	mustContain(t, s.get("/volumes").body, "There is no volume yet")
	made := s.post("/volumes", url.Values{formField: {token}, "name": {"data"}, "description": {"my <b>data</b>"}})
	if made.StatusCode != http.StatusSeeOther || made.Header.Get("Location") != "/volumes/data#notice" {
		t.Fatalf("%d to %q: %.300s", made.StatusCode, made.Header.Get("Location"), made.body)
	}
	sent := s.sendFiles("/volumes/data/upload?path=a", token, false, aFile{"one.txt", "one"}, aFile{"deep/two 100%.txt", "two"})
	if sent.StatusCode != http.StatusSeeOther || sent.Header.Get("Location") != "/volumes/data?path=a#notice" {
		t.Fatalf("%d to %q: %.900s", sent.StatusCode, sent.Header.Get("Location"), sent.body)
	}
	mustContain(t, s.get("/volumes/data?path=a").body, "2 files uploaded.", "one.txt", `/volumes/data?path=a%2Fdeep`)
	mustContain(t, s.get("/volumes/data?path=a%2Fdeep").body, "two 100%.txt", "/volumes/data/file?path=a%2Fdeep%2Ftwo&#43;100%25.txt")
	mustContain(t, s.get("/volumes").body, "my &lt;b&gt;data&lt;/b&gt;", "2 files", "6 B")
	if got := s.get("/volumes/data/file?path=a%2Fdeep%2Ftwo+100%25.txt"); got.body != "two" || got.Header.Get("Content-Length") != "3" {
		t.Errorf("download: %d %q", got.StatusCode, got.body)
	}
	whole := tar.NewReader(strings.NewReader(s.get("/volumes/data/tar").body))
	var names []string
	for {
		header, err := whole.Next()
		if err != nil {
			break
		}
		names = append(names, strings.Trim(header.Name, "/"))
	}
	if !slices.Contains(names, "a/one.txt") || !slices.Contains(names, "a/deep/two 100%.txt") {
		t.Errorf("the tar holds %q", names)
	}
	gone := s.post("/volumes/data/remove?path=a%2Fone.txt", url.Values{formField: {token}})
	if gone.StatusCode != http.StatusSeeOther || gone.Header.Get("Location") != "/volumes/data?path=a#notice" || s.inVolume("a/one.txt") != "" {
		t.Errorf("remove: %d to %q", gone.StatusCode, gone.Header.Get("Location"))
	}
	wrong := s.post("/volumes/data/delete", url.Values{formField: {token}, "confirm": {"date"}})
	if wrong.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("wrong name: %d", wrong.StatusCode)
	}
	mustContain(t, wrong.body, "Type data to delete it.", `value="date"`)
	if right := s.post("/volumes/data/delete", url.Values{formField: {token}, "confirm": {"data"}}); right.Header.Get("Location") != "/volumes#notice" {
		t.Errorf("delete: %d %.300s", right.StatusCode, right.body)
	}
	if open := s.volumes.keeper.Open(); open != 0 {
		t.Errorf("%d sessions are open", open)
	}
}

func TestVolumes_ProblemsStandBesideTheirFields(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	for name, want := range map[string]int{"data": http.StatusConflict, "../etc": http.StatusUnprocessableEntity} {
		answer := s.post("/volumes", url.Values{formField: {token}, "name": {name}, "description": {"kept"}})
		if answer.StatusCode != want {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
		mustContain(t, answer.body, `id="name-problem"`, `value="kept"`)
	}
}

func TestVolumes_ZIPIsUnpackedOnlyWhereTheBoxSaysSo(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	packed := aFile{"pack.zip", zipOf(t, aFile{"x/y.txt", "why"})}
	s.sendFiles("/volumes/data/upload", token, false, packed)
	if s.inVolume("pack.zip") != packed.text {
		t.Error("the ZIP was not stored as it is")
	}
	if answer := s.sendFiles("/volumes/data/upload?path=in", token, true, packed, aFile{"beside.txt", "b"}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %.900s", answer.StatusCode, answer.body)
	}
	if s.inVolume("in/x/y.txt") != "why" || s.inVolume("in/beside.txt") != "b" || s.inVolume("in/pack.zip") != "" {
		t.Error("the ZIP was not unpacked")
	}
}

func TestVolumes_ZIPThatLeadsOutIsRefused(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	answer := s.sendFiles("/volumes/data/upload", token, true, aFile{"pack.zip", zipOf(t, aFile{"../secret", "mine"})})
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, `id="file-problem"`)
	outside, err := os.ReadFile(filepath.Join(filepath.Dir(s.volumes.keeper.Folder("data")), "secret"))
	if err != nil || string(outside) != "not yours" {
		t.Errorf("the file outside holds %q, %v", outside, err)
	}
}

func TestVolumes_TraversalInEveryPathIsRefused(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	if err := os.Symlink("..", filepath.Join(s.volumes.keeper.Folder("data"), "out")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../secret", "..", "a/../../secret", "/../secret", "out/secret", "./x", "a//b", "a\x00b", strings.Repeat("a/", 40), strings.Repeat("x", 2000)} {
		query := "?path=" + url.QueryEscape(path)
		form := url.Values{formField: {token}}
		for what, answer := range map[string]answer{
			"browse": s.get("/volumes/data" + query), "file": s.get("/volumes/data/file" + query), "tar": s.get("/volumes/data/tar" + query),
			"ask": s.get("/volumes/data/remove" + query), "remove": s.post("/volumes/data/remove"+query, form), "upload": s.sendFiles("/volumes/data/upload"+query, token, false, aFile{"f", "mine"}),
		} {
			if answer.StatusCode < 400 || answer.StatusCode >= 500 || strings.Contains(answer.body, "not yours") {
				t.Errorf("%s of %.40q: %d %.200s", what, path, answer.StatusCode, answer.body)
			}
		}
	}
	for _, name := range []string{"../secret", "a/../../secret", "..", "a\\\\b", "x\u202ey.txt", ".berth-upload-x"} {
		if answer := s.sendFiles("/volumes/data/upload", token, false, aFile{name, "mine"}); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("a file called %q: %d", name, answer.StatusCode)
		}
	}
	for _, volume := range []string{"%2e%2e", "..%2fdata", "Data", "a%00"} {
		if answer := s.get("/volumes/" + volume); answer.StatusCode != http.StatusBadRequest && answer.StatusCode != http.StatusNotFound {
			t.Errorf("volume %s: %d", volume, answer.StatusCode)
		}
	}
	outside, err := os.ReadFile(filepath.Join(filepath.Dir(s.volumes.keeper.Folder("data")), "secret"))
	if err != nil || string(outside) != "not yours" {
		t.Errorf("the file outside holds %q, %v", outside, err)
	}
}

func TestVolumes_HTMLInAVolumeIsNeverShown(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.sendFiles("/volumes/data/upload", token, false,
		aFile{"evil.html", "<script>alert(1)</script>"}, aFile{"evil.svg", "<svg onload=alert(1)>"}, aFile{"<img src=x>.txt", "x"})
	for _, path := range []string{"/volumes/data/file?path=evil.html", "/volumes/data/file?path=evil.svg", "/volumes/data/tar"} {
		answer := s.get(path)
		if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "application/octet-stream" {
			t.Errorf("%s: %d %s", path, answer.StatusCode, kind)
		}
		if !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment; filename=") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, answer.Header)
		}
	}
	page := s.get("/volumes/data").body
	mustContain(t, page, "&lt;img src=x&gt;.txt")
	if strings.Contains(page, "<img src=x>") {
		t.Error("a file name is markup")
	}
}

func TestVolumes_FileNameCannotSplitTheHeader(t *testing.T) {
	t.Parallel()
	s, _ := newVolumeSite(t)
	name := "a\"\r\nSet-Cookie: x=y\xff.txt"
	if err := os.WriteFile(filepath.Join(s.volumes.keeper.Folder("data"), name), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	answer := s.get("/volumes/data/file?path=" + url.QueryEscape(name))
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Set-Cookie") != "" || !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%d %v", answer.StatusCode, answer.Header)
	}
	if page := s.get("/volumes/data"); page.StatusCode != http.StatusOK {
		t.Errorf("%d", page.StatusCode)
	}
}

func TestVolumes_UploadWithoutTheTokenStoresNothing(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	for name, answer := range map[string]answer{
		"no token": s.sendFiles("/volumes/data/upload", "", false, aFile{"f.txt", "mine"}),
		"another":  s.sendFiles("/volumes/data/upload", "x"+token, false, aFile{"f.txt", "mine"}),
	} {
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
	foreign := s.request(http.MethodPost, "/volumes/data/delete", strings.NewReader(url.Values{formField: {token}, "confirm": {"data"}}.Encode()))
	foreign.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	foreign.Header.Set("Origin", "https://attacker.example")
	if answer := s.do(foreign); answer.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", answer.StatusCode)
	}
	if s.inVolume("f.txt") != "" {
		t.Error("the file was stored")
	}
}

func TestVolumes_OneThatAnAppMountsIsNotDeleted(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.volumes.mountedBy(t, "shop", "data")
	answer := s.post("/volumes/data/delete", url.Values{formField: {token}, "confirm": {"data"}})
	if answer.StatusCode != http.StatusConflict {
		t.Errorf("%d", answer.StatusCode)
	}
	mustContain(t, answer.body, "It is mounted by shop.")
	bearer := s.bearer(adminToken, http.MethodDelete, "/api/v1/volumes/data", "")
	if bearer.StatusCode != http.StatusConflict {
		t.Errorf("by the API: %d", bearer.StatusCode)
	}
}

func TestVolumes_LimitsAreTwentyNewOnesAndThirtyUploadsAnHour(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) {
		o.Limits = openLimits(t, freshLedger(t), time.Now, limit.Budgets{limit.Default: {{Requests: 1_000_000, Span: time.Hour}}})
	})
	token := s.signIn()
	for i := range 21 {
		name := "v" + strings.Repeat("x", i)
		answer := s.post("/volumes", url.Values{formField: {token}, "name": {name}})
		if limited := answer.StatusCode == http.StatusTooManyRequests; limited != (i == 20) {
			t.Errorf("volume %d: %d", i+1, answer.StatusCode)
		}
	}
	for i := range 31 {
		answer := s.sendFiles("/volumes/v/upload", token, false, aFile{"f.txt", "x"})
		if limited := answer.StatusCode == http.StatusTooManyRequests; limited != (i == 30) {
			t.Errorf("upload %d: %d", i+1, answer.StatusCode)
		}
	}
}

func TestVolumes_EveryChangeIsRecorded(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.anApp("hello")
	s.post("/volumes", url.Values{formField: {token}, "name": {"more"}})
	s.sendFiles("/volumes/more/upload", token, false, aFile{"f.txt", "x"})
	s.post("/volumes/more/remove?path=f.txt", url.Values{formField: {token}})
	s.post("/admin/apps/hello/mounts", url.Values{formField: {token}, "volume": {"data"}, "target": {"/data"}})
	s.post("/volumes/more/quota", url.Values{formField: {token}, "quota": {"20g"}})
	s.post("/volumes/more/quota", url.Values{formField: {token}, "quota": {"-1"}})
	s.post("/volumes/more/quota", url.Values{formField: {token}, "quota": {""}})
	s.post("/volumes/more/delete", url.Values{formField: {token}, "confirm": {"more"}})
	var found []string
	for _, event := range s.audit.recorded() {
		found = append(found, string(event.Action)+" "+event.Resource+" "+event.Detail)
	}
	for _, want := range []string{
		"VOLUME_CREATE volume more ", "VOLUME_UPLOAD volume more 1 file", "VOLUME_FILE_DELETE volume more f.txt",
		"VOLUME_MOUNT app hello ", "VOLUME_DELETE volume more ",
		"VOLUME_QUOTA volume more 20g", "VOLUME_QUOTA volume more refused: no quota", "VOLUME_QUOTA volume more the default",
	} {
		if !slices.Contains(found, want) {
			t.Errorf("%q is not in %q", want, found)
		}
	}
}

func TestMounts_FormLeadsToTheReleaseThatRunsWithThem(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.anApp("hello")
	mustContain(t, s.get("/admin/apps/hello/volumes").body, "Add a volume", `<option class="pick-a">data</option>`)
	answer := s.post("/admin/apps/hello/mounts", url.Values{
		formField: {token}, "volume": {"data", "data", ""}, "target": {"/data", "/old", ""}, "read_only": {"0"}, "remove": {"1"},
	})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/9#main" {
		t.Fatalf("%d to %q: %.300s", answer.StatusCode, answer.Header.Get("Location"), answer.body)
	}
	if calls := s.apps.called(); !slices.Contains(calls, "mounts [{data /data true}] by admin hello") {
		t.Errorf("calls %q", calls)
	}
}

func TestMounts_ProblemsStandBesideTheirRowAndWhatWasTypedStays(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	s.anApp("hello")
	for target, want := range map[string]string{"/proc/1": "belongs to the kernel", "data": "does not begin with a slash", "": "No volume can be mounted"} {
		answer := s.post("/admin/apps/hello/mounts", url.Values{
			formField: {token}, "volume": {"data", "data"}, "target": {"/kept", target}, "read_only": {"0"},
		})
		if answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", target, answer.StatusCode)
		}
		mustContain(t, answer.body, `id="mount-1-problem"`, want, `value="/kept"`)
	}
	gone := s.post("/admin/apps/hello/mounts", url.Values{formField: {token}, "volume": {"gone"}, "target": {"/data"}})
	if gone.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d", gone.StatusCode)
	}
	mustContain(t, gone.body, "There is no volume called gone.", `<option class="pick-a" selected>gone</option>`)
}

func TestMounts_AreChosenAtUploadToo(t *testing.T) {
	t.Parallel()
	s, token := newVolumeSite(t)
	var mounts []app.Mount
	s.apps.onAccept = func(u controller.Upload) (app.Release, error) {
		mounts = u.Mounts
		return aRelease(u.Name, 1, app.ReleaseQueued), nil
	}
	send := func(target string) answer {
		var body bytes.Buffer
		out := multipart.NewWriter(&body)
		for _, field := range [][2]string{{formField, token}, {"name", "new"}, {"route", "/new"}, {"volume", "data"}, {"target", target}, {"read_only", "1"}} {
			_ = out.WriteField(field[0], field[1])
		}
		part, _ := out.CreateFormFile("archive", "app.zip")
		_, _ = io.WriteString(part, "zip")
		_ = out.Close()
		r := s.request(http.MethodPost, "/upload", &body)
		r.Header.Set("Content-Type", out.FormDataContentType())
		return s.do(r)
	}
	if answer := send("/data"); answer.StatusCode != http.StatusSeeOther || !slices.Equal(mounts, []app.Mount{{Volume: "data", Target: "/data", ReadOnly: true}}) {
		t.Errorf("%d, %+v", answer.StatusCode, mounts)
	}
	if answer := send("/etc/passwd"); answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, `id="target-problem"`) {
		t.Errorf("%d %.900s", answer.StatusCode, answer.body)
	}
}

func TestVolumes_APIKeepsToItsScopes(t *testing.T) {
	t.Parallel()
	s, _ := newVolumeSite(t)
	if answer := s.bearer(deployToken, http.MethodPost, "/api/v1/volumes", `{"name": "api", "description": "x"}`); answer.StatusCode != http.StatusCreated {
		t.Fatalf("create: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(deployToken, http.MethodPut, "/api/v1/volumes/data/files/a/b.txt", "hello"); answer.StatusCode != http.StatusNoContent || s.inVolume("a/b.txt") != "hello" {
		t.Errorf("write: %d %s", answer.StatusCode, answer.body)
	}
	if answer := s.bearer(readToken, http.MethodPut, "/api/v1/volumes/data/files/a/c.txt", "hello"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("write with the scope read: %d", answer.StatusCode)
	}
	if answer := s.bearer(readToken, http.MethodGet, "/api/v1/volumes/data/files/a/b.txt", ""); answer.body != "hello" || answer.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("read: %d %s", answer.StatusCode, answer.body)
	}
	mustContain(t, s.bearer(readToken, http.MethodGet, "/api/v1/volumes/data/files/a", "").body, `"name":"b.txt","kind":"file","size":5`)
	mustContain(t, s.bearer(readToken, http.MethodGet, "/api/v1/volumes", "").body, `"name":"api"`, `"files":1`, `"users":[]`)
	for _, path := range []string{"/api/v1/volumes/data/files/missing", "/api/v1/volumes/gone/files/"} {
		if answer := s.bearer(readToken, http.MethodGet, path, ""); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, answer.StatusCode, answer.body)
		}
	}
	for _, path := range []string{"..%2fsecret", "a%2f..%2f..%2fsecret", "%2e%2e/secret", "..%252fsecret"} {
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			if answer := s.bearer(deployToken, method, "/api/v1/volumes/data/files/"+path, "x"); answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s %s: %d", method, path, answer.StatusCode)
			}
		}
	}
	if answer := s.bearer(deployToken, http.MethodDelete, "/api/v1/volumes/api", ""); answer.StatusCode != http.StatusForbidden {
		t.Errorf("delete with the scope deploy: %d", answer.StatusCode)
	}
	if answer := s.bearer(adminToken, http.MethodDelete, "/api/v1/volumes/api", ""); answer.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %d %s", answer.StatusCode, answer.body)
	}
}

func TestVolumes_NoAnswerShowsAnErrorOfTheInside(t *testing.T) {
	t.Parallel()
	s, _ := newVolumeSite(t)
	s.anApp("hello")
	s.volumes.broken = errors.New(leak)
	for _, path := range []string{"/volumes", "/volumes/data", "/upload", "/admin/apps/hello/volumes"} {
		answer := s.get(path)
		if strings.Contains(answer.body, "internal-marker") {
			t.Errorf("%s shows the error", path)
		}
		if strings.HasPrefix(path, "/volumes") != (answer.StatusCode == http.StatusInternalServerError) {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
}
