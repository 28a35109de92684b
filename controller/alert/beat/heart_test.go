package beat

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/address"
	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/store"
)

const canary = "canary-0123456789abcdef"

// world is a server whose clock and loops the test sets, and a monitor that counts beats.
type world struct {
	t       *testing.T
	ledger  *store.Store
	now     time.Time
	passed  time.Time // of the loop
	logged  bytes.Buffer
	heart   *Heart
	monitor *httptest.Server
	took    []string
	status  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := secret.DeriveKey("0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ledger: ledger, status: http.StatusOK, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	w.passed = w.now
	w.monitor = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		w.took = append(w.took, in.Method+" "+in.URL.Path)
		out.WriteHeader(w.status)
	}))
	t.Cleanup(func() { w.monitor.Close(); _ = ledger.Close() })
	w.heart = New(Options{
		Ledger: ledger, Key: key, Logger: slog.New(slog.NewTextHandler(&w.logged, nil)),
		Dial:  func(bool) channel.Dial { return new(net.Dialer).DialContext },
		Loops: []Loop{{"the loop", func() time.Time { return w.passed }}},
	})
	w.heart.began, w.heart.now = w.now, func() time.Time { return w.now }
	return w
}

func (w *world) save(wish Wish) {
	w.t.Helper()
	if err := w.heart.SaveHeartbeat(w.t.Context(), wish); err != nil {
		w.t.Fatal(err)
	}
}

// live lets time go by while the loop goes round.
func (w *world) live(minutes int) {
	w.t.Helper()
	for range minutes {
		w.now = w.now.Add(time.Minute)
		w.passed = w.now
		w.look()
	}
}

func (w *world) look() {
	w.t.Helper()
	if err := w.heart.look(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) found() alert.Heartbeat {
	w.t.Helper()
	found, err := w.heart.Heartbeat(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func TestHeart_BeatsAsOftenAsItShouldAndOnlyOnceSaved(t *testing.T) {
	w := newWorld(t)
	w.live(3)
	if len(w.took) > 0 {
		t.Fatalf("took %q", w.took)
	}
	w.save(Wish{Address: secret.Text(w.monitor.URL + "/" + canary), Minutes: 5, Method: http.MethodPost})
	w.live(11)
	if got := strings.Join(w.took, " "); got != strings.TrimSpace(strings.Repeat("POST /"+canary+" ", 3)) {
		t.Errorf("took %q", got)
	}
	if found := w.found(); found.GoodAt.IsZero() || found.Error != "" || found.Host != w.monitor.URL {
		t.Errorf("%+v", found)
	}
	if err := w.heart.DeleteHeartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.live(6)
	if len(w.took) != 3 {
		t.Errorf("took %q after it was removed", w.took)
	}
}

func TestHeart_IsSilentWhileALoopStandsStill(t *testing.T) {
	w := newWorld(t)
	w.save(Wish{Address: secret.Text(w.monitor.URL)})
	w.passed = time.Time{} // its first pass is not over yet
	w.look()
	if found := w.found(); len(w.took) > 0 || found.Error != "" {
		t.Errorf("took %q, %+v", w.took, found)
	}
	w.now = w.now.Add(mostAge + time.Second)
	w.look()
	if found := w.found(); len(w.took) > 0 || !strings.Contains(found.Error, "the loop finished no pass since Berth started") {
		t.Errorf("took %q, %+v", w.took, found)
	}
	w.live(1)
	if found := w.found(); len(w.took) != 1 || found.Error != "" || found.FailedAt.IsZero() {
		t.Errorf("took %q, %+v", w.took, found)
	}
	w.now = w.now.Add(mostAge + time.Second)
	w.look()
	if found := w.found(); len(w.took) != 1 || !strings.Contains(found.Error, "finished no pass since 2026-11-30") {
		t.Errorf("took %q, %+v", w.took, found)
	}
}

// fullLedger cannot be written.
type fullLedger struct{ Ledger }

func (fullLedger) NoteTried(context.Context, time.Time) error { return errors.New("the disk is full") }

func TestHeart_IsSilentWhileTheLedgerCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	w.save(Wish{Address: secret.Text(w.monitor.URL)})
	w.heart.Ledger = fullLedger{w.ledger}
	if err := w.heart.look(t.Context()); err == nil || len(w.took) > 0 {
		t.Errorf("took %q, %v", w.took, err)
	}
}

func TestHeart_TriesAgainAfterAMinuteAndKeepsWhyItFailed(t *testing.T) {
	w := newWorld(t)
	w.save(Wish{Address: secret.Text(w.monitor.URL + "/" + canary), Minutes: 60})
	w.status = http.StatusNotFound
	w.live(3)
	if found := w.found(); len(w.took) != 3 || found.Error != "the server answered 404 Not Found" || !found.GoodAt.IsZero() || found.FailedAt.IsZero() {
		t.Errorf("took %q, %+v", w.took, found)
	}
	w.status = http.StatusOK
	w.live(10)
	if found := w.found(); len(w.took) != 4 || found.Error != "" || found.GoodAt.IsZero() || found.FailedAt.IsZero() {
		t.Errorf("took %q, %+v", w.took, found)
	}
}

func TestHeart_ShowsItsAddressNowhere(t *testing.T) {
	w := newWorld(t)
	w.save(Wish{Address: secret.Text("https://user.example.com:8443/ping/" + canary + "?key=" + canary)})
	found := w.found()
	if found.Host != "https://user.example.com:8443" || bytes.Contains(found.Sealed, []byte(canary)) {
		t.Errorf("%+v", found)
	}
	w.heart.Dial = func(bool) channel.Dial {
		return func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no way to /ping/" + canary + "?key=" + canary)
		}
	}
	w.live(1)
	err := w.heart.TestHeartbeat(t.Context())
	if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Kind != problem.KindUnavailable || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
	if strings.Contains(w.found().Error, canary) || strings.Contains(w.logged.String(), canary) {
		t.Errorf("%+v, log %s", w.found(), w.logged.String())
	}
}

func TestHeart_FollowsNoRedirectAndReachesNoClosedAddress(t *testing.T) {
	w := newWorld(t)
	redirecting := httptest.NewServer(http.RedirectHandler(w.monitor.URL, http.StatusFound))
	defer redirecting.Close()
	w.save(Wish{Address: secret.Text(redirecting.URL)})
	if err := w.heart.TestHeartbeat(t.Context()); err == nil || !strings.Contains(err.Error(), "redirects are not followed") || len(w.took) > 0 {
		t.Errorf("took %q, %v", w.took, err)
	}
	w.heart.Dial = func(private bool) channel.Dial {
		return address.Dialer(address.Guard{Private: private}.Allows).DialContext
	}
	for _, private := range []bool{false, true} {
		w.save(Wish{Address: secret.Text(w.monitor.URL), Private: private})
		if err := w.heart.TestHeartbeat(t.Context()); err == nil || !strings.Contains(err.Error(), "may be reached") || len(w.took) > 0 {
			t.Errorf("took %q, %v", w.took, err)
		}
	}
}

func TestSaveHeartbeat_SaysEveryFaultAndKeepsTheStoredAddress(t *testing.T) {
	w := newWorld(t)
	for wish, fields := range map[Wish]string{
		{}: FieldURL,
		{Address: "ftp://x", Minutes: 61, Method: "PUT"}:      "url minutes method",
		{Address: "https://user:pass@example.com/"}:           FieldURL,
		{Address: "https://example.com/ping", Minutes: -1}:    FieldMinutes,
		{Address: "https://example.com/ping\r\nHost: second"}: FieldURL,
	} {
		faults, _ := errors.AsType[problem.Problems](w.heart.SaveHeartbeat(t.Context(), wish))
		var got []string
		for _, fault := range faults {
			got = append(got, fault.Field)
		}
		if strings.Join(got, " ") != fields {
			t.Errorf("%q, want %q", got, fields)
		}
	}
	if err := w.heart.TestHeartbeat(t.Context()); err == nil {
		t.Error("a heartbeat that there is not was tested")
	}
	w.save(Wish{Address: secret.Text(w.monitor.URL)})
	w.live(1)
	w.save(Wish{Minutes: 10})
	if found := w.found(); found.Minutes != 10 || found.GoodAt.IsZero() || found.Host != w.monitor.URL {
		t.Errorf("%+v", found)
	}
	if err := w.heart.TestHeartbeat(t.Context()); err != nil || len(w.took) != 2 {
		t.Errorf("took %q, %v", w.took, err)
	}
	w.save(Wish{Address: secret.Text(w.monitor.URL + "/other")})
	if found := w.found(); !found.GoodAt.IsZero() {
		t.Errorf("what was known of another address is kept: %+v", found)
	}
}
