package registries

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/distribution/reference"

	"berth/controller/address"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/registry"
	"berth/controller/secret"
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

// Digest asks the registry of an image what its tag means now, such as sha256:... All faults
// of the registry are Problems.
func (r Registries) Digest(ctx context.Context, image plan.ImageReference) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	named, err := TaggedOf(image)
	if err != nil {
		return "", err
	}
	if refusal := registry.Check(named, r.Allowed); refusal != nil {
		return "", problem.Forbidden(refusal.Reason, refusal.Hint)
	}
	c, err := r.connect(ctx, named)
	if err != nil {
		return "", err
	}
	defer c.client.CloseIdleConnections()
	said, err := c.ask(ctx, http.MethodHead, "/v2/"+reference.Path(named)+"/manifests/"+named.Tag(), "repository:"+reference.Path(named)+":pull")
	if err != nil {
		return "", worded(err)
	}
	return c.digestOf(said, named)
}

// SignIn tries the login of a host. All faults of the registry are Problems.
func (r Registries) SignIn(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if _, err := r.Ledger.FindRegistryLogin(ctx, host); err != nil {
		return missing(err, host)
	}
	if _, err := r.ParseHost(host); err != nil {
		return err // the operator has taken it off the list since
	}
	named, err := reference.ParseNormalizedNamed(host + "/image")
	if err != nil {
		return err
	}
	c, err := r.connect(ctx, named)
	if err != nil {
		return err
	}
	defer c.client.CloseIdleConnections()
	said, err := c.ask(ctx, http.MethodGet, "/v2/", "")
	if err == nil && said.status == http.StatusOK && !said.signedIn { // it lets everybody in, and may still know the password as wrong
		said, err = c.send(ctx, http.MethodGet, c.base+"/v2/", c.basic(), nil)
	}
	switch {
	case err != nil:
		return worded(err)
	case said.status == http.StatusOK:
		return nil
	case said.status == http.StatusUnauthorized, said.status == http.StatusForbidden:
		return c.closed(said.status)
	case said.status == http.StatusNotFound:
		return problem.Invalid("The host answers 404 Not Found, so it is no registry of images.", "Check the host and its port.").At(FieldHost)
	default:
		return unexpected(said.status)
	}
}

// TaggedOf refuses an image that a digest pins for good.
func TaggedOf(image plan.ImageReference) (reference.NamedTagged, error) {
	named, err := reference.ParseNormalizedNamed(string(image))
	tagged, hasTag := named.(reference.NamedTagged)
	if _, pinned := named.(reference.Digested); err != nil || !hasTag || pinned {
		return nil, problem.Conflict("The app does not run an image with a tag.", "Deploy an image such as ghcr.io/owner/app:2 first.")
	}
	return tagged, nil
}

// connection asks one registry.
type connection struct {
	client   *http.Client
	host     string // as people write it
	base     string // https://...
	user     string // empty: as anybody
	password secret.Text
}

func (r Registries) connect(ctx context.Context, named reference.Named) (*connection, error) {
	host := reference.Domain(named)
	user, password, err := r.Login(ctx, host)
	if err != nil {
		return nil, err
	}
	c := &connection{client: r.client(registry.Check(named, nil) != nil), host: host, base: "https://" + host, user: user, password: password}
	if host == dockerHub {
		c.base = "https://" + dockerHubAPI
	}
	return c, nil
}

// client follows redirects only where no secret goes along.
func (r Registries) client(private bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: r.Dial(private), TLSClientConfig: &tls.Config{RootCAs: r.Roots, MinVersion: tls.VersionTLS12}, MaxResponseHeaderBytes: mostAnswer,
		},
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			if len(via) > mostRedirects || to.URL.Scheme != "https" || via[0].Header.Get("Authorization") != "" {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// answer is what a registry said beside a body.
type answer struct {
	status   int
	header   http.Header
	signedIn bool // it was asked again, with what it wanted
}

// ask asks for a path, and again with a password or a token where the registry wants that.
func (c *connection) ask(ctx context.Context, method, path, scope string) (answer, error) {
	said, err := c.send(ctx, method, c.base+path, "", nil)
	if err != nil || said.status != http.StatusUnauthorized {
		return said, err
	}
	wanted := said.header.Get("WWW-Authenticate")
	authorization := c.basic()
	if scheme, _, _ := strings.Cut(wanted, " "); strings.EqualFold(scheme, "bearer") {
		token, err := c.token(ctx, wanted, scope)
		if err != nil {
			return answer{}, err
		}
		authorization = "Bearer " + token
	}
	if authorization == "" {
		return said, nil
	}
	said, err = c.send(ctx, method, c.base+path, authorization, nil)
	said.signedIn = true
	return said, err
}

// basic is the header that holds the login; empty without one.
func (c *connection) basic() string {
	if c.user == "" {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password.Reveal()))
}

// send reads a good answer into into, where that is not nil.
func (c *connection) send(ctx context.Context, method, to, authorization string, into any) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, to, http.NoBody)
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("User-Agent", "Berth")
	if into == nil {
		request.Header["Accept"] = manifests
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }() // it was read as far as it counts
	said := answer{status: response.StatusCode, header: response.Header}
	if into == nil || said.status != http.StatusOK {
		return said, nil
	}
	return said, json.NewDecoder(io.LimitReader(response.Body, mostAnswer)).Decode(into)
}

// challenge is a parameter of the header that says where a token is had.
var challenge = regexp.MustCompile(`(realm|service)="([^"]*)"`)

// token gets the token that the login gives; the one that everybody gets without a login.
func (c *connection) token(ctx context.Context, asked, scope string) (string, error) {
	told := map[string]string{}
	for _, found := range challenge.FindAllStringSubmatch(asked, -1) {
		told[found[1]] = found[2]
	}
	realm, err := url.Parse(told["realm"])
	if err != nil || realm.Scheme != "https" || realm.User != nil {
		return "", c.closed(http.StatusUnauthorized)
	}
	query := realm.Query()
	query.Set("service", told["service"])
	if scope != "" {
		query.Set("scope", scope)
	}
	if c.user != "" {
		query.Set("account", c.user)
	}
	realm.RawQuery = query.Encode()
	var given struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	said, err := c.send(ctx, http.MethodGet, realm.String(), c.basic(), &given)
	if err != nil {
		return "", err
	}
	if given.Token == "" {
		given.Token = given.AccessToken
	}
	if given.Token == "" {
		return "", c.closed(said.status)
	}
	return given.Token, nil
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func (c *connection) digestOf(said answer, named reference.NamedTagged) (string, error) {
	digest := said.header.Get("Docker-Content-Digest")
	switch status := said.status; {
	case status == http.StatusOK && digestForm.MatchString(digest):
		return digest, nil
	case status == http.StatusOK:
		return "", problem.Unavailable("The registry does not tell the digest of the image.", "Deploy by hand, or use another registry.")
	case status == http.StatusNotFound:
		return "", problem.Invalid("The registry does not have "+reference.FamiliarString(named)+" any more (it answers 404 Not Found).", "Push the tag again, or deploy another image.")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "", c.closed(status)
	default:
		return "", unexpected(status)
	}
}

func unexpected(status int) error {
	return problem.Unavailable(fmt.Sprintf("The registry answers %d %s.", status, http.StatusText(status)), "Try again later: it is not about the login.")
}

func (c *connection) closed(status int) error {
	said := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if c.user != "" {
		return problem.Forbidden(
			fmt.Sprintf("The registry %s refuses the login (it answers %s).", c.host, said),
			"Check the user name and the password under Settings, Registries. A token may have ended, or may not read this image.",
		)
	}
	return problem.Forbidden(
		fmt.Sprintf("The registry does not show the image to everybody (it answers %s).", said),
		"Give Berth a login for the registry under Settings, Registries.",
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
	return problem.Unavailable("The registry cannot be reached, or its answer cannot be read.", "Check the name of the registry. Berth's log says more.").Because(err)
}
