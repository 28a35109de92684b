package recipe

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/rogpeppe/go-internal/txtar"

	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/dockerfile"
	"berth/controller/problem"
)

var update = flag.Bool("update", false, "write the expected files of testdata/generated anew")

// expected is the name of the part of a golden file that holds what comes out;
// the parts before it are the archive.
const expected = "--expected--"

// TestGenerate_Golden plans the projects of testdata/generated.
func TestGenerate_Golden(t *testing.T) {
	files, err := filepath.Glob("testdata/generated/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files, %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			golden, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(golden.Files, func(f txtar.File) bool { return f.Name == expected })
			if at < 0 {
				at = len(golden.Files)
			}
			var project []string
			for _, f := range golden.Files[:at] {
				project = append(project, f.Name, strings.TrimSuffix(string(f.Data), "\n"))
			}
			got := outcome(t, project)
			if *update {
				golden.Files = append(golden.Files[:at], txtar.File{Name: expected, Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(golden), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if at == len(golden.Files) || got != string(golden.Files[at].Data) {
				t.Errorf("it comes out as\n%s", got)
			}
		})
	}
}

// outcome is the generated Dockerfile, with the other files of the context, or
// the refusal.
func outcome(t *testing.T, files []string) string {
	t.Helper()
	tree := archivetest.Tree(t, files...)
	made, keep, err := Write(t.Context(), tree, Options{Server: "/berth"})
	if refusal, ok := errors.AsType[*problem.Refusal](err); ok {
		return fmt.Sprintf("refused: %v\nhint: %s\n", refusal, refusal.Hint)
	}
	if err != nil {
		t.Fatal(err)
	}
	text := made.Kind + "\n" + made.Dockerfile
	for _, extra := range made.Extras[1:] {
		text += fmt.Sprintf("# beside it: %s %s%s\n", extra.Path, extra.File, strings.ReplaceAll(extra.Text, "\n", " "))
	}
	var left []string
	for _, entry := range tree.Entries() {
		if !keep(entry) {
			left = append(left, entry.Path)
		}
	}
	if len(left) > 0 {
		text += "# left out: " + strings.Join(left, " ") + "\n"
	}
	return text
}

// FuzzGenerate looks for a project that gets something else into its Dockerfile
// than the recipe means to put there.
func FuzzGenerate(f *testing.F) {
	for _, seed := range [][]string{
		{"package.json", `{"scripts":{"start":"next start","build":"x"},"dependencies":{"next":"15"},"packageManager":"pnpm@9.1.0"}`, "pnpm-lock.yaml", "lockfileVersion: '9.0'"},
		{"package.json", "{\"scripts\":{\"start\":\"a\\nRUN b\"},\"main\":\"x\\\"]\"}", "x.js", ""},
		{"package.json", `{"engines":{"node":">=22 <<EOF"},"scripts":{"start":"node $X ${Y} <<EOF \\"}}`, ".nvmrc", "22\nRUN x"},
		{"requirements.txt", "flask", "app.py", "app = Flask(__name__)"},
		{"pyproject.toml", "[project]\nrequires-python='>=3.9'\ndependencies=['a; rm']\nscripts={a='b:c'}", "main.py", "x: FastAPI = fastapi.FastAPI()"},
		{"pyproject.toml", "[tool.poetry.dependencies]\npython='^3.11'", "Procfile", "web: a 'b' \"c\" \\"},
		{"go.mod", "module x\ngo 1.26.1\ntoolchain go1.26.8\nrequire github.com/mattn/go-sqlite3 v1.0.0", "cmd/a b/main.go", "package main"},
		{"composer.json", `{"require":{"php":"^8.2|^8.3","ext-gd":"*"}}`, "public/index.php", "<?php"},
		{"index.html", "", "package.json", "{}"},
		{"Pipfile.lock", `{"_meta":{"requires":{"python_version":"3.12"}}}`, "manage.py", ""},
		{"yarn.lock", "\n__metadata:", "package.json", `{"main":"index.js","dependencies":{"vite":"1"},"scripts":{"build":"vite build"}}`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, firstName, firstText, secondName, secondText string) {
		if len(firstName)+len(secondName) > 1000 || strings.EqualFold(firstName, "dockerfile") || strings.EqualFold(secondName, "dockerfile") {
			t.Skip("not a project without a Dockerfile")
		}
		tree, err := archivetest.Open(t, firstName, firstText, secondName, secondText)
		if err != nil {
			return
		}
		defer tree.Close()
		checkGenerated(t, tree)
	})
}

// manifests are the files that decide, by kind of project.
var manifests = [][3]string{
	{"package.json", ".nvmrc", "Procfile"},
	{"package.json", "pnpm-lock.yaml", "vite.config.ts"},
	{"pyproject.toml", "app.py", ".python-version"},
	{"Pipfile.lock", "src/app/__init__.py", "Procfile"},
	{"go.mod", "main.go", "go.sum"},
	{"composer.json", "public/index.php", "composer.lock"},
}

// FuzzManifests is FuzzGenerate with the names that count.
func FuzzManifests(f *testing.F) {
	f.Add(uint8(0), `{"engines":{"node":"22"},"scripts":{"start":"node a.js"}}`, "v22", "web: x")
	f.Add(uint8(1), `{"packageManager":"pnpm@9.1.0","scripts":{"build":"vite build"},"devDependencies":{"vite":"7"}}`, "lockfileVersion: '6.0'", "export default {}")
	f.Add(uint8(2), "[project]\nrequires-python='>=3.9'\ndependencies=['flask']", "app = Flask(__name__)", "3.12")
	f.Add(uint8(3), `{"_meta":{"requires":{"python_version":"3.12"}}}`, "def create_app():\n  Flask(", "")
	f.Add(uint8(4), "module a\ngo 1.26\ntoolchain go1.26.1\nreplace a => ./b", "package main", "")
	f.Add(uint8(5), `{"require":{"php":"^8.2","ext-gd":"*"},"config":{"platform":{"php":"8.3"}}}`, "", "")
	f.Fuzz(func(t *testing.T, kind uint8, first, second, third string) {
		names := manifests[int(kind)%len(manifests)]
		tree, err := archivetest.Open(t, names[0], first, names[1], second, names[2], third)
		if err != nil {
			return
		}
		defer tree.Close()
		checkGenerated(t, tree)
	})
}

// checkGenerated parses what was generated, and compares its instructions with
// those that the recipe wrote.
func checkGenerated(t *testing.T, tree *archive.Tree) {
	t.Helper()
	p := &project{ctx: t.Context(), tree: tree}
	for _, candidate := range recipes {
		if !candidate.knows(p) {
			continue
		}
		r, err := candidate.write(p, Options{})
		if err != nil {
			_, ofPlan := errors.AsType[*problem.Refusal](err)
			_, ofArchive := errors.AsType[*archive.Refusal](err)
			if !ofPlan && !ofArchive {
				t.Fatalf("bad input is no Refusal: %v", err)
			}
			return
		}
		made, err := r.finish()
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.Parse(strings.NewReader(made.Dockerfile))
		if err != nil {
			t.Fatal(err)
		}
		var steps []string
		for _, node := range parsed.AST.Children {
			steps = append(steps, strings.ToUpper(node.Value))
			if len(node.Heredocs) > 0 {
				t.Errorf("a heredoc begins in %q", node.Original)
			}
		}
		if !slices.Equal(steps, r.steps) {
			t.Errorf("the instructions are %q, want %q\n%s", steps, r.steps, made.Dockerfile)
		}
		for _, line := range r.lines {
			if strings.ContainsAny(line, "\n\r") {
				t.Errorf("more than a line: %q", line)
			}
		}
		checkEnd(t, made.Dockerfile)
		return
	}
}

// checkEnd looks for what every generated image must say.
func checkEnd(t *testing.T, text string) {
	t.Helper()
	file, refusal := dockerfile.Read([]byte(text), dockerfile.Rules{})
	if refusal != nil {
		t.Fatal(refusal)
	}
	if !slices.Contains(file.Exposed(), Port) || !strings.Contains(text, "\nUSER 65534:65534\n") {
		t.Errorf("the image's end is not the common one:\n%s", text)
	}
	for _, stage := range file.Stages {
		if stage.BaseName != "scratch" && stage.BaseName != "base" && !strings.Contains(stage.BaseName, ":") {
			t.Errorf("the base image %s has no version", stage.BaseName)
		}
	}
}
