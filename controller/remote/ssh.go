package remote

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/push/wire"
	"berth/controller/secret"
)

// mostNotes bounds what a git host says beside an answer, in bytes.
const mostNotes = 2 << 10

// NewDeployKey returns the private half of a new key, which reads repositories (ed25519, in
// the form of OpenSSH).
func NewDeployKey() (secret.Text, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", fmt.Errorf("make deploy key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "berth")
	if err != nil {
		return "", fmt.Errorf("make deploy key: %w", err)
	}
	return secret.Text(pem.EncodeToMemory(block)), nil
}

// PublicHalf is the line of a deploy key that a git host is given.
func PublicHalf(private secret.Text, comment string) (string, error) {
	signer, err := ssh.ParsePrivateKey([]byte(private.Reveal()))
	if err != nil {
		return "", fmt.Errorf("read deploy key: %w", err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " " + comment, nil
}

// HostKey asks the git host of a source over SSH for its key, in the form of ParseHostKey. It
// does not say whose key that is: a person has to compare it.
func (r *Remotes) HostKey(ctx context.Context, source Source) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var shown string
	one := &sshLine{source: source, dial: r.client.dial}
	err := one.connect(ctx, &ssh.ClientConfig{
		HostKeyAlgorithms: hostAlgorithms(""),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			shown = shownKey(key)
			return errUnknownHost
		},
	})
	one.close()
	if shown != "" {
		return shown, nil
	}
	return "", worded(sshFault(ctx, err), "")
}

var errUnknownHost = errors.New("key of the git host is not known yet")

// hostKeyError is about a git host with another key than the one that was accepted.
type hostKeyError struct{ shown string }

func (e *hostKeyError) Error() string { return "the git host shows the key " + e.shown }

// sshLine reaches one repository over SSH. It speaks to git-upload-pack as the requests of
// HTTPS do: a host of version 2 reads the same bytes, and one without it the same too.
type sshLine struct {
	source Source
	dial   Dial

	raw  net.Conn
	in   io.Writer
	out  io.Reader
	said io.Reader // for people
	told bool      // the references were read
	stop func() bool
}

func (l *sshLine) close() {
	if l.stop != nil {
		l.stop()
	}
	if l.raw != nil {
		_ = l.raw.Close()
	}
}

// ask sends a request and returns the answer. Before the first request the host tells its
// references.
func (l *sshLine) ask(ctx context.Context, _ string, body []byte, modern bool) (io.ReadCloser, error) {
	if l.out == nil {
		if err := l.start(ctx, modern); err != nil {
			return nil, sshFault(ctx, err)
		}
	}
	answer := sshBody{ctx, l}
	if body == nil {
		return answer, nil
	}
	for rest := io.LimitReader(answer, mostRefs); !l.told; {
		_, kind, err := readText(rest)
		if err != nil {
			return nil, err
		}
		l.told = kind == wire.End
	}
	if _, err := l.in.Write(body); err != nil {
		return nil, sshFault(ctx, err)
	}
	return answer, nil
}

// start runs git-upload-pack on the git host.
func (l *sshLine) start(ctx context.Context, modern bool) error {
	signer, err := ssh.ParsePrivateKey([]byte(l.source.DeployKey.Reveal()))
	if err != nil {
		return errors.New("the deploy key cannot be read")
	}
	kind, fingerprint := splitHostKey(l.source.HostKey)
	var client *ssh.Client
	err = l.connect(ctx, &ssh.ClientConfig{
		Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyAlgorithms: hostAlgorithms(kind),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if fingerprint == "" || ssh.FingerprintSHA256(key) != fingerprint {
				return &hostKeyError{shownKey(key)}
			}
			return nil
		},
	}, &client)
	if err != nil {
		return err
	}
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	if modern {
		_ = session.Setenv("GIT_PROTOCOL", "version=2") // a host that refuses it tells all references
	}
	in, err := session.StdinPipe()
	if err != nil {
		return err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return err
	}
	if l.said, err = session.StderrPipe(); err != nil {
		return err
	}
	at, _ := parseSSH(l.source.Address)
	if err := session.Start("git-upload-pack '" + at.path + "'"); err != nil {
		return err
	}
	l.in, l.out = in, out
	return nil
}

// connect shakes hands with the git host. The connection ends with ctx.
func (l *sshLine) connect(ctx context.Context, config *ssh.ClientConfig, into ...**ssh.Client) error {
	at, isSSH := parseSSH(l.source.Address)
	if !isSSH {
		return errors.New("the address is not one of SSH")
	}
	raw, err := l.dial(ctx, "tcp", at.host)
	if err != nil {
		return err
	}
	l.raw, l.stop = raw, context.AfterFunc(ctx, func() { _ = raw.Close() })
	_ = raw.SetDeadline(time.Now().Add(handshakeTime))
	config.User, config.ClientVersion = at.user, "SSH-2.0-Berth"
	good := ssh.SupportedAlgorithms()
	config.KeyExchanges, config.Ciphers, config.MACs = good.KeyExchanges, good.Ciphers, good.MACs
	connection, channels, requests, err := ssh.NewClientConn(raw, at.host, config)
	if err != nil {
		return err
	}
	client := ssh.NewClient(connection, channels, requests)
	for _, one := range into {
		*one = client
	}
	return raw.SetDeadline(time.Time{})
}

// sshBody is an answer over SSH.
type sshBody struct {
	ctx  context.Context //nolint:containedctx // of the request
	line *sshLine
}

// Read reads from the git host. What it says to people where it ends too soon is a Problem.
func (b sshBody) Read(p []byte) (int, error) {
	n, err := b.line.out.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) && b.ctx.Err() == nil {
		said, _ := io.ReadAll(io.LimitReader(b.line.said, mostNotes))
		if text := strings.Join(strings.Fields(string(said)), " "); text != "" {
			return n, problem.Invalid("The git host refuses: "+printable.Name(text, shown)+".",
				"Check the address of the repository, and that the deploy key of the app may read it.")
		}
		return n, err
	}
	return n, sshFault(b.ctx, err)
}

// Close does nothing: the line is closed as a whole.
func (sshBody) Close() error { return nil }

// sshFault is what went wrong on the connection. Where the time was over, it is that.
func sshFault(ctx context.Context, err error) error {
	changed, isChanged := errors.AsType[*hostKeyError](err)
	different, isDifferent := errors.AsType[*ssh.AlgorithmNegotiationError](err)
	switch {
	case isDifferent:
		return problem.Forbidden("The git host has no key of the accepted kind, or no algorithm that is safe: it offers "+printable.Name(strings.Join(different.RequestedAlgorithms, ", "), shown)+".",
			"If the host has announced a new key, write it into the settings of the app.").Because(err)
	case isChanged:
		return problem.Forbidden("The git host shows another key than the accepted one: "+changed.shown+".",
			"If the host has announced a new key, write it into the settings of the app. If not, somebody may stand between Berth and the host.").Because(err)
	case ctx.Err() != nil:
		return hostError{ctx.Err()}
	case strings.Contains(err.Error(), "unable to authenticate"): // the library has no error of its own for it
		return problem.Invalid("The git host does not accept the deploy key.", "Add the deploy key that the settings of the app show to the repository. It needs no right to write.").Because(err)
	}
	return hostError{err}
}
