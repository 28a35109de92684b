package images

import (
	"errors"
	"strings"
	"testing"

	"github.com/moby/buildkit/session/secrets"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"berth/controller/plan"
)

func TestOfferedSecrets_GiveWhatTheBuildNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	offered := offeredSecrets{"TOKEN": "hush"}
	answer, err := offered.GetSecret(t.Context(), &secrets.GetSecretRequest{ID: "TOKEN"})
	if err != nil || string(answer.GetData()) != "hush" {
		t.Errorf("got %q, %v", answer.GetData(), err)
	}
	_, err = offered.GetSecret(t.Context(), &secrets.GetSecretRequest{ID: "hush-hush"})
	if status.Code(err) != codes.NotFound || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
}

func TestBuild_WithoutASessionNeverRunsStepsThatNeedASecret(t *testing.T) {
	t.Parallel()
	images, fake := openFake(t, nil) // which has no /session
	_, err := images.Build(t.Context(), BuildOptions{App: "hello", Release: 1, Build: plan.Build{Dockerfile: "Dockerfile"}, Secrets: map[string]string{"TOKEN": "hush"}}, func(string) {})
	if failed, ok := errors.AsType[*BuildError](err); !ok || failed.Hint == "" || fake.WasAsked("POST /build") {
		t.Errorf("got %v", err)
	}
}
