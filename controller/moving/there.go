package moving

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"berth/controller/address"
	"berth/controller/app"
	"berth/controller/pause"
	"berth/controller/pinned"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/secret"
)

const (
	connectTimeout = 10 * time.Second
	answerTimeout  = 10 * time.Minute // after the last byte of a request: a volume is put in its place meanwhile
	mostAnswer     = 8 << 20
	mostShown      = 300              // bytes of what the other server says
	longestWait    = 90 * time.Minute // for a limit of the other server; its budgets are of an hour
	stoppedWait    = time.Minute      // the same while the app is stopped
	attempts       = 3                // of a request that the connection has broken
)

// server is the other server, by its public API.
type server struct {
	base  string
	token secret.Text
	http  *http.Client
	most  time.Duration // that a limit is waited for
	key   string        // of the deploy, by which the other server knows it again
}

func newServer(move Move, token secret.Text, dial Dial) *server {
	transport := &http.Transport{DialContext: dial, TLSHandshakeTimeout: connectTimeout, ResponseHeaderTimeout: answerTimeout, IdleConnTimeout: time.Minute}
	if move.Fingerprint != "" {
		transport.TLSClientConfig = pinned.Config(move.Fingerprint)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "move of %s to %s at %d", move.App, move.To, move.BeganAt.UnixMicro()))
	return &server{base: move.To, token: token, key: hex.EncodeToString(sum[:]), http: &http.Client{
		Transport: transport,
		// The token goes to the server that was named and to no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

const appsPath = "/api/v1/apps"

func appPath(name app.Name) string { return appsPath + "/" + string(name) }

// refusal is what the other server answers where it does not do what it is asked.
type refusal struct {
	status       int
	detail, hint string
	wait         time.Duration
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the other server answered %d: %s", r.status, r.detail)
}

func isUntrusted(err error) bool {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return untrusted
}

// body gives the body of a request anew for each attempt, with its type.
type body func() (content io.Reader, media string, err error)

func (s *server) get(ctx context.Context, path string, answer any) error {
	return s.ask(ctx, http.MethodGet, path, nil, answer)
}

func (s *server) post(ctx context.Context, path string, wish, answer any) error {
	return s.sendJSON(ctx, http.MethodPost, path, wish, answer)
}

func (s *server) sendJSON(ctx context.Context, method, path string, wish, answer any) error {
	if wish == nil {
		return s.ask(ctx, method, path, nil, answer)
	}
	text, err := json.Marshal(wish)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return s.ask(ctx, method, path, func() (io.Reader, string, error) { return bytes.NewReader(text), "application/json", nil }, answer)
}

// ask sends a request. Where a limit of the other server is used up it waits; where the
// connection breaks it tries again. What is asked must be something that can be done twice.
func (s *server) ask(ctx context.Context, method, path string, content body, answer any) error {
	until := time.Now().Add(s.most)
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, method, path, content, answer)
		if own, ok := errors.AsType[*ownError](err); ok {
			return own.error
		}
		told, refused := errors.AsType[*refusal](err)
		_, own := errors.AsType[*problem.Problem](err)
		wait := time.Second
		switch {
		case err == nil || ctx.Err() != nil || own:
			return err
		case refused && told.status == http.StatusTooManyRequests && time.Now().Add(told.wait).Before(until):
			wait, attempt = told.wait, 0
		case refused:
			return err
		case attempt == attempts:
			return unreachable(err)
		}
		if err := pause.For(ctx, wait); err != nil {
			return err
		}
	}
}

func (s *server) once(ctx context.Context, method, path string, content body, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token.Reveal())
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "Berth")
	if path == appsPath {
		request.Header.Set("Idempotency-Key", s.key)
	}
	if content != nil {
		from, media, err := content()
		if err != nil {
			return &ownError{err}
		}
		request.Body, request.ContentLength = io.NopCloser(from), -1
		if closer, ok := from.(io.ReadCloser); ok {
			request.Body = closer
		}
		if known, ok := from.(*bytes.Reader); ok {
			request.ContentLength = int64(known.Len())
		}
		request.Header.Set("Content-Type", media)
	}
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return refusalOf(response, text)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return problem.Conflict("The other server answers as no Berth does.", "Name the address of the admin page of a Berth.").Because(err)
	}
	return nil
}

func refusalOf(response *http.Response, text []byte) error {
	var told struct{ Detail, Hint string }
	if json.Unmarshal(text, &told) != nil || told.Detail == "" {
		told.Detail, told.Hint = response.Status, ""
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		seconds = 60
	}
	return &refusal{
		status: response.StatusCode, detail: printable.Name(told.Detail, mostShown), hint: printable.Name(told.Hint, mostShown),
		wait: time.Duration(min(seconds, 3600)) * time.Second,
	}
}

// ownError is of what this server could not read of itself.
type ownError struct{ error }

func (e *ownError) Unwrap() error { return e.error }

// unreachable words why the other server gave no answer.
func unreachable(err error) error {
	message, hint := "The other server does not answer.", "See that it runs and that its address is right, then begin the move again."
	_, isDNS := errors.AsType[*net.DNSError](err)
	if closed, ok := errors.AsType[*address.ClosedError](err); ok {
		message = fmt.Sprintf("The other server is at %s, which is not on the internet.", closed.Address)
		hint = "Allow private networks for this move. This server itself and the networks of apps are never dialled."
	} else if other, ok := errors.AsType[*pinned.Error](err); ok {
		message = "The other server shows another certificate than the one that was agreed to."
		hint = "It shows " + other.Shown + ". Where the server has a new certificate, begin with that fingerprint; else somebody stands between."
	} else if isUntrusted(err) {
		message, hint = "No authority vouches for the certificate of the other server.", "Name the fingerprint of its certificate, as berth login shows it."
	} else if isDNS {
		message = "The host name of the other server is not known."
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return problem.Unavailable(message, hint).Because(err)
}

// told makes a refusal of the other server a Problem of this one.
func told(doing string, err error) error {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	hint := refused.hint
	switch refused.status {
	case http.StatusUnauthorized:
		hint = "Make a token of the scope admin on the other server, and begin the move again with it."
	case http.StatusForbidden:
		hint = cmp.Or(hint, "The token of the other server needs the scope admin.")
	}
	return problem.Conflict(fmt.Sprintf("The other server refused %s: %s", doing, refused.detail), hint).Because(err)
}

func isStatus(err error, status int) bool {
	refused, ok := errors.AsType[*refusal](err)
	return ok && refused.status == status
}
