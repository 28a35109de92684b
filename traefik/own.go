package traefik

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

const ownFolder = "own"

// OwnCertificates keeps the certificates that people bring, with their keys, in
// files that the proxy reads. Each content has a name of its own, so that the
// proxy takes a new one by the table that names it, whole or not at all.
type OwnCertificates struct {
	folder  string // of Berth's own, as WriteStatic has it
	options StaticOptions
}

// NewOwnCertificates returns the keeper of what is below folder.
func NewOwnCertificates(folder string, options StaticOptions) OwnCertificates {
	if options.ProxyFolder == "" {
		options.ProxyFolder = defaultProxyFolder
	}
	return OwnCertificates{folder: folder, options: options}
}

// Write keeps the pair, a certificate with its chain and its key in PEM, mode
// 0600, and returns the file as the proxy finds it, for Domain.Certificate.
func (o OwnCertificates) Write(host Host, pair []byte) (file string, err error) {
	if parsed, err := ParseHost(string(host)); err != nil || parsed != host {
		return "", fmt.Errorf("write certificate: %.80q is not a valid host", host)
	}
	sum := sha256.Sum256(pair)
	name := string(host) + "-" + hex.EncodeToString(sum[:8]) + ".pem"
	folder := filepath.Join(o.folder, tlsFolder, ownFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make folder of own certificates: %w", err)
	}
	if _, err := replaceFile(o.folder, filepath.Join(folder, name), pair, privateMode); err != nil {
		return "", fmt.Errorf("write certificate of %s: %w", host, err)
	}
	return filepath.Join(o.options.ProxyFolder, tlsFolder, ownFolder, name), nil
}

// Sweep removes every file but those, which Write has returned. Only what no
// published table names may go: the proxy would refuse it all.
func (o OwnCertificates) Sweep(used []string) error {
	folder := filepath.Join(o.folder, tlsFolder, ownFolder)
	if _, err := os.Stat(folder); os.IsNotExist(err) {
		return nil
	}
	names := make([]string, 0, len(used))
	for _, file := range used {
		names = append(names, filepath.Base(file))
	}
	if err := removeOthers(folder, func(name string) bool { return slices.Contains(names, name) }); err != nil {
		return fmt.Errorf("remove own certificates: %w", err)
	}
	return nil
}
