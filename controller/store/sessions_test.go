package store_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"berth/controller"
	"berth/controller/store"
)

func TestSaveSession_CreatesAndReplaces(t *testing.T) {
	ledger, ctx := fresh(t), t.Context()
	admin := createAccount(t, ledger, "admin")
	session := controller.Session{Hash: "a", Data: []byte("before"), CreatedAt: noon, SeenAt: noon}
	must(t, ledger.SaveSession(ctx, session))
	session.Account, session.Data, session.SeenAt = admin.ID, []byte{0, 255, '\''}, noon.Add(time.Minute)
	must(t, ledger.SaveSession(ctx, session))

	found, err := ledger.FindSession(ctx, "a")
	must(t, err)
	if !reflect.DeepEqual(found, session) {
		t.Fatalf("want %+v, got %+v", session, found)
	}
}

func TestSaveSession_TakesOneWithoutValues(t *testing.T) {
	ledger := fresh(t)
	must(t, ledger.SaveSession(t.Context(), controller.Session{Hash: "a", CreatedAt: noon, SeenAt: noon}))
	wantSessions(t, ledger, map[string]bool{"a": true})
}

func TestSaveSession_RefusesAnAccountThatIsNotThere(t *testing.T) {
	err := fresh(t).SaveSession(t.Context(), controller.Session{Hash: "a", Account: 7, CreatedAt: noon, SeenAt: noon})
	if err == nil {
		t.Fatal("a session of nobody was saved")
	}
}

func TestDeleteSession_EndsOneAndMayRunTwice(t *testing.T) {
	ledger := fresh(t)
	saveSession(t, ledger, "a", 0)
	saveSession(t, ledger, "b", 0)
	must(t, ledger.DeleteSession(t.Context(), "a"))
	must(t, ledger.DeleteSession(t.Context(), "a"))
	wantSessions(t, ledger, map[string]bool{"a": false, "b": true})
}

func TestDeleteSessionsOf_EndsThoseOfOneAccount(t *testing.T) {
	ledger := fresh(t)
	admin, guest := createAccount(t, ledger, "admin"), createAccount(t, ledger, "guest")
	saveSession(t, ledger, "a", admin.ID)
	saveSession(t, ledger, "b", guest.ID)
	saveSession(t, ledger, "c", 0)
	must(t, ledger.DeleteSessionsOf(t.Context(), admin.ID))
	wantSessions(t, ledger, map[string]bool{"a": false, "b": true, "c": true})
}

func TestDeleteExpiredSessions_AgreesWithExpired(t *testing.T) {
	ledger := fresh(t)
	now := noon.Add(controller.SessionAbsolute)
	want := make(map[string]bool)
	for name, session := range map[string]controller.Session{
		"fresh":         {CreatedAt: now, SeenAt: now},
		"almost idle":   {CreatedAt: now.Add(-time.Hour), SeenAt: now.Add(time.Microsecond - controller.SessionIdle)},
		"idle":          {CreatedAt: now.Add(-time.Hour), SeenAt: now.Add(-controller.SessionIdle)},
		"almost old":    {CreatedAt: noon.Add(time.Microsecond), SeenAt: now},
		"old, and busy": {CreatedAt: noon, SeenAt: now},
	} {
		session.Hash = name
		want[name] = !session.Expired(now)
		must(t, ledger.SaveSession(t.Context(), session))
	}
	must(t, ledger.DeleteExpiredSessions(t.Context(), now))
	wantSessions(t, ledger, want)
}

func TestSessions_EndWithTheirAccount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "berth.db")
	ledger := open(t, path)
	admin := createAccount(t, ledger, "admin")
	saveSession(t, ledger, "a", admin.ID)
	execute(t, raw(t, path), `DELETE FROM accounts WHERE id = ?`, admin.ID)
	wantSessions(t, ledger, map[string]bool{"a": false})
}

func saveSession(t *testing.T, ledger *store.Store, hash string, account int64) {
	t.Helper()
	must(t, ledger.SaveSession(t.Context(), controller.Session{
		Hash: hash, Account: account, Data: []byte("data"), CreatedAt: noon, SeenAt: noon,
	}))
}

// wantSessions takes for each hash whether its session is there.
func wantSessions(t *testing.T, ledger *store.Store, want map[string]bool) {
	t.Helper()
	for hash, wanted := range want {
		_, err := ledger.FindSession(t.Context(), hash)
		if err != nil && !errors.Is(err, controller.ErrNotFound) {
			t.Fatal(err)
		}
		if there := err == nil; there != wanted {
			t.Errorf("session %q is there: %t, want %t", hash, there, wanted)
		}
	}
}
