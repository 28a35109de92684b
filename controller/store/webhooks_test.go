package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/webhook/inbox"
)

func newWebhook(name app.Name) inbox.Webhook {
	return inbox.Webhook{
		App: name, On: true, Address: "https://git.example.com/ann/shop.git", Branch: "main", Folder: "web",
		Path: []byte("p"), Hash: strings.Repeat("a", 64), Secret: bytes.Repeat([]byte("s"), 92),
	}
}

func TestWebhooks_GoWithTheirApp(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "shop", "/shop")
	wish := newWebhook("shop")
	must(t, ledger.SaveWebhook(ctx, wish))
	must(t, ledger.SaveWebhookCommit(ctx, "shop", "abc", "gitlab"))
	got, err := ledger.FindWebhookAt(ctx, wish.Hash)
	if err != nil || got.App != "shop" || !got.On || got.Folder != "web" || got.Commit != "abc" || got.Provider != "gitlab" || len(got.Token)+len(got.StatusToken) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	must(t, ledger.AddDelivery(ctx, "shop", inbox.Delivery{At: noon, Result: inbox.Deployed, Release: 2}))
	if all, err := ledger.ListDeliveries(ctx, "shop"); err != nil || len(all) != 1 || !all[0].At.Equal(noon) || all[0].Release != 2 {
		t.Errorf("got %+v, %v", all, err)
	}
	must(t, ledger.UpdateWanted(ctx, "shop", app.WantedDeleted))
	_, err = ledger.FindWebhookAt(ctx, wish.Hash)
	wantError(t, err, problem.ErrNotFound)
	must(t, ledger.DeleteApp(ctx, "shop"))
	_, err = ledger.FindWebhook(ctx, "shop")
	wantError(t, err, problem.ErrNotFound)
	wantError(t, ledger.SaveWebhook(ctx, wish), problem.ErrNotFound)
	if all, err := ledger.ListDeliveries(ctx, "shop"); err != nil || len(all) != 0 {
		t.Errorf("its deliveries stay: %+v, %v", all, err)
	}
}

func TestOpen_KeepsWebhooksFromBeforeDeployKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	old := raw(t, path)
	provider, err := goose.NewProvider(goose.DialectSQLite3, old, os.DirFS("migrations"))
	must(t, err)
	_, err = provider.UpTo(t.Context(), 45)
	must(t, err)
	execute(t, old, `INSERT INTO apps (name, port, wanted, observed_state, observed_detail, created_at) VALUES ('shop', 3000, 'running', 'running', '', 1)`)
	execute(t, old, `INSERT INTO webhooks (app, enabled, repository, branch, folder, token, path, path_hash, secret, deployed)
VALUES ('shop', 1, 'https://git.example.com/ann/shop.git', 'main', 'web', x'01', x'02', '`+strings.Repeat("a", 64)+`', zeroblob(92), 'abc')`)

	got, err := open(t, path).FindWebhook(t.Context(), "shop")

	if err != nil || got.Folder != "web" || got.Commit != "abc" || len(got.Token) != 1 || len(got.DeployKey) != 0 || got.HostKey != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWebhooks_OverSSHHaveADeployKeyAndAKnownHost(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "shop", "/shop")
	wish := newWebhook("shop")
	wish.Address, wish.HostKey = "git@git.example.com:ann/shop.git", "ssh-ed25519 SHA256:a"
	if err := ledger.SaveWebhook(ctx, wish); err == nil {
		t.Error("a webhook over SSH has no deploy key")
	}
	wish.DeployKey, wish.HostKey = []byte("sealed"), ""
	if err := ledger.SaveWebhook(ctx, wish); err == nil {
		t.Error("a webhook over SSH has no key of its host")
	}
	wish.HostKey = "ssh-ed25519 SHA256:a"
	must(t, ledger.SaveWebhook(ctx, wish))
	got, err := ledger.FindWebhook(ctx, "shop")
	if err != nil || got.Address != wish.Address || string(got.DeployKey) != "sealed" || got.HostKey != wish.HostKey {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWebhooks_HaveASecretAndAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "shop", "/shop")
	createApp(t, ledger, "blog", "/blog")
	must(t, ledger.SaveWebhook(ctx, newWebhook("shop")))
	if err := ledger.SaveWebhook(ctx, newWebhook("blog")); err == nil {
		t.Error("two apps have one address")
	}
	empty := newWebhook("shop")
	empty.Secret = bytes.Repeat([]byte("s"), 40) // nothing, sealed
	if err := ledger.SaveWebhook(ctx, empty); err == nil {
		t.Error("a secret is empty")
	}
}

func TestClaimDelivery_TakesEachOnce(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	createApp(t, ledger, "shop", "/shop")
	createApp(t, ledger, "blog", "/blog")
	claim := func(name app.Name, sum string, want bool) {
		t.Helper()
		if fresh, err := ledger.ClaimDelivery(ctx, name, sum, noon); err != nil || fresh != want {
			t.Errorf("%s %s: %v, %v", name, sum, fresh, err)
		}
	}
	claim("shop", "a", true)
	claim("shop", "a", false)
	claim("blog", "a", true)
	must(t, ledger.SettleDelivery(ctx, "shop", "a", false))
	claim("shop", "a", true) // it failed, and may come again
	must(t, ledger.SettleDelivery(ctx, "shop", "a", true))
	must(t, ledger.FreeDeliveries(ctx)) // as after a restart
	claim("shop", "a", false)
	claim("blog", "a", true)
	must(t, ledger.ForgetDeliveries(ctx, noon))
	claim("shop", "a", false)
	must(t, ledger.ForgetDeliveries(ctx, noon.Add(time.Second)))
	claim("shop", "a", true)
}
