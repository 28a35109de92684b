package planner

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/plan"
	"berth/controller/problem"
)

func TestFrom_SeesByItsSignsWhatStartsAsRoot(t *testing.T) {
	for name, one := range map[string]struct {
		files []string
		want  string
	}{
		"an official base":     {[]string{"Dockerfile", "FROM nginx:1.27\nCOPY . /usr/share/nginx/html\n"}, "is made of the image nginx"},
		"with a user":          {[]string{"Dockerfile", "FROM nginx:1.27\nUSER nginx\n"}, ""},
		"a language":           {[]string{"Dockerfile", "FROM python:3.12\nCMD [\"python\", \"a.py\"]\n"}, ""},
		"an installed program": {[]string{"Dockerfile", "FROM alpine:3\nRUN apk add --no-cache su-exec\nENTRYPOINT [\"/start\"]\n"}, "is built with su-exec"},
		"a script of the archive": {
			[]string{"Dockerfile", "FROM debian:12\nCOPY ops/start.sh /\nENTRYPOINT [\"/start.sh\"]\n", "ops/start.sh", "#!/bin/sh\nchown web /data\nexec gosu web \"$@\"\n"}, "is built with gosu",
		},
		"a script that says so in a comment": {
			[]string{"Dockerfile", "FROM debian:12\nCOPY start.sh /\nENTRYPOINT [\"/start.sh\"]\n", "start.sh", "#!/bin/sh\n# no gosu here\nexec web\n"}, "",
		},
		"another entry point in the compose file": {
			[]string{"compose.yaml", "services:\n  main:\n    build: .\n    entrypoint: [sh]\n", "Dockerfile", "FROM nginx:1.27\n"}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			made := mustPlanFiles(t, plan.Options{Limits: plan.DefaultLimits()}, one.files...)
			if got := made.Services[0].StartsAsRoot(); got != one.want {
				t.Errorf("got %q, want %q", got, one.want)
			}
		})
	}
}

func TestFrom_GivesRootStartToTheServicesThatAreNamedAlone(t *testing.T) {
	text := "services:\n  web: {image: 'nginx:1', ports: ['80:80'], user: root}\n  db: {image: 'postgres:17', cap_add: [CHOWN], read_only: false}\n  other: {image: 'x:1'}\n"
	made := mustPlanFiles(t, plan.Options{Limits: plan.DefaultLimits(), RootStart: []string{"web", "db", "elsewhere"}}, "compose.yaml", text)
	for _, service := range made.Services {
		if service.Waivers.RootStart != (service.Name != "other") || service.Waivers.Database || service.Waivers.WritableRoot {
			t.Errorf("%s: %+v", service.Name, service.Waivers)
		}
	}
	if !slices.ContainsFunc(made.Notes, func(note string) bool { return strings.Contains(note, "names elsewhere, which is no service here") }) {
		t.Errorf("notes %q", made.Notes)
	}
}

func TestFrom_SaysWhichOfferIsLikely(t *testing.T) {
	text := "services:\n  web: {image: 'nginx:1', ports: ['80:80'], user: root}\n  own: {image: 'x:1', user: '0'}\n"
	_, err := planFiles(t, plan.Options{Limits: plan.DefaultLimits()}, "compose.yaml", text)
	faults := problem.RefusalsIn(err)
	if len(faults) != 2 || !faults[0].Likely || faults[1].Likely || faults[0].Offer != problem.OfferRootStart {
		t.Errorf("got %+v", err)
	}
}

func TestFrom_FindsTheVolumesAndFoldersInMemoryOfTheCases(t *testing.T) {
	volume := mustPlanFiles(t, plan.Options{Limits: plan.DefaultLimits()}, "Dockerfile",
		"FROM python:3.11-slim\nRUN useradd -u 1500 web && mkdir /data && echo seed >/data/seed && chown -R web /data\nVOLUME /data\nUSER web\nWORKDIR /data\nCMD [\"sh\",\"-c\",\"ls -la /data; touch /data/x; exec python3 -m http.server 8000\"]\n")
	if got := volume.Services[0].Unmounted(volume.Services[0].Build.Start.Volumes); !slices.Equal(got, []string{"/data"}) {
		t.Errorf("got %q", got)
	}
	memory := mustPlanFiles(t, plan.Options{Limits: plan.DefaultLimits()},
		"Dockerfile", "FROM python:3.11-slim\nCMD [\"sh\",\"-c\",\"touch /run/x; exec python3 -m http.server 8000 -d /tmp\"]\n",
		"compose.yaml", "services:\n  web:\n    build: .\n    ports: [\"80:8000\"]\n    tmpfs: [\"/run:mode=1777\"]\n")
	if got := memory.Services[0].Tmpfs; len(got) != 1 || got[0].Target != "/run" || got[0].Mode != 0o1777 {
		t.Errorf("got %+v", got)
	}
}
