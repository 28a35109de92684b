package dialect

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"berth/controller/problem"
)

const twoServices = `services:
  web:
    image: example/web:1
    volumes:
      - ../files/app.ini:/etc/app.ini:ro
      - data:/data
  db:
    image: postgres:17
volumes:
  data:
`

// dokployForm imports a template beside a compose file with the services web and db.
func dokployForm(t *testing.T, template string) Form {
	t.Helper()
	form, err := Import(Source{ComposeName: "compose.yaml", Compose: twoServices, TemplateName: "template.toml", Template: template})
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func coolifyForm(t *testing.T, compose string) Form {
	t.Helper()
	form, err := Import(Source{ComposeName: "compose.yaml", Compose: compose})
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// filled fills a form with one host for each that it asks for.
func filled(t *testing.T, form Form, answers map[string]string) Filled {
	t.Helper()
	all := map[string]string{}
	for _, blank := range form.Blanks {
		if blank.Generator.Kind == KindHost {
			all[blank.Name] = "app.example.com"
		}
	}
	for name, answer := range answers {
		all[name] = answer
	}
	result, err := form.Fill(all)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func (f Filled) variable(name string) string {
	for _, variable := range f.Variables {
		if variable.Name == name {
			return variable.Value
		}
	}
	return "(no variable " + name + ")"
}

// refusals are the faults in err, each with file, line and hint.
func refusals(t *testing.T, err error) []*problem.Refusal {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v is not joined faults", err)
	}
	var found []*problem.Refusal
	for _, one := range joined.Unwrap() {
		refusal, ok := errors.AsType[*problem.Refusal](one)
		if !ok {
			t.Fatalf("%v is no refusal", one)
		}
		if refusal.Reason == "" || refusal.Hint == "" {
			t.Errorf("%#v lacks its reason or its hint", refusal)
		}
		found = append(found, refusal)
	}
	return found
}

func TestImport_LeavesPlainComposeAsItIs(t *testing.T) {
	for _, text := range []string{
		"services:\n  web:\n    image: nginx\n    environment:\n      - SERVICE_ROLE_KEY=${SERVICE_ROLE_KEY}\n      - SERVICE_URL_OTHER=${SERVICE_URL_OTHER}\n",
		"# port: 80\nservices: {web: {image: nginx}}\n",
		"services: [\n",
		"",
		"- a\n- b\n",
		"services: &a\n  web: *a\n",
		"services:\n  web:\n    exclude_from_hc: true\n---\nservices:\n  other:\n    image: nginx\n", // the planner refuses two documents
	} {
		form, err := Import(Source{ComposeName: "compose.yaml", Compose: text})
		if err != nil || form.Dialect != Plain || form.Compose != text || len(form.Variables) != 0 {
			t.Errorf("%q became %+v, %v", text, form, err)
		}
	}
}

func TestImport_RefusesTextsThatAreTooLarge(t *testing.T) {
	_, err := Import(Source{ComposeName: "compose.yaml", Compose: strings.Repeat("#", maxCompose+1), TemplateName: "template.toml", Template: strings.Repeat("#", 1<<20)})
	if found := refusals(t, err); len(found) != 2 || found[0].File != "compose.yaml" || found[1].File != "template.toml" {
		t.Errorf("%v does not name both files", err)
	}
}

func TestFill_GivesEachBlankOneValueInAllPlaces(t *testing.T) {
	form := dokployForm(t, `
[variables]
main_domain = "${domain}"
password = "${password:24}"
[config.env]
DATABASE_URL = "postgres://app:${password}@db/app"
DB_PASSWORD = "${password}"
PUBLIC_URL = "https://${main_domain}/x"
[[config.domains]]
serviceName = "web"
port = 3000
host = "${main_domain}"
[[config.mounts]]
filePath = "app.ini"
content = "secret = ${password}"
`)
	got := filled(t, form, map[string]string{"main_domain": "shop.example.org"})
	password := got.variable("DB_PASSWORD")
	if len(password) != 24 || got.variable("DATABASE_URL") != "postgres://app:"+password+"@db/app" || got.Files[0].Content != "secret = "+password {
		t.Errorf("the password differs between places: %+v", got)
	}
	if got.variable("PUBLIC_URL") != "https://shop.example.org/x" || got.Routes[0] != (FilledRoute{Service: "web", Port: 3000, Path: "/", Host: "shop.example.org"}) {
		t.Errorf("the host differs between places: %+v", got)
	}
	if again := filled(t, form, nil); again.variable("DB_PASSWORD") == password {
		t.Error("two fillings have one password")
	}
	if kept := filled(t, form, map[string]string{"password": "mine"}); kept.variable("DB_PASSWORD") != "mine" {
		t.Error("an answer does not count")
	}
}

func TestFill_RefusesWhatItCannotUse(t *testing.T) {
	form := dokployForm(t, "[variables]\nmain_domain = \"${domain}\"\n[[config.domains]]\nserviceName = \"web\"\nport = 80\nhost = \"${main_domain}\"\n")
	_, err := form.Fill(map[string]string{"nothing": "x"})
	if found := refusals(t, err); len(found) != 2 || !strings.Contains(err.Error(), "nothing") || !strings.Contains(err.Error(), "needs a host") {
		t.Errorf("%v does not name both faults", err)
	}
	if _, err := form.Fill(map[string]string{"main_domain": "a\x00b"}); err == nil {
		t.Error("a zero byte was taken")
	}
	if _, err := form.Fill(map[string]string{"main_domain": strings.Repeat("a", maxAnswer+1)}); err == nil {
		t.Error("a long answer was taken")
	}
}

func TestFill_DoesNotReadAnAnswerAgain(t *testing.T) {
	form := dokployForm(t, "[variables]\nname = \"${username}\"\nkey = \"${password}\"\n[config.env]\nNAME = \"${name}\"\nKEY = \"${key}\"\n")
	if got := filled(t, form, map[string]string{"name": "${key}"}); got.variable("NAME") != "${key}" {
		t.Errorf("the answer became %q", got.variable("NAME"))
	}
}

func FuzzImport(f *testing.F) {
	f.Add(twoServices, "[variables]\na = \"${password:8}\"\n[config]\nenv = [\"A=${a}\"]\n", true)
	f.Add(allOfCoolify, "", false)
	f.Fuzz(func(t *testing.T, compose, template string, beside bool) {
		source := Source{ComposeName: "compose.yaml", Compose: compose}
		if beside {
			source.TemplateName, source.Template = "template.toml", template
		}
		form, err := Import(source)
		if err != nil {
			refusals(t, err)
			return
		}
		for _, file := range form.Files {
			if strings.HasPrefix(file.Path, "/") || slices.Contains(strings.Split(file.Path, "/"), "..") {
				t.Errorf("a file at %q", file.Path)
			}
		}
		for _, variable := range form.Variables {
			if strings.HasPrefix(variable.Name, "BERTH_") {
				t.Errorf("a variable %q", variable.Name)
			}
		}
	})
}
