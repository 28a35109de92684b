package set

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// ParseRecipients reads public keys, separated by space: age1... and age1pq1....
func ParseRecipients(text string) ([]age.Recipient, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, errors.New("there is no public key")
	}
	var all []age.Recipient
	for _, word := range words {
		one, err := age.ParseRecipients(strings.NewReader(word))
		if err != nil {
			return nil, fmt.Errorf("%.20q is not a public key of age", word)
		}
		all = append(all, one...)
	}
	return all, nil
}

// seal encrypts to the recipients what write writes: about as many bytes as it says.
func seal(recipients []age.Recipient, about int, write func(io.Writer) error) ([]byte, error) {
	const head, perBlock = 4 << 10, 1024 // the keys; at most one byte in as many is added to the content
	sealed := bytes.NewBuffer(make([]byte, 0, about+about/perBlock+head))
	out, err := age.Encrypt(sealed, recipients...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if err := write(out); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return sealed.Bytes(), nil
}

func sealBytes(recipients []age.Recipient, content []byte) ([]byte, error) {
	return seal(recipients, len(content), func(w io.Writer) error { _, err := w.Write(content); return err })
}

// ErrWrongKey says that a set is encrypted to other keys.
var ErrWrongKey = errors.New("the set is encrypted to another key")

func unseal(identities []age.Identity, sealed []byte) (io.Reader, error) {
	reader, err := age.Decrypt(bytes.NewReader(sealed), identities...)
	if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
		return nil, ErrWrongKey
	}
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	return reader, nil
}
