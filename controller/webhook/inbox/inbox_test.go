package inbox_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/store"
	"berth/controller/store/storetest"
	"berth/controller/webhook"
	"berth/controller/webhook/inbox"
	"berth/traefik"
)

const (
	repository = "https://git.example.com/ann/shop.git"
	token      = secret.Text("canary-token-0123456789")
)

func id(digit string) pack.ID {
	made, err := pack.ParseID(strings.Repeat(digit, 40))
	if err != nil {
		panic(err)
	}
	return made
}

// world is a server with an app, and a git host whose branch the test sets.
type world struct {
	t      *testing.T
	ledger *store.Store
	inbox  *inbox.Inbox
	logged bytes.Buffer
	secret secret.Text
	path   string

	mu       sync.Mutex
	tip      pack.ID
	fail     error
	shown    string        // key of the git host; empty: hostKey
	hold     chan struct{} // holds fetches back, where it is not nil
	source   remote.Source // of the last fetch
	deployed []inbox.Wish
	told     []remote.Status
	asked    remote.Source // of the last status
	deaf     error         // refuses statuses
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ledger, err := store.Open(t.Context(), storetest.Put(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	w := &world{t: t, ledger: ledger, tip: id("1")}
	key, err := secret.DeriveKey("0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	w.inbox = inbox.New(inbox.Options{Ledger: ledger, Remotes: w, Deploy: w.deploy, Key: key, Stack: "berth", BaseURL: "https://berth.example.com", Logger: slog.New(slog.NewTextHandler(&w.logged, nil))})
	shop := app.App{Name: "shop", Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: time.Now(), Routes: []traefik.Route{{Path: "/shop"}}}
	if _, err := ledger.CreateApp(t.Context(), shop, app.Release{Cause: app.CauseUpload, Archive: "a.zip", CreatedBy: "ann", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	view, fresh, err := w.inbox.Save(t.Context(), "shop", inbox.Settings{On: true, Address: repository, Branch: "main", Folder: "web", Token: token})
	if err != nil || fresh == "" || view.Path == "" {
		t.Fatalf("got %+v, %v", view, err)
	}
	w.path, w.secret = view.Path, fresh
	return w
}

// Fetch is the git host.
func (w *world) Fetch(ctx context.Context, source remote.Source, known pack.ID, take func(context.Context, remote.Checkout) error) (pack.ID, error) {
	w.mu.Lock()
	tip, fail, hold := w.tip, w.fail, w.hold
	w.source = source
	w.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return pack.ID{}, ctx.Err()
		}
	}
	if fail != nil || tip == known {
		return tip, fail
	}
	return tip, take(ctx, remote.Checkout{Commit: tip, Archive: strings.NewReader("files")})
}

const hostKey = "ssh-ed25519 SHA256:uNiVztksCsDhcc0u9e8BrwyaAFGE0dMtJ2RPKBgY0TU"

// HostKey is what the git host shows.
func (w *world) HostKey(context.Context, remote.Source) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return cmp.Or(w.shown, hostKey), w.fail
}

// Tell is the git host's API.
func (w *world) Tell(_ context.Context, source remote.Source, status remote.Status) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = source
	if w.deaf == nil {
		w.told = append(w.told, status)
	}
	return w.deaf
}

func (w *world) deploy(_ context.Context, wish inbox.Wish) (int64, error) {
	if _, err := io.ReadAll(wish.Archive); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deployed = append(w.deployed, wish)
	return int64(len(w.deployed)), nil
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.deployed)
}

// push is the body of a delivery.
func push(ref, after, repository string) string {
	return fmt.Sprintf(`{"ref":%q,"after":%q,"repository":{"clone_url":%q}}`, ref, after, repository)
}

func (w *world) deliver(body string) (inbox.Answer, error) { return w.deliverWith(body, w.secret) }

func (w *world) deliverWith(body string, key secret.Text) (inbox.Answer, error) {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(body))
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("X-GitHub-Event", "push")
	header.Set("X-GitHub-Delivery", "72d3162e")
	header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return w.inbox.Deliver(w.t.Context(), w.path, header, []byte(body))
}

func (w *world) history() []inbox.Delivery {
	w.t.Helper()
	all, err := w.inbox.Deliveries(w.t.Context(), "shop")
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func good(digit string) string {
	return push("refs/heads/main", strings.Repeat(digit, 40), repository)
}

func TestDeliver_DeploysTheTipOnce(t *testing.T) {
	w := newWorld(t)
	answer, err := w.deliver(good("1"))
	if err != nil || answer.Result != inbox.Deployed || answer.Release != 1 || answer.App != "shop" {
		t.Fatalf("got %+v, %v", answer, err)
	}
	if w.source.Address != repository || w.source.Branch != "main" || w.source.Folder != "web" || w.source.Token != token || w.deployed[0].Commit != id("1") {
		t.Errorf("fetched %+v, deployed %+v", w.source, w.deployed)
	}
	if _, err := w.deliver(good("1")); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("a replay: %v", err)
	}
	if answer, err := w.deliver(good("2")); err != nil || answer.Result != inbox.Ignored {
		t.Errorf("another delivery of the same tip: %+v, %v", answer, err)
	}
	if w.count() != 1 {
		t.Errorf("%d releases", w.count())
	}
	all := w.history()
	if len(all) != 3 || all[2].Result != inbox.Deployed || all[2].Release != 1 || all[2].Provider != webhook.GitHub || all[2].Name != "72d3162e" || all[1].Result != inbox.Refused || all[0].Result != inbox.Ignored {
		t.Errorf("the history is %+v", all)
	}
}

func TestDeliver_DoesNothingForOtherPushes(t *testing.T) {
	w := newWorld(t)
	main := strings.Repeat("1", 40)
	for name, body := range map[string]string{
		"another branch":               push("refs/heads/next", main, repository),
		"a branch that begins as ours": push("refs/heads/main2", main, repository),
		"a tag":                        push("refs/tags/main", main, repository),
		"a deletion":                   push("refs/heads/main", strings.Repeat("0", 40), repository),
	} {
		if answer, err := w.deliver(body); err != nil || answer.Result != inbox.Ignored || answer.Reason == "" {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
	}
	if _, err := w.deliver(push("refs/heads/main", main, "https://git.example.com/ann/other.git")); problem.KindOf(err) != problem.KindForbidden {
		t.Errorf("another repository: %v", err)
	}
	if w.count() != 0 {
		t.Errorf("%d releases", w.count())
	}
}

func TestDeliver_RefusesWhoDoesNotKnowTheSecret(t *testing.T) {
	w := newWorld(t)
	for _, key := range []secret.Text{"", "wrong", secret.Text(w.path)} {
		if _, err := w.deliverWith(good("1"), key); problem.KindOf(err) != problem.KindUnauthorized {
			t.Errorf("got %v", err)
		}
	}
	path := w.path
	for _, w.path = range []string{"", "x", path[:len(path)-1], path + "A", "shop", path + "\n", strings.ToLower(path)} {
		if _, err := w.deliver(good("1")); problem.KindOf(err) != problem.KindMalformed {
			t.Errorf("%q: %v", w.path, err)
		}
	}
	w.path = strings.Repeat("A", len(path))
	if _, err := w.deliver(good("1")); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("got %v", err)
	}
	if all := w.history(); w.count() != 0 || len(all) != 3 || all[0].Result != inbox.Refused || all[0].Provider != "" {
		t.Errorf("%d releases, the history is %+v", w.count(), all)
	}
}

func TestDeliver_TakesADeliveryAgainThatFailed(t *testing.T) {
	w := newWorld(t)
	w.fail = problem.Unavailable("The git host answers 502 Bad Gateway.", "Try again when the git host works.")
	if _, err := w.deliver(good("1")); problem.KindOf(err) != problem.KindUnavailable {
		t.Fatalf("got %v", err)
	}
	if all := w.history(); len(all) != 1 || !strings.Contains(all[0].Reason, "502") {
		t.Errorf("the history is %+v", all)
	}
	w.fail = errors.New("canary of the inside")
	if _, err := w.deliver(good("1")); err == nil {
		t.Fatal("it was deployed")
	}
	if all := w.history(); strings.Contains(all[0].Reason, "canary") {
		t.Errorf("the page shows %q", all[0].Reason)
	}
	w.fail = nil
	if answer, err := w.deliver(good("1")); err != nil || answer.Result != inbox.Deployed {
		t.Errorf("got %+v, %v", answer, err)
	}
}

func TestDeliver_AnswersBeforeASlowFetchEnds(t *testing.T) {
	w := newWorld(t)
	w.inbox.SetWait(10 * time.Millisecond)
	hold := make(chan struct{})
	w.hold = hold
	for at, want := range []inbox.Result{inbox.Fetching, inbox.Fetching, inbox.Ignored} { // one under way, one behind it
		if at == 2 {
			w.inbox.SetWait(time.Minute)
		}
		if answer, err := w.deliver(good(fmt.Sprint(at + 1))); err != nil || answer.Result != want {
			t.Errorf("delivery %d: %+v, %v", at, answer, err)
		}
	}
	if _, err := w.deliver(good("1")); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("a replay meanwhile: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.inbox.Run(ctx) }()
	close(hold)
	for w.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil || w.count() != 1 {
		t.Errorf("%d releases, %v", w.count(), err)
	}
}

func TestRun_EndsFetchesThatAreUnderWay(t *testing.T) {
	w := newWorld(t)
	w.inbox.SetWait(time.Millisecond)
	w.hold = make(chan struct{})
	if answer, err := w.deliver(good("1")); err != nil || answer.Result != inbox.Fetching {
		t.Fatalf("got %+v, %v", answer, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.inbox.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if fresh, err := w.ledger.ClaimDelivery(t.Context(), "shop", "any", time.Now()); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	if all := w.history(); w.count() != 0 || len(all) != 1 || all[0].Result != inbox.Refused {
		t.Errorf("%d releases, the history is %+v", w.count(), all)
	}
}

func TestDeliver_RefusesWhileItIsOff(t *testing.T) {
	w := newWorld(t)
	if _, fresh, err := w.inbox.Save(t.Context(), "shop", inbox.Settings{Address: repository}); err != nil || fresh != "" {
		t.Fatalf("a second secret, or %v", err)
	}
	if _, err := w.deliver(good("1")); problem.KindOf(err) != problem.KindForbidden || w.count() != 0 {
		t.Errorf("got %v", err)
	}
}

func TestSave_SendsATokenToItsHostAlone(t *testing.T) {
	w := newWorld(t)
	wish := inbox.Settings{On: true, Address: "https://evil.example/ann/shop.git"}
	_, _, err := w.inbox.Save(t.Context(), "shop", wish)
	if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Field != remote.FieldToken {
		t.Errorf("got %v", err)
	}
	for _, address := range []string{"https://git.example.com:8443/ann/shop.git", "https://git.example.com.evil.example/x"} {
		wish.Address = address
		if _, _, err := w.inbox.Save(t.Context(), "shop", wish); err == nil {
			t.Errorf("%s gets the token", address)
		}
	}
	wish.DropToken = true
	if view, _, err := w.inbox.Save(t.Context(), "shop", wish); err != nil || view.HasToken {
		t.Errorf("got %+v, %v", view, err)
	}
	if _, err := w.deliver(push("refs/heads/main", strings.Repeat("1", 40), wish.Address)); err != nil || w.source.Token != "" {
		t.Errorf("the host gets %q, %v", w.source.Token.Reveal(), err)
	}
}

func TestSave_MakesADeployKeyOnceAPersonKnowsTheHost(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	wish := inbox.Settings{On: true, Address: "git@git.example.com:ann/shop.git", Branch: "main"}
	_, _, err := w.inbox.Save(ctx, "shop", wish)
	unknown, asks := errors.AsType[*inbox.UnknownHost](err)
	if fault, _ := errors.AsType[*problem.Problem](err); !asks || unknown.Shown != hostKey || fault.Field != remote.FieldHostKey {
		t.Fatalf("got %v", err)
	}
	if kept, err := w.inbox.Show(ctx, "shop"); err != nil || kept.Address != repository || kept.DeployKey != "" || !kept.HasToken {
		t.Errorf("it was saved: %+v, %v", kept, err)
	}
	wish.HostKey = "yes"
	if _, _, err := w.inbox.Save(ctx, "shop", wish); problem.KindOf(err) != problem.KindInvalid {
		t.Errorf("a word for a key: %v", err)
	}
	wish.HostKey = hostKey
	first, _, err := w.inbox.Save(ctx, "shop", wish)
	if err != nil || !strings.HasPrefix(first.DeployKey, "ssh-ed25519 ") || !strings.HasSuffix(first.DeployKey, " berth-shop") || first.HostKey != hostKey || first.HasToken {
		t.Fatalf("got %+v, %v", first, err)
	}
	wish.HostKey = ""
	if again, _, err := w.inbox.Save(ctx, "shop", wish); err != nil || again.DeployKey != first.DeployKey || again.HostKey != hostKey {
		t.Errorf("saved again: %+v, %v", again, err)
	}
	if answer, err := w.deliver(good("1")); err != nil || answer.Result != inbox.Deployed {
		t.Errorf("got %+v, %v", answer, err)
	}
	if public, err := remote.PublicHalf(w.source.DeployKey, "berth-shop"); err != nil || public != first.DeployKey || w.source.HostKey != hostKey || w.source.Token != "" {
		t.Errorf("fetched from %+v, %v", w.source, err)
	}
	kept, err := w.ledger.FindWebhook(ctx, "shop")
	if err != nil || bytes.Contains(kept.DeployKey, []byte("PRIVATE KEY")) {
		t.Errorf("the deploy key is not sealed: %v", err)
	}
	// The key of one host is not that of another, although the form has it still.
	wish.Address, wish.HostKey = "ssh://git@other.example.com/ann/shop.git", hostKey
	w.shown = "ssh-ed25519 SHA256:" + strings.Repeat("b", 43)
	if _, _, err := w.inbox.Save(ctx, "shop", wish); !errors.As(err, &unknown) || unknown.Shown != w.shown {
		t.Errorf("another host: %v", err)
	}
	w.shown = hostKey
	if _, _, err := w.inbox.Save(ctx, "shop", wish); err != nil {
		t.Errorf("another name of the same host: %v", err)
	}
	wish.Address, wish.HostKey = repository, ""
	if back, _, err := w.inbox.Save(ctx, "shop", wish); err != nil || back.DeployKey != "" || back.HostKey != "" {
		t.Errorf("back to HTTPS: %+v, %v", back, err)
	}
}

func TestRenew_EndsTheOldAddressAndSecret(t *testing.T) {
	w := newWorld(t)
	old := w.path
	view, fresh, err := w.inbox.Renew(t.Context(), "shop")
	if err != nil || fresh == w.secret || view.Path == old || len(fresh) < 32 || len(view.Path) < 20 {
		t.Fatalf("got %+v, %v", view, err)
	}
	if _, err := w.deliver(good("1")); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("the old address: %v", err)
	}
	w.path = view.Path
	if _, err := w.deliver(good("1")); problem.KindOf(err) != problem.KindUnauthorized {
		t.Errorf("the old secret: %v", err)
	}
	w.secret = fresh
	if _, err := w.deliver(good("1")); err != nil || w.count() != 1 {
		t.Errorf("the new ones: %v", err)
	}
	if _, _, err := w.inbox.Renew(t.Context(), "none"); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("an app without one: %v", err)
	}
}

func TestInbox_KeepsSecretsSealed(t *testing.T) {
	w := newWorld(t)
	if _, err := w.deliver(good("1")); err != nil {
		t.Fatal(err)
	}
	kept, err := w.ledger.FindWebhook(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	view, err := w.inbox.Show(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"row": fmt.Sprintf("%+v %s %s %s", kept, kept.Path, kept.Token, kept.Secret), "page": fmt.Sprintf("%v", view), "log": w.logged.String()} {
		if strings.Contains(text, token.Reveal()) || strings.Contains(text, w.secret.Reveal()) || name != "page" && strings.Contains(text, w.path) {
			t.Errorf("the %s tells a secret: %s", name, text)
		}
	}
}

func TestDeliveries_KeepTheLast(t *testing.T) {
	w := newWorld(t)
	for range inbox.KeepLast + 5 {
		_, _ = w.deliverWith(good("1"), "wrong")
	}
	if all := w.history(); len(all) != inbox.KeepLast {
		t.Errorf("%d deliveries", len(all))
	}
}
