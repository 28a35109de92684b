package traefik

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The two directories of Let's Encrypt. Staging gives certificates that no browser
// trusts, and has high limits.
const (
	LetsEncrypt        = "https://acme-v02.api.letsencrypt.org/directory"
	LetsEncryptStaging = "https://acme-staging-v02.api.letsencrypt.org/directory"
)

const (
	authorityName = "acme-trust.pem"
	secretFolder  = "dns"
)

// Challenge is a way to prove control of a domain to a certificate authority.
type Challenge string

// The challenges of RFC 8555 and RFC 8737.
const (
	ChallengeHTTP Challenge = "http" // HTTP-01: a file on port 80
	ChallengeTLS  Challenge = "tls"  // TLS-ALPN-01: a handshake on port 443
	ChallengeDNS  Challenge = "dns"  // DNS-01: a TXT record; the only one for a wildcard
)

// ACME is the certificate authority of the proxy, with its settings. The zero value turns
// certificates off.
type ACME struct {
	Directory string // the authority's directory, https
	Email     string // the contact address for the authority; needed with Directory
	Trust     []byte // PEM: trusted roots for the directory's own certificate; empty means the system's
	Hours     int    // the life of certificates, which decides when they are renewed; 0 means 90 days

	DNSProvider   string            // the provider's name in the proxy; empty means no ChallengeDNS
	DNSSecrets    map[string]string // the provider's variables, such as CF_DNS_API_TOKEN
	DNSServers    []string          // host:port of the servers that show the records; empty means the system's
	SkipDNSChecks bool              // do not check that the record is visible before the authority looks
}

// Resolver is one way to get certificates, by its name in routers.
type Resolver struct {
	Name      string
	Challenge Challenge
}

var (
	emailPattern    = regexp.MustCompile(`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9.-]+$`)
	providerPattern = regexp.MustCompile(`^[a-z0-9]{1,40}$`)
	variablePattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,60}$`)
)

// Resolver returns the name of the resolver for the challenge; empty if there is none.
func (a ACME) Resolver(challenge Challenge) string {
	for _, resolver := range a.Resolvers() {
		if resolver.Challenge == challenge {
			return resolver.Name
		}
	}
	return ""
}

// Resolvers returns the resolvers of the static configuration.
func (a ACME) Resolvers() []Resolver {
	if a.Directory == "" {
		return nil
	}
	offered := []Resolver{{a.name(ChallengeHTTP), ChallengeHTTP}, {a.name(ChallengeTLS), ChallengeTLS}}
	if a.DNSProvider != "" {
		offered = append(offered, Resolver{a.name(ChallengeDNS), ChallengeDNS})
	}
	return offered
}

// name includes the authority. The proxy stores certificates by this name, and would not
// ask a new authority for a certificate that it has.
func (a ACME) name(challenge Challenge) string {
	switch a.Directory {
	case LetsEncrypt:
		return "production-" + string(challenge)
	case LetsEncryptStaging:
		return "staging-" + string(challenge)
	default:
		sum := sha256.Sum256([]byte(a.Directory))
		return "ca-" + hex.EncodeToString(sum[:4]) + "-" + string(challenge)
	}
}

// Check refuses values that would become structure in the proxy's configuration.
func (a ACME) Check() error {
	if a.Directory == "" {
		return nil
	}
	directory, err := url.Parse(a.Directory)
	if err != nil || directory.Scheme != "https" || directory.Host == "" || directory.User != nil {
		return fmt.Errorf("directory %.120q is not an https URL", a.Directory)
	}
	if !emailPattern.MatchString(a.Email) {
		return fmt.Errorf("email %.120q is not a mail address", a.Email)
	}
	if a.Hours < 0 {
		return errors.New("certificates cannot hold for less than no time")
	}
	if a.DNSProvider != "" && !providerPattern.MatchString(a.DNSProvider) {
		return fmt.Errorf("DNS provider %.60q is not valid", a.DNSProvider)
	}
	for name := range a.DNSSecrets {
		if !variablePattern.MatchString(name) {
			return fmt.Errorf("variable %.60q of the DNS provider is not valid", name)
		}
	}
	for _, server := range a.DNSServers {
		if _, err := netip.ParseAddrPort(server); err != nil {
			return fmt.Errorf("DNS server %.60q is not an address with a port", server)
		}
	}
	return nil
}

// write writes the files that the static configuration names, and removes the secrets of
// an unused provider.
func (a ACME) write(folder string) error {
	if len(a.Trust) > 0 {
		if _, err := replaceFile(folder, filepath.Join(folder, tlsFolder, authorityName), a.Trust, publicMode); err != nil {
			return fmt.Errorf("write trusted authorities: %w", err)
		}
	}
	return writeSecrets(folder, a.secrets())
}

// secrets returns the variables of the provider in use.
func (a ACME) secrets() map[string]string {
	if a.Directory == "" || a.DNSProvider == "" {
		return nil
	}
	return a.DNSSecrets
}

// writeSecrets writes each variable to a file with its name. The proxy's environment
// names these files and does not change.
func writeSecrets(folder string, values map[string]string) error {
	secrets := filepath.Join(folder, secretFolder)
	if len(values) > 0 {
		if err := os.MkdirAll(secrets, 0o700); err != nil {
			return fmt.Errorf("make folder of DNS secrets: %w", err)
		}
	}
	err := removeOthers(secrets, func(name string) bool { return values[name] != "" })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove DNS secrets: %w", err)
	}
	for name, value := range values {
		if _, err := replaceFile(folder, filepath.Join(secrets, name), []byte(value), privateMode); err != nil {
			return fmt.Errorf("write DNS secret %s: %w", name, err)
		}
	}
	return nil
}

// removeOthers removes every file from the folder that keep rejects.
func removeOthers(folder string, keep func(name string) bool) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if !keep(entry.Name()) {
			errs = append(errs, os.Remove(filepath.Join(folder, entry.Name())))
		}
	}
	return errors.Join(errs...)
}

// DirectoryHost is the host of the authority's directory, for messages.
func (a ACME) DirectoryHost() string {
	_, rest, _ := strings.Cut(a.Directory, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}
