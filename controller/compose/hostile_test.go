package compose

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"berth/test/patience"
)

const plain = "services:\n  web:\n    image: a:1\n"

// mostTime is far above what the slowest of these files takes.
const mostTime = 20 * time.Second

func TestRead_RefusesTricksOfTheNotation(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		line   int
		reason string
	}{
		"reset tag":                  {plain + "    ports: !reset []\n", 4, `"!reset"`},
		"reset of nothing":           {plain + "    command: !reset null\n", 4, `"!reset"`},
		"override tag":               {plain + "    ports: !override [\"80\"]\n", 4, `"!override"`},
		"tag that runs programs":     {"services:\n  web: !!python/object/apply:os.system [id]\n", 2, "YAML tag"},
		"set":                        {"services: !!set {web}\n", 1, "YAML tag"},
		"tag by another name":        {"%TAG ! tag:example.com,2000:\n---\nservices:\n  web: !x {image: a}\n", 4, "YAML tag"},
		"merge of what is none":      {plain + "    <<: hello\n", 4, "not a mapping"},
		"merge of itself":            {"services:\n  web: &w\n    image: a:1\n    <<: *w\n", 4, "within its own anchor"},
		"merge that is privileged":   {"x-a: &a {privileged: true}\n" + plain + "    <<: *a\n", 1, "privileged"},
		"merges that grow":           {mergeBomb(), 2, "more than 20000 values"},
		"anchor of another document": {"x: &a {image: a}\n---\nservices:\n  web: *a\n", 2, "second document"},
		"document after the end":     {plain + "...\nservices: {evil: {image: b, privileged: true}}\n", 4, "not YAML"},
		"anchor of nowhere":          {"services:\n  web: *nothing\n", 0, "unknown anchor"},
		"another YAML":               {"%YAML 9.9\n---\n" + plain, 0, "not YAML"},
		"tabs":                       {"services:\n\tweb:\n\t\timage: a:1\n", 2, "not YAML"},
		"byte order mark in a key":   {plain + "\ufeff    privileged: true\n", 4, "not one of the compose specification"},
		"line by NEL":                {plain[:len(plain)-1] + "\u0085    privileged: true\n", 4, "privileged"},
		"line by LS":                 {plain[:len(plain)-1] + "\u2028    privileged: true\n", 4, "privileged"},
		"line by CR":                 {strings.ReplaceAll(plain, "\n", "\r") + "    privileged: true\n", 4, "privileged"},
		"key twice":                  {plain + "    image: b:1\n", 4, "there twice"},
		"key twice in quotes":        {plain + "    \"image\": b:1\n", 4, "there twice"},
		"key twice by escape":        {plain + "    \"\\x69mage\": b:1\n", 4, "there twice"},
		"services twice":             {plain + "services:\n  other:\n    image: b:1\n", 4, "there twice"},
		"number as service":          {"services:\n  1:\n    image: a:1\n", 2, "is not text"},
		"number as label":            {plain + "    labels: {1: x}\n", 4, "is not text"},
		"truth as service":           {"services:\n  true:\n    image: a:1\n", 2, "is not text"},
		"nothing as service":         {"services:\n  ~:\n    image: a:1\n", 2, "is not text"},
		"list as key":                {"services:\n  [a]:\n    image: a:1\n", 2, "is not text"},
		"mapping as key":             {"services:\n  ? {a: b}\n  : {image: a}\n", 2, "is not text"},
		"no name":                    {"services:\n  \"\":\n    image: a:1\n", 2, "not allowed"},
		"no number":                  {plain + "    environment: {A: .nan}\n", 4, "cannot be read"},
		"number without end":         {plain + "    cpus: .inf\n", 4, "cannot be read"},
		"key without end":            {plain + "    environment:\n      " + strings.Repeat("x", 5000) + ": y\n", 5, "not YAML"},
		"service extends itself":     {plain + "    extends: {service: web}\n", 4, "Circular"},
		"services extend in a circle": {
			"services:\n  a: {image: a, extends: b}\n  b: {extends: c}\n  c: {extends: a}\n", 0, "Circular",
		},
		"extends what is not there": {plain + "    extends: nothing\n", 0, "not found"},
		"extends the privileged":    {plain + "    extends: b\n  b:\n    image: a:1\n    privileged: true\n", 7, "privileged"},
		"variable as key":           {plain + "    ${A}: true\n", 4, "not one of the compose specification"},
		"variable as service":       {"services:\n  ${A:-web}:\n    image: a:1\n", 2, "not allowed"},
		"variable that decides":     {plain + "    privileged: ${A:-true}\n", 4, "privileged"},
		"yes for true":              {plain + "    privileged: yes\n", 4, "privileged"},
		"on for true":               {plain + "    privileged: \"on\"\n", 4, "privileged"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := Read([]byte(c.text), Options{})
			if c.line == 0 { // the library does not say which one
				c.line = lineOf(err)
			}
			mustRefuse(t, err, c.line, c.reason)
			if took := time.Since(began); took > patience.Of(mostTime) {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func lineOf(err error) int {
	if refusal, ok := err.(*Refusal); ok { //nolint:errorlint // Read returns it as it is
		return refusal.Line
	}
	return 0
}

func TestRead_TakesWhatEditorsMakeOfAFile(t *testing.T) {
	for name, text := range map[string]string{
		"byte order mark": "\ufeff" + plain, "lines of Windows": strings.ReplaceAll(plain, "\n", "\r\n"),
		"lines of old Macs": strings.ReplaceAll(plain, "\n", "\r"), "end of the document": plain + "...\n",
		"beginning of it": "---\n" + plain, "tab behind a colon": "services:\n  web:\n    image:\ta:1\n",
		"octal and dates": plain + "    environment: {A: 0777, B: 0o17, C: 1e3, D: 2001-01-01}\n",
		"long value":      plain + "    environment:\n      A: " + strings.Repeat("x", 200<<10) + "\n",
		"long text":       plain + "    environment:\n      A: |\n" + strings.Repeat("        x\n", 20_000),
		"own key wins":    "x-a: &a {image: \"b:1\"}\n" + plain + "    <<: *a\n",
		"several merges":  "x-a: &a {image: \"b:1\"}\nx-b: &b {image: \"c:1\", command: [x]}\n" + plain + "    <<: [*a, *b]\n",
		"long chain":      extendsChain(40),
		"many variables":  plain + "    environment:\n" + manyVariables(2000),
	} {
		file := mustRead(t, text, Options{})
		for _, service := range file.Project.Services {
			if service.Image != "a:1" {
				t.Errorf("%s: the image of %s is %q", name, service.Name, service.Image)
			}
		}
	}
}

// mergeBomb is small, and would be millions of values.
func mergeBomb() string {
	var b strings.Builder
	b.WriteString("x-m0: &m0 {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10}\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "x-m%d: &m%d {a: {<<: [*m%d, *m%d]}, b: {<<: [*m%d, *m%d]}, c: {<<: *m%d}}\n", i, i, i-1, i-1, i-1, i-1, i-1)
	}
	return b.String() + plain + "    <<: *m8\n"
}

func extendsChain(length int) string {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range length {
		fmt.Fprintf(&b, "  s%d: {extends: s%d}\n", i, i+1)
	}
	return b.String() + "  s" + strconv.Itoa(length) + ": {image: \"a:1\"}\n"
}

func manyVariables(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "      A%d: x\n", i)
	}
	return b.String()
}
