package docker

import (
	"archive/tar"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	imagetypes "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/mount"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
	"berth/controller/volume"
)

var (
	seedOwner = volume.Owner{User: 1000, Group: 1000}
	seedMount = []mount.Mount{{Type: mount.TypeVolume, Source: "berth-vol-rows", Target: "/data"}}
)

// folderOf answers with a folder of the user, which has one file.
func folderOf(user int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString([]byte(`{"name":"volume0"}`)))
		out := tar.NewWriter(w)
		_ = out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "volume0/", Mode: 0o755, Uid: user})
		_ = out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "volume0/file", Mode: 0o644, Uid: user})
		_ = out.Close()
	}
}

// leftMark are the answers of an engine with what a killed process left: a container that
// stands for a volume, which is filled and belongs to the user.
func leftMark(user int) map[string]http.HandlerFunc {
	labels := map[string]string{link.LabelStack: "berth", link.LabelRole: link.RoleHelper, link.LabelSeed: "1000:1000"}
	mounts := []container.MountPoint{{Type: mount.TypeVolume, Name: "berth-vol-rows", Destination: "/volume0"}}
	return map[string]http.HandlerFunc{
		"GET /containers/json":         dockertest.AnswerJSON([]container.Summary{{ID: "mark", Names: []string{"/berth-helper-a"}, Labels: labels, Mounts: mounts}}),
		"GET /containers/mark/json":    dockertest.AnswerJSON(container.InspectResponse{Config: &container.Config{Labels: labels}, Mounts: mounts}),
		"GET /containers/mark/archive": folderOf(user),
		"DELETE /containers/mark":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"GET /images/json":             dockertest.AnswerJSON([]imagetypes.Summary{}),
	}
}

func TestSeed_TheNextStartHandsOverWhatAKilledProcessFilled(t *testing.T) {
	for name, next := range map[string]func(e *Engine) error{
		"the next start":    func(e *Engine) error { return e.resumeSeeds(t.Context(), seedMount, seedOwner) },
		"without any start": func(e *Engine) error { return e.RemoveAccessory(t.Context(), Accessory{Kind: KindHelper, ID: "mark"}) },
	} {
		engine, fake := openFake(t, leftMark(0))
		if err := next(engine); err == nil || fake.WasAsked("DELETE /containers/mark") {
			t.Errorf("%s: it is root's still, and counts as handed over: %v, %q", name, err, fake.Asked())
		}
		engine, fake = openFake(t, leftMark(seedOwner.User))
		if err := next(engine); err != nil || !fake.WasAsked("DELETE /containers/mark") {
			t.Errorf("%s: it is theirs, and stays under way: %v, %q", name, err, fake.Asked())
		}
	}
	engine, fake := openFake(t, leftMark(0))
	other := []mount.Mount{{Type: mount.TypeVolume, Source: "berth-vol-other", Target: "/data"}}
	if err := engine.resumeSeeds(t.Context(), other, seedOwner); err != nil || fake.WasAsked("GET /containers/mark/archive") {
		t.Errorf("a start with another volume: %v, %q", err, fake.Asked())
	}
	if err := engine.RemoveHelpers(t.Context()); err != nil || fake.WasAsked("DELETE /containers/mark") {
		t.Errorf("the process removes it as it starts: %v, %q", err, fake.Asked())
	}
}

func TestSeed_IsMarkedFromBeforeTheFillingUntilAfterTheHandOver(t *testing.T) {
	var asked string
	answers := leftMark(0)
	answers["GET /images/berth/pause:1/json"] = dockertest.AnswerJSON(map[string]any{
		"Id": "sha256:pause", "Config": map[string]any{"Labels": map[string]string{link.LabelStack: "berth", link.LabelRole: link.RoleSecrets}},
	})
	answers["POST /containers/create"] = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = string(body)
		dockertest.AnswerJSON(map[string]string{"Id": "mark"})(w, r)
	}
	options := StartOptions{App: "shop", Release: 1}
	for _, failure := range []error{errors.New("no hand-over"), nil} {
		engine, fake := openFake(t, answers)
		asked = ""
		err := engine.whileMarked(t.Context(), options, seedMount, seedOwner, func() error {
			if !strings.Contains(asked, `"berth.seed":"1000:1000"`) || !strings.Contains(asked, `"NoCopy":true`) || !strings.Contains(asked, "berth-vol-rows") {
				t.Errorf("the filling begins after %q", asked)
			}
			return failure
		})
		if !errors.Is(err, failure) || fake.WasAsked("DELETE /containers/mark") != (failure == nil) {
			t.Errorf("%v: got %v, %q", failure, err, fake.Asked())
		}
	}
}
