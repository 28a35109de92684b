package importing

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/problem"
)

var update = flag.Bool("update", false, "write the golden plans")

// golden compares a plan with the one in testdata. Paths in it begin at the samples.
func golden(t *testing.T, name string, made *Plan) {
	t.Helper()
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	out := json.NewEncoder(&got)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(made); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(got.String(), here, "SAMPLES")
	if strings.Contains(text, "hush") || strings.Contains(text, "not-read") {
		t.Errorf("the plan shows a secret: %s", text)
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s: the plan is %s", name, text)
	}
}

func read(t *testing.T, wish Wish) *Plan {
	t.Helper()
	made, err := Read(wish)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestRead_EachFormIsPlannedAsItsSampleSays(t *testing.T) {
	for _, form := range []Form{Dokku, CapRover, Dokploy, Coolify} {
		t.Run(string(form), func(t *testing.T) {
			path := filepath.Join("testdata", string(form))
			if form == Dokku {
				path = filepath.Join(path, "export")
			}
			golden(t, string(form), read(t, Wish{Form: form, Path: path}))
		})
	}
}

func TestRead_AComposeFolderHasTheVolumesOfItsProject(t *testing.T) {
	environment := func(name string) (string, bool) { return "north", name == "REGION" }
	wish := Wish{Form: Compose, Path: "testdata/compose/shop", Lookup: environment}
	golden(t, "compose", read(t, wish))

	wish.Project, wish.Name, wish.Data = "other", "store", map[string]string{"archive": "/srv/archive"}
	made := read(t, wish).Apps[0]
	got := map[string]string{}
	for _, data := range made.Data {
		got[string(data.Volume)] = data.From.String()
	}
	for name, want := range map[string]string{"store_uploads": "volume other_uploads", "store_database": "volume shop-database", "store_archive": "folder /srv/archive"} {
		if got[name] != want {
			t.Errorf("%s is filled from %q, want %q", name, got[name], want)
		}
	}
}

func TestRead_ValuesComeAsTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		wish Wish
		want map[string]string
	}{
		"compose": {Wish{Form: Compose, Path: "testdata/compose/shop"}, map[string]string{"DB_PASSWORD": "two words", "MAIL_KEY": "$not-replaced"}},
		"coolify": {Wish{Form: Coolify, Path: "testdata/coolify", Only: []string{"example-shop-main-w0ksg4k"}}, map[string]string{"APP_KEY": "hush", "TEXT": "one\ntwo"}},
	} {
		got := map[string]string{}
		for _, variable := range read(t, c.wish).Apps[0].Variables {
			got[variable.Name] = variable.Value.Reveal()
		}
		for variable, want := range c.want {
			if got[variable] != want {
				t.Errorf("%s: %s is %q, want %q", name, variable, got[variable], want)
			}
		}
	}
}

func TestRead_WhatAPersonGivesCounts(t *testing.T) {
	made := read(t, Wish{
		Form: CapRover, Path: "testdata/caprover/config-captain.json", Only: []string{"Api_v2"}, Name: "api", Route: "api.example.com",
		Sources: map[string]string{"api": "ghcr.io/example/api:1"}, Plain: []string{"NODE_ENV"},
	})
	one := made.Apps[0]
	if len(made.Apps) != 1 || one.Name != "api" || one.Route != "api.example.com" || one.Source.Image != "ghcr.io/example/api:1" || len(one.Faults) > 0 {
		t.Errorf("got %+v", one)
	}
	blog := read(t, Wish{Form: CapRover, Path: "testdata/caprover", Only: []string{"blog"}, Name: "diary", Plain: []string{"NODE_ENV"}}).Apps[0]
	for _, variable := range blog.Variables {
		if variable.Secret == (variable.Name == "NODE_ENV") {
			t.Errorf("%s is a secret: %t", variable.Name, variable.Secret)
		}
	}
	if blog.Data[0].Volume != "diary-content" {
		t.Errorf("its volume is %s", blog.Data[0].Volume)
	}
}

func TestRead_WrongExportsAreSaid(t *testing.T) {
	broken := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(broken, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(broken, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("captain.json", "{")
	write("empty/config-captain.json", "{}")
	write("yaml/compose.yml", "services: [")
	write("env/compose.yml", "services: {a: {image: b}}")
	write("env/.env", "SECRET='never closed hush")
	for name, wish := range map[string]Wish{
		"form":        {Form: "heroku", Path: broken},
		"no file":     {Form: CapRover, Path: filepath.Join(broken, "gone")},
		"no export":   {Form: CapRover, Path: broken},
		"no JSON":     {Form: CapRover, Path: filepath.Join(broken, "captain.json")},
		"no apps":     {Form: CapRover, Path: filepath.Join(broken, "empty")},
		"no compose":  {Form: Compose, Path: filepath.Join(broken, "empty")},
		"no YAML":     {Form: Compose, Path: filepath.Join(broken, "yaml")},
		"no .env":     {Form: Compose, Path: filepath.Join(broken, "env")},
		"no folder":   {Form: Dokku, Path: filepath.Join(broken, "gone")},
		"no database": {Form: Milkcrate, Path: broken},
		"no coolify":  {Form: Coolify, Path: broken},
		"only":        {Form: CapRover, Path: "testdata/caprover", Only: []string{"none"}},
		"two routes":  {Form: CapRover, Path: "testdata/caprover", Route: "/one"},
		"no source":   {Form: CapRover, Path: "testdata/caprover", Sources: map[string]string{"blog": "./gone"}},
	} {
		_, err := Read(wish)
		found, ok := err.(*problem.Problem) //nolint:errorlint // as it is shown
		if !ok || found.Message == "" || found.Hint == "" || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRead_AppsThatConflictAreFaults(t *testing.T) {
	folder := t.TempDir()
	export := `{"customDomain": "", "appDefinitions": {
		"a_b": {"customDomain": [{"publicDomain": "x.example.com"}], "deployedVersion": 1, "versions": [{"version": 1, "deployedImageName": "nginx"}]},
		"a-b": {"customDomain": [{"publicDomain": "x.example.com"}], "deployedVersion": 1, "versions": [{"version": 1, "deployedImageName": "No Image"}]},
		"_": {"volumes": [{"volumeName": "v", "containerPath": "/proc"}]}}}`
	if err := os.WriteFile(filepath.Join(folder, "config-captain.json"), []byte(export), 0o600); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, one := range read(t, Wish{Form: CapRover, Path: folder}).Apps {
		for _, fault := range one.Faults {
			if fault.Hint == "" {
				t.Errorf("%q says no next step", fault.Reason)
			}
			said = append(said, fault.Reason)
		}
	}
	for _, want := range []string{"Two apps would be called a-b.", "would both answer at x.example.com", `"" is not a name`, "/proc", "not the name of an image", "does not hold what the app is made of"} {
		if !strings.Contains(strings.Join(said, "\n"), want) {
			t.Errorf("nothing says %q: %q", want, said)
		}
	}
}

// FuzzRead: whatever an export holds, it is a plan or a refusal with a next step.
func FuzzRead(f *testing.F) {
	for form, sample := range map[Form]string{CapRover: "caprover/config-captain.json", Dokploy: "dokploy/project.json", Coolify: "coolify/applications.json", Compose: "compose/shop/compose.yml"} {
		content, err := os.ReadFile(filepath.Join("testdata", sample))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(form), content)
	}
	f.Add("dokploy", []byte(`[{"applicationId": "a", "domains": [{}], "mounts": [{"type": "volume"}]}, null]`))
	f.Add("compose", []byte("volumes: {a: {external: {name: b}}, c: [d]}\nservices: {a: {image: '${B:-${C}}'}}"))
	f.Fuzz(func(t *testing.T, form string, content []byte) {
		file := filepath.Join(t.TempDir(), "export")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		made, err := Read(Wish{Form: Form(form), Path: file})
		if err != nil {
			if found, ok := err.(*problem.Problem); !ok || found.Hint == "" { //nolint:errorlint // as it is shown
				t.Errorf("it says %v", err)
			}
			return
		}
		for _, one := range made.Apps {
			if (one.Name == "" || one.Source.isZero()) && len(one.Faults) == 0 {
				t.Errorf("%+v is no app", one)
			}
		}
	})
}
