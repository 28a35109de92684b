//go:build integration

package docker

import (
	"errors"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"berth/controller/docker/link"
	"berth/controller/plan"
)

// TestSeed_ThatWasCutShortBeforeTheHandOverIsDoneByTheNextStart lets the engine fill a
// volume, and ends before it is given to the service's user. A file of the archive lies in
// the volume, behind a link.
func TestSeed_ThatWasCutShortBeforeTheHandOverIsDoneByTheNextStart(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "shop", base+"RUN mkdir /data && echo seed >/data/seed\nCMD [\"/app\"]\n")
	volumes := map[string]string{"data": engine.link.Stack + "-vol-data", "conf": engine.link.Stack + "-vol-conf"}
	for _, name := range volumes {
		labelledVolume(t, engine, name)
	}
	owner, err := engine.FindOwner(t.Context(), image.ID, "65534:65534")
	if err != nil {
		t.Fatal(err)
	}
	killed := errors.New("killed")
	filled := []mount.Mount{{Type: mount.TypeVolume, Source: volumes["data"], Target: "/data"}}
	err = engine.whileMarked(t.Context(), StartOptions{App: "shop", Release: 1}, filled, owner, func() error {
		filler, err := engine.CreateHelper(t.Context(), &container.Config{
			Image: image.ID, Labels: engine.link.OwnLabels(link.RoleHelper, "shop", 1),
		}, stillHost(filled))
		if err != nil {
			return err
		}
		engine.LeaveHelper(filler)
		return killed
	})
	if !errors.Is(err, killed) {
		t.Fatal(err)
	}
	if err := engine.RemoveHelpers(t.Context()); err != nil { // as the next process does first
		t.Fatal(err)
	}
	if left := helpersOf(t, engine); len(left) != 1 || left[0].Labels[link.LabelSeed] != "65534:65534" {
		t.Fatalf("helpers %+v", left)
	}
	service := plan.Service{
		Name: "store", Mounts: []plan.Mount{{Volume: "data", Target: "/data"}, {Volume: "conf", Target: "/.berth/bound/conf"}},
		Files: []plan.File{{Path: "/.berth/bound/conf/site.conf", Content: []byte("first"), Mode: 0o444}, {Path: "/etc/site.conf", Link: "/.berth/bound/conf/site.conf"}},
	}
	options := func(o *StartOptions) { o.Volumes = volumes }
	store := startService(t, engine, image, service, options)
	wantAnswers(t, engine, store, "/read", "seed\n", "/data/seed")
	wantAnswers(t, engine, store, "/read", "first", "/etc/site.conf")
	wantAnswers(t, engine, store, "/write", "written", "/data/seed", "/data/x", "/etc/site.conf")
	if left := helpersOf(t, engine); len(left) > 0 {
		t.Errorf("helpers %+v", left)
	}
	if err := engine.Retire(t.Context(), store.Name, 0); err != nil {
		t.Fatal(err)
	}
	store = startService(t, engine, image, service, options)
	wantAnswers(t, engine, store, "/read", "written", "/etc/site.conf", "/data/seed")
}
