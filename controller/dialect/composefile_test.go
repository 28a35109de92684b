package dialect

import (
	"strings"
	"testing"
)

func TestImport_KeepsNullsWhereTheFileIsWrittenAnew(t *testing.T) {
	form, err := Import(Source{
		ComposeName: "docker-compose.yml", TemplateName: "template.toml", Template: "[config]\n",
		Compose: "services:\n  web: {image: a, environment: {A: , B: ''}, networks: [dokploy-network]}\nvolumes: {rows: }\nnetworks: {dokploy-network: {external: true}}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"volumes: {rows: null}", "environment: {A: null, B: ''}"} {
		if !strings.Contains(form.Compose, want) {
			t.Errorf("no %q in\n%s", want, form.Compose)
		}
	}
}
