package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"berth/controller/printable"
)

// client reaches git hosts.
type client struct {
	dial  Dial
	roots *x509.CertPool
}

// talk is a few requests to one repository.
type talk struct {
	source Source
	line
}

// line carries requests to a git host, and its answers. Nobody asks for the next before the
// last was read.
type line interface {
	ask(ctx context.Context, path string, body []byte, modern bool) (io.ReadCloser, error)
	close()
}

// webLine is a line over HTTPS.
type webLine struct {
	source    Source
	transport *http.Transport
}

const (
	mostHeader    = 64 << 10
	handshakeTime = 10 * time.Second
	tokenUser     = "git" // where the address names no user; git hosts look at the token
)

func (c client) open(source Source) *talk {
	if source.OverSSH() {
		return &talk{source, &sshLine{source: source, dial: c.dial}}
	}
	return &talk{source, &webLine{source: source, transport: c.transport()}}
}

func (c client) transport() *http.Transport {
	return &http.Transport{
		DialContext: c.dial, TLSClientConfig: &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: handshakeTime, ResponseHeaderTimeout: askTime, MaxResponseHeaderBytes: mostHeader,
		DisableCompression: true, // packs are compressed already
	}
}

func (t *webLine) close() { t.transport.CloseIdleConnections() }

// The paths and types of git's smart protocol.
const (
	pathRefs   = "/info/refs?service=git-upload-pack"
	pathUpload = "/git-upload-pack"
	typeRefs   = "application/x-git-upload-pack-advertisement"
	typeAsk    = "application/x-git-upload-pack-request"
	typeAnswer = "application/x-git-upload-pack-result"
)

// ask sends a request and returns the body of a good answer. Redirects are not followed: the
// token is for this address.
func (t *webLine) ask(ctx context.Context, path string, body []byte, modern bool) (io.ReadCloser, error) {
	method, want := http.MethodGet, typeRefs
	if body != nil {
		method, want = http.MethodPost, typeAnswer
	}
	at, err := url.Parse(t.source.Address)
	if err != nil {
		return nil, err
	}
	user := at.User.Username()
	at.User = nil
	request, err := http.NewRequestWithContext(ctx, method, at.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "git/2.0 (Berth)") // some hosts answer git alone
	if modern {
		request.Header.Set("Git-Protocol", "version=2")
	}
	if body != nil {
		request.Header.Set("Content-Type", typeAsk)
	}
	if token := t.source.Token; token != "" {
		if user == "" {
			user = tokenUser
		}
		request.SetBasicAuth(user, token.Reveal())
	}
	response, err := t.transport.RoundTrip(request)
	if err != nil {
		return nil, hostError{err}
	}
	kind := response.Header.Get("Content-Type")
	if response.StatusCode == http.StatusOK && kind == want {
		return hostBody{response.Body}, nil
	}
	_ = response.Body.Close() // nobody reads it
	return nil, answered(response, kind)
}

// hostBody is the body of an answer. The end of it is io.EOF.
type hostBody struct{ io.ReadCloser }

// Read reads from the git host.
func (b hostBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = hostError{err}
	}
	return n, err
}

// answered is the Problem of an answer that is not git's.
func answered(response *http.Response, kind string) error {
	status := response.StatusCode
	switch {
	case status == http.StatusOK:
		return noGit("The server answers with "+printable.Name(kind, shown)+".", nil)
	case status >= 300 && status < 400:
		return moved(response)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		return hidden(status)
	default:
		return unavailable(status)
	}
}

// placeOf is where a redirect leads, without what an address may hide.
func placeOf(response *http.Response) string {
	to, err := response.Location()
	if err != nil {
		return "elsewhere"
	}
	return printable.Name("https://"+to.Host+strings.TrimSuffix(to.Path, "/info/refs"), shown)
}
