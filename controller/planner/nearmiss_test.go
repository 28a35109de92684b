package planner

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"berth/controller/archive/archivetest"
	"berth/controller/plan"
	"berth/controller/problem/problemtest"
)

func TestFrom_JudgesNoEntryThatIsIgnored(t *testing.T) {
	venv := []string{".venv/bin/python3@", "/usr/bin/python3", "index.html", "hi"}
	for name, files := range map[string][]string{
		"by the .dockerignore":              append([]string{"Dockerfile", "FROM scratch", ".dockerignore", ".venv"}, venv...),
		"by the list of generated files":    venv,
		"by the .dockerignore of a service": {"compose.yaml", "services:\n  web:\n    build: web\n    ports: ['8000']\n", "web/Dockerfile", "FROM scratch\nEXPOSE 8000\n", "web/.dockerignore", ".venv", "web/.venv/python3@", "/usr/bin/python3"},
		"in no build of a compose file":     {"compose.yaml", "services:\n  web:\n    build: web\n    ports: ['8000']\n", "web/Dockerfile", "FROM scratch\nEXPOSE 8000\n", "docs/current@", "/srv/docs"},
	} {
		if _, err := From(t.Context(), archivetest.App(t, files...), options); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFrom_RefusesAnEntryAtFaultThatIsKept(t *testing.T) {
	compose := []string{"compose.yaml", "services:\n  web:\n    build: web\n    ports: ['8000']\n", "web/Dockerfile", "FROM scratch\nEXPOSE 8000\n"}
	for name, files := range map[string][]string{
		"app/run":                  {"Dockerfile", "FROM scratch", "app/run@", "/bin/sh"},
		"Dockerfile":               {"Dockerfile@", "/etc/passwd", "README", "x"},
		"web/run":                  append([]string{"web/run@", "../../x"}, compose...),
		"sub/.venv/bin/python3":    {"Dockerfile", "FROM scratch", ".dockerignore", "/.venv\n", "sub/.venv/bin/python3@", "/usr/bin/python3"},
		"web/.venv/python3":        append([]string{".dockerignore", "**/.venv", "web/.venv/python3@", "/usr/bin/python3"}, compose...),
		"kept/again/.venv/python3": {"Dockerfile", "FROM scratch", ".dockerignore", "**/.venv\n!kept/again/.venv/python3\n", "kept/again/.venv/python3@", "/usr/bin/python3"},
	} {
		_, err := From(t.Context(), archivetest.App(t, files...), options)
		refusal, ok := errors.AsType[*plan.Refusal](err)
		if !ok || refusal.File != name {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFrom_FollowsADockerfileThatIsALink(t *testing.T) {
	for name, files := range map[string][]string{
		"a link":                     {"Dockerfile@", "docker/Dockerfile.slim"},
		"a link through a folder":    {"Dockerfile@", "current/Dockerfile.slim", "current@", "docker"},
		"a link as Windows keeps it": {"Dockerfile", "docker/Dockerfile.slim\n"},
	} {
		files = append([]string{"docker/Dockerfile.slim", "FROM scratch\nEXPOSE 8123\n", ".dockerignore", "docker", "app", "x"}, files...)
		tree := archivetest.App(t, files...)
		made, err := From(t.Context(), tree, options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		build := made.Services[0].Build
		if build.Dockerfile != "docker/Dockerfile.slim" || !slices.Equal(build.Exposed, []uint16{8123}) {
			t.Errorf("%s: got %+v", name, build)
		}
		if !slices.Contains(kept(tree, made), "docker/Dockerfile.slim") {
			t.Errorf("%s: the Dockerfile itself is not sent", name)
		}
	}
	composed := archivetest.App(t, "compose.yaml", "services:\n  web:\n    build: web\n    ports: ['8000']\n", "web/Dockerfile@", "../shared/Dockerfile", "shared/Dockerfile", "FROM scratch\nEXPOSE 8000\n")
	if _, err := From(t.Context(), composed, options); err != nil {
		t.Errorf("of a compose file: %v", err)
	}
	_, err := From(t.Context(), archivetest.App(t, "Dockerfile@", "docker/none", "app", "x"), options)
	if err == nil || !strings.Contains(err.Error(), "a symbolic link to docker/none") {
		t.Errorf("a link to nothing: got %v", err)
	}
}

func TestFrom_ReadsADockerfileInAnyCase(t *testing.T) {
	made, err := From(t.Context(), archivetest.App(t, "DockerFile", "FROM scratch\n", "package.json", "{}"), options)
	if err != nil {
		t.Fatal(err)
	}
	if made.Services[0].Build.Dockerfile != "DockerFile" || !slices.Contains(made.Notes, "The file DockerFile is read as the Dockerfile.") {
		t.Errorf("got %+v", made)
	}
}

func TestFrom_NamesTheDockerfilesThatMayBeMeant(t *testing.T) {
	for _, near := range []string{"docker/Dockerfile", "Dockerfile.prod", "web.Dockerfile", "deploy/dockerfile"} {
		tree := archivetest.App(t, near, "FROM scratch\nEXPOSE 8123\n", "docs/readme", "x", "readme", "x")
		_, err := From(t.Context(), tree, options)
		refusal, ok := errors.AsType[*plan.Refusal](err)
		if !ok || !strings.Contains(refusal.Reason, near) || !strings.Contains(refusal.Hint, "To build with "+near+", name it in the field \"Dockerfile\" (--dockerfile of berth deploy)") {
			t.Errorf("%s: got %+v", near, err)
			continue
		}
		tree.Choose(near)
		made, err := From(t.Context(), tree, options)
		if err != nil || made.Services[0].Build.Dockerfile != near {
			t.Errorf("%s as it was chosen: got %+v, %v", near, made, err)
		}
	}
	tree := archivetest.App(t, "Dockerfile.prod.dockerignore", "x", "readme", "x")
	if _, err := From(t.Context(), tree, options); err == nil || strings.Contains(err.Error(), "It holds") {
		t.Errorf("a .dockerignore is no Dockerfile: %v", err)
	}
	tree.Choose("none")
	_, err := From(t.Context(), tree, options)
	problemtest.MustRefuse(t, err, "none", 0, "no such file")
}

func TestFrom_SaysWhichDockerfileItDoesNotUse(t *testing.T) {
	made, err := From(t.Context(), archivetest.App(t, "index.html", "x", "docker/Dockerfile", "FROM scratch"), options)
	if err != nil || len(made.Notes) != 1 || !strings.Contains(made.Notes[0], "does not build with docker/Dockerfile.") {
		t.Errorf("got %+v, %v", made.Notes, err)
	}
}

func TestFrom_SaysWhatMacOSAdded(t *testing.T) {
	made, err := From(t.Context(), archivetest.App(t, "index.html", "x", "._index.html", "x", "Icon\r", ""), options)
	if err != nil || len(made.Notes) != 1 || !strings.Contains(made.Notes[0], "2 entries that macOS adds for itself are left out: ") {
		t.Errorf("got %+v, %v", made.Notes, err)
	}
}

func TestFrom_WarnsOfScriptsWithTheLineEndsOfWindows(t *testing.T) {
	script := []string{"entrypoint.sh", "#!/bin/sh\r\nexec app\r\n"}
	for name, test := range map[string]struct {
		files []string
		warns bool
	}{
		"a build":  {append([]string{"Dockerfile", "FROM scratch"}, script...), true},
		"an image": {append([]string{"compose.yaml", "services:\n  web:\n    image: a\n    ports: ['80']\n"}, script...), false},
		"good":     {[]string{"Dockerfile", "FROM scratch", "entrypoint.sh", "#!/bin/sh\nexec app\n"}, false},
	} {
		made, err := From(t.Context(), archivetest.App(t, test.files...), options)
		if err != nil || strings.Contains(strings.Join(made.Notes, " "), "The script entrypoint.sh has the line ends of Windows") != test.warns {
			t.Errorf("%s: %q, %v", name, made.Notes, err)
		}
	}
}
