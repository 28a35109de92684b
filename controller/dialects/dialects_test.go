package dialects

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/plan"
)

const oneService = "services:\n  web:\n    image: example.com/web:1\n    environment: {A: '${A}'}\n"

// first plans an archive of the files for an app that lacks every value.
func first(t *testing.T, of App, files ...string) (plan.Plan, []app.TemplateVariable, error) {
	t.Helper()
	open := func() (*archive.Tree, error) { return archivetest.Tree(t, files...), nil }
	options := plan.Options{Limits: plan.DefaultLimits(), Most: plan.DefaultLimits()}
	for name, value := range of.Values {
		options.Environment = append(options.Environment, name+"="+value)
	}
	return First(t.Context(), open, options, of)
}

func mustPlan(t *testing.T, of App, files ...string) (plan.Plan, []app.TemplateVariable) {
	t.Helper()
	made, asked, err := first(t, of, files...)
	if err != nil {
		t.Fatal(err)
	}
	return made, asked
}

func valueOf(asked []app.TemplateVariable, name string) string {
	at := slices.IndexFunc(asked, func(v app.TemplateVariable) bool { return v.Name == name })
	if at < 0 {
		return "missing"
	}
	return asked[at].Value.Reveal()
}

func wantNotes(t *testing.T, notes []string, wanted ...string) {
	t.Helper()
	all := strings.Join(notes, "\n")
	for _, want := range wanted {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in the notes:\n%s", want, all)
		}
	}
}

func TestFirst_PlansACoolifyTemplate(t *testing.T) {
	text := "# documentation: https://example.com/docs\n# port: 3000\nservices:\n  web:\n    image: example.com/web:1\n    exclude_from_hc: true\n" +
		"    environment:\n      - SERVICE_FQDN_WEB_3000\n      - URL=${SERVICE_URL_WEB}\n      - DSN=postgres://${SERVICE_USER_PG}:${SERVICE_PASSWORD_PG}@db/app\n" +
		"    volumes:\n      - type: bind\n        source: ./web.ini\n        target: /etc/web.ini\n        content: |\n          mode=fast\n" +
		"  db:\n    image: example.com/store:1\n    environment:\n      - POSTGRES_PASSWORD=${SERVICE_PASSWORD_PG}\n"
	made, asked := mustPlan(t, App{Host: "web.example.org"}, "docker-compose.yml", text)
	if made.Main != "web" || valueOf(asked, "SERVICE_URL_WEB") != "https://web.example.org" || len(valueOf(asked, "SERVICE_PASSWORD_PG")) != 32 {
		t.Errorf("the route leads to %s, the values are %+v", made.Main, asked)
	}
	for _, service := range made.Services {
		if service.Name != "web" {
			continue
		}
		if service.Port != 3000 || len(service.Files) != 1 || string(service.Files[0].Content) != "mode=fast\n" || service.Files[0].Path != "/etc/web.ini" {
			t.Errorf("web is %+v", service)
		}
		if !slices.Contains(service.Environment, "DSN=postgres://"+valueOf(asked, "SERVICE_USER_PG")+":"+plan.SecretReference("SERVICE_PASSWORD_PG")+"@db/app") {
			t.Errorf("its environment is %q", service.Environment)
		}
	}
	wantNotes(t, made.Notes, "docker-compose.yml is a template of Coolify", "exclude_from_hc of the service web was left out", "SERVICE_USER_PG, SERVICE_PASSWORD_PG")
	if _, asked := mustPlan(t, App{}, "docker-compose.yml", text); valueOf(asked, "SERVICE_URL_WEB") != "http://localhost" {
		t.Errorf("an app without a host has %+v", asked)
	}
}

func TestFirst_ReadsATemplateInAFolder(t *testing.T) {
	made, asked := mustPlan(t, App{},
		"deploy/docker-compose.yml", strings.Replace(oneService, "image:", "volumes: ['../files/a.ini:/etc/a.ini:ro', '../files/b.ini:/etc/b.ini:ro']\n    image:", 1),
		"deploy/template.toml", "[config.env]\nA = \"${uuid}\"\n[[config.mounts]]\nfilePath = \"/a.ini\"\ncontent = \"a\"\n[[config.mounts]]\nfilePath = \"b.ini\"\ncontent = \"of the template\"\n",
		"deploy/files/b.ini", "of the archive", "README.md", "x")
	if len(valueOf(asked, "A")) != 36 || string(made.Services[0].Files[0].Content) != "a" || string(made.Services[0].Files[1].Content) != "of the archive" {
		t.Errorf("values %+v, files %+v", asked, made.Services[0].Files)
	}
	wantNotes(t, made.Notes, "The archive has deploy/files/b.ini itself, so that of the template is left out.")
}

func TestFirst_NamesTheDomainsThatTheRouteDoesNotCover(t *testing.T) {
	made, _ := mustPlan(t, App{}, "compose.yaml", "services:\n  web: {image: 'example.com/web:1'}\n  api: {image: 'example.com/api:1'}\n",
		"template.toml", "[[config.domains]]\nserviceName = \"web\"\nport = 80\npath = \"/shop\"\nhost = \"${domain}\"\n[[config.domains]]\nserviceName = \"api\"\nport = 9000\npath = \"/v1\"\nhost = \"${domain}\"\n")
	if made.Main != "web" {
		t.Errorf("the route leads to %s", made.Main)
	}
	wantNotes(t, made.Notes, "The template wants web at the path /shop: choose that path for the app's route.",
		"The template also has a domain for api, port 9000, path /v1. The app's route leads to web.")
}

func TestFirst_LeavesPlainComposeAlone(t *testing.T) {
	for name, file := range map[string]string{"another tool's": "[tool]\nname = \"x\"\n", "no TOML": "<html>", "empty": ""} {
		made, asked, err := first(t, App{Values: map[string]string{"A": "1"}}, "compose.yaml", strings.ReplaceAll(oneService, "${A}", "1"), "template.toml", file)
		if err != nil || len(asked) != 0 || strings.Contains(strings.Join(made.Notes, "\n"), "template") {
			t.Errorf("%s: %+v %+v %v", name, made.Notes, asked, err)
		}
	}
}

func TestFirst_APersonKeepsAVariablePlain(t *testing.T) {
	text := "services:\n  web: {image: 'example.com/web:1', command: ['--key', '${KEY}']}\n"
	const template = "[config.env]\nKEY = \"${password:20}\"\n"
	if _, _, err := first(t, App{}, "compose.yaml", text, "template.toml", template); err == nil || !strings.Contains(err.Error(), "would keep it in the open") {
		t.Errorf("a secret in a command gave %v", err)
	}
	made, asked := mustPlan(t, App{Plain: []string{"KEY"}}, "compose.yaml", text, "template.toml", template)
	if asked[0].Secret || made.Services[0].Command[1] != valueOf(asked, "KEY") {
		t.Errorf("asked for %+v, made %q", asked, made.Services[0].Command)
	}
}

func TestFirst_ValuesThatBelongTogetherDo(t *testing.T) {
	const template = "[variables]\nkey = \"${password:32}\"\nclaims = \"\"\"{\"role\": \"anon\"}\"\"\"\n[config.env]\nA = \"${jwt:key:claims}\"\nURL = \"x:${key}\"\n"
	_, asked := mustPlan(t, App{}, "compose.yaml", oneService, "template.toml", template)
	key := valueOf(asked, "TEMPLATE_KEY")
	if len(key) != 32 || valueOf(asked, "URL") != "x:"+key || strings.Count(valueOf(asked, "A"), ".") != 2 {
		t.Fatalf("asked for %+v", asked)
	}
	_, again := mustPlan(t, App{Values: map[string]string{"TEMPLATE_KEY": key, "A": "kept"}}, "compose.yaml", oneService, "template.toml", template)
	if len(again) != 1 || valueOf(again, "URL") != "x:"+key {
		t.Errorf("asked again for %+v", again)
	}
}

func TestFirst_SaysWhichSecretsTheTemplateGivesAway(t *testing.T) {
	made, asked := mustPlan(t, App{}, "compose.yaml", oneService, "template.toml", "[config.env]\nA = \"x\"\nADMIN_PASSWORD = \"changeme\"\nROOT_PASSWORD = \"${password:20}\"\n")
	wantNotes(t, made.Notes, "The template itself holds the value of ADMIN_PASSWORD, for anyone to read")
	if !asked[1].Known || !asked[1].Secret || asked[2].Known || valueOf(asked, "ADMIN_PASSWORD") != "changeme" {
		t.Errorf("asked for %+v", asked)
	}
}

func TestFirst_ReadsATemplateOfATarball(t *testing.T) {
	var text bytes.Buffer
	squeezed := gzip.NewWriter(&text)
	packed := tar.NewWriter(squeezed)
	for name, content := range map[string]string{"compose.yaml": oneService, "template.toml": "[config.env]\nA = \"${uuid}\"\n"} {
		if err := packed.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		_, _ = packed.Write([]byte(content)) // to memory
	}
	_, _ = packed.Close(), squeezed.Close()
	file := filepath.Join(t.TempDir(), "a.tar.gz")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() (*archive.Tree, error) { return archive.OpenApp(file, archive.DefaultLimits()) }
	made, asked, err := First(t.Context(), open, plan.Options{Limits: plan.DefaultLimits()}, App{})
	if err != nil || len(valueOf(asked, "A")) != 36 {
		t.Errorf("made %+v, asked for %+v, %v", made, asked, err)
	}
}
