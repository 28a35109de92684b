package look_test

import (
	"strings"
	"testing"

	"berth/controller/docker"
	"berth/controller/look"
	"berth/controller/plan"
	"berth/controller/problem"
)

func TestNotes_SayWhatStartsAsRootAndWhatIsNotKept(t *testing.T) {
	image := docker.Image{Entrypoint: []string{"/init"}, Volumes: []string{"/config", "/data/", "/run/x"}}
	service := plan.Service{Name: "web", Mounts: []plan.Mount{{Volume: "data", Target: "/data"}}}
	notes := look.Notes(service.Declare(image.Volumes, false, nil), image)
	if len(notes) != 2 || !strings.Contains(notes[0], "web begins with init") || !strings.Contains(notes[0], `"root start"`) ||
		!strings.Contains(notes[1], "a volume at /config,") {
		t.Errorf("got %q", notes)
	}
	service.Waivers.RootStart = true
	image.Volumes = nil
	if notes := look.Notes(service, image); len(notes) > 0 {
		t.Errorf("it has the exception: %q", notes)
	}
}

func TestRootStart_IsKnownBySignsOfTheImage(t *testing.T) {
	for name, one := range map[string]struct {
		service plan.Service
		image   docker.Image
		want    string
	}{
		"s6":                  {plan.Service{}, docker.Image{Entrypoint: []string{"/init"}}, "begins with init"},
		"Apache":              {plan.Service{}, docker.Image{Entrypoint: []string{"docker-php-entrypoint"}, Command: []string{"apache2-foreground"}}, ""},
		"Apache by command":   {plan.Service{}, docker.Image{Command: []string{"httpd-foreground"}}, "begins with httpd-foreground"},
		"a database":          {plan.Service{Image: "postgres:17"}, docker.Image{}, "is made of the image postgres"},
		"own entry point":     {plan.Service{Image: "postgres:17", Entrypoint: []string{"sh"}}, docker.Image{Entrypoint: []string{"docker-entrypoint.sh"}}, ""},
		"unknown with script": {plan.Service{Image: "example/thing"}, docker.Image{Entrypoint: []string{"/docker-entrypoint.sh"}, Command: []string{"thingd"}}, "begins with docker-entrypoint.sh"},
		"a language":          {plan.Service{Image: "example/thing"}, docker.Image{Entrypoint: []string{"docker-entrypoint.sh"}, Command: []string{"node", "a.js"}}, ""},
		"a user":              {plan.Service{Image: "nginx:1"}, docker.Image{User: "101"}, ""},
		"nginx elsewhere":     {plan.Service{Image: "lscr.io/linuxserver/nginx:1"}, docker.Image{}, "is made of the image linuxserver/nginx"},
		"a user in the file":  {plan.Service{Image: "nginx:1", User: "101:101"}, docker.Image{}, ""},
		"unprivileged":        {plan.Service{Image: "nginxinc/nginx-unprivileged:1"}, docker.Image{User: "101"}, ""},
	} {
		if got := look.RootStart(one.service, one.image); got != one.want {
			t.Errorf("%s: got %q, want %q", name, got, one.want)
		}
	}
}

func TestOffer_GivesTheRemedyOnlyWhereItHelps(t *testing.T) {
	symptom := &problem.Problem{Hint: "Mend it.", Remedy: problem.Remedy{RootStart: "?"}}
	plain := &problem.Problem{Hint: "Mend it."}
	for name, one := range map[string]struct {
		found   *problem.Problem
		service plan.Service
		image   docker.Image
		want    string
	}{
		"symptom":           {symptom, plan.Service{Name: "web"}, docker.Image{}, "web"},
		"sign":              {plain, plan.Service{Name: "web", Image: "nginx:1"}, docker.Image{}, "web"},
		"neither":           {plain, plan.Service{Name: "web"}, docker.Image{}, ""},
		"runs as a user":    {symptom, plan.Service{Name: "web"}, docker.Image{User: "5"}, ""},
		"has it":            {symptom, plan.Service{Name: "web", Waivers: plan.Waivers{RootStart: true}}, docker.Image{}, ""},
		"has database only": {symptom, plan.Service{Name: "db", Waivers: plan.Waivers{Database: true}}, docker.Image{}, "db"},
	} {
		if got := look.Offer(one.found, one.service, one.image); got.Remedy.RootStart != one.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
