package planner

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/plan"
)

const boundCompose = `
services:
  web:
    image: example.com/web
    ports: ["80"]
    volumes:
      - ./site.conf:/etc/site.conf
      - ./pages:/srv/pages
      - ./seed:/srv/data
      - ./empty:/srv/cache
      - ./conf.d:/etc/conf.d:ro
`

func boundFiles() []string {
	return []string{"site.conf", "a", "pages/index.html", "b", "seed/rows.csv", "c", "empty/.keep", "", "conf.d/x.conf", "d"}
}

func TestFrom_PreselectsWhatBecomesOfMountedFilesByTheirTarget(t *testing.T) {
	made := mustCompose(t, boundCompose, plan.Options{}, boundFiles()...)
	want := []plan.Bound{
		{Service: "web", Target: "/etc/site.conf", Source: "site.conf", As: plan.BoundImage},
		{Service: "web", Target: "/srv/pages", Source: "pages", Folder: true, As: plan.BoundImage},
		{Service: "web", Target: "/srv/data", Source: "seed", Folder: true, As: plan.BoundVolume},
		{Service: "web", Target: "/etc/conf.d", Source: "conf.d", Folder: true, As: plan.BoundImage},
	}
	if !slices.Equal(made.Bound, want) {
		t.Errorf("got %+v", made.Bound)
	}
}

func TestFrom_LetsAPersonChooseBetweenImageAndVolumeForEachMountedFileAndFolder(t *testing.T) {
	made := mustCompose(t, boundCompose, plan.Options{Bound: map[string]plan.BoundAs{
		"web:/etc/site.conf": plan.BoundVolume, "web:/srv/pages": plan.BoundVolume, "web:/srv/data": plan.BoundImage,
		"web:/srv/cache": plan.BoundImage, "other:/x": plan.BoundVolume,
	}}, boundFiles()...)
	web := serviceOf(t, made, "web")
	wantMounts := []plan.Mount{
		{Volume: "site.conf", Target: "/.berth/bound/site.conf"}, {Volume: "pages", Target: "/srv/pages"}, {Volume: "empty", Target: "/srv/cache"},
	}
	if !slices.Equal(web.Mounts, wantMounts) {
		t.Errorf("mounts %+v", web.Mounts)
	}
	files := map[string]string{}
	for _, file := range web.Files {
		files[file.Path] = string(file.Content) + file.Link
	}
	for path, content := range map[string]string{
		"/.berth/bound/site.conf/site.conf": "a", "/etc/site.conf": "/.berth/bound/site.conf/site.conf",
		"/srv/pages/index.html": "b", "/srv/data/rows.csv": "c", "/etc/conf.d/x.conf": "d",
	} {
		if files[path] != content {
			t.Errorf("%s: got %q", path, files[path])
		}
	}
	notes := strings.Join(made.Notes, "\n")
	for _, want := range []string{
		"/etc/site.conf of web lies in the volume site.conf, filled from site.conf at the first release; a link stands in its place.",
		"/srv/pages of web is a volume of the app, filled from the folder pages at the first release.",
		"The folder seed becomes part of the image of web at /srv/data. What the service changes there is not kept.",
		"The choice between image and volume for other:/x is not used", "The choice between image and volume for web:/srv/cache is not used",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes lack %q:\n%s", want, notes)
		}
	}
}

func TestFrom_OffersNoVolumeAtAPlaceOfTheSystem(t *testing.T) {
	const text = "services:\n  web:\n    image: x\n    volumes: ['./bin:/usr/local/bin', './one:/app/a.conf', './one:/app/b.conf']\n"
	files := []string{"bin/run", "x", "one", "1"}
	made := mustCompose(t, text, plan.Options{Bound: map[string]plan.BoundAs{"web:/app/a.conf": plan.BoundVolume, "web:/app/b.conf": plan.BoundVolume}}, files...)
	if len(made.Bound) != 2 || made.Bound[0].Target != "/app/a.conf" || len(serviceOf(t, made, "web").Mounts) != 1 {
		t.Errorf("got %+v, %+v", made.Bound, serviceOf(t, made, "web"))
	}
	_, err := composed(t, text, plan.Options{Bound: map[string]plan.BoundAs{"web:/usr/local/bin": plan.BoundVolume}}, files...)
	if err == nil || !strings.Contains(err.Error(), "holds the image's programs") {
		t.Errorf("got %v", err)
	}
}

func TestFrom_RefusesAVolumeInPlaceOfTheSystem(t *testing.T) {
	for _, target := range []string{"/etc/passwd", "/etc/sudoers.d/x", "/proc/x", "/run/secrets/x", "/etc/hosts", "/dev/x", "/.berth/bound/x/one"} {
		for source, files := range map[string][]string{"./one": {"one", "1"}, "./many": {"many/one", "1"}} {
			_, err := composed(t, "services:\n  web:\n    image: x\n    volumes: ['"+source+":"+target+"']\n", plan.Options{Bound: map[string]plan.BoundAs{"web:" + target: plan.BoundVolume}}, files...)
			if err == nil {
				t.Errorf("%s at %s was taken", source, target)
			}
		}
	}
}
