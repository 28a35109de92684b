package traefik

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const issuedName = "acme.json"

// Issued is the file in which the proxy stores certificates from authorities. The proxy
// reads it only at its start.
//
// A person's own certificate does not always win over an issued one. When two
// certificates cover a host, Traefik picks by name order, and either one if the names are
// equal. So the issued certificate must go.
type Issued struct{ folder string }

// NewIssued returns the Issued of the folder that is /acme in the proxy. An empty folder
// has no certificates.
func NewIssued(folder string) Issued { return Issued{folder} }

// issuedResolver is the file's content for one resolver.
type issuedResolver struct {
	Account      json.RawMessage
	Certificates []json.RawMessage
}

// Has reports whether there is a certificate for the host only.
func (i Issued) Has(host Host) (bool, error) {
	_, found, err := i.without(host)
	return found, err
}

// Forget removes the host's certificates; certificates with other names stay. Then the
// proxy needs a restart, and may have written the old file once more before: ask Has.
func (i Issued) Forget(host Host) error {
	left, found, err := i.without(host)
	if err != nil || !found {
		return err
	}
	text, err := json.MarshalIndent(left, "", "  ")
	if err != nil {
		return fmt.Errorf("encode issued certificates: %w", err)
	}
	if _, err := replaceFile(i.folder, filepath.Join(i.folder, issuedName), text, privateMode); err != nil {
		return fmt.Errorf("write issued certificates: %w", err)
	}
	return nil
}

func (i Issued) without(host Host) (left map[string]*issuedResolver, found bool, err error) {
	if i.folder == "" {
		return nil, false, nil
	}
	text, err := os.ReadFile(filepath.Join(i.folder, issuedName))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read issued certificates: %w", err)
	}
	if err := json.Unmarshal(text, &left); err != nil {
		return nil, false, fmt.Errorf("read issued certificates: %w", err)
	}
	for _, resolver := range left {
		if resolver == nil {
			continue
		}
		before := len(resolver.Certificates)
		resolver.Certificates = slices.DeleteFunc(resolver.Certificates, func(entry json.RawMessage) bool { return isFor(entry, host) })
		found = found || len(resolver.Certificates) < before
	}
	return left, found, nil
}

func isFor(entry json.RawMessage, host Host) bool {
	var certificate struct {
		Domain struct {
			Main string   `json:"main"`
			SANs []string `json:"sans"`
		} `json:"domain"`
	}
	return json.Unmarshal(entry, &certificate) == nil && certificate.Domain.Main == string(host) && len(certificate.Domain.SANs) == 0
}
