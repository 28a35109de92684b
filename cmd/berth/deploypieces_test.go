package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"berth/controller/pieces"
)

// piecesServer is an apiServer that has an archive of release 2.
type piecesServer struct {
	*apiServer
	kept   []byte
	lost   bool // the archive, once it has said what is missing
	sent   int  // bytes of the last archive or difference
	wholes int  // archives that came whole
	last   []byte
}

func newPiecesServer(t *testing.T) *piecesServer {
	t.Helper()
	s := &piecesServer{apiServer: newAPIServer(t)}
	s.exists = true
	s.mux.HandleFunc("GET /api/v1/apps/large", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"name":"large","urls":["http://127.0.0.1/large"],"release":2}`)
	})
	s.mux.HandleFunc("POST /api/v1/apps/large/releases/2/archive/missing", s.tell)
	s.mux.HandleFunc("POST /api/v1/apps/large/update", s.take)
	return s
}

func (s *piecesServer) tell(w http.ResponseWriter, r *http.Request) {
	if s.kept == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var wish struct{ Pieces []pieces.Sum }
	_ = json.NewDecoder(r.Body).Decode(&wish)
	_ = json.NewEncoder(w).Encode(map[string]any{"missing": s.base().Missing(wish.Pieces)})
}

func (s *piecesServer) base() *pieces.Base {
	base, err := pieces.NewBase(bytes.NewReader(s.kept), int64(len(s.kept)))
	if err != nil {
		panic(err)
	}
	return base
}

func (s *piecesServer) take(w http.ResponseWriter, r *http.Request) {
	reader, err := r.MultipartReader()
	if err != nil {
		panic(err)
	}
	base := ""
	for part, err := reader.NextPart(); err == nil; part, err = reader.NextPart() {
		content, _ := io.ReadAll(part)
		switch {
		case part.FormName() == "base":
			base = string(content)
			continue
		case part.FormName() != "archive":
			continue
		}
		s.sent, s.last = len(content), content
		if part.Header.Get("Content-Type") != pieces.MediaType {
			s.wholes++
			continue
		}
		if s.lost || base != "2" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"detail":"The archive of r2 is no longer kept.","field":"base"}`)
			return
		}
		s.last, _ = io.ReadAll(s.base().Expand(bytes.NewReader(content)))
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, `{"app":"hello","number":3,"state":"queued"}`)
}

// largeFolder is a project of a hundred files of 50 KB.
func largeFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	random, content := rand.NewChaCha8([32]byte{1}), make([]byte, 50<<10)
	for n := range 100 {
		_, _ = random.Read(content)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%02d.bin", n)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func (s *piecesServer) deploy(t *testing.T, folder string) (stderr string) {
	t.Helper()
	var stdout, notes bytes.Buffer
	p := &program{stdout: &stdout, stderr: &notes, environment: []string{"BERTH_TOKEN=berth_test", "HOME=" + t.TempDir()}}
	if err := p.run(t.Context(), []string{"deploy", "--name", "large", "--server", s.URL, "--ca-file", s.caFile, folder}); err != nil {
		t.Fatalf("%v\n%s", err, notes.String())
	}
	return notes.String()
}

func TestDeploy_SendsOfALargeProjectWhatTheServerLacks(t *testing.T) {
	t.Parallel()
	s, folder := newPiecesServer(t), largeFolder(t)
	s.deploy(t, folder)
	if s.wholes != 1 || s.sent < 4<<20 {
		t.Fatalf("at first %d bytes were sent", s.sent)
	}
	s.kept = slices.Clone(s.last)
	if err := os.WriteFile(filepath.Join(folder, "50.bin"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := s.deploy(t, folder)
	names := entryNames(s.last)
	if s.wholes != 1 || s.sent > len(s.kept)/10 || len(names) != 100 || !strings.Contains(said, "the server has the rest") {
		t.Errorf("%d of %d bytes were sent, of %d files: %s", s.sent, len(s.kept), len(names), said)
	}
	s.lost = true
	said = s.deploy(t, folder)
	if names = entryNames(s.last); s.wholes != 2 || len(names) != 100 || !strings.Contains(said, "Sending all of it") {
		t.Errorf("where the server has lost its archive: %d whole, %d files: %s", s.wholes, len(names), said)
	}
}
