package store_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/problem"
	"berth/controller/store"
)

func TestCreateSession_IsFoundAsItWasStored(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	admin := createAccount(t, ledger, "admin")
	session := account.Session{
		Hash: "a", Account: admin.ID, Data: []byte{0, 255, '\''}, Address: "192.0.2.7", UserAgent: "curl",
		CreatedAt: noon, SeenAt: noon,
	}
	must(t, ledger.CreateSession(ctx, session))
	expectSession(t, ledger, session)

	session.Data, session.Address, session.SeenAt = []byte("after"), "192.0.2.8", noon.Add(time.Minute)
	must(t, ledger.UpdateSession(ctx, session))
	expectSession(t, ledger, session)
	if ledger.CreateSession(ctx, session) == nil {
		t.Error("a second session of the same hash was stored")
	}
}

func TestUpdateSession_BringsNoSessionBackThatHasEnded(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	err := ledger.UpdateSession(t.Context(), account.Session{Hash: "a", CreatedAt: noon, SeenAt: noon})
	wantError(t, err, problem.ErrNotFound)
	wantSessions(t, ledger, map[string]bool{"a": false})
}

func TestUpdateSession_HandsNoSessionToAnotherAccount(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	admin, guest := createAccount(t, ledger, "admin"), createAccount(t, ledger, "guest")
	session := account.Session{Hash: "a", Account: guest.ID, Data: []byte{}, CreatedAt: noon, SeenAt: noon}
	must(t, ledger.CreateSession(t.Context(), session))
	stolen := session
	stolen.Account = admin.ID
	must(t, ledger.UpdateSession(t.Context(), stolen))
	expectSession(t, ledger, session)
}

func TestCreateSession_TakesOneWithoutValues(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	must(t, ledger.CreateSession(t.Context(), account.Session{Hash: "a", CreatedAt: noon, SeenAt: noon}))
	wantSessions(t, ledger, map[string]bool{"a": true})
}

func TestCreateSession_RefusesAnAccountThatIsNotThereAndOneThatIsBothPendingAndSignedIn(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	if ledger.CreateSession(t.Context(), account.Session{Hash: "a", Account: 7, CreatedAt: noon, SeenAt: noon}) == nil {
		t.Error("a session of nobody was saved")
	}
	admin := createAccount(t, ledger, "admin")
	both := account.Session{Hash: "a", Account: admin.ID, Pending: admin.ID, CreatedAt: noon, SeenAt: noon}
	if ledger.CreateSession(t.Context(), both) == nil {
		t.Error("a session that is pending and signed in was saved")
	}
}

func TestListSessionsOf_GivesThoseOfOneAccountTheLastUsedFirst(t *testing.T) {
	t.Parallel()
	ledger, ctx := fresh(t), t.Context()
	admin, guest := createAccount(t, ledger, "admin"), createAccount(t, ledger, "guest")
	for i, session := range []account.Session{
		{Hash: "a", Account: admin.ID}, {Hash: "b", Account: admin.ID}, {Hash: "c", Account: guest.ID}, {Hash: "d", Pending: admin.ID},
	} {
		session.CreatedAt, session.SeenAt = noon, noon.Add(time.Duration(i)*time.Minute)
		must(t, ledger.CreateSession(ctx, session))
	}
	listed, err := ledger.ListSessionsOf(ctx, admin.ID)
	must(t, err)
	if len(listed) != 2 || listed[0].Hash != "b" || listed[1].Hash != "a" {
		t.Errorf("listed %+v", listed)
	}
}

func TestDeleteSessionOf_EndsNoSessionOfAnotherAccount(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	admin, guest := createAccount(t, ledger, "admin"), createAccount(t, ledger, "guest")
	saveSession(t, ledger, "a", admin.ID)
	wantError(t, ledger.DeleteSessionOf(t.Context(), guest.ID, "a"), problem.ErrNotFound)
	wantSessions(t, ledger, map[string]bool{"a": true})
	must(t, ledger.DeleteSessionOf(t.Context(), admin.ID, "a"))
	wantSessions(t, ledger, map[string]bool{"a": false})
}

func TestDeleteOtherSessionsOf_KeepsTheOneAndThoseOfOthers(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	admin, guest := createAccount(t, ledger, "admin"), createAccount(t, ledger, "guest")
	saveSession(t, ledger, "a", admin.ID)
	saveSession(t, ledger, "b", admin.ID)
	saveSession(t, ledger, "c", guest.ID)
	must(t, ledger.CreateSession(t.Context(), account.Session{Hash: "d", Pending: admin.ID, CreatedAt: noon, SeenAt: noon}))
	must(t, ledger.DeleteOtherSessionsOf(t.Context(), admin.ID, "a"))
	wantSessions(t, ledger, map[string]bool{"a": true, "b": false, "c": true, "d": false})
}

func TestTrimSessionsOf_EndsWhatWasNotUsedForLongest(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	admin, guest := createAccount(t, ledger, "admin"), createAccount(t, ledger, "guest")
	for i, hash := range []string{"a", "b", "c"} {
		at := noon.Add(time.Duration(i) * time.Minute)
		must(t, ledger.CreateSession(t.Context(), account.Session{Hash: hash, Account: admin.ID, CreatedAt: at, SeenAt: at}))
	}
	saveSession(t, ledger, "d", guest.ID)
	must(t, ledger.TrimSessionsOf(t.Context(), admin.ID, 2))
	wantSessions(t, ledger, map[string]bool{"a": false, "b": true, "c": true, "d": true})
}

func TestDeleteSession_EndsOneAndMayRunTwice(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	saveSession(t, ledger, "a", 0)
	saveSession(t, ledger, "b", 0)
	must(t, ledger.DeleteSession(t.Context(), "a"))
	must(t, ledger.DeleteSession(t.Context(), "a"))
	wantSessions(t, ledger, map[string]bool{"a": false, "b": true})
}

func TestDeleteSessionsOf_EndsThoseOfOneAccount(t *testing.T) {
	t.Parallel()
	ledger := fresh(t)
	admin, guest := createAccount(t, ledger, "admin"), createAccount(t, ledger, "guest")
	saveSession(t, ledger, "a", admin.ID)
	saveSession(t, ledger, "b", guest.ID)
	saveSession(t, ledger, "c", 0)
	must(t, ledger.DeleteSessionsOf(t.Context(), admin.ID))
	wantSessions(t, ledger, map[string]bool{"a": false, "b": true, "c": true})
}

func TestDeleteExpiredSessions_AgreesWithExpired(t *testing.T) {
	t.Parallel()
	ledger, life := fresh(t), account.DefaultSessionLife()
	admin := createAccount(t, ledger, "admin")
	now := noon.Add(account.SessionAbsolute)
	want := make(map[string]bool)
	for name, session := range map[string]account.Session{
		"fresh":         {CreatedAt: now, SeenAt: now},
		"almost idle":   {CreatedAt: now.Add(-time.Hour), SeenAt: now.Add(time.Microsecond - account.SessionIdle)},
		"idle":          {CreatedAt: now.Add(-time.Hour), SeenAt: now.Add(-account.SessionIdle)},
		"almost old":    {CreatedAt: noon.Add(time.Microsecond), SeenAt: now},
		"old, and busy": {CreatedAt: noon, SeenAt: now},
		"pending":       {Pending: admin.ID, CreatedAt: now.Add(time.Microsecond - account.PendingLogin), SeenAt: now},
		"too slow":      {Pending: admin.ID, CreatedAt: now.Add(-account.PendingLogin), SeenAt: now},
	} {
		session.Hash = name
		want[name] = !session.Expired(now, life)
		must(t, ledger.CreateSession(t.Context(), session))
	}
	must(t, ledger.DeleteExpiredSessions(t.Context(), now, life))
	wantSessions(t, ledger, want)
}

func TestSessions_EndWithTheirAccount(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	ledger := open(t, path)
	admin := createAccount(t, ledger, "admin")
	saveSession(t, ledger, "a", admin.ID)
	execute(t, raw(t, path), `DELETE FROM accounts WHERE id = ?`, admin.ID)
	wantSessions(t, ledger, map[string]bool{"a": false})
}

func saveSession(t *testing.T, ledger *store.Store, hash string, who int64) {
	t.Helper()
	must(t, ledger.CreateSession(t.Context(), account.Session{
		Hash: hash, Account: who, Data: []byte("data"), CreatedAt: noon, SeenAt: noon,
	}))
}

func expectSession(t *testing.T, ledger *store.Store, want account.Session) {
	t.Helper()
	found, err := ledger.FindSession(t.Context(), want.Hash)
	must(t, err)
	if !reflect.DeepEqual(found, want) {
		t.Fatalf("want %+v, got %+v", want, found)
	}
}

// wantSessions takes for each hash whether its session is there.
func wantSessions(t *testing.T, ledger *store.Store, want map[string]bool) {
	t.Helper()
	for hash, wanted := range want {
		_, err := ledger.FindSession(t.Context(), hash)
		if err != nil && !errors.Is(err, problem.ErrNotFound) {
			t.Fatal(err)
		}
		if there := err == nil; there != wanted {
			t.Errorf("session %q is there: %t, want %t", hash, there, wanted)
		}
	}
}
