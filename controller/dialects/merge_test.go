package dialects

import (
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/plan"
)

// firstOf is first for compose files that a person chose.
func firstOf(t *testing.T, compose string, files ...string) (made plan.Plan, names []string, err error) {
	t.Helper()
	open := func() (*archive.Tree, error) { return archivetest.Tree(t, files...), nil }
	options := plan.Options{Limits: plan.DefaultLimits(), Most: plan.DefaultLimits(), Compose: strings.Split(compose, ",")}
	made, asked, err := First(t.Context(), open, options, App{})
	for _, variable := range asked {
		names = append(names, variable.Name)
	}
	return made, names, err
}

const (
	coolifyWeb  = "services:\n  web:\n    image: example.com/web:1\n    exclude_from_hc: true\n    environment: [SERVICE_FQDN_WEB_3000, 'A=${SERVICE_PASSWORD_A}']\n"
	coolifyMore = "services:\n  web:\n    environment: ['B=${SERVICE_PASSWORD_A}', 'C=${SERVICE_PASSWORD_C}']\n" +
		"    volumes:\n      - type: bind\n        source: ./web.ini\n        target: /etc/web.ini\n        content: |\n          mode=fast\n" +
		"  job:\n    image: example.com/job:1\n    exclude_from_hc: true\n"
)

func TestFirst_ReadsEachOfSeveralComposeFilesAsATemplate(t *testing.T) {
	plainWeb := "services:\n  web: {image: 'example.com/web:1', ports: ['3000']}\n"
	for name, c := range map[string]struct{ first, asked string }{
		"both":       {coolifyWeb, "SERVICE_PASSWORD_A SERVICE_PASSWORD_C"},
		"the second": {plainWeb, "SERVICE_PASSWORD_A SERVICE_PASSWORD_C"},
	} {
		made, asked, err := firstOf(t, "deploy/a.yaml,deploy/b.yaml", "deploy/a.yaml", c.first, "deploy/b.yaml", coolifyMore, "README.md", "x")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Join(asked, " ") != c.asked || len(made.Services) != 2 || made.Main != "web" {
			t.Errorf("%s: asked for %q, made %+v", name, asked, made)
		}
		for _, service := range made.Services {
			if service.Name == "web" && (len(service.Files) != 1 || string(service.Files[0].Content) != "mode=fast\n" || !strings.Contains(strings.Join(service.Environment, " "), "C="+plan.SecretReference("SERVICE_PASSWORD_C"))) {
				t.Errorf("%s: web is %+v", name, service)
			}
		}
		wantNotes(t, made.Notes, "deploy/b.yaml is a template of Coolify", "exclude_from_hc of the service job was left out")
	}
}

func TestFirst_RefusesTemplatesThatAreNotOfOneKindOrNotFirst(t *testing.T) {
	const plain, template = "services:\n  web: {image: 'example.com/web:1'}\n", "[config.env]\nA = \"${uuid}\"\n"
	for name, c := range map[string]struct {
		compose, want string
		files         []string
	}{
		"two kinds":            {"a.yaml,b.yaml", "The file is a template of Coolify, and template.toml is one of Dokploy.", []string{"a.yaml", oneService, "b.yaml", coolifyMore, "template.toml", template}},
		"not beside the first": {"a.yaml,deploy/b.yaml", "The template stands beside deploy/b.yaml", []string{"a.yaml", plain, "deploy/b.yaml", oneService, "deploy/template.toml", template}},
	} {
		_, _, err := firstOf(t, c.compose, c.files...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	made, asked, err := firstOf(t, "a.yaml,b.yaml", "a.yaml", oneService, "b.yaml", "services:\n  web: {environment: {B: '${A}'}}\n", "template.toml", template)
	if err != nil || strings.Join(asked, " ") != "A" || len(made.Services[0].Environment) != 2 {
		t.Errorf("made %+v, asked for %q, %v", made, asked, err)
	}
}

func TestFirst_NamesTheFileOfAFaultAmongSeveral(t *testing.T) {
	bad := strings.Replace(coolifyMore, "./web.ini", "./a.yaml", 1)
	_, _, err := firstOf(t, "a.yaml,b.yaml", "a.yaml", coolifyWeb, "b.yaml", bad)
	if err == nil || !strings.Contains(err.Error(), "b.yaml, line") || !strings.Contains(err.Error(), "it would replace a file that Berth reads the template from") {
		t.Errorf("got %v", err)
	}
}
