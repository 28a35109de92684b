package secret

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/crypto/chacha20poly1305"
)

const keyBytes = chacha20poly1305.KeySize

// SealOverhead is the length of a sealed value minus the length of its plaintext, in
// bytes.
const SealOverhead = chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

// Errors of keys and sealed values.
var (
	ErrKeyExposed = errors.New("key file can be read by others")
	ErrKeyDamaged = errors.New("key file does not hold a key")
	ErrSealBroken = errors.New("sealed value was changed, moved or sealed with another key")
)

// Key seals values at rest and is the root of every other key. It prints as [redacted].
type Key struct{ material [keyBytes]byte }

// LoadKey reads the key from the file at path, or makes the file with mode 0600. The
// error is ErrKeyExposed if group or others may read the file: the key then counts as
// known, and a person has to decide.
func LoadKey(path string) (Key, error) {
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := createKey(path); err != nil {
		return Key{}, fmt.Errorf("create key %s: %w", path, err)
	}
	return readKey(path)
}

// DeriveKey returns the key for a configured secret (SECRET_KEY). The same text always
// gives the same key. The text is not stretched, so it must be random and long, not a
// password.
func DeriveKey(text Text) (Key, error) {
	if text == "" {
		return Key{}, errors.New("derive key: the secret is empty")
	}
	material, err := hkdf.Key(sha256.New, []byte(text.Reveal()), nil, "berth root key", keyBytes)
	if err != nil {
		return Key{}, fmt.Errorf("derive key: %w", err)
	}
	return Key{material: [keyBytes]byte(material)}, nil
}

// Derive returns a key of 32 bytes for one purpose. Keys of different purposes reveal
// nothing about each other or about k.
func (k Key) Derive(purpose string) []byte {
	derived, err := hkdf.Expand(sha256.New, k.material[:], "berth "+purpose, keyBytes)
	if err != nil {
		panic(fmt.Sprintf("derive %s: %v", purpose, err)) // only a length over 8160 bytes can fail
	}
	return derived
}

// Seal encrypts plaintext with XChaCha20-Poly1305 under a random nonce, which comes
// first. The place (such as "environment of hello") is authenticated but not stored. Open
// needs the same place, so a sealed value cannot be moved.
func (k Key) Seal(plaintext []byte, place string) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(plaintext)+chacha20poly1305.Overhead)
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the program instead
	aead, err := chacha20poly1305.NewX(k.material[:])
	if err != nil {
		panic(fmt.Sprintf("seal: %v", err)) // only a key of another length can fail
	}
	return aead.Seal(nonce, nonce, plaintext, []byte(place))
}

// Open decrypts a value that Seal made for the same place; ErrSealBroken for anything
// else.
func (k Key) Open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, ErrSealBroken
	}
	aead, err := chacha20poly1305.NewX(k.material[:])
	if err != nil {
		panic(fmt.Sprintf("open: %v", err)) // only a key of another length can fail
	}
	nonce, ciphertext := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	plaintext, err := aead.Open(nil, nonce, ciphertext, []byte(place))
	if err != nil {
		return nil, ErrSealBroken
	}
	return plaintext, nil
}

// File is the content of a file that LoadKey reads as this key. It is for backups, which
// encrypt it.
func (k Key) File() []byte { return bytes.Clone(k.material[:]) }

// Format redacts under every verb.
func (k Key) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// LogValue redacts in logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(redacted) }

func readKey(path string) (Key, error) {
	file, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("open key: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return Key{}, fmt.Errorf("inspect key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() != keyBytes {
		return Key{}, fmt.Errorf("%w: %s is not a file of %d bytes", ErrKeyDamaged, path, keyBytes)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Key{}, fmt.Errorf("%w: %s has mode %04o, run chmod 600 %s", ErrKeyExposed, path, info.Mode().Perm(), path)
	}
	var key Key
	if _, err := io.ReadFull(file, key.material[:]); err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	return key, nil
}

// createKey writes the whole file under another name and links it into place. So a crash
// leaves no half key, and of two starts at once only one wins.
func createKey(path string) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	if err := fillWithKey(temporary); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// fillWithKey writes, syncs and closes; os.CreateTemp has made the file 0600.
func fillWithKey(file *os.File) error {
	var random [keyBytes]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	_, err := file.Write(random[:])
	return errors.Join(err, file.Sync(), file.Close())
}
