//go:build integration

package docker

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
)

// imported puts an image without any label of ours into the engine, as a person
// who has no registry does.
func imported(t *testing.T, engine *Engine, name string, changes ...string) string {
	t.Helper()
	var content bytes.Buffer
	files := tar.NewWriter(&content)
	if err := errors.Join(files.WriteHeader(&tar.Header{Name: "file", Mode: 0o644, Size: 2}), func() error { _, err := files.Write([]byte("hi")); return err }(), files.Close()); err != nil {
		t.Fatal(err)
	}
	repository, tag, _ := strings.Cut(name, ":")
	body, err := engine.link.API(t.Context()).ImageImport(t.Context(), imagetypes.ImportSource{Source: &content, SourceName: "-"}, repository, imagetypes.ImportOptions{Tag: tag, Changes: changes})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, body)
	_ = body.Close()
	t.Cleanup(func() {
		_, _ = engine.link.API(t.Context()).ImageRemove(t.Context(), name, imagetypes.RemoveOptions{})
	})
	found, err := engine.link.API(t.Context()).ImageInspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return found.ID
}

func TestPullImage_TakesWhatIsThereAndExplainsTheRest(t *testing.T) {
	engine := openTest(t)
	name := engine.link.Stack + "/local:1"
	id := imported(t, engine, name)
	book := &logbook{}
	found, digest, err := engine.PullImage(t.Context(), images.PullOptions{Reference: name}, book.line)
	if err != nil || found.ID != id || digest != "" || !strings.Contains(book.String(), "on the server already") {
		t.Errorf("got %+v, %q, %v: %s", found, digest, err, book)
	}
	if found, _, err := engine.FindPulled(t.Context(), name); err != nil || found.ID != id {
		t.Errorf("got %+v, %v", found, err)
	}
	if _, _, err := engine.FindPulled(t.Context(), engine.link.Stack+"/nothing:1"); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	for _, reference := range []string{"127.0.0.1:1/nothing:1", "Not An Image", "registry.invalid/nothing"} {
		_, _, err := engine.PullImage(t.Context(), images.PullOptions{Reference: reference}, func(string) {})
		if refused, ok := errors.AsType[*images.PullError](err); !ok || !strings.HasSuffix(refused.Message, ".") || !strings.HasSuffix(refused.Hint, ".") {
			t.Errorf("%s: %v", reference, err)
		}
	}
}

func TestPullImage_RefusesLabelsOfOursAndImagesThatWereBuiltHere(t *testing.T) {
	engine := openTest(t)
	for i, label := range []string{"traefik.enable=true", "Traefik.http.routers.x.rule=y", "berth.app=victim", "berth.stack=" + engine.link.Stack} {
		name := engine.link.Stack + "/forged:" + string(rune('a'+i))
		imported(t, engine, name, "LABEL "+label)
		_, _, err := engine.PullImage(t.Context(), images.PullOptions{Reference: name}, func(string) {})
		if _, ok := errors.AsType[*images.ForgedLabelError](err); !ok {
			t.Errorf("%s: %v", label, err)
		}
	}
	// Another app's image: whoever had it as theirs would have it removed with their release.
	built := mustBuild(t, engine, "victim", dockertest.ServeDockerfile)
	name := engine.link.Stack + "/taken:1"
	if err := engine.link.API(t.Context()).ImageTag(t.Context(), built.ID, name); err != nil {
		t.Fatal(err)
	}
	_, _, err := engine.PullImage(t.Context(), images.PullOptions{Reference: name}, func(string) {})
	if _, ok := errors.AsType[*images.ForgedLabelError](err); !ok {
		t.Errorf("an image that was built here: %v", err)
	}
}
