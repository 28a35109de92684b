//go:build integration

package e2e

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// siteDockerfile builds a page that shows a variable of the build and the digest of a
// secret, and prints the secret, as careless builds do. Its number keeps the engine from
// taking the step of an earlier run, which prints nothing.
const siteDockerfile = `FROM python:3.11-slim
ARG API_URL
RUN --mount=type=secret,id=TOKEN mkdir /site && echo "api=$API_URL" > /site/index.html \
 && sha256sum < /run/secrets/TOKEN >> /site/index.html && cat /run/secrets/TOKEN && echo run %d
EXPOSE 8000
CMD ["python3", "-m", "http.server", "8000", "-d", "/site"]
`

func TestBuildVariables_AreInThePageAndTheSecretIsNowhere(t *testing.T) {
	o := newOperator(t)
	const secret = "Marker-4711-of-the-build"
	o.sendForm("shopfront", map[string][]byte{"Dockerfile": []byte(fmt.Sprintf(siteDockerfile, time.Now().UnixNano()))}, map[string]string{
		"value_API_URL": "https://one.example", "build": "API_URL", "value_TOKEN": secret,
	})
	release := o.wait("shopfront")
	if log := o.logOf("shopfront", 1); release.State != "live" || strings.Contains(log, secret) || !strings.Contains(log, "[secret TOKEN]") {
		t.Fatalf("release is %+v:\n%s", release, log)
	}
	answers(t, 5*time.Second, "/shopfront/", "api=https://one.example")
	answers(t, time.Second, "/shopfront/", fmt.Sprintf("%x", sha256.Sum256([]byte(secret))))
	if history := docker(t, "history", "--no-trunc", imageOf(t, "shopfront", 1)); strings.Contains(history, secret) {
		t.Errorf("the history of the image holds the secret: %s", history)
	}

	status, err := berth.Send(t.Context(), o.token, http.MethodPatch, "/api/v1/apps/shopfront/environment", `{"variables": {"API_URL": "https://two.example"}}`, nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d %v", status, err)
	}
	o.act("shopfront", "environment/apply")
	if release := o.wait("shopfront"); release.State != "live" || release.Number != 2 {
		t.Fatalf("release is %+v", release)
	}
	answers(t, 5*time.Second, "/shopfront/", "api=https://two.example")

	// A duplicate is built with them too, for itself.
	status, err = berth.Send(t.Context(), o.token, http.MethodPost, "/api/v1/apps/shopfront/duplicate", `{"name": "shopfront-test", "route": "/shopfront-test"}`, nil)
	if err != nil || status != http.StatusCreated {
		t.Fatalf("%d %v", status, err)
	}
	if release := o.wait("shopfront-test"); release.State != "live" || release.Number != 1 {
		t.Fatalf("release is %+v", release)
	}
	answers(t, 5*time.Second, "/shopfront-test/", "api=https://two.example")
	answers(t, time.Second, "/shopfront-test/", fmt.Sprintf("%x", sha256.Sum256([]byte(secret))))
}

func imageOf(t *testing.T, app string, release int) string {
	t.Helper()
	return strings.TrimSpace(docker(t, "inspect", "--format", "{{.Image}}", container(app, release)))
}
