package docker

import (
	"context"
	"errors"
	"net/http"
	"testing"

	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/images"
	"berth/controller/plan"
)

// The engine goes on creating, and its answer reaches nobody who has hung up.
func TestHelper_ThatIsCreatedAfterItsCallerHasGoneIsRemoved(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, engine *Engine) error{
		"a look at an image's users": func(ctx context.Context, engine *Engine) error {
			_, err := engine.FindOwner(ctx, "sha256:image", "app")
			return err
		},
		"an image with files": func(ctx context.Context, engine *Engine) error {
			_, err := engine.addFiles(ctx, StartOptions{
				App: "shop", Release: 1, Image: images.Image{ID: "sha256:image"},
				Service: plan.Service{Files: []plan.File{{Path: "/etc/page", Content: []byte("text"), Mode: 0o644}}},
			}, plan.Policy{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			begun, gone := make(chan struct{}), make(chan struct{})
			engine, fake := openFake(t, map[string]http.HandlerFunc{
				"GET /images/json": dockertest.AnswerJSON([]imagetypes.Summary{}),
				"POST /containers/create": func(w http.ResponseWriter, r *http.Request) {
					close(begun)
					<-gone
					dockertest.AnswerJSON(map[string]string{"Id": "late"})(w, r)
				},
			})
			ctx, cancel := context.WithCancelCause(t.Context())
			result := make(chan error, 1)
			go func() { result <- call(ctx, engine) }()
			<-begun
			left := errors.New("left")
			cancel(left)
			close(gone)
			if err := <-result; !errors.Is(err, left) {
				t.Errorf("got %v, want %v", err, left)
			}
			if !fake.WasAsked("DELETE /containers/late") {
				t.Errorf("the container stays: %q", fake.Asked())
			}
		})
	}
}
