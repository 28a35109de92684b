package compose

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/schema"
)

// TestRead_RefusesEachHostileFile reads testdata/refused: the last line of each
// file says at which line it is refused, and with which words.
func TestRead_RefusesEachHostileFile(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	expectation := regexp.MustCompile(`# refused: line (\d+): (.*)\n$`)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := expectation.FindStringSubmatch(string(text))
			if want == nil {
				t.Fatal("the file does not say why it is refused")
			}
			line, _ := strconv.Atoi(want[1])
			_, err = Read(text, Options{})
			mustRefuse(t, err, line, want[2])
		})
	}
}

func mustRefuse(t *testing.T, err error, line int, reason string) {
	t.Helper()
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatalf("got %v, want a Refusal", err)
	}
	if refusal.Line != line || !strings.Contains(refusal.Reason, reason) {
		t.Errorf("got %v, want line %d: %s", refusal, line, reason)
	}
	if !strings.HasSuffix(refusal.Reason, ".") || !strings.HasSuffix(refusal.Hint, ".") && !strings.HasSuffix(refusal.Hint, "?") {
		t.Errorf("not whole sentences: %q, %q", refusal.Reason, refusal.Hint)
	}
}

func mustRead(t *testing.T, text string, o Options) *File {
	t.Helper()
	file, err := Read([]byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestKeys_HoldEveryKeyOfTheSpecification notices what a newer specification adds.
func TestKeys_HoldEveryKeyOfTheSpecification(t *testing.T) {
	var document map[string]any
	if err := json.Unmarshal([]byte(schema.Schema), &document); err != nil {
		t.Fatal(err)
	}
	specified := map[string]bool{}
	collect(document, document, "", specified, 0)
	known := newChecker("").table
	for _, path := range slices.Sorted(maps.Keys(specified)) {
		if !covered(known, path) {
			t.Errorf("the table does not hold %s", path)
		}
	}
	for path := range known {
		if !specified[path] && !strings.Contains(path, ".x-berth") && !strings.HasSuffix(path, "*") && !strings.HasSuffix(path, "[]") {
			t.Errorf("the specification does not hold %s", path)
		}
	}
}

// covered reports whether the table has the path, or refuses or drops something above it.
func covered(known map[string]Key, path string) bool {
	if _, found := known[path]; found {
		return true
	}
	for at := strings.LastIndexByte(path, '.'); at > 0; at = strings.LastIndexByte(path, '.') {
		path = path[:at]
		if key, found := known[path]; found {
			return key.Support != Supported
		}
	}
	return false
}

// collect gathers the paths of a JSON schema in the table's form.
func collect(document, part map[string]any, path string, into map[string]bool, depth int) {
	if depth > 24 {
		return
	}
	if target, ok := part["$ref"].(string); ok {
		definitions := document["$defs"].(map[string]any)
		name := strings.TrimPrefix(target, "#/$defs/")
		collect(document, definitions[name].(map[string]any), path, into, depth+1)
	}
	for _, kind := range []string{"oneOf", "anyOf", "allOf"} {
		choices, _ := part[kind].([]any)
		for _, choice := range choices {
			collect(document, choice.(map[string]any), path, into, depth+1)
		}
	}
	properties, _ := part["properties"].(map[string]any)
	for name, property := range properties {
		below := join(path, name)
		into[below] = true
		if property, ok := property.(map[string]any); ok {
			collect(document, property, below, into, depth+1)
		}
	}
	patterns, _ := part["patternProperties"].(map[string]any)
	for pattern, property := range patterns {
		if property, ok := property.(map[string]any); ok && !strings.HasPrefix(pattern, "^x-") {
			collect(document, property, join(path, "*"), into, depth+1)
		}
	}
	if items, ok := part["items"].(map[string]any); ok {
		collect(document, items, join(path, "[]"), into, depth+1)
	}
}

func TestKeys_AreWholeSentences(t *testing.T) {
	seen := map[string]bool{}
	for _, key := range Keys() {
		if seen[key.Path] {
			t.Errorf("%s is there twice", key.Path)
		}
		seen[key.Path] = true
		if key.Support != Supported && (!strings.HasSuffix(key.Text, ".") || key.Support == Refused && !strings.HasSuffix(key.Instead, ".")) {
			t.Errorf("%s: %q %q", key.Path, key.Text, key.Instead)
		}
	}
}

func TestRead_ResolvesAnchorsMergesExtendsAndVariables(t *testing.T) {
	file := mustRead(t, `
name: shop
version: "3.9"
x-common: &common
  restart: unless-stopped
  environment: &env
    LEVEL: ${LEVEL:-info}
services:
  base:
    <<: *common
    image: app:${TAG}
    x-note: for people
  web:
    extends: base
    environment:
      <<: *env
      OTHER: $OTHER
    ports: ["8080:80"]
`, Options{Variables: map[string]string{"TAG": "7", "SPARE": "x"}})
	web := file.Project.Services["web"]
	if web.Image != "app:7" || web.Restart != "unless-stopped" || *web.Environment["LEVEL"] != "info" || *web.Environment["OTHER"] != "" {
		t.Errorf("got %+v", web)
	}
	if len(web.Ports) != 1 || web.Ports[0].Target != 80 || web.Ports[0].Published != "8080" {
		t.Errorf("ports %+v", web.Ports)
	}
	if !slices.Equal(file.Unused, []string{"SPARE"}) {
		t.Errorf("unused %q", file.Unused)
	}
	notes := strings.Join(file.Notes, "\n")
	for _, want := range []string{"Line 2: name has no effect", "Line 3: version has no effect"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes lack %q: %s", want, notes)
		}
	}
	if want := []Missing{{Name: "OTHER", Line: 17}}; !slices.Equal(file.Missing, want) {
		t.Errorf("missing %v, want %v", file.Missing, want)
	}
	for _, c := range []struct {
		path []string
		want int
	}{
		{[]string{"services", "web"}, 13},
		{[]string{"services", "web", "image"}, 11},
		{[]string{"services", "web", "restart"}, 5},
		{[]string{"services", "web", "environment", "LEVEL"}, 7},
		{[]string{"services", "web", "ports", "0"}, 18},
		{[]string{"services", "web", "ports", "7"}, 18},
	} {
		if got := file.Line(c.path...); got != c.want {
			t.Errorf("%v is in line %d, want %d", c.path, got, c.want)
		}
	}
}

func TestRead_TakesNothingFromTheProcess(t *testing.T) {
	t.Setenv("HOSTILE_PROBE", "from the process")
	file := mustRead(t, "services:\n  web:\n    image: a\n    environment: [HOSTILE_PROBE, \"B=$HOSTILE_PROBE\"]\n", Options{})
	environment := file.Project.Services["web"].Environment
	if environment["HOSTILE_PROBE"] != nil || *environment["B"] != "" {
		t.Errorf("got %v", environment)
	}
}

func TestRead_RefusesWhatIsNoText(t *testing.T) {
	for name, c := range map[string]struct {
		text, reason string
		line         int
	}{
		"empty":            {"", "empty", 0},
		"comment":          {"# nothing\n", "empty", 0},
		"latin-1":          {"services:\n  web:\n    image: caf\xe9\n", "not text in UTF-8", 3},
		"utf-16":           {"\xff\xfes\x00", "not text in UTF-8", 1},
		"zero byte":        {"services:\n\x00", "not text in UTF-8", 2},
		"too large":        {"#" + strings.Repeat("x", MaxBytes), "larger than 256 KB", 0},
		"too deep":         {"x: " + strings.Repeat("[", 50) + strings.Repeat("]", 50), "nested more than 32", 1},
		"list":             {"- a\n", "no mapping", 1},
		"not YAML":         {"services:\n  web: [\n", "not YAML", 2},
		"two documents":    {"services: {}\n---\nservices: {}\n", "second document", 2},
		"no services":      {"volumes: {}\n", "no services", 1},
		"empty services":   {"services:\n", "no services", 1},
		"circle":           {"services: &a\n  web: *a\n", "within its own anchor", 2},
		"many services":    {"services:\n" + many(51), "more than 50 services", 2},
		"a billion laughs": {laughs, "more than 20000 values", 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(c.text), Options{})
			mustRefuse(t, err, c.line, c.reason)
		})
	}
}

func many(count int) string {
	var b strings.Builder
	for i := range count {
		b.WriteString("  s" + strconv.Itoa(i) + ": {image: a}\n")
	}
	return b.String()
}

const laughs = `a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]
`

func TestRead_BoundsWhatVariablesBecome(t *testing.T) {
	long := strings.Repeat("x", 32<<10)
	for name, text := range map[string]string{
		"a long value many times": strings.Repeat("$A", 50_000),
		"braces within braces":    strings.Repeat("${B:-", 20_000) + strings.Repeat("}", 20_000),
	} {
		_, err := Read([]byte("services:\n  web:\n    image: a\n    command: "+strconv.Quote(text)+"\n"), Options{Variables: map[string]string{"A": long}})
		if _, ok := errors.AsType[*Refusal](err); !ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/refused/*.yaml")
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(laughs))
	f.Add([]byte("services:\n  web:\n    image: ${A:-b}\n    extends: {service: web}\n"))
	f.Add([]byte("include: [x.yaml, {path: [../y.yaml, z.yaml], project_directory: d}]\nservices:\n  web:\n    image: a\n    extends: {file: o.yaml, service: b}\n  b: {build: ., volumes: [\"./a:/b\", {type: bind, source: x, target: /y}], env_file: [e]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Read(text, Options{
			Variables: map[string]string{"A": "b"}, Path: "a/compose.yaml", Others: []Other{{Path: "b.yaml", Text: text}},
			Open: func(path string) ([]byte, error) {
				if strings.HasPrefix(path, "/") || path == ".." || strings.HasPrefix(path, "../") {
					t.Errorf("%q was opened", path)
				}
				return text, nil
			},
		})
		if err != nil {
			if _, ok := errors.AsType[*Refusal](err); !ok {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if file.Project == nil {
			t.Fatal("neither project nor refusal")
		}
	})
}

func TestRead_NamesEveryVariableThatTheFileDemands(t *testing.T) {
	file, err := Read([]byte("services:\n  web:\n    image: \"app:${TAG:?say which}\"\n    user: ${USER?}\n    # ${OTHER}\n    command: $$HOME $COMMAND ${LEVEL:-1} ${GIVEN:?no}\n"), Options{Variables: map[string]string{"GIVEN": "1"}})
	want := []Missing{{Name: "TAG", Why: "say which", Line: 3}, {Name: "USER", Line: 4}, {Name: "COMMAND", Line: 6}}
	if err != nil || file.Project != nil || !slices.Equal(file.Missing, want) {
		t.Errorf("got %+v, %v", file, err)
	}
}
