//go:build integration

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"berth/test/stack"
)

// TestEnvironment_ReachesTheAppAndNobodyElse sets a variable and two secrets on the
// page, applies them, and looks everywhere where they must not be.
func TestEnvironment_ReachesTheAppAndNobodyElse(t *testing.T) {
	const inEnvironment, inFile = "whelk-tincture-8841", "limpet-varnish-5127"
	o := newOperator(t)
	o.deploy("larder", "", "v1")
	password := resetPassword(t)
	b := newBrowser(t)
	b.open("/login")
	b.signIn(password)
	page := "/admin/apps/larder/environment"
	for _, variable := range []struct{ name, value, kind string }{
		{"COLOUR", "amber", "variable"}, {"API_KEY", inEnvironment, "secret"}, {"CERT", inFile, "file"},
	} {
		b.open(page)
		b.run("set "+variable.name, chromedp.SendKeys("#variable-name", variable.name), chromedp.SendKeys("#variable-value", variable.value),
			chromedp.Click("#set input[value='"+variable.kind+"']"))
		b.press(page, "#set button[type=submit]", "main")
		b.waitText("main", variable.name)
	}
	b.waitText("main", "3 changes")
	b.shoot("30-environment")
	b.fits(page)
	if _, body := visit(t, "/larder/environ"); strings.Contains(body, "COLOUR") {
		t.Errorf("what was saved runs before it was applied: %s", body)
	}
	b.open(page)
	b.press("/admin/apps/larder/releases/2", "form[action$='/apply'] button", ".steps")
	b.waitText(".outcome", "answers at")

	_, environ := visit(t, "/larder/environ")
	if !strings.Contains(environ, "COLOUR=amber") || !strings.Contains(environ, "API_KEY="+inEnvironment) || strings.Contains(environ, inFile) {
		t.Errorf("the app has the environment %q", environ)
	}
	if _, body := visit(t, "/larder/read?path=/run/secrets/CERT"); strings.TrimSpace(body) != inFile {
		t.Errorf("the file holds %q", body)
	}
	b.open("/admin/apps/larder/output")
	b.waitText("body", "[secret API_KEY]")
	b.mustNotShow(inEnvironment, inFile, "/admin/apps/larder/output", "/admin/apps/larder", page, "/admin/apps/larder/releases/2", "/settings/audit")
	e := envelope{berth}
	e.mustNotHold(t, inEnvironment, inFile)
	inspected := docker(t, "inspect", container("larder", 2))
	if strings.Contains(inspected, inFile) {
		t.Error("docker inspect shows the file's secret")
	}
	var shown map[string]any
	if status, err := berth.API(t.Context(), o.token, http.MethodGet, "/api/v1/apps/larder/environment", &shown); err != nil || status != http.StatusOK {
		t.Errorf("API: %d %v", status, err)
	}

	docker(t, "rm", "--force", container("larder", 2)) // made again, it has them again
	answers(t, converge, "/larder", "testapp v1")
	if _, body := visit(t, "/larder/read?path=/run/secrets/CERT"); strings.TrimSpace(body) != inFile {
		t.Errorf("made again, the file holds %q", body)
	}
}

func (b *browser) mustNotShow(first, second string, paths ...string) {
	b.t.Helper()
	for _, path := range paths {
		b.open(path)
		if text := eval[string](b, `document.documentElement.outerHTML`); strings.Contains(text, first) || strings.Contains(text, second) {
			b.t.Errorf("%s shows a secret", path)
		}
	}
}

// mustNotHold searches the data volume, the database and its log included.
func (e *envelope) mustNotHold(t *testing.T, secrets ...string) {
	t.Helper()
	folder := t.TempDir()
	if _, err := stack.Docker("cp", e.stack.Controller()+":/data", folder); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(string(content), secret) {
				t.Errorf("%s holds a secret", strings.TrimPrefix(path, folder))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
