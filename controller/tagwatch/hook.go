package tagwatch

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/secret"
)

// MostBody is how much a registry may send, in bytes. Nothing of it is read but for its
// signature.
const MostBody = 256 << 10

// QuerySecret is the parameter of the address that holds the secret, for registries that send
// no header of ours.
const QuerySecret = "secret"

const leastPause = 10 * time.Second // between two looks that registries ask for

var randomPart = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Hook is what a registry of images is given.
type Hook struct {
	Path   string // the random part of the address; empty: there is none
	Secret secret.Text
}

// Check looks at the tag of an app now, whether it is watched or not. All faults are
// Problems; those of the registry are in the watch that it returns, as those of any look.
func (w *Watcher) Check(ctx context.Context, name app.Name) (Watch, error) {
	if err := w.hasTag(ctx, name); err != nil {
		return Watch{}, err
	}
	if err := w.look(ctx, name); err != nil {
		return Watch{}, err
	}
	return w.Ledger.FindTagWatch(ctx, name)
}

// Address is the random part of the address of an app's hook; empty where it has none.
func (w *Watcher) Address(kept Watch) (string, error) {
	if !kept.HasHook() {
		return "", nil
	}
	path, err := w.Key.Open(kept.HookPath, placeOf("address", kept.HookHash))
	return string(path), err
}

// MakeHook gives the app an address and a secret for its registry; earlier ones end.
func (w *Watcher) MakeHook(ctx context.Context, name app.Name) (Hook, error) {
	if err := w.hasTag(ctx, name); err != nil {
		return Hook{}, err
	}
	kept, err := w.Ledger.FindTagWatch(ctx, name)
	if err != nil {
		return Hook{}, err
	}
	if kept.Next.IsZero() {
		kept.Next = w.now()
	}
	made := Hook{rand.Text(), secret.Text(rand.Text() + rand.Text())} // 130 and 260 random bits
	kept.HookHash = secret.HashToken(made.Path)
	kept.HookPath = w.Key.Seal([]byte(made.Path), placeOf("address", kept.HookHash))
	kept.HookSecret = w.Key.Seal([]byte(made.Secret.Reveal()), placeOf("secret", kept.HookHash))
	return made, w.Ledger.SaveTagWatch(ctx, kept)
}

// DropHook takes the address away.
func (w *Watcher) DropHook(ctx context.Context, name app.Name) error {
	kept, err := w.Ledger.FindTagWatch(ctx, name)
	if err != nil || !kept.HasHook() {
		return err
	}
	kept.HookPath, kept.HookHash, kept.HookSecret = nil, "", nil
	return w.Ledger.SaveTagWatch(ctx, kept)
}

// Deliver takes what a registry sends to a hook. Whoever knows the secret makes Berth look at
// the tag soon; nothing that is sent is believed. It waits for no registry. The name is that of
// the app whose address it is, also where the sender proves nothing.
func (w *Watcher) Deliver(ctx context.Context, path string, request *http.Request, body []byte) (app.Name, error) {
	if !randomPart.MatchString(path) {
		return "", problem.Malformed("This cannot be the address of a hook.", "Copy the address from the app's page again.")
	}
	kept, err := w.Ledger.FindTagWatchAt(ctx, secret.HashToken(path))
	if errors.Is(err, problem.ErrNotFound) {
		return "", problem.NotFound("There is no hook at this address.", "Copy the address from the app's page again.").Because(err)
	}
	if err != nil {
		return "", err
	}
	key, err := w.Key.Open(kept.HookSecret, placeOf("secret", kept.HookHash))
	if err != nil {
		return "", fmt.Errorf("open secret of the hook of %s: %w", kept.App, err)
	}
	if len(body) > MostBody {
		return kept.App, problem.TooLarge("The notification is too large.", "Send less: Berth reads nothing of it.")
	}
	if !proves(request, body, key) {
		return kept.App, problem.Forbidden("The notification does not prove that its sender knows the secret.",
			"Send the secret as the header Authorization, as a signature in X-Hub-Signature-256, or as the parameter secret of the address.")
	}
	w.mu.Lock()
	w.told[kept.App] = true
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return kept.App, nil
}

// proves reports whether a request shows the secret in one of the ways that registries know.
func proves(request *http.Request, body, key []byte) bool {
	given := []string{request.URL.Query().Get(QuerySecret)}
	header := request.Header.Get("Authorization")
	given = append(given, header, strings.TrimPrefix(header, "Bearer "))
	if _, password, ok := request.BasicAuth(); ok {
		given = append(given, password)
	}
	for _, one := range given {
		if subtle.ConstantTimeCompare([]byte(one), key) == 1 {
			return true
		}
	}
	signed, err := hex.DecodeString(strings.TrimPrefix(request.Header.Get("X-Hub-Signature-256"), "sha256="))
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return err == nil && hmac.Equal(signed, mac.Sum(nil))
}

// lookAtTold looks at the tags that registries told of. An app that was looked at a moment
// ago waits for the next tick, and is not forgotten.
func (w *Watcher) lookAtTold(ctx context.Context) error {
	w.mu.Lock()
	var names []app.Name
	for name := range w.told {
		names = append(names, name)
	}
	w.mu.Unlock()
	var errs []error
	for _, name := range names {
		kept, err := w.Ledger.FindTagWatch(ctx, name)
		if err == nil && w.now().Sub(kept.LookedAt) < leastPause {
			continue
		}
		w.mu.Lock()
		delete(w.told, name) // before the look: a push during it is told anew
		w.mu.Unlock()
		if err == nil && kept.HasHook() {
			err = w.look(ctx, name)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// placeOf is what a sealed value belongs to: one hook, whatever its app is called.
func placeOf(what, hash string) string { return what + " of the tag hook " + hash }
