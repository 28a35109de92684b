package planner

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/plan"
	"berth/controller/problem/problemtest"
)

var options = plan.Options{Limits: plan.DefaultLimits()}

func planned(t *testing.T, files ...string) plan.Plan {
	t.Helper()
	made, err := From(t.Context(), archivetest.Tree(t, files...), options)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func kept(tree *archive.Tree, made plan.Plan) []string {
	var paths []string
	for _, entry := range tree.Entries() {
		if made.Services[0].Build.Keep(entry) {
			paths = append(paths, entry.Path)
		}
	}
	return paths
}

func TestFrom_PlansOneHardenedServiceOfADockerfile(t *testing.T) {
	o := plan.Options{Port: 3000, Limits: plan.DefaultLimits(), Environment: []string{"MODE=production"}}
	made, err := From(t.Context(), archivetest.Tree(t, "Dockerfile", "FROM scratch\nCOPY . /\n", "main.go", ""), o)
	if err != nil {
		t.Fatal(err)
	}
	if made.Main != plan.MainService || len(made.Services) != 1 {
		t.Fatalf("got %+v", made)
	}
	service := made.Services[0]
	if service.Name != "main" || service.Port != 3000 || service.Build.Dockerfile != "Dockerfile" ||
		service.Limits != o.Limits || !slices.Equal(service.Environment, o.Environment) {
		t.Errorf("got %+v", service)
	}
	if _, err := service.Policy(""); err != nil {
		t.Error(err)
	}
}

func TestFrom_LeavesOutWhatDockerignoreSays(t *testing.T) {
	files := []string{"Dockerfile", "FROM scratch", ".dockerignore", "*\n!src", "src/a", "", "secret", ""}
	tree := archivetest.Tree(t, files...)
	if got, want := kept(tree, planned(t, files...)), []string{".dockerignore", "Dockerfile", "src", "src/a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFrom_PrefersTheDockerignoreOfTheDockerfile(t *testing.T) {
	files := []string{"dockerfile", "FROM scratch", ".dockerignore", "a", "dockerfile.dockerignore", "b\ndockerfile", "a", "", "b", ""}
	got := kept(archivetest.Tree(t, files...), planned(t, files...))
	if want := []string{".dockerignore", "a", "dockerfile", "dockerfile.dockerignore"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFrom_KeepsAllWithoutDockerignore(t *testing.T) {
	files := []string{"Dockerfile", "FROM scratch", "a/b", ""}
	if got, want := kept(archivetest.Tree(t, files...), planned(t, files...)), []string{"Dockerfile", "a", "a/b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFrom_RefusesDockerignoreThatCannotBeRead(t *testing.T) {
	_, err := From(t.Context(), archivetest.Tree(t, "Dockerfile", "FROM scratch", ".dockerignore", "[a"), options)
	problemtest.MustRefuse(t, err, ".dockerignore", 1, "[a cannot be read")
}

func TestFrom_NamesWhatIsThereInsteadOfADockerfile(t *testing.T) {
	for _, c := range []struct {
		name         string
		files        []string
		reason, hint string
	}{
		{"one file", []string{"main.go", "", "z/", ""}, "holds main.go and z/.", "Add a file called Dockerfile"},
		{"many files", []string{"a", "", "b", "", "c", "", "d/x", "", "e", "", "f", "", "g", ""}, "holds a, b, c, d/, e and 2 more.", "Add a file"},
		{"two folders deep", []string{"README", "", "src/app/Dockerfile", "FROM scratch"}, "further down: src/app/Dockerfile.", "of the folder src/app alone"},
		{"a folder of that name", []string{"Dockerfile2", "", "x/y", ""}, "holds Dockerfile2 and x/.", "Add a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := From(t.Context(), archivetest.Tree(t, c.files...), options)
			problemtest.MustRefuse(t, err, "", 0, c.reason)
			if refusal, _ := errors.AsType[*plan.Refusal](err); !strings.Contains(refusal.Hint, c.hint) {
				t.Errorf("the hint is %q", refusal.Hint)
			}
		})
	}
}

func TestFrom_ComposeFileDecidesAlsoBesideADockerfile(t *testing.T) {
	made := planned(t, "Dockerfile", "FROM scratch", "compose.yaml", "services: {web: {build: .}}")
	if !made.Composed || made.Main != "web" || made.Services[0].Build.Dockerfile != "Dockerfile" {
		t.Errorf("got %+v", made)
	}
	_, err := From(t.Context(), archivetest.Tree(t, "Dockerfile", "FROM scratch", "compose.yaml", "services: {web: {build: ., volumes: ['/etc:/app']}}"), options)
	if refusal, ok := errors.AsType[*plan.Refusal](err); !ok || !strings.Contains(refusal.Hint, "Without compose.yaml in the archive") {
		t.Errorf("got %v", err)
	}
}

func TestFrom_RefusesADockerfileThatIsAFolderOrTooLarge(t *testing.T) {
	for _, files := range [][]string{
		{"Dockerfile/x", "", "y", ""},
		{"Dockerfile", strings.Repeat("# nothing, at some length, to be read\n", 8000) + noise},
	} {
		_, err := From(t.Context(), archivetest.Tree(t, files...), options)
		if refusal, ok := errors.AsType[*archive.Refusal](err); !ok || refusal.File != "Dockerfile" {
			t.Errorf("got %v", err)
		}
	}
}

// noise keeps a long file from looking like a bomb.
var noise = func() string {
	var b strings.Builder
	for i := range 4000 {
		b.WriteString(string(rune('0' + i*i%7919)))
	}
	return b.String()
}()

func TestFrom_RefusesBadOptionsWithoutShowingValues(t *testing.T) {
	tree := archivetest.Tree(t, "Dockerfile", "FROM scratch")
	for _, variable := range []string{"NAME", "=value", "", "A=b\x00c"} {
		_, err := From(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits(), Environment: []string{variable}})
		problemtest.MustRefuse(t, err, "", 0, "environment variable")
		if strings.Contains(err.Error(), "value\"") {
			t.Errorf("the value is shown: %v", err)
		}
	}
	_, err := From(t.Context(), tree, plan.Options{})
	problemtest.MustRefuse(t, err, "", 0, "would mean no limit")
	_, err = From(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits(), Waivers: plan.Waivers{Capabilities: []string{"SYS_ADMIN"}}})
	problemtest.MustRefuse(t, err, "", 0, "SYS_ADMIN")
}

func TestChoosePort_FollowsTheDesign(t *testing.T) {
	for _, c := range []struct {
		name    string
		wanted  uint16
		exposed []uint16
		want    uint16
	}{
		{"the wanted one", 3000, []uint16{8000, 80}, 3000},
		{"8000 where exposed", 0, []uint16{80, 8000, 9000}, 8000},
		{"the lowest", 0, []uint16{9000, 80, 443}, 80},
		{"8000 where nothing is", 0, nil, 8000},
		{"8000 where nothing can be", 0, []uint16{0}, 8000},
	} {
		if got := plan.ChoosePort(c.wanted, c.exposed); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestRefusal_SaysWhere(t *testing.T) {
	for want, refusal := range map[string]plan.Refusal{
		"No.":                     {Reason: "No."},
		"Dockerfile: No.":         {File: "Dockerfile", Reason: "No."},
		"Dockerfile, line 3: No.": {File: "Dockerfile", Line: 3, Reason: "No."},
	} {
		if got := refusal.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLayout_HoldsTheGeneratedFilesBesideTheArchives(t *testing.T) {
	build := planned(t, "index.html", "").Services[0].Build
	layout := build.Layout()
	if layout.Below != "site" || len(layout.Extras) != 2 || layout.Extras[0].Path != build.Dockerfile || layout.Extras[0].Text != build.Generated.Dockerfile {
		t.Errorf("got %+v", layout)
	}
	plain := planned(t, "Dockerfile", "FROM scratch").Services[0].Build.Layout()
	if plain.Below != "" || len(plain.Extras) != 0 || plain.Keep == nil {
		t.Errorf("got %+v", plain)
	}
}
