package planner

import (
	"errors"
	"slices"
	"testing"

	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/dockerfile"
	"berth/controller/plan"
	"berth/controller/problem/problemtest"
)

func TestDockerfile_RefusalNamesTheFile(t *testing.T) {
	_, err := From(t.Context(), archivetest.Tree(t, "Dockerfile", "FROM scratch\nNONSENSE\n"), options)
	problemtest.MustRefuse(t, err, "Dockerfile", 2, "NONSENSE")
}

func TestCheckBases_RefusesWhatAnImageMakesTheBuildFetch(t *testing.T) {
	const name = "docker.io/library/a:latest"
	for _, c := range []struct {
		name, text string
		base       dockerfile.Base
		refused    bool
	}{
		{"nothing", "FROM a\nADD . /\n", dockerfile.Base{Environment: []string{"PATH=/bin"}, Triggers: []string{"COPY . /app"}}, false},
		{"an address", "FROM a\n", dockerfile.Base{Triggers: []string{"ADD http://127.0.0.1/x /x"}}, true},
		{"an address in its own variable", "FROM a\n", dockerfile.Base{Environment: []string{"U=http://host"}, Triggers: []string{"ADD $U /x"}}, true},
		{"an address in a variable that it sets", "FROM a\n", dockerfile.Base{Triggers: []string{"ENV U=http://host", "ADD $U /x"}}, true},
		{"a variable that goes before an argument", "FROM a\nARG U=file\nADD $U /x\n", dockerfile.Base{Environment: []string{"U=http://host"}}, true},
		{"the network of the host", "FROM a\n", dockerfile.Base{Triggers: []string{"RUN --network=host true"}}, true},
		{"another registry", "FROM a\n", dockerfile.Base{Triggers: []string{"COPY --from=localhost:5000/x / /"}}, true},
		{"nonsense", "FROM a\n", dockerfile.Base{Triggers: []string{"ADD"}}, true},
		{"a former stage's base", "FROM a AS b\nFROM b\nARG U=file\nADD $U /x\n", dockerfile.Base{Environment: []string{"U=http://host"}}, true},
	} {
		build := plan.Build{Dockerfile: "Dockerfile"}
		if refusal := build.Take([]byte(c.text), plan.Options{}); refusal != nil || !slices.Equal(build.Bases, []string{name}) {
			t.Fatalf("%s: %v, %q", c.name, refusal, build.Bases)
		}
		err := build.CheckBases(map[string]dockerfile.Base{name: c.base})
		if _, ok := errors.AsType[*plan.Refusal](err); ok != c.refused {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// FuzzFrom plans archives of two files.
func FuzzFrom(f *testing.F) {
	f.Add("Dockerfile", "FROM scratch", ".dockerignore", "*\n!a")
	f.Add("compose.yaml", "services: {}", "a/b/Dockerfile", "FROM scratch")
	f.Add("dockerfile", "FROM a\nRUN b", "dockerfile.dockerignore", "[")
	f.Fuzz(func(t *testing.T, firstName, firstText, secondName, secondText string) {
		if len(firstName)+len(secondName) > 1000 {
			t.Skip("a ZIP cannot hold every name")
		}
		tree, err := archivetest.Open(t, firstName, firstText, secondName, secondText)
		if err != nil {
			return
		}
		defer tree.Close()
		made, err := From(t.Context(), tree, options)
		if err != nil {
			_, ofPlan := errors.AsType[*plan.Refusal](err)
			_, ofArchive := errors.AsType[*archive.Refusal](err)
			if !ofPlan && !ofArchive {
				t.Fatalf("bad input is no Refusal: %v", err)
			}
			return
		}
		if made.Services[0].Build.Generated != nil {
			if _, refusal := dockerfile.Read([]byte(made.Services[0].Build.Generated.Dockerfile), dockerfile.Rules{}); refusal != nil {
				t.Error(refusal)
			}
			return
		}
		file, found := tree.Entry(made.Services[0].Build.Dockerfile)
		if !found || !made.Services[0].Build.Keep(file) {
			t.Error("the Dockerfile is not in the build context")
		}
	})
}
