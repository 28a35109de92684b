package sshpush

import (
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/crypto/ssh"

	"berth/controller/wholefile"
)

// ErrHostKeyExposed is about a host key that others on the machine can read.
var ErrHostKeyExposed = errors.New("ssh host key can be read by others")

// OpenHostKey returns the server's own key, or makes one (ed25519, mode 0600) where there is
// none. The folder of the file must be there.
func OpenHostKey(file string) (ssh.Signer, error) {
	key, err := ReadHostKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make ssh host key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "berth")
	if err != nil {
		return nil, fmt.Errorf("make ssh host key: %w", err)
	}
	if err := wholefile.Write(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, fmt.Errorf("write ssh host key: %w", err)
	}
	return ReadHostKey(file)
}

// ReadHostKey returns the server's own key. It makes none.
func ReadHostKey(file string) (ssh.Signer, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read ssh host key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o; remove it, and clients must trust a new one", ErrHostKeyExposed, file, info.Mode().Perm())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ssh host key: %w", err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("read ssh host key %s: %w", file, err)
	}
	return key, nil
}
