package images

import (
	"context"
	"errors"
	"fmt"
	"strings"

	names "github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"berth/controller/secret"
)

// Logins tell how to sign in to registries.
type Logins interface {
	// Login returns an empty user for a registry that is asked as anybody.
	Login(ctx context.Context, host string) (user string, password secret.Text, err error)
}

// login is how the registry of an image is asked; the zero value: as anybody.
type login struct {
	host, user string
	password   secret.Text
}

func (i *Images) loginFor(ctx context.Context, host string) (login, error) {
	if i.Logins == nil {
		return login{}, nil
	}
	user, password, err := i.Logins.Login(ctx, host)
	if err != nil || user == "" {
		return login{}, err
	}
	return login{host, user, password}, nil
}

// header is the login as the engine takes it with a pull; empty for none.
func (l login) header() (string, error) {
	if l.user == "" {
		return "", nil
	}
	return registry.EncodeAuthConfig(registry.AuthConfig{Username: l.user, Password: l.password.Reveal(), ServerAddress: l.host})
}

// strip takes the password out of what the engine says.
func (l login) strip(err error) error {
	if err == nil || l.user == "" || !strings.Contains(err.Error(), l.password.Reveal()) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), l.password.Reveal(), "[hidden]"))
}

// offeredLogins tell BuildKit how to sign in to the registries of base images. Without
// a session to ask, engines before 2026 refuse to pull even a public base image:
// "no active sessions" (moby/buildkit pull request 6744).
type offeredLogins struct {
	auth.UnimplementedAuthServer

	images *Images
}

// Register offers the answer to the engine.
func (o offeredLogins) Register(server *grpc.Server) { auth.RegisterAuthServer(server, o) }

// hubInBuilds is how BuildKit names Docker Hub.
const hubInBuilds = "registry-1.docker.io"

// Credentials returns the login of a registry. Where there is none, the engine fetches an
// anonymous token itself.
func (o offeredLogins) Credentials(ctx context.Context, request *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	host := request.GetHost()
	if host == hubInBuilds {
		host = "docker.io"
	}
	found, err := o.images.loginFor(ctx, host)
	if err != nil {
		return nil, status.Error(codes.Unavailable, fmt.Sprintf("the login of the registry %.120s cannot be read", host))
	}
	return &auth.CredentialsResponse{Username: found.user, Secret: found.password.Reveal()}, nil
}

func hostOf(name string) string {
	named, err := names.ParseNormalizedNamed(name)
	if err != nil {
		return ""
	}
	return names.Domain(named)
}
