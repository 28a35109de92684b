package router

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"berth/controller/pieces"
	"berth/controller/uploads"
)

// changedArchive keeps an archive of 4 MB for r2 of hello, and returns one that differs in a
// few bytes, with what the server says it lacks of it.
func (s *site) changedArchive() (changed []byte, missing []pieces.Sum) {
	s.t.Helper()
	noise := make([]byte, 4<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	changed = []byte(s.keepArchive(2, "large.bin", string(noise)))
	copy(changed[3<<20:], "changed")
	sums, err := pieces.List(bytes.NewReader(changed))
	if err != nil {
		s.t.Fatal(err)
	}
	wish, err := json.Marshal(piecesWish{sums})
	if err != nil {
		s.t.Fatal(err)
	}
	answer := s.bearer(deployToken, http.MethodPost, "/api/v1/apps/hello/releases/2/archive/missing", string(wish))
	var said piecesJSON
	if err := json.Unmarshal([]byte(answer.body), &said); err != nil || answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%d %.300s", answer.StatusCode, answer.body)
	}
	return changed, said.Missing
}

// update sends a stream of pieces as an update of hello that builds on a release.
func (s *site) update(base string, stream []byte) answer {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField(fieldBase, base)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(fieldArchive, "app.zip")}, "Content-Type": {pieces.MediaType},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = part.Write(stream)
	_ = form.Close()
	r := s.request(http.MethodPost, "/api/v1/apps/hello/update", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+deployToken)
	return s.do(r)
}

func TestPieces_AnUpdateSendsWhatTheServerLacks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	var received []byte
	s.apps.onReceive = func(r io.Reader) (*uploads.Archive, error) {
		var err error
		received, err = io.ReadAll(r)
		return &uploads.Archive{Bytes: int64(len(received))}, err
	}
	changed, missing := s.changedArchive()
	if len(missing) == 0 || len(missing) > 2 {
		t.Errorf("%d pieces are missing", len(missing))
	}
	var stream bytes.Buffer
	if err := pieces.Write(&stream, bytes.NewReader(changed), missing); err != nil {
		t.Fatal(err)
	}
	if answer := s.update("2", stream.Bytes()); answer.StatusCode != http.StatusCreated || !bytes.Equal(received, changed) {
		t.Errorf("%d %s: %d bytes", answer.StatusCode, answer.body, len(received))
	}
	for name, one := range map[string]struct {
		base   string
		stream []byte
		status int
		field  string
	}{
		"no base":         {"", stream.Bytes(), http.StatusUnprocessableEntity, fieldBase},
		"no such release": {"99", stream.Bytes(), http.StatusNotFound, fieldBase},
		"no archive":      {"1", stream.Bytes(), http.StatusNotFound, fieldBase},
		"an archive":      {"2", changed, http.StatusUnprocessableEntity, fieldArchive},
		"cut short":       {"2", stream.Bytes()[:1000], http.StatusUnprocessableEntity, fieldArchive},
	} {
		answer := s.update(one.base, one.stream)
		if answer.StatusCode != one.status || !strings.Contains(answer.body, fmt.Sprintf(`"field":%q`, one.field)) {
			t.Errorf("%s: %d %.300s", name, answer.StatusCode, answer.body)
		}
	}
	s.keepArchive(2, "other.txt", "another archive")
	if answer := s.update("2", stream.Bytes()); answer.StatusCode != http.StatusConflict || !strings.Contains(answer.body, `"field":"base"`) {
		t.Errorf("after it was replaced: %d %.300s", answer.StatusCode, answer.body)
	}
}

func TestPieces_AreToldToWhoeverMayDeployAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.anApp("hello")
	s.keepArchive(2, "a.txt", "source")
	const path = "/api/v1/apps/hello/releases/2/archive/missing"
	for token, want := range map[string]int{readToken: http.StatusForbidden, deployToken: http.StatusOK} {
		if answer := s.bearer(token, http.MethodPost, path, `{"pieces": []}`); answer.StatusCode != want {
			t.Errorf("%d, want %d: %s", answer.StatusCode, want, answer.body)
		}
	}
	if answer := s.bearer(deployToken, http.MethodPost, path, `{"pieces": ["no sum"]}`); answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
}
