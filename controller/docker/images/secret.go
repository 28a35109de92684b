package images

import (
	"context"

	"github.com/moby/buildkit/session/secrets"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// offeredSecrets are what the steps of one build can read, by id. BuildKit asks for each
// when a step is to run, and keeps it in memory.
type offeredSecrets map[string]string

// Register offers the secrets to the engine.
func (o offeredSecrets) Register(server *grpc.Server) { secrets.RegisterSecretsServer(server, o) }

// GetSecret returns the value of an id. Its error names no id: one may be a secret itself.
func (o offeredSecrets) GetSecret(_ context.Context, request *secrets.GetSecretRequest) (*secrets.GetSecretResponse, error) {
	value, found := o[request.GetID()]
	if !found {
		return nil, status.Error(codes.NotFound, secrets.ErrNotFound.Error())
	}
	return &secrets.GetSecretResponse{Data: []byte(value)}, nil
}

// errNoSecrets refuses a build that could not read its secrets.
func errNoSecrets() *BuildError {
	return &BuildError{
		Message: "The engine refuses the channel on which a build reads its secrets.",
		Hint:    "Let the engine's socket proxy pass POST /session on, or build without RUN --mount=type=secret.",
	}
}
