package images

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/moby/buildkit/session/auth"

	"berth/controller/secret"
)

// logins are by host; each has the password canary.
type logins map[string]string

func (l logins) Login(_ context.Context, host string) (string, secret.Text, error) {
	if l[host] == "broken" {
		return "", "", errors.New("no key")
	}
	if l[host] == "" {
		return "", "", nil
	}
	return l[host], "canary", nil
}

func TestPull_SignsInToTheRegistryOfTheImageAlone(t *testing.T) {
	var header string
	said := `{"status":"done"}`
	images, _ := openFake(t, map[string]http.HandlerFunc{
		"POST /images/create": func(w http.ResponseWriter, r *http.Request) {
			header = r.Header.Get("X-Registry-Auth")
			_, _ = w.Write([]byte(said))
		},
	})
	images.Logins = logins{"ghcr.io": "ann", "docker.io": "bob", "quay.io": "broken"}
	for image, user := range map[string]string{"ghcr.io/ann/shop:2": "ann", "postgres:17": "bob", "docker.io/library/nginx": "bob", "ghcr.io.example.com/x:1": ""} {
		header = "none came"
		_, _, _ = images.PullImage(t.Context(), PullOptions{Reference: image, Always: true}, func(string) {})
		if user == "" {
			if header != "" {
				t.Errorf("%s: %s", image, header)
			}
			continue
		}
		text, err := base64.URLEncoding.DecodeString(header)
		var sent map[string]string
		if err != nil || json.Unmarshal(text, &sent) != nil || sent["username"] != user || sent["password"] != "canary" || sent["serveraddress"] != hostOf(image) || len(sent) != 3 {
			t.Errorf("%s: %s, %v", image, text, err)
		}
	}
	header = "none came"
	_, _, err := images.PullImage(t.Context(), PullOptions{Reference: "quay.io/x:1", Always: true}, func(string) {})
	if refused, ok := errors.AsType[*PullError](err); !ok || !strings.Contains(refused.Message, "quay.io") || header != "none came" {
		t.Errorf("with a login that cannot be read it is pulled: %v, %s", err, header)
	}
	said = `{"error":"bad login ann:canary for ghcr.io","errorDetail":{"message":"bad login ann:canary for ghcr.io"}}`
	var lines strings.Builder
	_, _, err = images.PullImage(t.Context(), PullOptions{Reference: "ghcr.io/ann/shop:2", Always: true}, func(line string) { lines.WriteString(line) })
	if err == nil || strings.Contains(err.Error()+lines.String(), "canary") {
		t.Errorf("%v, log %s", err, lines.String())
	}
}

func TestSession_TellsBuildsTheLoginOfTheRegistryThatTheyAskFor(t *testing.T) {
	images, _ := openFake(t, nil)
	offer := offeredLogins{images: images}
	ask := func(host string) (*auth.CredentialsResponse, error) {
		return offer.Credentials(t.Context(), &auth.CredentialsRequest{Host: host})
	}
	if got, err := ask("ghcr.io"); err != nil || got.GetUsername() != "" || got.GetSecret() != "" {
		t.Errorf("without logins: %v, %v", got, err)
	}
	images.Logins = logins{"ghcr.io": "ann", "docker.io": "bob", "quay.io": "broken"}
	for host, user := range map[string]string{"ghcr.io": "ann", "registry-1.docker.io": "bob", "gcr.io": ""} {
		if got, err := ask(host); err != nil || got.GetUsername() != user || (got.GetSecret() != "") != (user != "") {
			t.Errorf("%s: %v, %v", host, got, err)
		}
	}
	if got, err := ask("quay.io"); err == nil || strings.Contains(err.Error(), "no key") {
		t.Errorf("got %v, %v", got, err)
	}
}
