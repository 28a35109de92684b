package traefik

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	dialTimeout    = time.Second
	requestTimeout = 5 * time.Second // of one call, to its last byte
	readyTimeout   = 30 * time.Second

	maxAPIBytes   = 64 << 20  // of one answer of the API; 1,000 apps take about 2 MB
	maxProbeBytes = 256 << 10 // of an instance's answer, read to keep the connection open
)

// ErrNotRouted says that the proxy has no verify route for the target of Probe, so the
// answer did not come from the instance.
var ErrNotRouted = errors.New("the proxy has no verify route for this release")

// Client talks to one proxy: to its API, and to instances through its verify entry point.
// It is safe for concurrent use and keeps its connections open.
type Client struct {
	api    *url.URL
	verify *url.URL
	web    *url.URL // for visitors
	// password is only sent to the API, never to an instance.
	password APIPassword
	http     *http.Client
}

// NewClient returns a Client of the proxy with the dashboard entry point apiURL and the
// verify entry point verifyURL, such as http://10.201.0.2:8081. It never connects to
// another address, whatever an answer says. The password is the one in the proxy's
// StaticOptions.
func NewClient(apiURL, verifyURL string, password APIPassword) (*Client, error) {
	api, err := parseBase(apiURL)
	if err != nil {
		return nil, fmt.Errorf("parse address of proxy API: %w", err)
	}
	verify, err := parseBase(verifyURL)
	if err != nil {
		return nil, fmt.Errorf("parse address of verify entry point: %w", err)
	}
	web := &url.URL{Scheme: "http", Host: net.JoinHostPort(verify.Hostname(), strconv.Itoa(WebPort))}
	return &Client{api: api, verify: verify, web: web, password: password, http: &http.Client{
		Timeout: requestTimeout,
		// No Proxy: the environment must not redirect a call.
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Ready waits until the proxy runs and its API answers, for 30 s at most.
func (c *Client) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := poll(ctx, func(ctx context.Context) error {
		return c.fetch(ctx, "/api/version", new(struct{}))
	})
	if err != nil {
		return fmt.Errorf("wait for proxy: %w", err)
	}
	return nil
}

// Version returns the version of the proxy, such as "3.7.13".
func (c *Client) Version(ctx context.Context) (string, error) {
	var told struct{ Version string }
	err := c.fetch(ctx, "/api/version", &told)
	return told.Version, err
}

// Probe asks the instance of a proving target, or of a part of it from At, for path, through the proxy's verify entry
// point, and returns the status of the answer. A redirect is an answer. Until the
// instance listens, the proxy answers 502.
func (c *Client) Probe(ctx context.Context, target Target, path string) (status int, err error) {
	if !strings.HasPrefix(path, "/") {
		return 0, fmt.Errorf("probe %s: path %q does not start with a slash", target.service(), path)
	}
	address := *c.verify
	address.Path = path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("probe %s: %w", target.service(), err)
	}
	request.Host = target.verifyHost()
	request.Header.Set("User-Agent", "Berth")
	response, err := c.http.Do(request)
	if err != nil {
		return 0, fmt.Errorf("probe %s: %w", target.service(), err)
	}
	defer func() { _ = response.Body.Close() }()
	defer discard(response.Body, maxProbeBytes)
	if response.Header.Get(releaseHeader) != target.service() {
		return 0, fmt.Errorf("probe %s: %w", target.service(), ErrNotRouted)
	}
	return response.StatusCode, nil
}

// errNotFound is the error of fetch for a name that the proxy does not know.
var errNotFound = errors.New("not found")

// fetch decodes the API's answer at path into result.
func (c *Client) fetch(ctx context.Context, path string, result any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api.JoinPath(path).String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("ask proxy for %s: %w", path, err)
	}
	request.SetBasicAuth(APIUser, string(c.password))
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("ask proxy for %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	defer discard(response.Body, maxAPIBytes)
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return fmt.Errorf("ask proxy for %s: %w", path, errNotFound)
	default:
		return fmt.Errorf("ask proxy for %s: status %d", path, response.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAPIBytes)).Decode(result); err != nil {
		return fmt.Errorf("decode proxy's answer for %s: %w", path, err)
	}
	return nil
}

// discard reads the rest, up to limit, so that the connection can be used again.
func discard(body io.Reader, limit int64) {
	_, _ = io.CopyN(io.Discard, body, limit)
}

func parseBase(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if base.Scheme != "http" || base.Host == "" || strings.Trim(base.Path, "/") != "" || base.User != nil || base.RawQuery != "" {
		return nil, fmt.Errorf("%q is not of the form http://host:port", address)
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host}, nil
}
