package planner

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"berth/controller/plan"
)

var (
	besideFile = regexp.MustCompile(`(?m)^# files: (.*)$`)
	plannedAs  = regexp.MustCompile(`# planned: (.*)\n$`)
	refusedAt  = regexp.MustCompile(`# refused: (.*)\n$`)
)

// TestFrom_PlansOrRefusesWhatTheSpecificationShows reads testdata/specification:
// what the compose specification and well-known collections show of each feature,
// in files of our own. The last line of each says which services are planned, in
// the order in which they start and the main one first, or why the file is refused.
func TestFrom_PlansOrRefusesWhatTheSpecificationShows(t *testing.T) {
	files, err := filepath.Glob("testdata/specification/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatal("no files", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := string(raw)
			made, err := composed(t, text, plan.Options{Most: plan.Limits{MemoryBytes: 2 << 30, NanoCPUs: 2_000_000_000, Processes: 500}}, beside(text)...)
			if want := plannedAs.FindStringSubmatch(text); want != nil {
				if got := wholePlan(t, made, err); got != want[1] {
					t.Errorf("planned as %s, want %s", got, want[1])
				}
				return
			}
			want := refusedAt.FindStringSubmatch(text)
			refusal, ok := errors.AsType[*plan.Refusal](err)
			if want == nil || !ok || !strings.HasPrefix(refusal.Error(), "compose.yaml, line ") || strings.ReplaceAll(err.Error(), "\n", " ") != want[1] || len(made.Services) != 0 {
				t.Errorf("got %v, %d services", err, len(made.Services))
			}
			if ok && !strings.HasSuffix(refusal.Hint, ".") && !strings.HasSuffix(refusal.Hint, "?") {
				t.Errorf("no next step: %q", refusal.Hint)
			}
		})
	}
}

// beside returns the files of the archive that the compose file names in its first line.
func beside(text string) []string {
	var files []string
	if found := besideFile.FindStringSubmatch(text); found != nil {
		for pair := range strings.SplitSeq(found[1], ", ") {
			name, content, _ := strings.Cut(pair, "=")
			files = append(files, name, content+"\n")
		}
	}
	return files
}

// wholePlan says what is run, and makes sure that none of it is half: each service
// has an image or a build, and a policy that the engine takes.
func wholePlan(t *testing.T, made plan.Plan, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{made.Main}
	for _, service := range made.Services {
		if (service.Image == "") == (service.Build.Dockerfile == "") {
			t.Errorf("%s has neither or both of image and build: %+v", service.Name, service)
		}
		if _, err := service.Policy(""); err != nil {
			t.Errorf("%s: %v", service.Name, err)
		}
		names = append(names, service.Name)
	}
	if !slices.Contains(names[1:], made.Main) {
		t.Errorf("the main service %q is not among them", made.Main)
	}
	return names[0] + ": " + strings.Join(names[1:], ", ")
}
