package router

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/tagwatch"
)

// fakeTagLedger keeps the watches of a real watcher in memory. Every app runs one image.
type fakeTagLedger struct {
	mu   sync.Mutex
	kept map[app.Name]tagwatch.Watch
}

func newFakeTagWatches(t testing.TB) *tagwatch.Watcher {
	t.Helper()
	made, _ := newTagWatches(t)
	return made
}

func newTagWatches(t testing.TB) (*tagwatch.Watcher, *fakeTagLedger) {
	t.Helper()
	fake := &fakeTagLedger{kept: map[app.Name]tagwatch.Watch{}}
	return tagwatch.New(tagwatch.Options{
		Ledger: fake, Key: aSecretKey(t), Logger: slog.New(slog.DiscardHandler),
		Digest: func(context.Context, plan.ImageReference) (string, error) { return "", nil },
		Deploy: func(context.Context, app.Name, plan.ImageReference) error { return nil },
	}), fake
}

func (f *fakeTagLedger) FindTagWatch(_ context.Context, name app.Name) (tagwatch.Watch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if found, ok := f.kept[name]; ok {
		return found, nil
	}
	return tagwatch.Watch{App: name, Minutes: tagwatch.DefaultMinutes}, nil
}

func (f *fakeTagLedger) SaveTagWatch(_ context.Context, wish tagwatch.Watch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[wish.App] = wish
	return nil
}

func (f *fakeTagLedger) FindTagWatchAt(_ context.Context, hash string) (tagwatch.Watch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.kept {
		if one.HookHash == hash {
			return one, nil
		}
	}
	return tagwatch.Watch{}, problem.ErrNotFound
}

func (*fakeTagLedger) ListDueTagWatches(context.Context, time.Time) ([]tagwatch.Watch, error) {
	return nil, nil
}

func (*fakeTagLedger) FindLive(context.Context, app.Name) (app.App, app.Release, error) {
	return app.App{}, app.Release{Reference: "ghcr.io/ann/shop:2"}, nil
}

func aSecretKey(t testing.TB) secret.Key {
	t.Helper()
	key, err := secret.DeriveKey("a key of the tests of the router")
	if err != nil {
		t.Fatal(err)
	}
	return key
}
