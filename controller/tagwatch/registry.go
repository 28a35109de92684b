package tagwatch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/distribution/reference"

	"berth/controller/address"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/registry"
)

const (
	askTime       = 10 * time.Second
	mostAnswer    = 64 << 10 // bytes
	mostRedirects = 3

	dockerHub    = "docker.io"
	dockerHubAPI = "registry-1.docker.io"
)

// manifests are the kinds of what a tag names, as the engine asks for them: so the digests are
// those that the engine pins.
var manifests = []string{
	"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
}

// Dial connects to an address, or refuses it.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Registries are asked what tags mean, without a password.
type Registries struct {
	Allowed []string                // by the operator, beside the public ones
	Dial    func(private bool) Dial // private: to private networks, too
	Roots   *x509.CertPool          // nil: those of the system
}

// Digest asks the registry of an image what its tag means now, such as sha256:... All faults
// of the registry are Problems.
func (r Registries) Digest(ctx context.Context, image plan.ImageReference) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	named, err := taggedOf(image)
	if err != nil {
		return "", err
	}
	if refusal := registry.Check(named, r.Allowed); refusal != nil {
		return "", problem.Forbidden(refusal.Reason, refusal.Hint)
	}
	client := r.client(registry.Check(named, nil) != nil)
	defer client.CloseIdleConnections()
	said, err := askFor(ctx, client, named, "")
	if err == nil && said.status == http.StatusUnauthorized {
		var token string
		if token, err = tokenOf(ctx, client, named, said.header.Get("WWW-Authenticate")); err == nil {
			said, err = askFor(ctx, client, named, token)
		}
	}
	if err != nil {
		return "", worded(err)
	}
	return digestOf(said, named)
}

// taggedOf refuses an image that a digest pins for good.
func taggedOf(image plan.ImageReference) (reference.NamedTagged, error) {
	named, err := reference.ParseNormalizedNamed(string(image))
	tagged, hasTag := named.(reference.NamedTagged)
	if _, pinned := named.(reference.Digested); err != nil || !hasTag || pinned {
		return nil, problem.Conflict("The app does not run an image with a tag.", "Deploy an image such as ghcr.io/owner/app:2 first.")
	}
	return tagged, nil
}

// client follows redirects, because no secret goes along.
func (r Registries) client(private bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: r.Dial(private), TLSClientConfig: &tls.Config{RootCAs: r.Roots, MinVersion: tls.VersionTLS12}, MaxResponseHeaderBytes: mostAnswer,
		},
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			if len(via) > mostRedirects || to.URL.Scheme != "https" {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

func askFor(ctx context.Context, client *http.Client, named reference.NamedTagged, token string) (answer, error) {
	host := reference.Domain(named)
	if host == dockerHub {
		host = dockerHubAPI
	}
	return ask(ctx, client, http.MethodHead, "https://"+host+"/v2/"+reference.Path(named)+"/manifests/"+named.Tag(), token, nil)
}

// answer is what a registry said beside a body.
type answer struct {
	status int
	header http.Header
}

// ask reads a good answer into into, where that is not nil.
func ask(ctx context.Context, client *http.Client, method, to, token string, into any) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, to, http.NoBody)
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("User-Agent", "Berth")
	if into == nil {
		request.Header["Accept"] = manifests
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }() // it was read as far as it counts
	said := answer{response.StatusCode, response.Header}
	if into == nil || said.status != http.StatusOK {
		return said, nil
	}
	return said, json.NewDecoder(io.LimitReader(response.Body, mostAnswer)).Decode(into)
}

// challenge is a parameter of the header that says where a token is had.
var challenge = regexp.MustCompile(`(realm|service)="([^"]*)"`)

// tokenOf gets the token that everybody gets.
func tokenOf(ctx context.Context, client *http.Client, named reference.Named, asked string) (string, error) {
	told := map[string]string{}
	for _, found := range challenge.FindAllStringSubmatch(asked, -1) {
		told[found[1]] = found[2]
	}
	realm, err := url.Parse(told["realm"])
	if err != nil || realm.Scheme != "https" || realm.User != nil {
		return "", closed(http.StatusUnauthorized)
	}
	query := realm.Query()
	query.Set("service", told["service"])
	query.Set("scope", "repository:"+reference.Path(named)+":pull")
	realm.RawQuery = query.Encode()
	var given struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	said, err := ask(ctx, client, http.MethodGet, realm.String(), "", &given)
	if err != nil {
		return "", err
	}
	if given.Token == "" {
		given.Token = given.AccessToken
	}
	if given.Token == "" {
		return "", closed(said.status)
	}
	return given.Token, nil
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func digestOf(said answer, named reference.NamedTagged) (string, error) {
	digest := said.header.Get("Docker-Content-Digest")
	switch status := said.status; {
	case status == http.StatusOK && digestForm.MatchString(digest):
		return digest, nil
	case status == http.StatusOK:
		return "", problem.Unavailable("The registry does not tell the digest of the image.", "Deploy by hand, or use another registry.")
	case status == http.StatusNotFound:
		return "", problem.Invalid("The registry does not have "+reference.FamiliarString(named)+" any more (it answers 404 Not Found).", "Push the tag again, or deploy another image.")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "", closed(status)
	default:
		return "", problem.Unavailable(fmt.Sprintf("The registry answers %d %s.", status, http.StatusText(status)), "Berth looks again at the next time.")
	}
}

func closed(status int) error {
	return problem.Forbidden(
		fmt.Sprintf("The registry does not show the image to everybody (it answers %d %s).", status, http.StatusText(status)),
		"Berth looks without a password. Deploy private images from a job of the git host with a token.",
	)
}

// worded makes a Problem of what went wrong on the way to a registry.
func worded(err error) error {
	if problem.KindOf(err) != problem.KindInternal {
		return err
	}
	if guarded, isClosed := errors.AsType[*address.ClosedError](err); isClosed {
		return problem.Forbidden(guarded.Error()+".", "Have the operator add the registry to BERTH_REGISTRIES.").Because(err)
	}
	return problem.Unavailable("The registry cannot be reached, or its answer cannot be read.", "Berth looks again at the next time. Its log says more.").Because(err)
}
