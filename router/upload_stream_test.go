package router

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/uploads"
)

// part is one part of a multipart form, in the order in which it is sent.
type part struct{ name, value, file string }

func multipartBody(t testing.TB, parts ...part) (body *bytes.Buffer, kind string) {
	t.Helper()
	body = &bytes.Buffer{}
	writer := multipart.NewWriter(body)
	for _, p := range parts {
		var target io.Writer
		var err error
		if p.name == fieldArchive {
			target, err = writer.CreateFormFile(p.name, p.file)
		} else {
			target, err = writer.CreateFormField(p.name)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(target, p.value)
	}
	_ = writer.Close()
	return body, writer.FormDataContentType()
}

func (s *site) upload(path, bearer string, parts ...part) answer {
	s.t.Helper()
	body, kind := multipartBody(s.t, parts...)
	r := s.request(http.MethodPost, path, body)
	r.Header.Set("Content-Type", kind)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return s.do(r)
}

var zipPart = part{"archive", "PK\x03\x04 bytes", "My App.zip"}

func TestUpload_AcceptsFieldsThenFileAndLeadsToTheRelease(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	answer := s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, part{"port", "3000", ""}, zipPart)
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/1#main" {
		t.Fatalf("%d to %q: %.500s", answer.StatusCode, answer.Header.Get("Location"), answer.body)
	}
	want := "accept hello /hello 3000 My App.zip by admin"
	if calls := s.apps.called(); len(calls) != 2 || calls[1] != want {
		t.Errorf("calls %q, want %q", calls, want)
	}
}

func TestUpload_RefusesAFileBeforeTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	for name, parts := range map[string][]part{
		"file first":   {zipPart, {"csrf_token", token, ""}, {"name", "hello", ""}, {"route", "/hello", ""}},
		"no token":     {{"name", "hello", ""}, {"route", "/hello", ""}, zipPart},
		"wrong token":  {{"csrf_token", "x", ""}, {"name", "hello", ""}, {"route", "/hello", ""}, zipPart},
		"no file":      {{"name", "hello", ""}},
		"nothing":      {},
		"empty upload": {{"csrf_token", "", ""}},
	} {
		answer := s.upload("/upload", "", parts...)
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("reached the controller: %q", calls)
	}
}

func TestUpload_RefusesFieldsAfterTheFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	answer := s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, zipPart, part{"port", "80", ""})
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "came after the archive", "Send the archive last")
	for _, call := range s.apps.called() {
		if strings.HasPrefix(call, "accept") {
			t.Errorf("accepted: %q", call)
		}
	}
}

func TestUpload_KeepsWhatWasTypedAndSaysEveryProblemBesideItsField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	answer := s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "My App", ""}, part{"route", "not a route", ""}, part{"port", "http", ""}, zipPart)
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, `value="My App"`, `value="not a route"`, `value="http"`,
		`id="name-problem"`, `id="route-problem"`, `id="port-problem"`)
	if calls := s.apps.called(); len(calls) > 0 {
		t.Errorf("the file was received: %q", calls)
	}
}

func TestUpload_WithoutAFileSaysSoBesideTheField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	fields := []part{{"csrf_token", token, ""}, {"name", "hello", ""}, {"route", "/hello", ""}}
	for name, answer := range map[string]answer{
		"no part":    s.upload("/upload", "", fields...),
		"empty file": s.upload("/upload", "", append(fields, part{"archive", "", "app.zip"})...),
		"no name":    s.upload("/upload", "", append(fields, part{"archive", "", ""})...),
	} {
		if answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(answer.body, `id="archive-problem"`) {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

func TestUpload_ShowsARefusalOfTheControllerOnTheForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	s.apps.onAccept = func(controller.Upload) (app.Release, error) {
		return app.Release{}, problem.Conflict("There is an app called hello already.", "Choose another name.").At("name")
	}
	answer := s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, zipPart)
	if answer.StatusCode != http.StatusConflict {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "There is an app called hello already.", "Choose another name.", `value="/hello"`)
}

// zeros gives n bytes without holding them.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

func TestUpload_TooLargeIsRefusedDeclaredOrNot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	body, kind := multipartBody(t, part{"csrf_token", token, ""}, part{"name", "hello", ""}, part{"route", "/hello", ""}, part{"archive", "", "app.zip"})
	head, tail, _ := bytes.Cut(body.Bytes(), []byte("octet-stream\r\n\r\n"))
	head = append(head, "octet-stream\r\n\r\n"...)
	size := archiveBody + 1000
	for name, declared := range map[string]int64{"declared": int64(len(head)) + size + int64(len(tail)), "not declared": -1} {
		r := s.request(http.MethodPost, "/upload", io.MultiReader(bytes.NewReader(head), &zeros{size}, bytes.NewReader(tail)))
		r.ContentLength = declared
		r.Header.Set("Content-Type", kind)
		answer := s.do(r)
		if answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
		mustContain(t, answer.body, "larger than 256 MB", "node_modules")
	}
	for _, call := range s.apps.called() {
		if strings.HasPrefix(call, "accept") {
			t.Errorf("accepted: %q", call)
		}
	}
}

func TestUpload_ReachesTheControllerWhileItComesIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	reading, first := io.Pipe()
	seen := make(chan string, 1)
	s.apps.onReceive = func(r io.Reader) (*uploads.Archive, error) {
		start := make([]byte, 4)
		_, _ = io.ReadFull(r, start)
		seen <- string(start)
		n, err := io.Copy(io.Discard, r)
		return &uploads.Archive{Bytes: n + 4}, err
	}
	body, kind := multipartBody(t, part{"name", "hello", ""}, part{"route", "/hello", ""}, part{"archive", "PK12", "app.zip"})
	head, tail, _ := bytes.Cut(body.Bytes(), []byte("PK12"))
	go func() {
		_, _ = first.Write(append(head, "PK12"...))
		select {
		case <-seen: // the file's beginning arrived before its end was sent
		case <-time.After(10 * time.Second):
			first.CloseWithError(io.ErrNoProgress)
		}
		_, _ = first.Write(tail)
		_ = first.Close()
	}()
	r := s.request(http.MethodPost, "/upload", reading)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+deployToken)
	if answer := s.do(r); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d %s", answer.StatusCode, answer.body)
	}
}

func TestUpload_BearerNeedsNoFormTokenAndGetsProblemDetails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	for _, path := range []string{"/upload", "/api/v1/apps"} {
		answer := s.upload(path, deployToken, part{"name", "Bad Name", ""}, part{"route", "/x", ""}, zipPart)
		if answer.StatusCode != http.StatusUnprocessableEntity || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: %d %s", path, answer.StatusCode, answer.Header.Get("Content-Type"))
		}
		mustContain(t, answer.body, `"field":"name"`, `"status":422`, `"instance":"`+answer.Header.Get("X-Request-ID"))
		if answer := s.upload(path, readToken, part{"name", "x", ""}, part{"route", "/x", ""}, zipPart); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s with scope read: %d", path, answer.StatusCode)
		}
	}
	answer := s.upload("/admin/apps/hello/update", deployToken, zipPart)
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/admin/apps/hello/releases/9#main" {
		t.Errorf("update: %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer := s.upload("/admin/apps/missing/update", deployToken, zipPart); answer.StatusCode != http.StatusNotFound {
		t.Errorf("update of a missing app: %d", answer.StatusCode)
	}
}

func TestUpload_UpdateRefusedIsShownOnTheAppsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	token := s.signIn()
	s.apps.onAccept = func(controller.Upload) (app.Release, error) {
		return app.Release{}, problem.Invalid("There is no Dockerfile.", "Add one.").At("archive")
	}
	answer := s.upload("/admin/apps/hello/update", "", part{"csrf_token", token, ""}, zipPart)
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, `id="archive-problem"`, "There is no Dockerfile.", "<h1>hello")
}

func TestUpload_OtherThanMultipartIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps", `{"name":"hello"}`)
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("status %d", answer.StatusCode)
	}
	mustContain(t, answer.body, "multipart/form-data")
}

func TestPacedBody_MovesTheDeadlineOnlyWithProgressAndLiftsItAtTheEnd(t *testing.T) {
	t.Parallel()
	connection := &deadlines{}
	paced := &pacedBody{
		body: io.NopCloser(&zeros{3 * progressBytes}), controller: http.NewResponseController(connection), now: time.Now,
	}
	drip := make([]byte, 1)
	for range 100 {
		_, _ = paced.Read(drip)
	}
	if len(connection.set) != 1 {
		t.Errorf("100 bytes moved the deadline %d times", len(connection.set))
	}
	_, _ = io.Copy(io.Discard, paced)
	if len(connection.set) < 3 {
		t.Errorf("%d bytes moved the deadline only %d times", 3*progressBytes, len(connection.set))
	}
	if last := connection.set[len(connection.set)-1]; !last.IsZero() {
		t.Errorf("the deadline %s outlives the body", last)
	}
}

// deadlines is a connection that notes its read deadlines.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

func TestUpload_RefusalReachesACallerWhoSendsFirstAndListensAfter(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.signIn()
	transport, ok := s.client.Transport.(*http.Transport)
	if !ok {
		t.Fatal("no transport of the usual kind")
	}
	old := transport.Clone() // HTTP/1.1 has one stream: the answer waits behind the body
	old.ForceAttemptHTTP2, old.TLSClientConfig.NextProtos = false, []string{"http/1.1"}
	s.client.Transport = old
	large := part{"archive", strings.Repeat("x", 20<<20), "app.zip"}
	for range 2 { // the connection is good for another request
		answer := s.upload("/upload", "", part{"csrf_token", token, ""}, part{"name", "Bad Name", ""}, part{"route", "/x", ""}, large)
		if answer.StatusCode != http.StatusUnprocessableEntity || answer.ProtoMajor != 1 {
			t.Errorf("%s %d", answer.Proto, answer.StatusCode)
		}
	}
}
