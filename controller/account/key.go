package account

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"berth/controller/printable"
	"berth/controller/problem"
)

// MaxKeys is how many SSH keys one account may have.
const MaxKeys = 20

// MaxKeyText is the longest line of a public key, in bytes.
const MaxKeyText = 16 << 10

const (
	minRSABits  = 2048
	maxRSABits  = 8192 // checking a signature of a larger one costs the server much
	keyUseEvery = time.Minute
)

// Key is the public half of an SSH key. Whoever has the other half may deploy with git, as
// the account.
type Key struct {
	ID          int64
	Name        string
	Kind        string // such as ssh-ed25519
	Public      []byte // as SSH sends it
	Account     int64
	AccountName string
	CreatedAt   time.Time
	UsedAt      time.Time // to the minute; zero before the first use
	UsedFrom    string    // the address of that use
}

// Fingerprint is what ssh-keygen -l shows of the key.
func (k Key) Fingerprint() string {
	public, err := ssh.ParsePublicKey(k.Public)
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(public)
}

// Errors of a KeyLedger.
var (
	ErrKeyTaken    = errors.New("ssh key is there already")
	ErrTooManyKeys = errors.New("account has as many ssh keys as it may")
)

// KeyLedger keeps SSH keys, which go with their account. A missing one is problem.ErrNotFound.
type KeyLedger interface {
	// CreateKey stores a key and gives it its id. No two have the same Public: ErrKeyTaken.
	// An account has at most a number of them: ErrTooManyKeys.
	CreateKey(ctx context.Context, key Key, most int) (Key, error)
	// Keys returns every key, the newest first.
	Keys(context.Context) ([]Key, error)
	FindKey(ctx context.Context, public []byte) (Key, error)
	// DeleteKey removes a key and returns it.
	DeleteKey(ctx context.Context, id int64) (Key, error)
	RecordKeyUse(ctx context.Context, id int64, at time.Time, from string) error
	FindAccount(ctx context.Context, id int64) (Account, error)
}

// Keys adds, verifies and removes the SSH keys of accounts.
type Keys struct {
	ledger KeyLedger
	logger *slog.Logger
	now    func() time.Time
}

// NewKeys returns the service over its ledger.
func NewKeys(ledger KeyLedger, logger *slog.Logger) *Keys {
	return &Keys{ledger: ledger, logger: logger, now: time.Now}
}

// Add gives an account a key: a line as in the file id_ed25519.pub. Without a name it has
// the comment of the line. Problems name the field name or key.
func (k *Keys) Add(ctx context.Context, account int64, name, line string) (Key, error) {
	public, comment, fault := parsePublicKey(line)
	var faults problem.Problems
	if fault != nil {
		faults = append(faults, fault)
	}
	if name = strings.TrimSpace(name); name == "" && fault == nil {
		name = comment
	}
	if name != "" || fault == nil {
		if fault := checkKeyName(name); fault != nil {
			faults = append(faults, fault)
		}
	}
	if len(faults) > 0 {
		return Key{}, faults
	}
	made, err := k.ledger.CreateKey(ctx, Key{Name: name, Kind: public.Type(), Public: public.Marshal(), Account: account, CreatedAt: k.now()}, MaxKeys)
	switch {
	case errors.Is(err, ErrKeyTaken):
		return Key{}, problem.Conflict("This key is here already: no two accounts can have one key.", "Make another one with ssh-keygen -t ed25519, or remove the key where it is.").At("key").Because(err)
	case errors.Is(err, ErrTooManyKeys):
		return Key{}, problem.Conflict(fmt.Sprintf("An account can have %d SSH keys.", MaxKeys), "Remove one that nobody uses.").At("key").Because(err)
	case err != nil:
		return Key{}, fmt.Errorf("add ssh key: %w", err)
	}
	k.logger.InfoContext(ctx, "added an ssh key", "key", made.ID, "name", made.Name, "account", made.AccountName, "fingerprint", made.Fingerprint())
	return made, nil
}

// List returns every key, the newest first.
func (k *Keys) List(ctx context.Context) ([]Key, error) {
	keys, err := k.ledger.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list ssh keys: %w", err)
	}
	return keys, nil
}

// Remove ends a key at once and returns it; a Problem of problem.KindNotFound if there is
// none of that id.
func (k *Keys) Remove(ctx context.Context, id int64) (Key, error) {
	key, err := k.ledger.DeleteKey(ctx, id)
	if errors.Is(err, problem.ErrNotFound) {
		return Key{}, problem.NotFound(fmt.Sprintf("There is no SSH key %d.", id), "See the list of SSH keys for its number.").Because(err)
	}
	if err != nil {
		return Key{}, fmt.Errorf("remove ssh key: %w", err)
	}
	k.logger.InfoContext(ctx, "removed an ssh key", "key", key.ID, "name", key.Name, "account", key.AccountName)
	return key, nil
}

// Verify returns the key with the public half, and its account. If the key is unknown, or
// its account may do nothing yet, it returns a Problem of problem.KindUnauthorized. It does
// not say whether the caller has the other half.
func (k *Keys) Verify(ctx context.Context, public []byte) (Key, Account, error) {
	key, err := k.ledger.FindKey(ctx, public)
	if errors.Is(err, problem.ErrNotFound) {
		return Key{}, Account{}, unknownKey(err)
	}
	if err != nil {
		return Key{}, Account{}, fmt.Errorf("find ssh key: %w", err)
	}
	who, err := k.ledger.FindAccount(ctx, key.Account)
	if errors.Is(err, problem.ErrNotFound) {
		return Key{}, Account{}, unknownKey(err)
	}
	if err != nil {
		return Key{}, Account{}, fmt.Errorf("find account of ssh key: %w", err)
	}
	if who.MustChange {
		return Key{}, Account{}, problem.Unauthorized(
			fmt.Sprintf("The account %s has a one-time password.", who.Name),
			"Sign in to the admin app and choose a password. Then push again.",
		)
	}
	return key, who, nil
}

// NoteUse records that somebody proved to have the other half of the key.
func (k *Keys) NoteUse(ctx context.Context, key Key, from netip.Addr) {
	now := k.now()
	if now.Sub(key.UsedAt) < keyUseEvery {
		return
	}
	if err := k.ledger.RecordKeyUse(ctx, key.ID, now, from.Unmap().WithZone("").String()); err != nil {
		// A failed note of the use must not stop the deploy.
		k.logger.WarnContext(ctx, "the use of an ssh key was not kept", "key", key.ID, "error", err)
	}
}

// parsePublicKey reads one line as ssh-keygen writes it.
func parsePublicKey(line string) (ssh.PublicKey, string, *problem.Problem) {
	line = strings.TrimSpace(line)
	switch {
	case strings.Contains(line, "PRIVATE KEY"):
		return nil, "", badKey("This is the private half of a key.", "Keep it to yourself. Give the line of the file that ends in .pub, such as ~/.ssh/id_ed25519.pub.")
	case line == "" || len(line) > MaxKeyText || strings.ContainsAny(line, "\r\n"):
		return nil, "", badKey("The public key is not one line.", "Give the line of one file that ends in .pub, such as ~/.ssh/id_ed25519.pub.")
	}
	public, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, "", badKey("This is not a public key.", "Give the line of one file that ends in .pub, such as ~/.ssh/id_ed25519.pub.").Because(err)
	}
	if len(options) > 0 {
		return nil, "", badKey("Berth reads no options in front of a key.", "Give the line without them, beginning with the type of the key.")
	}
	return public, comment, checkKeyKind(public)
}

func checkKeyKind(public ssh.PublicKey) *problem.Problem {
	const hint = "Use ed25519, ECDSA, or RSA of 2048 to 8192 bits. Make a key with ssh-keygen -t ed25519."
	switch public.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return nil
	case ssh.KeyAlgoRSA:
		within, isCrypto := public.(ssh.CryptoPublicKey)
		if !isCrypto {
			return badKey("This RSA key cannot be read.", hint)
		}
		key, isRSA := within.CryptoPublicKey().(*rsa.PublicKey)
		if !isRSA || key.N.BitLen() < minRSABits || key.N.BitLen() > maxRSABits {
			return badKey("This RSA key is too short or too long.", hint)
		}
		return nil
	default:
		return badKey(fmt.Sprintf("Berth takes no keys of the type %s.", printable.Name(public.Type(), 60)), hint)
	}
}

func badKey(message, hint string) *problem.Problem { return problem.Invalid(message, hint).At("key") }

func checkKeyName(name string) *problem.Problem {
	if name != "" && len([]rune(name)) <= maxTokenName && printable.Is(name) {
		return nil
	}
	return problem.Invalid(fmt.Sprintf("%.80q is not a name for a key.", name), fmt.Sprintf("Use 1 to %d printable characters.", maxTokenName)).At("name")
}

func unknownKey(cause error) *problem.Problem {
	return problem.Unauthorized("This SSH key is unknown here.", "Add its public half under Settings, SSH keys, or with berth keys add.").Because(cause)
}
