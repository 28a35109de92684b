package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"berth/controller/address"
	"berth/controller/secret"
)

// post sends JSON to addresses that people typed.
type post struct {
	dial   Dial
	secret secret.Text // never in an error
}

// json posts the value. Redirects are not followed, and the answer is read to its bound.
func (p post) json(ctx context.Context, to string, value any, headers ...[2]string) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	return p.bytes(ctx, to, body, headers...)
}

func (p post) bytes(ctx context.Context, to string, body []byte, headers ...[2]string) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is not one of the web")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Berth")
	for _, header := range headers {
		request.Header.Set(header[0], header[1])
	}
	return p.do(request)
}

// Request asks an address as channels do: through the guarded dialer, without following a
// redirect, for 10 s and 64 KB at most. The path of the address is in no error.
func Request(ctx context.Context, method string, address secret.Text, dial Dial) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address.Reveal(), http.NoBody)
	if err != nil {
		return errors.New("the address is not one of the web")
	}
	request.Header.Set("User-Agent", "Berth")
	hidden := secret.Text(strings.TrimPrefix(request.URL.RequestURI(), "/"))
	return post{dial: dial, secret: hidden}.do(request)
}

func (p post) do(request *http.Request) error {
	client := http.Client{
		Transport:     &http.Transport{DialContext: p.dial, DisableKeepAlives: true, MaxResponseHeaderBytes: mostAnswer},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request) //nolint:gosec // the dialer guards where it goes
	if err != nil {
		return p.failure(err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, mostAnswer)
	return answered(response.StatusCode)
}

// answered is the error of a status that is no success.
func answered(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("the server answered %d: redirects are not followed", status)
	default:
		return fmt.Errorf("the server answered %d %s", status, http.StatusText(status))
	}
}

// failure says why nothing was answered, without the address, which may hold a secret.
func (p post) failure(err error) error { return failure(err, p.secret) }

func failure(err error, hidden secret.Text) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	unknown, isDNS := errors.AsType[*net.DNSError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	closed, isClosed := errors.AsType[*address.ClosedError](err)
	switch {
	case isClosed:
		return fmt.Errorf("%w; an administrator can allow private networks in its settings", closed)
	case isDNS && unknown.IsNotFound:
		return errors.New("the host name of the server is not known")
	case errors.Is(err, context.DeadlineExceeded), isNet && timeout.Timeout():
		return errors.New("the server did not answer in time")
	}
	text := err.Error()
	if hidden != "" {
		text = strings.ReplaceAll(text, hidden.Reveal(), "[hidden]")
		text = strings.ReplaceAll(text, url.PathEscape(hidden.Reveal()), "[hidden]")
	}
	return errors.New(bounded(text, 300))
}
