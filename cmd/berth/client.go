package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"berth/controller/app"
	"berth/controller/pause"
	"berth/controller/pinned"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
)

const (
	connectTimeout = 10 * time.Second
	answerTimeout  = 2 * time.Minute // after the last byte of the request; an archive is looked into meanwhile
	maxAnswer      = 8 << 20         // bytes of JSON

	uploadAttempts = 3 // of which all but the last lost their answer
	resendPause    = time.Second
)

// client speaks the API of one server.
type client struct {
	base  *url.URL
	token secret.Text
	http  *http.Client
	notes io.Writer // for a person who waits

	json bool            // the answer is printed as it is
	last json.RawMessage // the last answer that was read
}

// appAnswer is what the API says of an app, as far as it is needed here.
type appAnswer struct {
	URLs    []string `json:"urls"`
	Release int64    `json:"release"` // the live one; 0 before the first
}

// releaseAnswer is what the API says of a release, as far as it is needed here.
type releaseAnswer struct {
	App    app.Name         `json:"app"`
	Number int64            `json:"number"`
	State  app.ReleaseState `json:"state"`
	Reason string           `json:"reason"`
	Hint   string           `json:"hint"`
}

func (r releaseAnswer) id() app.ReleaseID {
	return app.ReleaseID{App: r.App, Number: r.Number}
}

// newClient returns the client of the server at address. The CA file is a PEM
// file of certificates to trust; empty means those that the system trusts.
func newClient(address string, token secret.Text, caFile string) (*client, error) {
	base, err := parseServer(address)
	if err != nil {
		return nil, &usageError{err}
	}
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		if trust.RootCAs, err = readPool(caFile); err != nil {
			return nil, &usageError{err}
		}
	}
	return &client{base: base, token: token, notes: io.Discard, http: &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dial,
			TLSHandshakeTimeout:   connectTimeout,
			ResponseHeaderTimeout: answerTimeout,
			TLSClientConfig:       trust,
			ForceAttemptHTTP2:     true,
		},
		// The token goes to the server that was named and to no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// parseServer accepts https, and http on this machine only: a token is no
// secret on a plain line.
func parseServer(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Path != "" && base.Path != "/" {
		return nil, fmt.Errorf("--server %q is not an address such as %s", address, defaultServer)
	}
	if base.Scheme == "https" || base.Scheme == "http" && isThisMachine(base.Hostname()) {
		return base, nil
	}
	return nil, fmt.Errorf("--server %q would send the token in the clear: use https", address)
}

func isThisMachine(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

func readPool(file string) (*x509.CertPool, error) {
	content, err := readBounded(file)
	if err != nil {
		return nil, fmt.Errorf("read certificates to trust: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("read certificates to trust: there is none in %s", file)
	}
	return pool, nil
}

func (c *client) findApp(ctx context.Context, name app.Name) (app appAnswer, err error) {
	err = c.find(ctx, appPath(name), &app)
	return app, err
}

func (c *client) findRelease(ctx context.Context, id app.ReleaseID) (release releaseAnswer, err error) {
	err = c.find(ctx, releasePath(id), &release)
	return release, err
}

// previewAnswer is how an archive will be built.
type previewAnswer struct {
	Kind       string   `json:"kind"`
	Dockerfile string   `json:"dockerfile"`
	Reasons    []string `json:"reasons"`
	Services   []string `json:"services"`
	Plan       struct {
		Main     string           `json:"main"`
		Port     uint16           `json:"port"`
		Services []plannedService `json:"services"`
		Bound    []boundAnswer    `json:"bound"`
	} `json:"plan"`
}

type plannedService struct {
	Name    string   `json:"name"`
	Image   string   `json:"image"`
	Build   string   `json:"build"`
	Volumes []string `json:"volumes"`
	Loosens []string `json:"loosens"`

	RootStart string   `json:"root_start"`
	Unmounted []string `json:"unmounted"`
}

// boundAnswer is what a service mounts of the archive.
type boundAnswer struct {
	Choice string       `json:"choice"`
	Source string       `json:"source"`
	As     plan.BoundAs `json:"as"`
}

// line says what becomes of it, and how that is changed.
func (b boundAnswer) line() string {
	source := b.Source
	if source == "" {
		source = "the archive"
	}
	if b.As == plan.BoundVolume {
		return fmt.Sprintf("%s at %s: a volume that is filled from it; --bound %s=image for a part of the image", source, b.Choice, b.Choice)
	}
	return fmt.Sprintf("%s at %s: part of the image; --bound %s=volume for a volume", source, b.Choice, b.Choice)
}

// lines say for each service what it is made of.
func (p previewAnswer) lines() []string {
	var lines []string
	for _, service := range p.Plan.Services {
		parts := []string{"built"}
		switch {
		case service.Image != "":
			parts[0] = "image " + service.Image
		case service.Build != "":
			parts[0] = "built with " + service.Build
		}
		if service.Name == p.Plan.Main && p.Plan.Port != 0 {
			parts = append(parts, fmt.Sprintf("has the route, port %d", p.Plan.Port))
		} else if service.Name == p.Plan.Main {
			parts = append(parts, "has the route")
		}
		if len(service.Volumes) > 0 {
			parts = append(parts, "volumes "+strings.Join(service.Volumes, ", "))
		}
		if len(service.Loosens) > 0 {
			parts = append(parts, "security exceptions "+strings.Join(service.Loosens, ", "))
		}
		if service.RootStart != "" {
			parts = append(parts, service.RootStart+", so it may need --waive root_start:"+service.Name)
		}
		if len(service.Unmounted) > 0 {
			parts = append(parts, strings.Join(service.Unmounted, ", ")+" kept only with --image-volumes")
		}
		lines = append(lines, "  "+service.Name+": "+strings.Join(parts, "; "))
	}
	for _, bound := range p.Plan.Bound {
		lines = append(lines, "  "+bound.line())
	}
	return lines
}

// check asks how the upload will be built, as an update where name is that of an
// app that is there; it may be empty where the app has no name yet.
func (c *client) check(ctx context.Context, wish deployWish, u *upload) (preview previewAnswer, err error) {
	path, fields := "/api/v1/apps", append([][2]string{{"check", "true"}}, wish.choices...)
	if wish.name != "" {
		_, err := c.findApp(ctx, wish.name)
		switch {
		case err == nil:
			path = appPath(wish.name) + "/update"
		case problem.KindOf(err) == problem.KindNotFound:
			fields = append(fields, [2]string{"name", string(wish.name)}, [2]string{"route", wish.route})
		default:
			return previewAnswer{}, err
		}
	}
	err = c.post(ctx, path, u, fields, &preview)
	return preview, err
}

func (c *client) createApp(ctx context.Context, wish deployWish, u *upload) (release releaseAnswer, err error) {
	fields := [][2]string{{"name", string(wish.name)}, {"route", wish.route}}
	if wish.fallback {
		fields = append(fields, [2]string{"fallback", "true"})
	}
	err = c.post(ctx, "/api/v1/apps", u, append(fields, wish.choices...), &release)
	return release, err
}

// setFallback makes the next image of a static site answer unknown paths. Where it
// does so already, nothing is changed.
func (c *client) setFallback(ctx context.Context, name app.Name) error {
	return c.patiently(ctx, func() error {
		response, err := c.send(ctx, http.MethodPost, appPath(name)+"/settings", withJSON([]byte(`{"fallback": true}`)))
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
}

func (c *client) updateApp(ctx context.Context, wish deployWish, u *upload) (release releaseAnswer, err error) {
	err = c.post(ctx, appPath(wish.name)+"/update", u, wish.choices, &release)
	return release, err
}

// copyLog copies what the log holds after its first skip bytes, and what comes
// until the release is final, and returns how much that was.
func (c *client) copyLog(ctx context.Context, id app.ReleaseID, skip int64, out io.Writer) (int64, error) {
	var response *http.Response
	err := c.patiently(ctx, func() (err error) {
		response, err = c.send(ctx, http.MethodGet, releasePath(id)+"/log?follow=1", nil) //nolint:bodyclose // closed below
		return err
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.CopyN(io.Discard, response.Body, skip); err != nil {
		return 0, unreachable(err)
	}
	copied, err := io.Copy(out, response.Body)
	if err != nil {
		return copied, unreachable(err)
	}
	return copied, nil
}

func appPath(name app.Name) string { return "/api/v1/apps/" + string(name) }

func releasePath(id app.ReleaseID) string {
	return fmt.Sprintf("%s/releases/%d", appPath(id.App), id.Number)
}

func (c *client) find(ctx context.Context, path string, answer any) error {
	return c.patiently(ctx, func() error {
		response, err := c.send(ctx, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		return c.decode(response.Body, answer)
	})
}

// post sends the upload, and sends it again where the answer was lost: the key tells the
// server that it is the same one, of which it makes one release.
func (c *client) post(ctx context.Context, path string, u *upload, fields [][2]string, answer any) error {
	key := rand.Text()
	for attempt := 1; ; attempt++ {
		err := c.patiently(ctx, func() error { return c.postOnce(ctx, path, key, u, fields, answer) })
		if err == nil || attempt == uploadAttempts || !isAnswerLost(err) {
			return err
		}
		_, _ = fmt.Fprintln(c.notes, "The answer of the server was lost. Sending the same again.")
		if pause.For(ctx, resendPause) != nil {
			return err
		}
	}
}

// isAnswerLost reports whether the connection broke once it was there: nobody knows what
// the server has made of the request.
func isAnswerLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (c *client) postOnce(ctx context.Context, path, key string, u *upload, fields [][2]string, answer any) error {
	body, contentType, length, err := u.form(fields)
	if err != nil {
		return err
	}
	response, err := c.send(ctx, http.MethodPost, path, func(request *http.Request) {
		request.Body, request.ContentLength = io.NopCloser(body), length
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("Idempotency-Key", key)
	})
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return c.decode(response.Body, answer)
}

// send returns the answer where it is a good one, and else the Problem that it tells.
func (c *client) send(ctx context.Context, method, path string, prepare func(*http.Request)) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath("/").String()+path[1:], nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	request.Header.Set("Accept", "application/json")
	if prepare != nil {
		prepare(request)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, unreachable(err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, problemOf(response)
	}
	return response, nil
}

// decode reads an answer, and keeps it as it came. An empty one is no JSON.
func (c *client) decode(body io.Reader, answer any) error {
	content, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err == nil {
		c.last, err = content, json.Unmarshal(content, answer)
	}
	if err != nil {
		return unreachable(fmt.Errorf("read answer: %w", err))
	}
	return nil
}

// ask sends a request with a body of JSON, where it has one, and returns the answer, which
// may be empty.
func (c *client) ask(ctx context.Context, method, path string, body any) (answer json.RawMessage, err error) {
	text, err := encodeBody(body)
	if err != nil {
		return nil, err
	}
	err = c.patiently(ctx, func() error {
		response, err := c.send(ctx, method, path, withJSON(text))
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
			return unreachable(err)
		}
		return nil
	})
	return answer, err
}

func encodeBody(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	return text, nil
}

// withJSON gives a request the body, where there is one.
func withJSON(text []byte) func(*http.Request) {
	return func(request *http.Request) {
		if text == nil {
			return
		}
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		request.Header.Set("Content-Type", "application/json")
	}
}

// copyTo copies an answer of any size.
func (c *client) copyTo(ctx context.Context, path string, out io.Writer) error {
	var response *http.Response
	err := c.patiently(ctx, func() (err error) {
		response, err = c.send(ctx, http.MethodGet, path, nil) //nolint:bodyclose // closed below
		return err
	})
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(out, response.Body); err != nil {
		return unreachable(err)
	}
	return nil
}

// unreachable words an error of the line.
func unreachable(err error) error {
	problem := problem.Unavailable(
		"The server does not answer.",
		"Check --server (BERTH_SERVER), and that Berth runs there.",
	).Because(err)
	if other, ok := errors.AsType[*pinned.Error](err); ok {
		problem.Message = "The server shows another certificate than the one that you agreed to."
		problem.Hint = "It shows " + other.Shown + ". Where the server has a new certificate, sign in again with berth login; else somebody stands between."
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		problem.Message = "The certificate of the server is not trusted."
		problem.Hint = "Berth's own certificate is tls/admin.crt in its data folder: copy it here and name it with --ca-file (BERTH_CA_FILE)."
	}
	return problem
}

// problemOf reads the problem details (RFC 9457) of an answer.
func problemOf(response *http.Response) error {
	defer func() { _ = response.Body.Close() }()
	var details struct {
		Title, Detail, Hint, Field string
		Faults                     problem.Refusals
	}
	_ = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&details) // another server's answer is no JSON
	message := details.Detail
	if message == "" {
		message = "The server answered " + response.Status + "."
	}
	return &problem.Problem{
		Kind:    kindOf(response.StatusCode),
		Field:   details.Field,
		Message: message,
		Hint:    details.Hint,
		Faults:  details.Faults,
		Err:     limitedBy(response),
	}
}

// kindOf is the way back from an HTTP status to the kind that it stands for.
func kindOf(status int) problem.Kind {
	switch status {
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		return problem.KindInvalid
	case http.StatusUnauthorized:
		return problem.KindUnauthorized
	case http.StatusForbidden:
		return problem.KindForbidden
	case http.StatusNotFound:
		return problem.KindNotFound
	case http.StatusConflict:
		return problem.KindConflict
	case http.StatusPreconditionFailed:
		return problem.KindStale
	case http.StatusRequestEntityTooLarge:
		return problem.KindTooLarge
	case http.StatusTooManyRequests:
		return problem.KindLimited
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return problem.KindUnavailable
	case http.StatusInsufficientStorage:
		return problem.KindFull
	default:
		return problem.KindInternal
	}
}
