package helper

import (
	"context"
	"errors"
	"net/http"
	"testing"

	volumetypes "github.com/docker/docker/api/types/volume"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/link"
)

// The engine goes on creating, and its answer reaches nobody who has hung up.
func TestHelper_OfAVolumeThatIsCreatedAfterItsCallerHasGoneIsRemoved(t *testing.T) {
	begun, gone := make(chan struct{}), make(chan struct{})
	host, fake := dockertest.Serve(t, map[string]http.HandlerFunc{
		"GET /volumes/berth-vol-data": dockertest.AnswerJSON(volumetypes.Volume{
			Name: "berth-vol-data", Driver: volumeDriver,
			Labels: map[string]string{link.LabelStack: "berth", link.LabelRole: link.RoleVolume, link.LabelVolume: "data"},
		}),
		"POST /containers/create": func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			<-gone
			dockertest.AnswerJSON(map[string]string{"Id": "late"})(w, r)
		},
	})
	reached, err := link.Open(host, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reached.Close()
	helpers := New(reached, "")
	helpers.image = "sha256:helper"
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan error, 1)
	go func() {
		session, err := helpers.OpenVolume(ctx, "data", ReadWrite)
		if err == nil {
			_ = session.Close()
		}
		result <- err
	}()
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
}
