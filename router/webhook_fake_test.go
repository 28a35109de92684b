package router

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/webhook"
	"berth/controller/webhook/inbox"
)

// fakeWebhooks keeps the webhooks of a real inbox in memory, and stands in for the git host.
type fakeWebhooks struct {
	mu         sync.Mutex
	kept       map[app.Name]inbox.Webhook
	claims     map[string]bool
	deliveries map[app.Name][]inbox.Delivery
	deployed   []inbox.Wish
	reports    map[app.Name]inbox.Report
}

func newFakeWebhooks(t testing.TB) *inbox.Inbox {
	t.Helper()
	made, _ := newWebhooks(t)
	return made
}

func newWebhooks(t testing.TB) (*inbox.Inbox, *fakeWebhooks) {
	t.Helper()
	key, err := secret.DeriveKey("a root key of tests, 32 characters or more")
	if err != nil {
		t.Fatal(err)
	}
	fake := &fakeWebhooks{kept: map[app.Name]inbox.Webhook{}, claims: map[string]bool{}, deliveries: map[app.Name][]inbox.Delivery{}, reports: map[app.Name]inbox.Report{}}
	return inbox.New(inbox.Options{Ledger: fake, Remotes: fake, Deploy: fake.deploy, Key: key, Logger: slog.New(slog.DiscardHandler)}), fake
}

// Fetch is a git host whose branches end at one commit.
func (f *fakeWebhooks) Fetch(ctx context.Context, _ remote.Source, known pack.ID, take func(context.Context, remote.Checkout) error) (pack.ID, error) {
	tip := pack.ID{1}
	if tip == known {
		return tip, nil
	}
	return tip, take(ctx, remote.Checkout{Commit: tip})
}

// HostKey is a git host that shows one key.
func (f *fakeWebhooks) HostKey(context.Context, remote.Source) (string, error) {
	return fakeHostKey, nil
}

const fakeHostKey = "ssh-ed25519 SHA256:uNiVztksCsDhcc0u9e8BrwyaAFGE0dMtJ2RPKBgY0TU"

func (f *fakeWebhooks) deploy(_ context.Context, wish inbox.Wish) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deployed = append(f.deployed, wish)
	return int64(len(f.deployed)), nil
}

func (f *fakeWebhooks) FindWebhook(_ context.Context, name app.Name) (inbox.Webhook, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, ok := f.kept[name]
	if !ok {
		return inbox.Webhook{}, problem.ErrNotFound
	}
	return found, nil
}

func (f *fakeWebhooks) FindWebhookAt(_ context.Context, hash string) (inbox.Webhook, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.kept {
		if one.Hash == hash {
			return one, nil
		}
	}
	return inbox.Webhook{}, problem.ErrNotFound
}

func (f *fakeWebhooks) SaveWebhook(_ context.Context, wish inbox.Webhook) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[wish.App] = wish
	return nil
}

func (f *fakeWebhooks) SaveWebhookCommit(_ context.Context, name app.Name, commit string, provider webhook.Provider) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.kept[name]
	found.Commit, found.Provider = commit, provider
	f.kept[name] = found
	return nil
}

func (f *fakeWebhooks) ClaimDelivery(_ context.Context, name app.Name, sum string, _ time.Time) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := string(name) + " " + sum
	fresh := !f.claims[key]
	f.claims[key] = true
	return fresh, nil
}

func (f *fakeWebhooks) SettleDelivery(_ context.Context, name app.Name, sum string, done bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !done {
		delete(f.claims, string(name)+" "+sum)
	}
	return nil
}

func (f *fakeWebhooks) FreeDeliveries(context.Context) error              { return nil }
func (f *fakeWebhooks) ForgetDeliveries(context.Context, time.Time) error { return nil }

func (f *fakeWebhooks) AddDelivery(_ context.Context, name app.Name, d inbox.Delivery) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deliveries[name] = append([]inbox.Delivery{d}, f.deliveries[name]...)
	return nil
}

func (f *fakeWebhooks) ListDeliveries(_ context.Context, name app.Name) ([]inbox.Delivery, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.deliveries[name], nil
}

// Tell is a git host that takes every status.
func (*fakeWebhooks) Tell(context.Context, remote.Source, remote.Status) error { return nil }

func (f *fakeWebhooks) AddReport(ctx context.Context, r inbox.Report) error {
	return f.MarkReport(ctx, r)
}

func (f *fakeWebhooks) ListDueReports(context.Context, time.Time) ([]inbox.Report, error) {
	return nil, nil
}

func (f *fakeWebhooks) MarkReport(_ context.Context, r inbox.Report) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports[r.Release.App] = r
	return nil
}

func (f *fakeWebhooks) FindLastReport(_ context.Context, name app.Name) (inbox.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reports[name], nil
}

// forget lets the tip of every branch be new.
func (f *fakeWebhooks) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, kept := range f.kept {
		kept.Commit = ""
		f.kept[name] = kept
	}
}
