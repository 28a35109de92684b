package dialect

import (
	"strings"
	"testing"
)

func TestDokploy_ReadsDomainsWithTheMainServiceFirst(t *testing.T) {
	form := dokployForm(t, `
[variables]
main_domain = "${domain}"
[[config.domains]]
serviceName = "web"
port = 8_080
host = "${main_domain}"
[[config.domains]]
serviceName = "db"
port = "81"
path = "/admin/"
host = "db.example.org"
[[config.domains]]
serviceName = "web"
port = 82
host = "no_host"
`)
	if form.Dialect != Dokploy || form.Main != "web" || form.Port != 8080 || len(form.Routes) != 3 {
		t.Fatalf("%+v", form)
	}
	if route := form.Routes[1]; route.Service != "db" || route.Port != 81 || route.Path != "/admin" || route.Line != 8 {
		t.Errorf("the second route is %+v", route)
	}
	if host, ok := form.Routes[1].Host.Literal(); !ok || host != "db.example.org" {
		t.Errorf("the second route suggests %q", host)
	}
	if len(form.Routes[2].Host) != 0 || !strings.Contains(strings.Join(form.Notes, " "), "line 16 of the template is no host") {
		t.Errorf("a host that is none stays without a note: %+v", form)
	}
}

func TestDokploy_ReadsEnvironmentAsTableAndAsList(t *testing.T) {
	table := dokployForm(t, "[config.env]\nA = \"x y\"\nB = true\nC = 7\nD = \"'Fill'\"\n")
	list := dokployForm(t, "[config]\nenv = [\n'# a comment',\n'',\n'A=x y',\n'B=true # why',\n{ C = 7 },\n'D=\"Fill\"',\n]\n")
	for _, form := range []Form{table, list} {
		got := filled(t, form, nil)
		if len(got.Variables) != 4 || got.variable("A") != "x y" || got.variable("B") != "true" || got.variable("C") != "7" || got.variable("D") != "Fill" {
			t.Errorf("%+v", got)
		}
	}
	if list.Variables[3].Line != 8 {
		t.Errorf("the line of D is %d", list.Variables[3].Line)
	}
}

func TestDokploy_ReadsEachGenerator(t *testing.T) {
	form := dokployForm(t, `
[variables]
jwt_key = "${password:40}"
payload = '{"role": "anon", "exp": ${timestamps:2030-01-01T00:00:00Z}}'
[config.env]
PASSWORD = "${password}"
LONG = "${password:64}"
BASE = "${base64:48}"
HASH = "${hash:12}"
ID = "${uuid}"
PORT_A = "${randomPort}"
MAIL = "${email}"
WHO = "${username}"
NOW = "${timestamp}"
TEN = "${timestampms:1970-01-01T00:00:10Z}"
RANDOM = "${jwt:32}"
TOKEN = "${jwt:jwt_key:payload}"
ANY = "${jwt}"
`)
	got := filled(t, form, nil)
	for name, length := range map[string]int{"PASSWORD": 16, "LONG": 64, "BASE": 64, "HASH": 12, "ID": 36, "NOW": 13, "RANDOM": 64} {
		if len(got.variable(name)) != length {
			t.Errorf("%s is %q", name, got.variable(name))
		}
	}
	if got.variable("TEN") != "10000" || !strings.HasSuffix(got.variable("MAIL"), "@example.com") {
		t.Errorf("%+v", got)
	}
	if strings.Count(got.variable("TOKEN"), ".") != 2 || strings.Count(got.variable("ANY"), ".") != 2 {
		t.Errorf("the tokens are %q and %q", got.variable("TOKEN"), got.variable("ANY"))
	}
	secret := map[string]bool{"PASSWORD": true, "LONG": true, "BASE": true, "HASH": true, "RANDOM": true, "TOKEN": true, "ANY": true}
	for _, variable := range form.Variables {
		if variable.Secret != secret[variable.Name] {
			t.Errorf("secret of %s is %v", variable.Name, variable.Secret)
		}
	}
}

func TestDokploy_ReadsAVariableOfTheEnvironmentAsComposeDoes(t *testing.T) {
	form := dokployForm(t, `
[config]
env = ["URL=http://${HOST:-localhost}:${OTHER:-80}/${NONE}", "HOST=web", "ASKED=${ASKED}", "LATER=${LATER:-1000}"]
`)
	got := filled(t, form, nil)
	if got.variable("URL") != "http://web:80/" || got.variable("ASKED") != "" || got.variable("LATER") != "1000" {
		t.Errorf("%+v", got)
	}
	if notes := strings.Join(form.Notes, " "); !strings.Contains(notes, `"NONE"`) || !strings.Contains(notes, `"ASKED"`) {
		t.Errorf("the notes name no empty variable: %s", notes)
	}
}

func TestDokploy_TurnsMountsIntoFilesBesideTheComposeFile(t *testing.T) {
	form := dokployForm(t, `
[variables]
key = "${base64:8}"
[[config.mounts]]
filePath = "/app.ini"
content = """
key = ${key}
path = ${HOME:-/root} and ${PATH}
"""
[[config.mounts]]
name = "data"
mountPath = "/data"
`)
	if len(form.Files) != 1 || form.Files[0].Path != "files/app.ini" || form.Files[0].Line != 5 {
		t.Fatalf("%+v", form.Files)
	}
	content := filled(t, form, nil).Files[0].Content
	if strings.Contains(content, "${key}") || !strings.Contains(content, "path = ${HOME:-/root} and ${PATH}\n") {
		t.Errorf("the content is %q", content)
	}
	if want := strings.Replace(twoServices, "../files", "./files", 1); form.Compose != want {
		t.Errorf("compose became\n%s", form.Compose)
	}
	if !strings.Contains(strings.Join(form.Notes, " "), "no files were left out (line 10)") {
		t.Errorf("notes are %q", form.Notes)
	}
}

func TestDokploy_TakesItsOwnNetworkOutAndKeepsTheLines(t *testing.T) {
	form, err := Import(Source{ComposeName: "compose.yaml", TemplateName: "template.toml", Compose: `services:
  web:
    image: nginx
    networks:
      - dokploy-network
    ports: ["80"]
  api:
    image: nginx
    networks:
      dokploy-network: {}
      back:
networks:
  dokploy-network:
    external: true
  back:
`})
	if err != nil {
		t.Fatal(err)
	}
	if want := "services:\n  web:\n    image: nginx\n\n\n    ports: [\"80\"]\n  api:\n    image: nginx\n    networks:\n\n      back:\nnetworks:\n\n\n  back:\n"; form.Compose != want {
		t.Errorf("compose became\n%s", form.Compose)
	}
}

func TestDokploy_WritesTheFileAnewWhereLinesCannotBeKept(t *testing.T) {
	form, err := Import(Source{ComposeName: "compose.yaml", TemplateName: "template.toml", Compose: `services: {web: {image: nginx, networks: [dokploy-network, back]}}
networks: {dokploy-network: {external: true}, back: }
`})
	if err != nil || strings.Contains(form.Compose, "dokploy") || !strings.Contains(form.Compose, "back") || !strings.Contains(strings.Join(form.Notes, " "), "written anew") {
		t.Errorf("%+v, %v", form, err)
	}
}

func TestDokploy_FollowsAnchorsAndMergesOnce(t *testing.T) {
	form, err := Import(Source{ComposeName: "compose.yaml", TemplateName: "template.toml", Compose: `x-common: &common
  volumes: &volumes
    - "../files/a.conf:/a.conf"
services:
  web:
    <<: *common
    image: nginx
  api:
    image: nginx
    volumes: *volumes
`})
	if err != nil || strings.Count(form.Compose, `"./files/a.conf:/a.conf"`) != 1 || strings.Contains(form.Compose, "..") {
		t.Errorf("%v\n%s", err, form.Compose)
	}
}

func TestDokploy_KeepsABackslashThatTOMLDoesNotKnow(t *testing.T) {
	form := dokployForm(t, "[[config.mounts]]\nfilePath = \"app.ini\"\ncontent = \"\"\"\na \\$x\n\\{b} \\d\n\"\"\"\n")
	if content := filled(t, form, nil).Files[0].Content; content != "a \\$x\n\\{b} \\d\n" {
		t.Errorf("the content is %q", content)
	}
	if len(form.Notes) != 2 || !strings.HasPrefix(form.Notes[0], "Line 4 ") || !strings.HasPrefix(form.Notes[1], "Line 5 ") {
		t.Errorf("notes are %q", form.Notes)
	}
}

func TestDokploy_LeavesUnknownKeysOutWithANote(t *testing.T) {
	form := dokployForm(t, "[info]\nx = 1\n[config]\nisolated = true\nmounts = []\n[[config.mounts]]\nfilePath = \"a.txt\"\ncontent = \"x\"\n[[config.domains]]\nserviceName = \"web\"\nport = 80\ncertResolver = \"le\"\n")
	notes := strings.Join(form.Notes, " ")
	for _, name := range []string{"info", "config.isolated", "config.domains.certResolver"} {
		if !strings.Contains(notes, name) {
			t.Errorf("no note on %s in %s", name, notes)
		}
	}
	if len(form.Files) != 1 {
		t.Errorf("files are %+v", form.Files)
	}
}

func TestDokploy_GivesTheVariablePORTAnotherName(t *testing.T) {
	form, err := Import(Source{ComposeName: "compose.yaml", TemplateName: "template.toml", Compose: `services:
  web:
    image: nginx
    ports: ["${PORT:-80}:$PORT"]
    command: [sh, -c, "echo $$PORT $PORTS ${PORT_A}"]
    environment: ["PORT=${PORT}", "URL=http://web:${PORT}"]
`, Template: "[config]\nenv = ['PORT=3000', 'URL=http://x:${PORT}', 'PORT_A=1']\n"})
	if err != nil {
		t.Fatal(err)
	}
	want := `services:
  web:
    image: nginx
    ports: ["${APP_PORT:-80}:$APP_PORT"]
    command: [sh, -c, "echo $$PORT $PORTS ${PORT_A}"]
    environment: ["PORT=${APP_PORT}", "URL=http://web:${APP_PORT}"]
`
	got := filled(t, form, nil)
	if form.Compose != want || got.variable("APP_PORT") != "3000" || got.variable("URL") != "http://x:3000" {
		t.Errorf("%+v\n%s", got, form.Compose)
	}
}

func TestDokploy_ReadsFilesOfWindowsEditors(t *testing.T) {
	windows := func(text string) string { return "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n") }
	form, err := Import(Source{
		ComposeName: "compose.yaml", TemplateName: "template.toml",
		Compose:  windows("services:\n  web:\n    image: nginx\n    networks:\n      - dokploy-network\n    volumes:\n      - ../files/a:/a\n"),
		Template: windows("[config.env]\nA = \"1\"\n[[config.domains]]\nserviceName = \"web\"\nport = 80\n"),
	})
	if err != nil || filled(t, form, nil).variable("A") != "1" || form.Main != "web" {
		t.Fatalf("%+v, %v", form, err)
	}
	if strings.Contains(form.Compose, "dokploy-network") || !strings.Contains(form.Compose, "      - ./files/a:/a\r\n") || len(form.Notes) != 1 {
		t.Errorf("%q, %q", form.Compose, form.Notes)
	}
}

func TestDokploy_RefusesAComposeFileThatIsNoYAML(t *testing.T) {
	for _, text := range []string{"services:\n  web: [\n", "a: 1\n---\nb: 1\n"} {
		_, err := Import(Source{ComposeName: "compose.yaml", TemplateName: "template.toml", Compose: text, Template: "[config.env]\nBERTH_A = 1\n"})
		if err == nil {
			t.Fatalf("%q was taken", text)
		}
		if found := refusals(t, err); found[0].File != "compose.yaml" || !strings.Contains(found[0].Reason, "YAML") {
			t.Errorf("%v", err)
		}
	}
}
