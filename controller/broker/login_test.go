package broker_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestBroker_TakesTheLoginOfAPullForItsOwnRegistryAlone(t *testing.T) {
	t.Parallel()
	const good = `{"username":"ann","password":"canary","serveraddress":"ghcr.io"}`
	for name, one := range map[string]struct {
		path, login string
		status      int
	}{
		"a pull":                       {"/images/create?fromImage=ghcr.io/ann/shop&tag=2", good, 200},
		"another registry's":           {"/images/create?fromImage=docker.io/library/postgres&tag=17", good, 403},
		"no registry":                  {"/images/create?fromImage=ghcr.io/ann/shop&tag=2", `{"username":"ann","password":"canary"}`, 403},
		"a token in its place":         {"/images/create?fromImage=ghcr.io/ann/shop&tag=2", `{"identitytoken":"canary","serveraddress":"ghcr.io"}`, 403},
		"two values":                   {"/images/create?fromImage=ghcr.io/ann/shop&tag=2", good + good, 403},
		"what is too long":             {"/images/create?fromImage=ghcr.io/ann/shop&tag=2", `{"username":"ann","password":"` + strings.Repeat("canary", 4<<10) + `","serveraddress":"ghcr.io"}`, 403},
		"a private registry's":         {"/images/create?fromImage=127.0.0.1:5000/x&tag=1", `{"username":"ann","password":"canary","serveraddress":"127.0.0.1:5000"}`, 403},
		"what is no login":             {"/images/create?fromImage=ghcr.io/ann/shop&tag=2", "canary", 403},
		"a call that signs in nowhere": {"/containers/berth-hello-r1/start", good, 200},
	} {
		e := newEngine()
		logged := &bytes.Buffer{}
		client, _, _ := serveLogged(t, e, slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://engine/v1.41"+one.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Registry-Auth", base64.URLEncoding.EncodeToString([]byte(one.login)))
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != one.status {
			t.Errorf("%s: %d %s", name, response.StatusCode, said)
		}
		if text := string(said) + logged.String(); strings.Contains(text, "canary") || strings.Contains(text, request.Header.Get("X-Registry-Auth")) {
			t.Errorf("%s: it is told: %s", name, text)
		}
		taken := e.taken()
		if one.status != http.StatusOK {
			if len(taken) > 0 {
				t.Errorf("%s: passed on: %v", name, taken)
			}
			continue
		}
		sent, _ := base64.URLEncoding.DecodeString(taken[len(taken)-1].header.Get("X-Registry-Auth"))
		if signsIn := strings.Contains(one.path, "/images/create"); signsIn != (string(sent) == good) || !signsIn && len(sent) > 0 {
			t.Errorf("%s: the engine gets %q", name, sent)
		}
	}
}
