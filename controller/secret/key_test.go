package secret

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestLoadKey_MakesAPrivateFileAndFindsItAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	first, err := LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 || info.Size() != 32 {
		t.Fatalf("file: %v, %v", info, err)
	}
	again, err := LoadKey(path)
	if err != nil || again != first {
		t.Errorf("the second load gave another key, %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestLoadKey_GivesOneKeyToTwoStartsAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	var keys [8]Key
	var wait sync.WaitGroup
	for i := range keys {
		wait.Go(func() {
			key, err := LoadKey(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	wait.Wait()
	for _, key := range keys {
		if key != keys[0] {
			t.Fatal("two starts hold different keys")
		}
	}
}

func TestLoadKey_RefusesAKeyThatOthersCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if _, err := LoadKey(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(path); !errors.Is(err, ErrKeyExposed) || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("got %v", err)
	}
}

func TestLoadKey_RefusesHalfAKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(path, make([]byte, 16), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(path); !errors.Is(err, ErrKeyDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestDeriveKey_IsTheSameForTheSameSecretOnly(t *testing.T) {
	first, again, other := derived(t, "one secret"), derived(t, "one secret"), derived(t, "two secret")
	if first != again || first == other {
		t.Error("keys do not follow their secrets")
	}
	if _, err := DeriveKey(""); err == nil {
		t.Error("the empty secret gave a key")
	}
}

func TestKey_DeriveSeparatesPurposes(t *testing.T) {
	key := derived(t, "one secret")
	if bytes.Equal(key.Derive("sessions"), key.Derive("forms")) || len(key.Derive("sessions")) != 32 {
		t.Error("two purposes share a key")
	}
}

func TestKey_OpensWhatItSealed(t *testing.T) {
	key := derived(t, "one secret")
	for _, plain := range []string{"", "DATABASE_URL=postgres://"} {
		opened, err := key.Open(key.Seal([]byte(plain), "environment of hello"), "environment of hello")
		if err != nil || string(opened) != plain {
			t.Errorf("%q came back as %q, %v", plain, opened, err)
		}
	}
}

func TestKey_RefusesWhatWasChangedMovedOrSealedWithAnotherKey(t *testing.T) {
	key, place := derived(t, "one secret"), "environment of hello"
	sealed := key.Seal([]byte("value"), place)
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"changed":     func() ([]byte, error) { return key.Open(changed, place) },
		"moved":       func() ([]byte, error) { return key.Open(sealed, "environment of other") },
		"another key": func() ([]byte, error) { return derived(t, "two secret").Open(sealed, place) },
		"cut short":   func() ([]byte, error) { return key.Open(sealed[:10], place) },
	} {
		if opened, err := open(); !errors.Is(err, ErrSealBroken) {
			t.Errorf("%s: got %q, %v", name, opened, err)
		}
	}
}

func TestKey_IsRedactedWhenPrinted(t *testing.T) {
	if printed := fmt.Sprintf("%v %+v %#v %x", Key{}, Key{}, Key{}, Key{}); strings.Contains(printed, "0") {
		t.Errorf("printed %s", printed)
	}
}

func derived(t *testing.T, text Text) Key {
	t.Helper()
	key, err := DeriveKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
