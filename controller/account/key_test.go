package account

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"berth/controller/problem"
)

// line is the public half of a key as ssh-keygen writes it.
func line(t testing.TB, public any) string {
	t.Helper()
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func TestParsePublicKey_TakesTheKindsThatAreSafe(t *testing.T) {
	t.Parallel()
	edwards, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for kind, public := range map[string]any{"ssh-ed25519": edwards, "ecdsa-sha2-nistp384": &curve.PublicKey, "ssh-rsa": &long.PublicKey} {
		key, comment, fault := parsePublicKey("  " + line(t, public) + " grace@laptop \n")
		if fault != nil || key.Type() != kind || comment != "grace@laptop" {
			t.Errorf("%s: %v, %q", kind, fault, comment)
		}
	}
}

func TestParsePublicKey_RefusesEachFaultByItsMessage(t *testing.T) {
	t.Parallel()
	edwards, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	good := line(t, edwards)
	short := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	long := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 9000, 1), E: 65537}
	for text, want := range map[string]string{
		"":                                   "not one line",
		"hello":                              "not a public key",
		"ssh-ed25519":                        "not a public key",
		good + "\n" + good:                   "not one line",
		"no-pty " + good:                     "no options",
		`command="id" ` + good:               "no options",
		strings.Repeat("x", MaxKeyText+1):    "not one line",
		"-----BEGIN RSA PRIVATE KEY-----\nx": "private half",
		line(t, short):                       "too short or too long",
		line(t, long):                        "too short or too long",
		"sk-" + good:                         "not a public key",
	} {
		_, _, fault := parsePublicKey(text)
		if fault == nil || !strings.Contains(fault.Message, want) || fault.Field != "key" || fault.Hint == "" {
			t.Errorf("%.60q: %v", text, fault)
		}
	}
}

func TestKeys_NameWhatIsWrongInBothFields(t *testing.T) {
	t.Parallel()
	_, err := NewKeys(nil, nil).Add(t.Context(), 1, strings.Repeat("x", maxTokenName+1), "nonsense")
	faults, several := errors.AsType[problem.Problems](err)
	if !several || len(faults) != 2 || faults[0].Field != "key" || faults[1].Field != "name" {
		t.Errorf("%v", err)
	}
}

func FuzzParsePublicKey(f *testing.F) {
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGIotSomtc0ZjAFjRD1nBAoeYQZZqvzLjSVdjWTVLvQe x")
	f.Fuzz(func(t *testing.T, text string) {
		key, _, fault := parsePublicKey(text)
		if (key == nil) == (fault == nil) && fault == nil {
			t.Errorf("neither a key nor a fault of %q", text)
		}
		if fault == nil {
			if _, err := ssh.ParsePublicKey(key.Marshal()); err != nil {
				t.Errorf("%q is not read again: %v", text, err)
			}
		}
	})
}
