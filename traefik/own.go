package traefik

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const ownFolder = "own"

// OwnCertificates stores people's certificates, with their keys, in files that the proxy
// reads. Each content has a name of its own. So the proxy switches to a new file as a
// whole, with the table that names it.
type OwnCertificates struct {
	folder  string // in Berth's own container, as for WriteStatic
	options StaticOptions
}

// NewOwnCertificates returns the store below folder.
func NewOwnCertificates(folder string, options StaticOptions) OwnCertificates {
	if options.ProxyFolder == "" {
		options.ProxyFolder = defaultProxyFolder
	}
	return OwnCertificates{folder: folder, options: options}
}

// Write stores the pair, a certificate with its chain and its key in PEM, with mode 0600.
// It returns the file's path in the proxy, for Domain.Certificate.
func (o OwnCertificates) Write(host Host, pair []byte) (file string, err error) {
	if parsed, err := ParseAppHost(string(host)); err != nil || parsed != host {
		return "", fmt.Errorf("write certificate: %.80q is not a valid host", host)
	}
	sum := sha256.Sum256(pair)
	name := strings.Replace(string(host), "*", "wildcard", 1) + "-" + hex.EncodeToString(sum[:8]) + ".pem"
	folder := filepath.Join(o.folder, tlsFolder, ownFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make folder of own certificates: %w", err)
	}
	if _, err := replaceFile(o.folder, filepath.Join(folder, name), pair, privateMode); err != nil {
		return "", fmt.Errorf("write certificate of %s: %w", host, err)
	}
	return filepath.Join(o.options.ProxyFolder, tlsFolder, ownFolder, name), nil
}

// Sweep removes every file except the given ones, which Write has returned. Give it every
// file that a published table names: the proxy refuses a whole table if a file is
// missing.
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
