package store_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/store/storetest"
)

func TestRepeats_AreKnownAfterARestartUntilTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	path := storetest.Put(t, t.TempDir())
	ledger := open(t, path)
	createApp(t, ledger, "shop", "/shop")
	key, content := sha256.Sum256([]byte("key")), sha256.Sum256([]byte("content"))
	release := app.ReleaseID{App: "shop", Number: 3}
	now := time.Now()
	must(t, ledger.SaveRepeat(t.Context(), key, content, release, now, now.Add(time.Minute)))
	must(t, ledger.SaveRepeat(t.Context(), content, content, app.ReleaseID{App: "gone", Number: 1}, now, now.Add(time.Minute)))
	must(t, ledger.Close())

	again := open(t, path)
	for name, test := range map[string]struct {
		key  [sha256.Size]byte
		at   time.Time
		want app.ReleaseID
	}{
		"soon":                  {key, now.Add(59 * time.Second), release},
		"later":                 {key, now.Add(time.Minute), app.ReleaseID{}},
		"another key":           {sha256.Sum256([]byte("other")), now, app.ReleaseID{}},
		"of an app that is not": {content, now, app.ReleaseID{}},
	} {
		found, sent, err := again.FindRepeat(t.Context(), test.key, test.at)
		if err != nil || found != test.want || found.Number != 0 && sent != content {
			t.Errorf("%s: %+v, %x, %v", name, found, sent, err)
		}
	}
	must(t, again.SaveRepeat(t.Context(), content, key, release, now.Add(time.Hour), now.Add(2*time.Hour)))
	if found, _, err := again.FindRepeat(t.Context(), key, now); err != nil || found.Number != 0 {
		t.Errorf("an old one was kept: %+v, %v", found, err)
	}
}
