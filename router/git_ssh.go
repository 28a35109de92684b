package router

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/push/wire"
	"berth/controller/sshpush"
)

// sshTimes bound how long a client of SSH may say nothing.
const (
	sshCommandsTime = time.Minute     // until it says what it pushes
	sshPackTime     = 2 * time.Minute // more than over HTTPS until the pack begins: git compresses it meanwhile
	sshPackBegun    = 64 << 10
)

// ReceiveSSH returns what serves a push over SSH: by the two requests to the handler, which
// New returned, that are a push over HTTPS. So the same lines of the table, limits, records
// and refusals hold for both. The host is the admin app's own name.
func ReceiveSSH(handler http.Handler, host string) func(context.Context, sshpush.Push) bool {
	return func(ctx context.Context, push sshpush.Push) bool {
		input := newSSHInput(push.In)
		defer input.finish(ctx)
		one := sshPush{Push: push, handler: handler, host: host, input: input}
		return one.serve(context.WithValue(ctx, sshKey{}, push.Key))
	}
}

// SSH says where pushes are taken over SSH. The zero value: nowhere.
type SSH struct {
	Port        uint16 // on the host
	Fingerprint string // of the server's own key, as ssh shows it
	PublicKey   string // the same key, as a line of known_hosts without the host
}

// sshKey is where the context of a request has the account.Key of its client. Nothing that
// came over HTTP can put it there.
type sshKey struct{}

func keyOf(ctx context.Context) (account.Key, bool) {
	key, given := ctx.Value(sshKey{}).(account.Key)
	return key, given
}

// admitKey lets a push over SSH in. The key was proved; whether it still holds is asked for
// each request.
func (a *admin) admitKey(v *visit, key account.Key) error {
	key, who, err := a.keys.Verify(v.context(), key.Public)
	if err != nil {
		return err
	}
	if !isGit(v.request()) || !deployScope.Allows(v.route.access.scope) {
		return problem.Forbidden("An SSH key pushes with git, and does nothing else.", "Use a token for the API.")
	}
	v.caller = caller{account: who, key: key}
	return nil
}

// sshPush is one push over SSH.
type sshPush struct {
	sshpush.Push
	handler http.Handler
	host    string
	input   *sshInput
}

func (p *sshPush) serve(ctx context.Context) bool {
	var refs, words bytes.Buffer
	if !p.ask(ctx, http.MethodGet, "/info/refs?service=git-receive-pack", http.NoBody, &refs, &words) {
		// Git shows this line, and would speak of access rights beside any other.
		_ = wire.WriteLine(p.Out, "ERR %s", strings.Join(strings.Fields(words.String()), " "))
		return false
	}
	if _, err := p.Out.Write(refs.Bytes()); err != nil {
		return false
	}
	_ = p.input.SetReadDeadline(time.Now().Add(sshCommandsTime))
	begin := make([]byte, 4)
	if n, err := io.ReadFull(p.input, begin); n == 0 && err == io.EOF {
		return true // git found nothing to push
	}
	done := p.ask(ctx, http.MethodPost, "/git-receive-pack", io.MultiReader(bytes.NewReader(begin), p.input), p.Out, &words)
	for line := range strings.Lines(words.String()) {
		_, _ = fmt.Fprintf(p.Notes, "berth: %s\n", strings.TrimSuffix(line, "\n"))
	}
	return done
}

// ask sends a request to the handler, and reports whether it was answered with success. A
// refusal goes to words.
func (p *sshPush) ask(ctx context.Context, method, path string, body io.Reader, out, words io.Writer) bool {
	path, query, _ := strings.Cut(path, "?")
	request := (&http.Request{
		Method: method, URL: &url.URL{Path: gitPath + p.App + gitSuffix + path, RawQuery: query}, Host: p.host, RemoteAddr: p.From.String(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"User-Agent": {"git over SSH"}},
		Body: io.NopCloser(body), ContentLength: -1,
		TLS: &tls.ConnectionState{}, // the line is encrypted
	}).WithContext(ctx)
	answer := &sshAnswer{header: http.Header{}, out: out, words: words, input: p.input}
	p.handler.ServeHTTP(answer, request)
	return answer.status == http.StatusOK || answer.status == 0
}

// sshAnswer is an http.ResponseWriter that keeps the protocol of git apart from words.
type sshAnswer struct {
	header     http.Header
	status     int
	out, words io.Writer
	input      *sshInput
}

// Header returns what nobody reads.
func (s *sshAnswer) Header() http.Header { return s.header }

// WriteHeader takes the first status.
func (s *sshAnswer) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
}

// Write writes a part of the answer.
func (s *sshAnswer) Write(text []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	if s.status == http.StatusOK {
		return s.out.Write(text)
	}
	return s.words.Write(text)
}

// Flush does nothing: each write is sent at once.
func (s *sshAnswer) Flush() {}

// SetReadDeadline ends the reading of the push at a time; never for the zero time.
func (s *sshAnswer) SetReadDeadline(at time.Time) error { return s.input.SetReadDeadline(at) }

// SetWriteDeadline does nothing: package sshpush bounds each write.
func (s *sshAnswer) SetWriteDeadline(time.Time) error { return nil }

// sshInput is what a client of SSH sends, with a deadline.
type sshInput struct {
	*io.PipeReader
	into  *io.PipeWriter
	ended chan struct{}
	read  int64
	timer *time.Timer
}

func newSSHInput(from io.Reader) *sshInput {
	input := &sshInput{ended: make(chan struct{})}
	input.PipeReader, input.into = io.Pipe()
	go func() {
		defer close(input.ended)
		_, err := io.Copy(input.into, from)
		_ = input.into.CloseWithError(err)
	}()
	return input
}

// Read reads what the client has sent.
func (s *sshInput) Read(buffer []byte) (int, error) {
	n, err := s.PipeReader.Read(buffer)
	s.read += int64(n)
	return n, err
}

// SetReadDeadline ends the reading at a time; never for the zero time. It is called by
// whoever reads.
func (s *sshInput) SetReadDeadline(at time.Time) error {
	if s.timer != nil {
		s.timer.Stop()
	}
	if at.IsZero() {
		return nil
	}
	if s.read < sshPackBegun {
		at = at.Add(sshPackTime)
	}
	s.timer = time.AfterFunc(time.Until(at), func() { _ = s.into.CloseWithError(os.ErrDeadlineExceeded) })
	return nil
}

// finish reads what is left, so that git sees the answer to a push that was refused before
// its end.
func (s *sshInput) finish(ctx context.Context) {
	_ = s.SetReadDeadline(time.Time{})
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	_, _ = io.CopyN(io.Discard, s.PipeReader, drainMost)
	_ = s.Close()
}
