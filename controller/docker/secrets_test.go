package docker

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/api/types/container"

	"berth/controller/plan"
)

func TestHoldSecrets_FillsAKeeperAgainThatLostThem(t *testing.T) {
	for name, c := range map[string]struct {
		losses, restarts int32
		fails            bool
	}{
		"kept":           {0, 0, false},
		"lost once":      {1, 1, false},
		"lost each time": {9, 3, true},
	} {
		var lost, restarts atomic.Int32
		filled := true
		engine, _ := openFake(t, map[string]http.HandlerFunc{
			"GET /containers/one.secrets/json": func(w http.ResponseWriter, _ *http.Request) {
				filled = filled && lost.Add(1) > c.losses
				_ = json.NewEncoder(w).Encode(container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{State: &container.State{Running: true}}})
			},
			"HEAD /containers/one.secrets/archive": func(w http.ResponseWriter, _ *http.Request) {
				if !filled {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString([]byte(`{"name": "token"}`)))
			},
			"POST /containers/one.secrets/restart": func(w http.ResponseWriter, _ *http.Request) {
				restarts.Add(1)
				w.WriteHeader(http.StatusNoContent)
			},
			"PUT /containers/one.secrets/archive": func(_ http.ResponseWriter, r *http.Request) {
				text, _ := io.ReadAll(r.Body)
				filled = string(text) == "the files"
			},
		})
		secrets := secretFiles{volume: "one.secrets", files: []plan.File{{Path: "/run/secrets/token"}}, text: []byte("the files")}
		if err := engine.holdSecrets(t.Context(), secrets); (err != nil) != c.fails || restarts.Load() != c.restarts || filled == c.fails {
			t.Errorf("%s: %v after %d restarts, filled: %v", name, err, restarts.Load(), filled)
		}
	}
}
