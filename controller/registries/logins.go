// Package registries asks registries of images, with the login that an operator gave for each.
package registries

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"

	"github.com/distribution/reference"

	"berth/controller/problem"
	"berth/controller/registry"
	"berth/controller/secret"
)

// The fields that problems name.
const (
	FieldHost     = "registry"
	FieldUser     = "user"
	FieldPassword = "password"
)

const (
	longestUser     = 255     // bytes
	longestPassword = 8 << 10 // bytes: some registries take a whole key in JSON
	sealPlace       = "registry login "
)

// hubHosts are other names of Docker Hub.
var hubHosts = map[string]bool{"index.docker.io": true, dockerHubAPI: true, "hub.docker.com": true, "docker.com": true}

// Login is how Berth signs in to a registry.
type Login struct {
	Host      string // as it begins the names of images, such as ghcr.io or registry.lan:5000
	User      string
	Sealed    []byte // the password, in the ledger's sealing
	ChangedAt time.Time
}

// Ledger keeps logins.
type Ledger interface {
	ListRegistryLogins(context.Context) ([]Login, error)
	// FindRegistryLogin is problem.ErrNotFound for a host without a login.
	FindRegistryLogin(ctx context.Context, host string) (Login, error)
	SaveRegistryLogin(context.Context, Login) error
	// DeleteRegistryLogin is problem.ErrNotFound for a host without a login.
	DeleteRegistryLogin(ctx context.Context, host string) error
}

// Dial connects to an address, or refuses it.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Registries are asked with the logins that the ledger keeps. It is safe for concurrent use.
type Registries struct {
	Ledger  Ledger
	Key     secret.Key
	Allowed []string                // by the operator, beside the public ones
	Dial    func(private bool) Dial // private: to private networks, too
	Roots   *x509.CertPool          // nil: those of the system
}

// Wish is a login as a person types it.
type Wish struct {
	Host, User string
	Password   secret.Text
}

// List returns the logins, by host.
func (r Registries) List(ctx context.Context) ([]Login, error) {
	return r.Ledger.ListRegistryLogins(ctx)
}

// Save keeps a login, in the place of the one that the host had. All faults are Problems.
func (r Registries) Save(ctx context.Context, wish Wish) (Login, error) {
	host, err := r.ParseHost(wish.Host)
	var faults problem.Problems
	if fault, wrong := errors.AsType[*problem.Problem](err); wrong {
		faults = append(faults, fault)
	}
	user, password := strings.TrimSpace(wish.User), strings.TrimSpace(wish.Password.Reveal())
	if user == "" || len(user) > longestUser || strings.ContainsFunc(user, func(c rune) bool { return c == ':' || unicode.IsControl(c) }) {
		faults = append(faults, problem.Invalid("This is not a user name of a registry.", fmt.Sprintf("Write 1 to %d characters without a colon, such as the name of your account.", longestUser)).At(FieldUser))
	}
	if password == "" || len(password) > longestPassword {
		faults = append(faults, problem.Invalid("A password or a token is missing, or it is too long.", fmt.Sprintf("Write it, up to %d bytes. A token that may only read images is best.", longestPassword)).At(FieldPassword))
	}
	if len(faults) > 0 {
		return Login{}, faults
	}
	made := Login{Host: host, User: user, Sealed: r.Key.Seal([]byte(password), sealPlace+host), ChangedAt: time.Now()}
	return made, r.Ledger.SaveRegistryLogin(ctx, made)
}

// Remove forgets the login of a host.
func (r Registries) Remove(ctx context.Context, host string) error {
	return missing(r.Ledger.DeleteRegistryLogin(ctx, host), host)
}

// Login returns how to sign in to a registry; an empty user where nobody said.
func (r Registries) Login(ctx context.Context, host string) (user string, password secret.Text, err error) {
	if hubHosts[host] {
		host = dockerHub
	}
	found, err := r.Ledger.FindRegistryLogin(ctx, host)
	if errors.Is(err, problem.ErrNotFound) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	plain, err := r.Key.Open(found.Sealed, sealPlace+found.Host)
	if err != nil {
		return "", "", problem.Unavailable(
			"The password of the registry "+found.Host+" cannot be opened.",
			"The key of this server has changed since. Type the password again under Settings, Registries.",
		).Because(err)
	}
	return found.User, secret.Text(plain), nil
}

// ParseHost reads the host of a registry, as it begins the names of images. A registry of a
// private network is refused unless the operator allows it.
func (r Registries) ParseHost(text string) (string, error) {
	host := strings.ToLower(strings.TrimSpace(text))
	host = strings.TrimSuffix(strings.TrimPrefix(host, "https://"), "/")
	if hubHosts[host] {
		host = dockerHub
	}
	named, err := reference.ParseNormalizedNamed(host + "/image")
	hosts, listErr := registry.ParseList(host)
	if err != nil || listErr != nil || len(hosts) != 1 || reference.Domain(named) != host {
		return "", problem.Invalid("This is not the host of a registry.", "Write it as it begins the name of an image, such as ghcr.io, registry.example.com:5000, or docker.io for Docker Hub.").At(FieldHost)
	}
	if refusal := registry.Check(named, r.Allowed); refusal != nil {
		return "", problem.Forbidden(fmt.Sprintf("The registry %.120s is not a public one: the server would ask it in its own network.", host),
			"Have the operator add the registry to BERTH_REGISTRIES first.").At(FieldHost)
	}
	return host, nil
}

// missing words problem.ErrNotFound.
func missing(err error, host string) error {
	if errors.Is(err, problem.ErrNotFound) {
		return problem.NotFound(fmt.Sprintf("There is no login for the registry %.120s.", host), "See Settings, Registries, or berth registries ls.").Because(err)
	}
	return err
}
