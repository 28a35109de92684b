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
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"berth/controller/account"
	"berth/controller/limit"
	"berth/controller/problem"
	"berth/controller/sshpush"
	"berth/router"
)

// sshDoor is where pushes come in over SSH. The zero value is closed.
type sshDoor struct {
	listener net.Listener
	host     ssh.Signer
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
func listenSSH(ctx context.Context, config Config) (net.Listener, error) {
	if config.SSHPort == 0 {
		return nil, nil //nolint:nilnil // it is off
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", config.sshAddress().String())
	if err != nil {
		return nil, problem.Unavailable(
			fmt.Sprintf("Pushes over SSH cannot be taken on %s.", config.sshAddress()),
			"End what listens there, or choose another port with --ssh.port (BERTH_SSH_PORT).",
		).Because(err)
	}
	return listener, nil
}

// openSSH opens the server's own key, or makes it.
func openSSH(config Config, listener net.Listener) (sshDoor, error) {
	if listener == nil {
		return sshDoor{}, nil
	}
	if err := os.MkdirAll(filepath.Dir(config.hostKeyFile()), 0o700); err != nil {
		return sshDoor{}, fmt.Errorf("make folder of the ssh host key: %w", err)
	}
	host, err := sshpush.OpenHostKey(config.hostKeyFile())
	return sshDoor{listener, host}, err
}

// shown is what pages and the API tell of the door.
func (d sshDoor) shown(config Config) router.SSH {
	if d.listener == nil {
		return router.SSH{}
	}
	return router.SSH{
		Port: config.SSHPort, Fingerprint: ssh.FingerprintSHA256(d.host.PublicKey()),
		PublicKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(d.host.PublicKey()))),
	}
}

// run takes pushes until ctx ends, and hands them to the handler of the admin app.
func (d sshDoor) run(config Config, keys *account.Keys, limits *limit.Limiter, handler http.Handler, logger *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		if d.listener == nil {
			return nil
		}
		logger.InfoContext(ctx, "pushes over ssh are taken", "address", d.listener.Addr(), "port", strconv.Itoa(int(config.SSHPort)), "fingerprint", ssh.FingerprintSHA256(d.host.PublicKey()))
		return sshpush.New(sshpush.Options{
			HostKey: d.host, Keys: keys, Limits: limits, Receive: router.ReceiveSSH(handler, string(config.AdminHost)),
			Logger: logger, Shared: gatewayOf(config.EdgeSubnet),
		}).Serve(ctx, d.listener)
	}
}
