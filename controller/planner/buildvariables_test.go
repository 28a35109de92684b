package planner

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/dockerfile"
	"berth/controller/plan"
)

func withBuild(variables map[string]string) plan.Options {
	o := options
	o.BuildVariables = variables
	return o
}

func TestBuildVariables_AreArgumentsWhereTheDockerfileDeclaresThem(t *testing.T) {
	made, err := From(t.Context(), archivetest.Tree(t, "Dockerfile", "ARG TAG=1\nFROM a:$TAG\nARG MODE=slow\nRUN x\n"),
		withBuild(map[string]string{"MODE": "fast", "TAG": "2", "OTHER": "x", "BUILDKIT_SYNTAX": "evil"}))
	if err != nil {
		t.Fatal(err)
	}
	build := made.Services[0].Build
	if !maps.Equal(build.Arguments, map[string]string{"MODE": "fast", "TAG": "2"}) || !slices.Equal(build.Bases, []string{"docker.io/library/a:2"}) {
		t.Errorf("arguments %v, bases %v", build.Arguments, build.Bases)
	}
	notes := strings.Join(made.Notes, "\n")
	if !strings.Contains(notes, `does not see the variable OTHER: write "ARG OTHER"`) || !strings.Contains(notes, "The build gets MODE and TAG as arguments") {
		t.Errorf("notes %q", notes)
	}
}

func TestBuildVariables_OfAnOnbuildAreNotWhatTheBuildGets(t *testing.T) {
	made, err := From(t.Context(), archivetest.Tree(t, "Dockerfile", "FROM a\n"), withBuild(map[string]string{"SOURCE": "./safe"}))
	if err != nil {
		t.Fatal(err)
	}
	base := dockerfile.Base{Triggers: []string{"ARG SOURCE=http://127.0.0.1/x", "ADD $SOURCE /x"}}
	if err := made.Services[0].Build.CheckBases(map[string]dockerfile.Base{"docker.io/library/a:latest": base}); err == nil {
		t.Error("the check takes a value that the build does not get")
	}
}

func TestBuildVariables_OfAComposeFileLeaveItsOwnArguments(t *testing.T) {
	made, err := From(t.Context(), archivetest.Tree(t,
		"compose.yaml", "services:\n  web:\n    build: {context: web, args: {MODE: own}}\n    ports: ['80:8000']\n  job: {build: job}\n",
		"web/Dockerfile", "FROM a\nARG MODE\nARG URL\n", "job/Dockerfile", "FROM a\nARG URL\n"), withBuild(map[string]string{"MODE": "x", "URL": "u"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range made.Services {
		want := map[string]string{"URL": "u"}
		if service.Name == "web" {
			want["MODE"] = "own"
		}
		if !maps.Equal(service.Build.Arguments, want) {
			t.Errorf("%s gets %v", service.Name, service.Build.Arguments)
		}
	}
}

// shopfront is a site that Vite builds, in the shape of public ones.
var shopfront = []string{
	"package.json", `{"name":"shopfront","private":true,"version":"1.0.0","type":"module","engines":{"node":"22"},"scripts":{"dev":"vite","build":"vite build"},"devDependencies":{"vite":"^5.4.0"}}`,
	"index.html", `<!doctype html><script type="module" src="/main.js"></script>`,
	"main.js", `document.body.textContent = import.meta.env.VITE_API_URL;`,
	".env.production", "VITE_API_URL=https://api.example.com\n", ".env.development", "VITE_API_URL=http://127.0.0.1\n",
}

func TestBuildVariables_ReachTheBuildOfASiteWithItsSettings(t *testing.T) {
	tree := archivetest.Tree(t, shopfront...)
	made, err := From(t.Context(), tree, withBuild(map[string]string{"VITE_API_URL": "https://api.test"}))
	if err != nil {
		t.Fatal(err)
	}
	build := made.Services[0].Build
	text := build.Generated.Dockerfile
	if build.Arguments["VITE_API_URL"] != "https://api.test" || !strings.Contains(text, "ARG VITE_API_URL\nRUN npm run build") || len(made.Notes) != 1 {
		t.Errorf("arguments %v, notes %q:\n%s", build.Arguments, made.Notes, text)
	}
	kept := func(path string) bool { return build.Keep(archive.Entry{Path: path, Kind: archive.File}) }
	if !kept(".env.production") || !kept(".env.local") || !kept(".env") || kept(".env.development") {
		t.Error("the wrong files of settings are kept")
	}
	reasons := strings.Join(build.Generated.Reasons, "\n")
	if !strings.Contains(reasons, "does not get .env.development") || !strings.Contains(reasons, "The build script gets VITE_API_URL.") {
		t.Errorf("reasons %s", reasons)
	}
}

func TestBuildVariables_SettingsOfAServerStayOutAndThatIsSaid(t *testing.T) {
	made, err := From(t.Context(), archivetest.Tree(t, "package.json", `{"scripts":{"start":"node server.js"}}`, "server.js", "", ".env.production", "KEY=hush\n"), withBuild(map[string]string{"MODE": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	build := made.Services[0].Build
	if build.Keep(archive.Entry{Path: ".env.production", Kind: archive.File}) || !strings.Contains(strings.Join(build.Generated.Reasons, "\n"), "does not get .env.production") {
		t.Errorf("reasons %q", build.Generated.Reasons)
	}
	if len(made.Notes) != 1 || !strings.Contains(made.Notes[0], "no build step that reads it") {
		t.Errorf("notes %q", made.Notes)
	}
}

func TestBuildSecrets_AreNamedAndNeverArguments(t *testing.T) {
	o := options
	o.Secrets = []string{"NPM_TOKEN", "OTHER"}
	made, err := From(t.Context(), archivetest.Tree(t, "Dockerfile", "FROM a\nARG OTHER\nRUN --mount=type=secret,id=NPM_TOKEN x\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	if build := made.Services[0].Build; !slices.Equal(build.Secrets, []string{"NPM_TOKEN"}) || len(build.Arguments) > 0 || !slices.Contains(made.Notes, "The build reads the secrets NPM_TOKEN, which the image does not hold.") {
		t.Errorf("build %+v", build)
	}
}

func TestBuildVariables_OfAnImageReachNothingAndThatIsSaid(t *testing.T) {
	made, err := plan.FromImage("example.com/shop:1", withBuild(map[string]string{"MODE": "x"}))
	if err != nil || len(made.Notes) != 1 || !strings.Contains(made.Notes[0], "nothing is built here") {
		t.Errorf("notes %q, %v", made.Notes, err)
	}
}
