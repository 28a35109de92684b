package images

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/session/secrets"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
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
