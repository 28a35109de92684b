package dialects

import (
	"fmt"
	"strings"
	"testing"

	"berth/controller/archive/archivetest"
	"berth/controller/plan"
	"berth/controller/problem"
)

func TestFirst_RefusesHostileTemplates(t *testing.T) {
	nested := "[config.env]\nA = \"x\"\n[config]\na = " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "\n"
	var many strings.Builder
	many.WriteString("[config.env]\n")
	for i := range 250 {
		fmt.Fprintf(&many, "V%d = \"x\"\n", i)
	}
	var huge strings.Builder
	huge.WriteString("[config]\n")
	for i := 0; huge.Len() < 600<<10; i++ {
		fmt.Fprintf(&huge, "# %x\n", i*i)
	}
	for name, c := range map[string]struct{ template, place, reason string }{
		"a reference in a name":             {"[config.env]\n\"${A}\" = \"x\"\n", "template.toml, line 2", "cannot be the name of a variable"},
		"a name of Berth":                   {"[config.env]\nBERTH_DATA = \"/\"\n", "template.toml, line 2", "belong to Berth"},
		"a name of Berth in small letters":  {"[config.env]\nberth_data = \"/\"\n", "template.toml, line 2", "belong to Berth"},
		"deep nesting":                      {nested, "template.toml", "too many values, or nests them too deep"},
		"a huge file":                       {huge.String(), "template.toml", "larger than"},
		"a huge value":                      {"[config.env]\nA = \"" + strings.Repeat("x", 40<<10) + "\"\n", "template.toml, line 2", "more than 32 kB"},
		"too many variables":                {many.String(), "template.toml", "200 are the most"},
		"a path out of the tree":            {"[[config.mounts]]\nfilePath = \"a/../../../etc/cron.d/x\"\ncontent = \"x\"\n", "template.toml, line 2", "leads out of the template's folder"},
		"a file of the system":              {"[[config.mounts]]\nfilePath = \"/etc/shadow\"\ncontent = \"x\"\n", "template.toml, line 2", "a file of the system"},
		"a path that is made":               {"[[config.mounts]]\nfilePath = \"${password:8}\"\ncontent = \"x\"\n", "template.toml, line 2", "cannot be generated"},
		"variables in a circle":             {"[variables]\na = \"${b}\"\nb = \"${a}\"\n[config.env]\nA = \"${a}\"\n", "template.toml, line 3", "is made of itself"},
		"values that grow":                  {growing(), "template.toml", "larger than"},
		"a reference to another secret":     {"[config.env]\nA = \"" + plan.SecretReference("OTHER") + "\"\n", "template.toml, line 2", "private use area"},
		"a reference to another in a file":  {"[[config.mounts]]\nfilePath = \"a\"\ncontent = \"\\uE000OTHER\\uE001\"\n", "template.toml, line 2", "private use area"},
		"a domain of nobody":                {"[[config.domains]]\nserviceName = \"berth\"\n", "template.toml, line 2", "does not have"},
		"a service that is not in the file": {"[[config.domains]]\nserviceName = \"../web\"\n", "template.toml, line 2", "does not have"},
		"a port that is none":               {"[[config.domains]]\nserviceName = \"web\"\nport = 70000\n", "template.toml, line 3", "is no port"},
		"half a file":                       {"[config.env]\nA = \"", "template.toml, line 2", "cannot be read as TOML"},
	} {
		_, asked, err := first(t, App{Values: map[string]string{"OTHER": "x"}}, "compose.yaml", oneService, "template.toml", c.template)
		found := problem.RefusalsIn(err)
		if len(found) == 0 || len(asked) > 0 && name != "too many variables" {
			t.Errorf("%s: got %v, asked for %d", name, err, len(asked))
			continue
		}
		if !strings.Contains(found[0].Reason, c.reason) || !strings.HasPrefix(found[0].Place(), c.place) || !strings.HasSuffix(found[0].Hint, ".") {
			t.Errorf("%s: got %s: %s %s", name, found[0].Place(), found[0].Reason, found[0].Hint)
		}
	}
}

// growing doubles a value with each line.
func growing() string {
	var text strings.Builder
	text.WriteString("[variables]\nv0 = \"0123456789abcdef\"\n")
	for i := range 30 {
		fmt.Fprintf(&text, "v%d = \"${v%d}${v%d}\"\n", i+1, i, i)
	}
	text.WriteString("[config.env]\nA = \"${v30}\"\n")
	return text.String()
}

func TestFirst_RefusesAFileInThePlaceOfSomethingElse(t *testing.T) {
	bind := func(source string) string {
		return "services:\n  web:\n    image: example.com/web:1\n    volumes:\n      - {type: bind, source: " + source + ", target: /etc/x, content: 'services: {}'}\n"
	}
	for name, c := range map[string]struct{ source, reason string }{
		"the compose file":         {"./compose.yaml", "would replace a file that Berth reads the template from"},
		"the compose file by turn": {"./a/../compose.yaml", "leads out of the template's folder"},
		"a folder":                 {"./folder", "the archive has a folder or a link of that name"},
		"below a file":             {"./one.txt/x", "one of its folders is a file or a link in the archive"},
	} {
		_, _, err := first(t, App{}, "compose.yaml", bind(c.source), "folder/a", "x", "one.txt", "x")
		found := problem.RefusalsIn(err)
		if len(found) == 0 || !strings.Contains(found[0].Error(), c.reason) || found[0].File != "compose.yaml" || found[0].Line != 5 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFirst_ADollarInAValueIsNeverReplaced(t *testing.T) {
	made, asked := mustPlan(t, App{Values: map[string]string{"SECRET": "hidden"}}, "compose.yaml", oneService,
		"template.toml", "[config.env]\nA = \"$SECRET $${SECRET} ${NOTHING:-${SECRET}}\"\n")
	if strings.Contains(valueOf(asked, "A"), "hidden") || strings.Contains(strings.Join(made.Services[0].Environment, " "), "hidden") {
		t.Errorf("a value was replaced: %+v %q", asked, made.Services[0].Environment)
	}
}

func TestPlan_MakesNoValues(t *testing.T) {
	files := []string{
		"compose.yaml", "services:\n  web:\n    image: example.com/web:1\n    environment: {A: '${A}'}\n    volumes: ['../files/a.ini:/etc/a.ini']\n",
		"template.toml", "[variables]\nk = \"${password:20}\"\n[config.env]\nA = \"${uuid}\"\n[[config.mounts]]\nfilePath = \"a.ini\"\ncontent = \"${k}\"\n",
	}
	tree := archivetest.Tree(t, files...)
	_, err := Plan(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits()})
	if names := problem.RefusalsIn(err).Variables(); len(names) != 1 || names[0] != "TEMPLATE_K" {
		t.Errorf("it misses %q: %v", names, err)
	}
	_, err = Plan(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits(), Secrets: []string{"TEMPLATE_K"}})
	if names := problem.RefusalsIn(err).Variables(); len(names) != 1 || names[0] != "A" {
		t.Errorf("it misses %q: %v", names, err)
	}
}
