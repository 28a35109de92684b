package planner

import (
	"slices"
	"strings"
	"testing"

	"berth/controller/archive/archivetest"
	"berth/controller/plan"
	"berth/controller/problem/problemtest"
)

func TestFrom_PlansTextsInPlaceOfFilesOfTheArchive(t *testing.T) {
	made := mustCompose(t, "not: [plain", plan.Options{Texts: map[string][]byte{
		"compose.yaml":    []byte("services: {web: {image: 'example.com/web:1', volumes: ['./conf:/etc/web:ro', './one.txt:/etc/one.txt']}}\n"),
		"conf/deep/a.ini": []byte("a=1"),
		"one.txt":         []byte("new"),
	}}, "one.txt", "old", "conf/b.ini", "b=2")
	var got []string
	for _, file := range serviceOf(t, made, "web").Files {
		got = append(got, file.Path+" "+string(file.Content))
	}
	if want := []string{"/etc/web/b.ini b=2", "/etc/web/deep/a.ini a=1", "/etc/one.txt new"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFrom_KeepsTextsWithSecretsInMemory(t *testing.T) {
	secret := "password = " + plan.SecretReference("PASSWORD")
	made := mustCompose(t, "services: {web: {image: 'example.com/web:1', volumes: ['./a/app.ini:/etc/app.ini', './a/app.ini:/opt/app.ini', './a:/conf:ro'], configs: [{source: c, target: /etc/c.ini}]}}\nconfigs: {c: {file: ./a/app.ini}}\n",
		plan.Options{Secrets: []string{"PASSWORD"}, Texts: map[string][]byte{"a/app.ini": []byte(secret)}}, "a/plain.ini", "x=1")
	private := 0
	for _, file := range serviceOf(t, made, "web").Files {
		switch {
		case file.Private:
			private++
			if file.Path != "/run/secrets/a-app.ini" || string(file.Content) != secret || file.Mode != 0o444 {
				t.Errorf("in memory is %+v", file)
			}
		case file.Path == "/conf/plain.ini":
		case file.Link != "/run/secrets/a-app.ini" || len(file.Content) > 0:
			t.Errorf("%s is %+v", file.Path, file)
		}
	}
	if private != 1 || !strings.Contains(strings.Join(made.Notes, "\n"), "a/app.ini holds secrets of the app, so web gets it in memory: /etc/app.ini is a link to it.") {
		t.Errorf("%d in memory, notes %q", private, made.Notes)
	}
}

func TestFrom_RefusesAFileOfTheArchiveThatRefersToASecret(t *testing.T) {
	_, err := composed(t, "services: {web: {image: 'example.com/web:1', volumes: ['./app.ini:/etc/app.ini']}}\n",
		plan.Options{Secrets: []string{"PASSWORD"}}, "app.ini", plan.SecretReference("PASSWORD"))
	problemtest.MustRefuse(t, err, "compose.yaml", 1, "A config holds a secret of the app")
}

func TestComposeFiles_AreThoseThatFromReads(t *testing.T) {
	const text = "services: {web: {image: 'example.com/web:1'}}\n"
	for name, c := range map[string]struct {
		files  []string
		chosen []string
		want   string
	}{
		"at the top":         {[]string{"docker-compose.yml", text, "Dockerfile", "FROM scratch"}, nil, "docker-compose.yml"},
		"chosen":             {[]string{"compose.yaml", text, "a.yaml", text}, []string{"a.yaml"}, "a.yaml"},
		"the one below":      {[]string{"x/compose.yaml", text, "README.md", "x"}, nil, "x/compose.yaml"},
		"two below":          {[]string{"x/compose.yaml", text, "y/compose.yaml", text}, nil, ""},
		"below a Dockerfile": {[]string{"x/compose.yaml", text, "Dockerfile", "FROM scratch"}, nil, ""},
	} {
		tree := archivetest.Tree(t, c.files...)
		if got := strings.Join(ComposeFiles(t.Context(), tree, plan.Options{Compose: c.chosen}), ","); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
