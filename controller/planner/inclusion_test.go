package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"berth/controller/archive/archivetest"
	"berth/controller/plan"
	"berth/controller/problem"
)

// planFiles plans an archive of the given files.
func planFiles(t *testing.T, o plan.Options, files ...string) (plan.Plan, error) {
	t.Helper()
	if o.Limits == (plan.Limits{}) {
		o.Limits = plan.DefaultLimits()
	}
	return From(t.Context(), archivetest.Tree(t, files...), o)
}

func mustPlanFiles(t *testing.T, o plan.Options, files ...string) plan.Plan {
	t.Helper()
	made, err := planFiles(t, o, files...)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// mustFault refuses with a fault at each place, such as "a.yaml, line 3: words".
func mustFault(t *testing.T, err error, wants ...string) {
	t.Helper()
	all := problem.RefusalsIn(err)
	for _, want := range wants {
		place, words, _ := strings.Cut(want, ": ")
		if !slices.ContainsFunc(all, func(r *plan.Refusal) bool {
			return strings.HasPrefix(r.Error(), place) && strings.Contains(r.Reason, words)
		}) {
			t.Errorf("no fault %q in:\n%v", want, err)
		}
	}
	for _, fault := range all {
		if !strings.HasSuffix(fault.Reason, ".") && !strings.HasSuffix(fault.Reason, "?") || !strings.HasSuffix(fault.Hint, ".") {
			t.Errorf("not whole sentences: %q, %q", fault.Reason, fault.Hint)
		}
	}
	if len(all) == 0 {
		t.Errorf("it is not refused: %v", err)
	}
}

func TestExtends_TakesServicesOfAnotherFileWithItsOwnPaths(t *testing.T) {
	made := mustPlanFiles(t, plan.Options{Environment: []string{"LEVEL=7", "PRICE=a$$b"}},
		"compose.yaml", `
services:
  web:
    extends: {file: common/base.yaml, service: base}
    environment: {OWN: "1"}
    volumes: ["./own:/own:ro"]
    ports: ["80"]
`, "common/base.yaml", `
services:
  base:
    extends: {file: ../lower/deep.yaml, service: deep}
    build: .
    env_file: [base.env]
    volumes: ["./conf:/conf:ro", "data:/data"]
    environment: {LEVEL: "${LEVEL}", PRICE: "${PRICE}"}
  unused: {image: "x:1", privileged: true, command: "${NOWHERE:?no}"}
`, "lower/deep.yaml", "services:\n  deep:\n    environment: {DEEP: \"${DEEP:-yes}\"}\n    volumes: [\"./d:/d:ro\"]\n",
		"common/Dockerfile", "FROM scratch\n", "common/base.env", "FILE=there\n",
		"common/conf/a.conf", "a", "own/b.conf", "b", "lower/d/c", "c")
	web := serviceOf(t, made, "web")
	if len(made.Services) != 1 || web.Build.Folder != "common" {
		t.Errorf("got %d services, built in %q", len(made.Services), web.Build.Folder)
	}
	if want := []string{"DEEP=yes", "FILE=there", "LEVEL=7", "OWN=1", "PRICE=a$$b"}; !slices.Equal(web.Environment, want) {
		t.Errorf("environment %q, want %q", web.Environment, want)
	}
	var places []string
	for _, file := range web.Files {
		places = append(places, file.Path)
	}
	if slices.Sort(places); !slices.Equal(places, []string{"/conf/a.conf", "/d/c", "/own/b.conf"}) {
		t.Errorf("files %q", places)
	}
	if len(web.Mounts) != 1 || web.Mounts[0].Volume != "data" {
		t.Errorf("mounts %+v", web.Mounts)
	}
}

func TestInclude_JoinsTheServicesOfFilesInFolders(t *testing.T) {
	made := mustPlanFiles(t, plan.Options{},
		"compose.yaml", `
include:
  - db/compose.yaml
  - path: [cache/a.yaml, cache/b.yaml]
    project_directory: shared
services:
  web: {image: "web:1", ports: ["80"], depends_on: [store], networks: [back]}
networks: {back: }
`, "db/compose.yaml", `
include: [../db/more/extra.yml]
services:
  store:
    build: {target: last}
    secrets: [key]
    networks: [back]
networks: {back: }
secrets: {key: {file: ./key.txt}}
`, "db/more/extra.yml", "services: {extra: {image: \"extra:1\"}}\n",
		"cache/a.yaml", "services: {cache: {image: \"cache:1\", env_file: [c.env], command: first}}\n",
		"cache/b.yaml", "services: {cache: {command: second}}\n",
		"db/Dockerfile", "FROM scratch AS last\n", "db/key.txt", "k", "shared/c.env", "C=1\n")
	var names []string
	for _, service := range made.Services {
		names = append(names, service.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"cache", "extra", "store", "web"}) || made.Main != "web" {
		t.Errorf("services %q, main %q", names, made.Main)
	}
	store, cache := serviceOf(t, made, "store"), serviceOf(t, made, "cache")
	if store.Build.Folder != "db" || store.Build.Target != "last" || len(store.Files) != 1 || string(store.Files[0].Content) != "k" {
		t.Errorf("store %+v", store)
	}
	if !slices.Equal(cache.Command, []string{"second"}) || !slices.Equal(cache.Environment, []string{"C=1"}) {
		t.Errorf("cache %+v", cache)
	}
}

func TestCompose_MergesChosenFilesInTheirOrder(t *testing.T) {
	files := []string{
		"compose.yaml", "services:\n  web:\n    image: a:1\n    volumes: [\"one:/one\", \"./x:/two:ro\"]\n    ports: [\"80\"]\n",
		"compose.override.yaml", "services:\n  web:\n    command: developer\n",
		"deploy/prod.yaml", "services:\n  web:\n    image: a:2\n    volumes: [\"./y:/two:ro\"]\n  db:\n    image: b:1\n",
		"x/f", "1", "y/f", "2",
	}
	made := mustPlanFiles(t, plan.Options{}, files...)
	if !slices.ContainsFunc(made.Notes, func(n string) bool { return strings.HasPrefix(n, "compose.override.yaml was not read") }) {
		t.Errorf("notes %q", made.Notes)
	}
	made = mustPlanFiles(t, plan.Options{Compose: []string{"compose.yaml", "deploy/prod.yaml"}}, files...)
	web := serviceOf(t, made, "web")
	if web.Image != "a:2" || len(made.Services) != 2 || len(web.Files) != 1 || string(web.Files[0].Content) != "2" || len(web.Command) != 0 {
		t.Errorf("got %+v", web)
	}
	made = mustPlanFiles(t, plan.Options{Compose: []string{"compose.yaml", "compose.override.yaml"}}, files...)
	if web = serviceOf(t, made, "web"); !slices.Equal(web.Command, []string{"developer"}) || slices.ContainsFunc(made.Notes, func(n string) bool { return strings.Contains(n, "not read") }) {
		t.Errorf("got %+v, notes %q", web, made.Notes)
	}
}

func TestCompose_NamesTheFileThatHasTheLastWord(t *testing.T) {
	_, err := planFiles(t, plan.Options{Compose: []string{"compose.yaml", "b.yaml"}},
		"compose.yaml", "services:\n  web:\n    image: a:1\n    user: \"1\"\n    volumes: [\"d:/d\", \"/etc:/x\", \"/dev:/dev2\"]\n    working_dir: here\n",
		"b.yaml", "services:\n  web:\n    user: root\n    volumes:\n      - /var/run/docker.sock:/x\n      - /proc:/proc2\n")
	mustFault(t, err, "b.yaml, line 3: root", "b.yaml, line 5: the socket", "b.yaml, line 6: /proc", "compose.yaml, line 5: /dev", "compose.yaml, line 6: working directory")
	if strings.Contains(err.Error(), `"/etc"`) {
		t.Errorf("a replaced volume is refused: %v", err)
	}
}

func TestCompose_IsFoundInAFolder(t *testing.T) {
	made := mustPlanFiles(t, plan.Options{Dotenv: true},
		"README.md", "x", "deploy/docker-compose.yml", `
services:
  web:
    build: {dockerfile: Dockerfile.prod}
    volumes: ["../site:/site:ro", "./data:/data"]
    env_file: web.env
    environment: {A: "${A}"}
    configs: [c]
configs: {c: {file: ../site/index.txt}}
`, "deploy/Dockerfile.prod", "FROM scratch\n", "deploy/web.env", "B=2\n", "deploy/.env", "A=1\n", "site/index.txt", "hello")
	web := serviceOf(t, made, "web")
	if web.Build.Folder != "deploy" || web.Build.Dockerfile != "Dockerfile.prod" || !slices.Equal(web.Environment, []string{"A=1", "B=2"}) || len(web.Files) != 2 {
		t.Errorf("got %+v", web)
	}
	if len(web.Mounts) != 1 || web.Mounts[0].Target != "/data" || !slices.ContainsFunc(made.Notes, func(n string) bool { return strings.Contains(n, "deploy/docker-compose.yml") }) {
		t.Errorf("mounts %+v, notes %q", web.Mounts, made.Notes)
	}
}

func TestCompose_InAFolderStaysInTheArchive(t *testing.T) {
	_, err := planFiles(t, plan.Options{}, "README.md", "x", "deploy/compose.yaml", `
services:
  web:
    build: ../..
    env_file: ../../x.env
    volumes:
      - ../../../etc:/x
`)
	mustFault(t, err, "deploy/compose.yaml, line 4: outside", "deploy/compose.yaml, line 5: outside", "deploy/compose.yaml, line 7: outside")
}

func TestCompose_AsksWhichOfSeveralFolders(t *testing.T) {
	text := "services: {web: {image: \"a:1\"}}\n"
	files := []string{"one/compose.yaml", text, "two/docker-compose.yml", text, "node_modules/x/compose.yaml", text, ".dev/compose.yaml", text}
	_, err := planFiles(t, plan.Options{}, files...)
	all := problem.RefusalsIn(err)
	if len(all) != 1 || all[0].Offer != problem.OfferCompose || all[0].Subject != "one/compose.yaml,two/docker-compose.yml" || !strings.Contains(all[0].Hint, "two/docker-compose.yml") {
		t.Errorf("got %+v", all)
	}
	mustPlanFiles(t, plan.Options{Compose: []string{"two/docker-compose.yml"}}, files...)
	_, err = planFiles(t, plan.Options{Compose: []string{"three/compose.yaml"}}, files...)
	mustFault(t, err, `The archive has no file three/compose.yaml, which is chosen as a compose file.`)
}

func TestFrom_TakesTheTopBeforeFolders(t *testing.T) {
	folder := []string{"deploy/compose.yaml", "services: {web: {image: \"a:1\"}}\n"}
	for name, top := range map[string][]string{
		"Dockerfile": {"Dockerfile", "FROM scratch\n"}, "site": {"index.html", "<p>"}, "go": {"go.mod", "module a\n\ngo 1.24\n", "main.go", "package main\n\nfunc main() {}\n"},
	} {
		if made, err := planFiles(t, plan.Options{}, append(top, folder...)...); err != nil || made.Composed {
			t.Errorf("%s: composed %v, %v", name, made.Composed, err)
		}
	}
}

func TestInclusion_RefusesFilesOutsideTheArchive(t *testing.T) {
	for path, words := range map[string]string{
		"../x.yaml": "outside", "a/../../x.yaml": "outside", "/etc/passwd": "of the host", "~/x.yaml": "of the host", `C:\x.yaml`: "of the host", `..\x.yaml`: "of the host",
		"https://example.com/x.yaml": "not in the archive", "git@example.com:a/b": "not in the archive", "github.com/a/b": "not in the archive", "oci://example.com/a": "not in the archive",
		"${HOME}/x.yaml": "variable", "x.$A": "variable", "${A:-x.yaml}": "variable", "missing.yaml": "no such file", "folder": "not a file", "": "not the path", ".": "no such file",
		strings.Repeat("x", 2000): "not the path",
	} {
		quoted := fmt.Sprintf("'%s'", path)
		_, err := planFiles(t, plan.Options{Environment: []string{"A=x.yaml", "HOME=."}}, "compose.yaml", "services:\n  web:\n    image: a:1\n    extends:\n      service: web\n      file: "+quoted+"\n", "folder/x.yaml", "a", "x.yaml", "services: {web: {image: a}}\n")
		mustFault(t, err, "compose.yaml, line 6: "+words)
		_, err = planFiles(t, plan.Options{Environment: []string{"A=x.yaml", "HOME=."}}, "compose.yaml", "include:\n  - "+quoted+"\nservices:\n  web:\n    image: a:1\n", "folder/x.yaml", "a", "x.yaml", "services: {other: {image: a}}\n")
		mustFault(t, err, "compose.yaml, line 2: "+words)
	}
}
