package docker

import (
	"net/http"
	"sync/atomic"
	"testing"
)

func TestStart_TriesAgainWhereTheEngineLostTheFirstProcess(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		failing int32 // starts that fail
		starts  int32
		fails   bool
	}{
		"lost once":         {"cannot start a stopped process: unknown", 1, 2, false},
		"lost each time":    {"cannot start a stopped process: unknown", 9, 3, true},
		"seen too late":     {"cannot start an already running container: unknown", 1, 2, false},
		"any other failure": {"no such file", 9, 1, true},
	} {
		var starts atomic.Int32
		engine, _ := openFake(t, map[string]http.HandlerFunc{"POST /containers/one/start": func(w http.ResponseWriter, _ *http.Request) {
			if starts.Add(1) <= c.failing {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte(`{"message": "` + c.message + `"}`))
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}})
		if err := engine.link.Start(t.Context(), "one"); (err != nil) != c.fails || starts.Load() != c.starts {
			t.Errorf("%s: %v after %d starts", name, err, starts.Load())
		}
	}
}
