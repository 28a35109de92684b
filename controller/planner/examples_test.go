package planner

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/plan"
	"berth/controller/problem"
)

const examplesFolder = "../../examples"

// exampleOf zips a folder of examples as a person does, with every file in it, and opens it.
func exampleOf(tb testing.TB, name string) *archive.Tree {
	tb.Helper()
	file, err := os.Create(filepath.Join(tb.TempDir(), name+".zip"))
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	if err := archive.Pack(tb.Context(), filepath.Join(examplesFolder, name), file, nil); err != nil {
		tb.Fatal(err)
	}
	tree, err := archive.OpenApp(file.Name(), archive.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tree.Close() })
	return tree
}

// TestFrom_PlansEachExampleAsItIsZipped: no example needs anything built or written by hand.
// What it needs of a person is variables, which are asked for by name.
func TestFrom_PlansEachExampleAsItIsZipped(t *testing.T) {
	folders, err := os.ReadDir(examplesFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		t.Run(folder.Name(), func(t *testing.T) {
			made, err := From(t.Context(), exampleOf(t, folder.Name()), options)
			faults := problem.Refusals(problem.RefusalsIn(err))
			for _, fault := range faults {
				if fault.Variable() == "" {
					t.Fatalf("a person cannot give what it needs: %v", fault)
				}
			}
			if len(faults) > 0 {
				given := options
				given.Secrets = faults.Variables()
				made, err = From(t.Context(), exampleOf(t, folder.Name()), given)
			}
			if err != nil || len(made.Services) == 0 {
				t.Fatalf("got %+v, %v", made, err)
			}
			for _, service := range made.Services {
				mustBuildFromTheArchiveAlone(t, folder.Name(), service)
			}
		})
	}
}

// mustBuildFromTheArchiveAlone: what a COPY takes from the context is in the repository.
func mustBuildFromTheArchiveAlone(t *testing.T, example string, service plan.Service) {
	t.Helper()
	if service.Build.Dockerfile == "" || service.Build.Generated != nil {
		return
	}
	tree := exampleOf(t, example)
	text, err := tree.ReadFile(t.Context(), filepath.Join(service.Build.Folder, service.Build.Dockerfile), 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "COPY" || strings.HasPrefix(words[1], "--from") {
			continue
		}
		for _, source := range words[1 : len(words)-1] {
			if !slices.ContainsFunc(tree.Entries(), func(e archive.Entry) bool {
				matched, _ := filepath.Match(filepath.Join(service.Build.Folder, source), e.Path)
				return matched && service.Build.Keep(e) || source == "."
			}) {
				t.Errorf("%s copies %s, which the archive does not hold", service.Build.Dockerfile, source)
			}
		}
	}
}

func TestFrom_PlansTheComposeExamples(t *testing.T) {
	given := options
	given.Secrets = []string{"GUESTBOOK_TOKEN", "DATABASE_PASSWORD"}
	for name, stateful := range map[string]string{"compose-guestbook": "store", "compose-flask-postgres": "db"} {
		made, err := From(t.Context(), exampleOf(t, name), given)
		if err != nil {
			t.Fatal(err)
		}
		if made.Main != "web" || !serviceOf(t, made, stateful).Stateful() || made.Services[0].Name != stateful {
			t.Errorf("%s: got %+v", name, made)
		}
	}
	_, err := From(t.Context(), exampleOf(t, "compose-flask-postgres"), options)
	if faults := problem.RefusalsIn(err); len(faults) != 1 || faults[0].Line != 8 || !strings.Contains(faults[0].Reason, "save it for the app") {
		t.Errorf("got %v", err)
	}
}
