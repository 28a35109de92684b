package dialect

import (
	"strings"
	"testing"
)

const allOfCoolify = `# documentation: https://example.org/docs
# slogan: Does things.
# tags: a,b
# port: 8080

services:
  api-gateway:
    image: example/api:1
    environment:
      - SERVICE_URL_GATEWAY_8000=/v1
      - PUBLIC=${SERVICE_URL_GATEWAY}
      - HOST=$SERVICE_FQDN_GATEWAY
      - DB=postgres://$SERVICE_USER_DB:${SERVICE_PASSWORD_64_DB}@db
      - KEY=${KEY:-$SERVICE_REALBASE64_KEY}
      - SERVICE_HEX_32_SALT
      - ANON=${SERVICE_SUPABASEANON_KEY}
      - SHELL=$${SERVICE_PASSWORD_SHELL}
    volumes:
      - type: bind
        source: ./conf/app.yml
        target: /etc/app.yml
        content: |
          password: $SERVICE_PASSWORD_CONTENT
          other: ${X}
      - type: bind
        source: ./uploads
        target: /uploads
        is_directory: true
  worker:
    exclude_from_hc: true
    image: example/worker:1
    environment:
      SERVICE_FQDN_WORKER_9000:
      GATEWAY: ${SERVICE_NAME_API_GATEWAY}
`

func TestCoolify_ReadsHeaderRoutesAndVariables(t *testing.T) {
	form := coolifyForm(t, allOfCoolify)
	if form.Dialect != Coolify || form.Slogan != "Does things." || form.Documentation != "https://example.org/docs" {
		t.Errorf("the header is %+v", form)
	}
	if form.Main != "api-gateway" || form.Port != 8000 || len(form.Routes) != 2 {
		t.Fatalf("the routes are %+v of %s:%d", form.Routes, form.Main, form.Port)
	}
	if form.Routes[0].Path != "/v1" || form.Routes[0].Line != 10 || form.Routes[1].Service != "worker" || form.Routes[1].Port != 9000 {
		t.Errorf("the routes are %+v", form.Routes)
	}
	got := filled(t, form, map[string]string{"SERVICE_FQDN_GATEWAY": "gate.example.org", "scheme": "http"})
	for name, want := range map[string]string{
		"SERVICE_URL_GATEWAY":      "http://gate.example.org/v1",
		"SERVICE_FQDN_GATEWAY":     "gate.example.org/v1",
		"SERVICE_NAME_API_GATEWAY": "api-gateway",
	} {
		if got.variable(name) != want {
			t.Errorf("%s is %q", name, got.variable(name))
		}
	}
	for name, length := range map[string]int{"SERVICE_USER_DB": 16, "SERVICE_PASSWORD_64_DB": 64, "SERVICE_REALBASE64_KEY": 44, "SERVICE_HEX_32_SALT": 64} {
		if len(got.variable(name)) != length {
			t.Errorf("%s is %q", name, got.variable(name))
		}
	}
	if strings.Count(got.variable("SERVICE_SUPABASEANON_KEY"), ".") != 2 {
		t.Errorf("the token is %q", got.variable("SERVICE_SUPABASEANON_KEY"))
	}
	for _, absent := range []string{"SERVICE_PASSWORD_SHELL", "SERVICE_PASSWORD_CONTENT", "KEY", "X"} {
		if !strings.HasPrefix(got.variable(absent), "(no variable") {
			t.Errorf("%s became a variable", absent)
		}
	}
}

func TestCoolify_LeavesPlainComposeWithItsLines(t *testing.T) {
	form := coolifyForm(t, allOfCoolify)
	was, is := strings.Split(allOfCoolify, "\n"), strings.Split(form.Compose, "\n")
	if len(was) != len(is) {
		t.Fatalf("%d lines became %d:\n%s", len(was), len(is), form.Compose)
	}
	for i := range is {
		if is[i] != "" && is[i] != was[i] {
			t.Errorf("line %d became %q", i+1, is[i])
		}
	}
	for _, gone := range []string{"SERVICE_URL_GATEWAY_8000", "content:", "is_directory", "exclude_from_hc", "SERVICE_FQDN_WORKER_9000"} {
		if strings.Contains(form.Compose, gone) {
			t.Errorf("%s is still there", gone)
		}
	}
	if len(form.Files) != 1 || form.Files[0].Path != "conf/app.yml" {
		t.Fatalf("files are %+v", form.Files)
	}
	if content, _ := form.Files[0].Content.Literal(); content != "password: $SERVICE_PASSWORD_CONTENT\nother: ${X}\n" {
		t.Errorf("the content is %q", content)
	}
}

func TestCoolify_TakesAnEnvironmentOutThatHoldsNothingElse(t *testing.T) {
	form := coolifyForm(t, "services:\n  web:\n    environment:\n    - SERVICE_FQDN_WEB_80\n    image: nginx\n")
	if form.Compose != "services:\n  web:\n\n\n    image: nginx\n" {
		t.Errorf("compose became %q", form.Compose)
	}
}

func TestCoolify_GivesAServiceOfTheNameARoute(t *testing.T) {
	form := coolifyForm(t, "services:\n  my-app:\n    image: nginx\n    environment: {URL: $SERVICE_URL_MYAPP_3000}\n")
	if form.Main != "my-app" || form.Port != 3000 || len(form.Routes) != 1 {
		t.Errorf("%+v", form)
	}
}

func TestCoolify_TakesThePortOfTheHeaderWhereNoRouteHasOne(t *testing.T) {
	form := coolifyForm(t, "# slogan: x\n# documentation: javascript:alert(1)\n# port: 3000\nservices:\n  web:\n    image: nginx\n    environment: [SERVICE_URL_WEB]\n")
	if form.Port != 3000 || form.Routes[0].Port != 3000 || form.Documentation != "" {
		t.Errorf("%+v", form)
	}
}

func TestCoolify_RefusesHostileFiles(t *testing.T) {
	volume := func(source, more string) string {
		return "services:\n  web:\n    image: nginx\n    volumes:\n      - type: bind\n        source: " + source + "\n        target: /x.conf\n        content: x\n" + more
	}
	for name, c := range map[string]struct {
		compose string
		line    int
		reason  string
	}{
		"content over a system file": {volume("/etc/passwd", ""), 8, "no file beside"},
		"content in a home":          {volume("~/.ssh/authorized_keys", ""), 8, "no file beside"},
		"content upwards":            {volume("./../x.conf", ""), 6, "leads out of"},
		"content by variable":        {volume("${HOME}/x.conf", ""), 8, "no file beside"},
		"path of Go's templates":     {"services:\n  web:\n    environment:\n      - SERVICE_URL_WEB=/{{x}}\n", 4, "no path of a route"},
		"two contents in one place":  {volume("./x.conf", "      - {type: bind, source: ./x.conf, target: /y, content: other}\n"), 9, "has the place"},
		"many routes":                {"services:\n  web:\n    environment:\n" + strings.Join(numbered("    - SERVICE_FQDN_WEB_%d\n", 100), ""), 68, "more than 64 routes"},
		"many variables":             {"services:\n  web:\n    environment:\n" + strings.Join(numbered("    - A=$SERVICE_PASSWORD_%d\n", 1000), ""), 504, "more than 500 variables"},
		"much content":               {volume("./big.conf", "      - {type: bind, source: ./big, target: /y, content: "+strings.Repeat("a", maxContent-1000)+"}\n") + strings.Repeat(" ", 0), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Import(Source{ComposeName: "compose.yaml", Compose: c.compose})
			if c.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("the file was taken")
			}
			if found := refusals(t, err); found[0].File != "compose.yaml" || found[0].Line != c.line || !strings.Contains(found[0].Reason, c.reason) {
				t.Errorf("refused in line %d: %s", found[0].Line, found[0].Reason)
			}
		})
	}
}

func TestCoolify_KeepsWhatOtherPlacesReferTo(t *testing.T) {
	form := coolifyForm(t, `services:
  web:
    image: nginx
    environment: &shared
      - SERVICE_URL_WEB_80
  worker:
    image: nginx
    environment: *shared
`)
	if again := readCompose(form.Compose); again.failed != nil || strings.Contains(form.Compose, "SERVICE_URL") || len(form.Routes) != 1 {
		t.Errorf("%v\n%s", again.failed, form.Compose)
	}
	_, err := Import(Source{ComposeName: "compose.yaml", Compose: `services:
  web:
    image: nginx
    volumes:
      - {type: bind, source: ./a, target: /a, content: &text x}
    command: *text
`})
	if err == nil {
		t.Fatal("an alias without its anchor was taken")
	}
	if found := refusals(t, err); found[0].File != "compose.yaml" {
		t.Errorf("%v", err)
	}
}
