package dialect

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestDokploy_RefusesHostileTemplates(t *testing.T) {
	env := func(value string) string { return "[config.env]\nA = '" + value + "'\n" }
	mount := func(path string) string { return "[[config.mounts]]\nfilePath = '" + path + "'\ncontent = 'x'\n" }
	domain := func(more string) string { return "[[config.domains]]\nserviceName = \"web\"\n" + more + "\n" }
	for name, c := range map[string]struct {
		template string
		line     int
		reason   string
	}{
		"nested reference":          {env("${a${b}}"), 2, "no variable and no generator"},
		"nested generator":          {env("${password:${base64:8}}"), 2, "no length"},
		"huge length":               {env("${password:100000000}"), 2, "no length"},
		"length beyond numbers":     {env("${hash:99999999999999999999}"), 2, "no length"},
		"negative length":           {env("${base64:32:-5}"), 2, "no length"},
		"length zero":               {env("${password:0}"), 2, "no length"},
		"unknown generator":         {env("${exec:id}"), 2, "no variable and no generator"},
		"file generator":            {env("${file:/etc/passwd}"), 2, "no variable and no generator"},
		"token without payload":     {env("${jwt:secret:nothing}"), 2, "no variable \"nothing\""},
		"payload that is no object": {"[variables]\np = '[1]'\n[config.env]\nA = '${jwt:x:p}'\n", 0, "no JSON object"},
		"impossible time":           {env("${timestamps:yesterday}"), 2, "no time"},
		"circle of variables":       {"[variables]\na = '${b}'\nb = '${a}'\n[config.env]\nA = '${a}'\n", 3, "made of itself"},
		"Berth's own name":          {"[config.env]\nBERTH_TOKEN = 'x'\n", 2, "BERTH_TOKEN"},
		"Berth's own name in small": {"[config]\nenv = ['berth_token=x']\n", 2, "berth_token"},
		"impossible name":           {"[config.env]\n'A B' = 'x'\n", 2, "cannot be the name"},
		"zero byte":                 {"[config.env]\nA = \"x\\u0000\"\n", 2, "zero byte"},
		"line without an equals":    {"[config]\nenv = [\n'just words',\n]\n", 3, "no = in it"},
		"duplicate key":             {"[config.env]\nA = '1'\nA = '2'\n", 3, "in line 2 already"},
		"duplicate table":           {"[variables]\n[config.env]\n[variables]\n", 3, "in line 1 already"},
		"table over a value":        {"[variables]\nconfig = 1\n[variables.config]\nx = 1\n", 3, "in line 2 already"},
		"list over a table":         {"[config.mounts]\nx = 1\n[[config.mounts]]\n", 3, "in line 1 already"},
		"no TOML":                   {"[config\n", 1, "cannot be read as TOML"},
		"deep arrays":               {"a = " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), 0, "nests them too deep"},
		"deep tables":               {"[a" + strings.Repeat(".a", 5000) + "]\n", 1, "nested too deep"},
		"many values":               {"a = [" + strings.Repeat("1,", 100_000) + "]", 0, "too many values"},
		"path upwards":              {mount("../../etc/passwd"), 2, "leads out of"},
		"path upwards inside":       {mount("a/../../b"), 2, "leads out of"},
		"path upwards by variable":  {"[variables]\nup = '..'\n" + mount("${up}/x"), 4, "leads out of"},
		"generated path":            {mount("${uuid}"), 2, "cannot be generated"},
		"system file":               {mount("/etc/passwd"), 2, "a file of the system"},
		"socket of the engine":      {mount("/var/run/docker.sock"), 2, "a file of the system"},
		"process file":              {mount("//proc/self/environ"), 2, "a file of the system"},
		"backslashes in a path":     {mount(`..\..\x`), 2, "no path of a file"},
		"volume syntax in a path":   {mount("a:/b"), 2, "no path of a file"},
		"line end in a path":        {"[[config.mounts]]\nfilePath = \"a\\nb\"\ncontent = 'x'\n", 2, "no path of a file"},
		"empty path":                {mount("/"), 2, "no path of a file"},
		"long path":                 {mount(strings.Repeat("a", 300)), 2, "no path of a file"},
		"two files in one place":    {mount("a") + mount("./a"), 5, "has the place"},
		"file as another's folder":  {mount("a") + mount("a/b"), 5, "has the place"},
		"service that is not there": {"[[config.domains]]\nserviceName = 'berth'\nport = 80\n", 2, `"berth", which compose.yaml does not have`},
		"port zero":                 {domain("port = 0"), 3, "no port"},
		"port beyond ports":         {domain("port = 70000"), 3, "no port"},
		"port as a generator":       {domain("port = '${randomPort}'"), 3, "no port"},
		"path of Go's templates":    {domain("path = '/{{ env `SECRET` }}'"), 3, "no path of a route"},
		"path of a rule":            {domain("path = '/`) || Host(`x'"), 3, "no path of a route"},
		"route upwards":             {domain("path = '/a/../b'"), 3, "no path of a route"},
		"domains that are texts":    {"[config]\ndomains = ['web']\n", 2, "no table"},
		"env that is a text":        {"[config]\nenv = 'A=1'\n", 2, "neither a table nor a list"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Import(Source{ComposeName: "compose.yaml", Compose: twoServices, TemplateName: "template.toml", Template: c.template})
			if err == nil {
				t.Fatal("the template was taken")
			}
			found := refusals(t, err)
			if found[0].Line != c.line && c.line != 0 || !strings.Contains(found[0].Reason, c.reason) {
				t.Errorf("refused in line %d: %s", found[0].Line, found[0].Reason)
			}
			if c.line != 0 && found[0].File != "template.toml" {
				t.Errorf("refused in the file %q", found[0].File)
			}
		})
	}
}

func TestDokploy_TellsAllFaultsAtOnce(t *testing.T) {
	_, err := Import(Source{ComposeName: "compose.yaml", Compose: strings.Replace(twoServices, "../files/app.ini", "../files/../../etc/passwd", 1), TemplateName: "template.toml", Template: `
[config.env]
BERTH_X = "1"
A = "${password:9999}"
[[config.domains]]
serviceName = "nothing"
[[config.mounts]]
filePath = "/etc/shadow"
content = "x"
`})
	found := refusals(t, err)
	lines := ""
	for _, refusal := range found {
		lines += fmt.Sprintf("%s:%d ", refusal.File, refusal.Line)
	}
	if want := "template.toml:3 template.toml:4 template.toml:6 template.toml:8 compose.yaml:5 "; lines != want {
		t.Errorf("the faults are at %s", lines)
	}
}

func TestDokploy_ReadsEachValueOnce(t *testing.T) {
	form := dokployForm(t, `
[variables]
key = "${password:32}"
half = "$"
other = "{key}"
[config.env]
A = "${half}${other}"
B = "${C:-${key}}"
`)
	got := filled(t, form, nil)
	if got.variable("A") != "${key}" {
		t.Errorf("A was read again: %q", got.variable("A"))
	}
	if got.variable("B") != "${key}" {
		t.Errorf("B was read again: %q", got.variable("B"))
	}
}

func TestDokploy_BoundsValuesThatGrow(t *testing.T) {
	doubling := "[variables]\nv0 = '" + strings.Repeat("a", 1000) + "'\n"
	for i := 1; i < 60; i++ {
		doubling += fmt.Sprintf("v%d = '${v%d}${v%d}'\n", i, i-1, i-1)
	}
	many := "[variables]\nbig = '" + strings.Repeat("a", 60_000) + "'\n[config.env]\n"
	for i := range 900 {
		many += fmt.Sprintf("A%d = '${big}'\n", i)
	}
	blanks := "[config.env]\n"
	for i := range 900 {
		blanks += fmt.Sprintf("A%d = '${uuid}${uuid}${uuid}'\n", i)
	}
	for name, template := range map[string]string{
		"doubling": doubling + "[config.env]\nA = '${v59}'\n",
		"many":     many,
		"blanks":   blanks,
		"bigFile":  "[[config.mounts]]\nfilePath = 'a'\ncontent = '${x}'\n[variables]\nx = '" + strings.Repeat("a", 70_000) + "'\n",
		"names":    "[config.env]\n" + strings.Join(numbered("A%d = 1", 5000), "\n") + "\n",
		"files":    strings.Join(numbered("[[config.mounts]]\nfilePath = 'a%d'\ncontent = 'x'\n", 500), ""),
		"routes":   strings.Join(numbered("[[config.domains]]\nserviceName = 'web'\nport = %d\n", 500), ""),
	} {
		begin := time.Now()
		_, err := Import(Source{ComposeName: "compose.yaml", Compose: twoServices, TemplateName: "template.toml", Template: template})
		if err == nil {
			t.Errorf("%s was taken", name)
			continue
		}
		if found := refusals(t, err); len(found) > maxFaults {
			t.Errorf("%s has %d faults", name, len(found))
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

func numbered(line string, count int) []string {
	lines := make([]string, count)
	for i := range lines {
		lines[i] = fmt.Sprintf(line, i+1)
	}
	return lines
}

func TestImport_BoundsComposeFilesWithAliases(t *testing.T) {
	bomb := "x-a: &a0 {k: v}\n"
	for i := 1; i < 30; i++ {
		bomb += fmt.Sprintf("x-a%d: &a%d\n  <<: [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	bomb += "services:\n  web:\n    <<: *a29\n    environment: [SERVICE_URL_WEB]\n"
	for name, text := range map[string]string{
		"merges":  bomb,
		"circle":  "services: &s\n  web: &w\n    <<: [*w, *s]\n    volumes: &v [*v, ../files/x]\n    networks: *w\n    environment: *w\n",
		"nesting": "services: " + strings.Repeat("{a: ", 9000) + "SERVICE_URL_A" + strings.Repeat("}", 9000),
	} {
		for _, template := range []string{"", "template.toml"} {
			begin := time.Now()
			if form, err := Import(Source{ComposeName: "compose.yaml", Compose: text, TemplateName: template}); err != nil {
				refusals(t, err)
			} else if len(form.Compose) > 4*len(text)+1000 {
				t.Errorf("%s became %d bytes", name, len(form.Compose))
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("%s took %s", name, took)
			}
		}
	}
}
