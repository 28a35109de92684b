package foreign

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"

	"berth/controller/docker/dockertest"
)

func tarOf(t *testing.T, headers ...*tar.Header) []byte {
	t.Helper()
	var made bytes.Buffer
	out := tar.NewWriter(&made)
	for _, header := range headers {
		content := ""
		if header.Typeflag == tar.TypeReg {
			content = "content"
		}
		header.Size = int64(len(content))
		if err := out.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return made.Bytes()
}

// engine has one volume, one image and one running container.
func engine(t *testing.T, created *string) *Reader {
	t.Helper()
	whole := tarOf(
		t, &tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o750}, &tar.Header{Name: "./a", Typeflag: tar.TypeReg, Mode: 0o640, Uid: 999},
		&tar.Header{Name: "./also", Linkname: "./a", Typeflag: tar.TypeLink}, &tar.Header{Name: "./pipe", Typeflag: tar.TypeFifo},
	)
	one := tarOf(t, &tar.Header{Name: "a", Typeflag: tar.TypeReg, Mode: 0o640, Uid: 999})
	host, fake := dockertest.Serve(t, map[string]http.HandlerFunc{
		"GET /volumes/shop_data": dockertest.AnswerJSON(volume.Volume{Name: "shop_data"}),
		"GET /images/json":       dockertest.AnswerJSON([]image.Summary{{ID: "sha256:large", Size: 9}, {ID: "sha256:small", Size: 1}}),
		"GET /containers/json": dockertest.AnswerJSON([]container.Summary{
			{Names: []string{"/shop-web-1"}, Mounts: []container.MountPoint{{Name: "shop_data"}}}, {Names: []string{"/other"}},
		}),
		"POST /containers/create": func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			*created = string(body)
			w.WriteHeader(http.StatusCreated)
			_ = json.NewEncoder(w).Encode(container.CreateResponse{ID: "made"})
		},
		"GET /containers/made/archive": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Docker-Container-Path-Stat", "e30=")
			if strings.HasSuffix(r.URL.Query().Get("path"), "/a") {
				_, _ = w.Write(one)
				return
			}
			_, _ = w.Write(whole)
		},
		"DELETE /containers/made": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	})
	t.Cleanup(func() {
		if fake.WasAsked("POST /containers/made/start") {
			t.Error("the container was started")
		}
		if *created != "" && !fake.WasAsked("DELETE /containers/made") {
			t.Error("the container is left")
		}
	})
	made, err := Open(host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

func TestTar_ReadsAVolumeThroughAContainerThatNeverStarts(t *testing.T) {
	var created string
	stream, err := engine(t, &created).Tar(t.Context(), Place{Volume: "shop_data"}, 65534)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	in := tar.NewReader(stream)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(in)
		found = append(found, header.Name+"="+string(content))
		if want := map[bool]int{true: 65534, false: 999}[header.Name == "./"]; header.Uid != want {
			t.Errorf("%s belongs to %d, want %d", header.Name, header.Uid, want)
		}
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"./=", "./a=content", "./also=content"}; !slices.Equal(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
	for _, want := range []string{`"ReadOnly":true`, `"NoCopy":true`, `"NetworkMode":"none"`, `"Image":"sha256:small"`} {
		if !strings.Contains(created, want) {
			t.Errorf("the container is made without %s: %s", want, created)
		}
	}
}

func TestTar_IsGivenUpHalfway(t *testing.T) {
	var created string
	stream, err := engine(t, &created).Tar(t.Context(), Place{Volume: "shop_data"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLook_NamesWhoRunsWithAVolume(t *testing.T) {
	var created string
	users, err := engine(t, &created).Look(t.Context(), Place{Volume: "shop_data"})
	if err != nil || !slices.Equal(users, []string{"shop-web-1"}) {
		t.Errorf("got %q, %v", users, err)
	}
}

func TestLook_MakesNoVolumeThatIsMissing(t *testing.T) {
	var created string
	if _, err := engine(t, &created).Look(t.Context(), Place{Volume: "gone"}); !errors.Is(err, ErrMissing) {
		t.Errorf("got %v", err)
	}
	if created != "" {
		t.Error("a container was made")
	}
}
