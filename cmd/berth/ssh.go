//go:build linux && cgo

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"berth/controller/account"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/sshpush"
	"berth/router"
)

// sshDoor is where pushes come in over SSH. Without a listener it is closed.
type sshDoor struct {
	listener net.Listener
	host     ssh.Signer
	keys     *account.Keys // of people, also while it is closed
}

// hostKeyFile is the server's own key. A backup has the folder tls.
func (c Config) hostKeyFile() string { return filepath.Join(c.DataFolder, "tls", "ssh.key") }

// sshAddress is where SSH is served; the zero AddrPort where it is off.
func (c Config) sshAddress() netip.AddrPort {
	if c.SSHPort == 0 || c.SSHListen.IsValid() {
		return c.SSHListen
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), c.SSHPort)
}

// listenSSH takes the port of SSH, where it is switched on.
func listenSSH(ctx context.Context, config Config) (*sshDoor, error) {
	if config.SSHPort == 0 {
		return &sshDoor{}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", config.sshAddress().String())
	if err != nil {
		return nil, problem.Unavailable(
			fmt.Sprintf("Pushes over SSH cannot be taken on %s.", config.sshAddress()),
			"End what listens there, or choose another port with --ssh.port (BERTH_SSH_PORT).",
		).Because(err)
	}
	return &sshDoor{listener: listener}, nil
}

func (d *sshDoor) close() {
	if d.listener != nil {
		_ = d.listener.Close()
	}
}

// open gives the door the keys of people, and the server's own, which is made where there
// is none.
func (d *sshDoor) open(config Config, keys *account.Keys) (err error) {
	d.keys = keys
	if d.listener == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(config.hostKeyFile()), 0o700); err != nil {
		return fmt.Errorf("make folder of the ssh host key: %w", err)
	}
	d.host, err = sshpush.OpenHostKey(config.hostKeyFile())
	return err
}

// shown is what pages and the API tell of the door.
func (d *sshDoor) shown(config Config) router.SSH {
	if d.listener == nil {
		return router.SSH{}
	}
	return router.SSH{
		Port: config.SSHPort, Fingerprint: ssh.FingerprintSHA256(d.host.PublicKey()),
		PublicKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(d.host.PublicKey()))),
	}
}

// run takes pushes until ctx ends, and hands them to the handler of the admin app.
func (d *sshDoor) run(config Config, limits *limit.Limiter, handler http.Handler, logger *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		if d.listener == nil {
			return nil
		}
		logger.InfoContext(ctx, "pushes over ssh are taken", "address", d.listener.Addr(), "fingerprint", ssh.FingerprintSHA256(d.host.PublicKey()))
		return sshpush.New(sshpush.Options{
			HostKey: d.host, Keys: d.keys, Limits: limits, Receive: router.ReceiveSSH(handler, string(config.AdminHost)),
			Logger: logger, Shared: gatewayOf(config.EdgeSubnet),
		}).Serve(ctx, d.listener)
	}
}
