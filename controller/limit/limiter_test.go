package limit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berth/controller/limit"
	"berth/controller/store"
)

// clock is a clock that tests move.
type clock struct{ micros atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.micros.Store(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// bench is a limiter on a real ledger, with a clock to move.
type bench struct {
	*limit.Limiter
	t      testing.TB
	path   string
	ledger *store.Store
	clock  *clock
}

func newBench(t testing.TB, budgets limit.Budgets) *bench {
	t.Helper()
	b := &bench{t: t, path: filepath.Join(t.TempDir(), "berth.db"), clock: newClock()}
	b.open(budgets)
	return b
}

// open opens the ledger once more, as a process after a kill -9 does: nothing was closed.
func (b *bench) open(budgets limit.Budgets) {
	b.t.Helper()
	ledger, err := store.Open(b.t.Context(), b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = ledger.Close() })
	b.ledger = ledger
	b.Limiter, err = limit.Open(b.t.Context(), limit.Options{
		Ledger: ledger.Limits(), Budgets: budgets, Logger: slog.New(slog.DiscardHandler), Now: b.clock.now,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) login(account, address string) (refund func(), exceeded *limit.Exceeded) {
	b.t.Helper()
	refund, err := b.TakeLogin(b.t.Context(), account, netip.MustParseAddr(address))
	return refund, b.exceeded(err)
}

func (b *bench) exceeded(err error) *limit.Exceeded {
	b.t.Helper()
	exceeded, ok := errors.AsType[*limit.Exceeded](err)
	if err != nil && !ok {
		b.t.Fatal(err)
	}
	return exceeded
}

func (b *bench) guess(times int, account, address string) (let int) {
	b.t.Helper()
	for range times {
		if _, exceeded := b.login(account, address); exceeded == nil {
			let++
		}
	}
	return let
}

func TestLogin_ParallelGuessesPassNoMoreThanFive(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var passed atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			_, err := b.TakeLogin(context.Background(), "admin", netip.MustParseAddr("203.0.113.9"))
			if err == nil {
				passed.Add(1)
			}
		})
	}
	group.Wait()
	if passed.Load() != 5 {
		t.Errorf("%d of 50 parallel guesses passed", passed.Load())
	}
}

func TestLogin_LockHoldsOverAKillAndUnlocksByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.guess(5, "admin", "203.0.113.9")
	b.clock.advance(10 * time.Minute)
	b.open(nil)
	_, exceeded := b.login("admin", "203.0.113.9")
	if exceeded == nil || exceeded.Wait != 5*time.Minute || !exceeded.Until.Equal(b.clock.now().Add(5*time.Minute)) {
		t.Fatalf("after the kill: %+v", exceeded)
	}
	b.clock.advance(5*time.Minute - time.Microsecond)
	if _, exceeded := b.login("admin", "203.0.113.9"); exceeded == nil {
		t.Error("unlocked too early")
	}
	b.clock.advance(time.Microsecond)
	if let := b.guess(20, "admin", "203.0.113.9"); let != 5 {
		t.Errorf("%d attempts after the lock ended", let)
	}
}

func TestLogin_ManyAddressesShareTheBudgetOfTheAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	let := 0
	for i := range 200 {
		let += b.guess(1, "admin", fmt.Sprintf("203.0.113.%d", i))
	}
	if let != 5 {
		t.Errorf("%d guesses at one account from 200 addresses", let)
	}
}

func TestLogin_ManyAccountsShareTheBudgetOfTheAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	let := 0
	for i := range 200 {
		let += b.guess(1, fmt.Sprintf("name%d", i), "203.0.113.9")
	}
	if let != 5 {
		t.Errorf("%d guesses from one address", let)
	}
}

func TestLogin_SpellingOfTheAccountBuysNoAttempts(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	let := 0
	for i, name := range []string{"admin", "Admin", "ADMIN ", " admin", "aDmin", "adMin", "admIn"} {
		let += b.guess(1, name, fmt.Sprintf("203.0.113.%d", i))
	}
	if let != 5 {
		t.Errorf("%d guesses", let)
	}
}

func TestLogin_AttackerElsewhereCannotLockTheOwnerOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	home := netip.MustParseAddr("198.51.100.7")
	if err := b.Remember(t.Context(), "admin", home); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		b.guess(5, "admin", fmt.Sprintf("203.0.113.%d", i))
	}
	if _, exceeded := b.login("admin", "192.0.2.1"); exceeded == nil {
		t.Error("the account is not limited elsewhere")
	}
	if let := b.guess(9, "admin", home.String()); let != 5 {
		t.Errorf("the owner has %d attempts at home, wants 5", let)
	}
	if let := b.guess(9, "other", home.String()); let != 0 {
		t.Errorf("the address has %d attempts beyond its budget", let)
	}
	b.clock.advance(91 * 24 * time.Hour)
	b.guess(5, "admin", "203.0.113.1")
	if _, exceeded := b.login("admin", home.String()); exceeded == nil {
		t.Error("an address is known for longer than 90 days")
	}
}

func TestLogin_OnlyTheLatestAddressesAreKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for i := range 60 {
		b.clock.advance(time.Minute)
		if err := b.Remember(t.Context(), "admin", netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})); err != nil {
			t.Fatal(err)
		}
	}
	for address, want := range map[string]bool{"198.51.100.9": false, "198.51.100.10": true, "198.51.100.59": true} {
		known, err := b.ledger.KnowsAddress(t.Context(), "admin", address, time.Time{}.Add(time.Hour))
		if err != nil || known != want {
			t.Errorf("%s: known %v, %v", address, known, err)
		}
	}
}

func TestLogin_RefundGivesBackItsOwnAttemptAndNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.guess(4, "admin", "203.0.113.9")
	refund, exceeded := b.login("admin", "203.0.113.9")
	if exceeded != nil {
		t.Fatal(exceeded)
	}
	refund()
	refund() // twice is once
	if let := b.guess(3, "admin", "203.0.113.9"); let != 1 {
		t.Errorf("%d attempts after the refund, wants 1", let)
	}
}

func TestLogin_RightGuessAtAnotherAccountResetsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for range 10 {
		b.guess(1, "victim", "203.0.113.9")
		if refund, exceeded := b.login("attacker", "203.0.113.9"); exceeded == nil {
			refund()
		}
	}
	if let := b.guess(1, "victim", "203.0.113.9"); let != 0 {
		t.Error("right guesses at an account of one's own bought more at another")
	}
}

func TestLogin_AnIPv6CustomerIsOneAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	let := 0
	for i := range 40 {
		let += b.guess(1, fmt.Sprintf("name%d", i), fmt.Sprintf("2001:db8:1:2::%x", i+1))
	}
	if let != 5 {
		t.Errorf("%d attempts from one /64", let)
	}
	if let := b.guess(1, "other", "2001:db8:1:3::1"); let != 1 {
		t.Error("the next /64 is counted with it")
	}
	if limit.Address(netip.MustParseAddr("::ffff:203.0.113.9")) != limit.Address(netip.MustParseAddr("203.0.113.9")) {
		t.Error("an IPv4 address has two spellings")
	}
}

func TestLogin_RefusedAttemptsDoNotExtendTheLock(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.guess(5, "admin", "203.0.113.9")
	for range 14 {
		b.clock.advance(time.Minute)
		b.guess(3, "admin", "203.0.113.9")
	}
	b.clock.advance(time.Minute)
	if _, exceeded := b.login("admin", "203.0.113.9"); exceeded != nil {
		t.Errorf("still locked: %+v", exceeded)
	}
}

func TestTake_ClassesAndSubjectsAreApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	subjects := []limit.Subject{limit.Account("admin"), limit.Account("eve"), limit.Token(1, "ci"), limit.Token(2, "ci")}
	for _, subject := range subjects {
		for class, want := range map[limit.Class]int{limit.Upload: 10, limit.Update: 5, limit.VolumeCreate: 20, limit.VolumeUpload: 30, limit.Hosts: 30, limit.Containers: 60, limit.Notifications: 20, limit.WebSocket: 30} {
			let := 0
			for range want + 3 {
				_, err := b.Take(t.Context(), class, subject)
				if b.exceeded(err) == nil {
					let++
				}
			}
			if let != want {
				t.Errorf("%s lets %s %d times, want %d", class, subject, let, want)
			}
		}
	}
}

func TestTake_AnUnknownClassAllowsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	if _, err := b.Take(t.Context(), "nonsense", limit.Account("admin")); b.exceeded(err) == nil {
		t.Error("it was let in")
	}
}

func TestTakeDefault_EveryWindowHolds(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	address, let := netip.MustParseAddr("203.0.113.9"), 0
	inMinute := 0
	for second := range 3600 {
		if second%60 == 0 {
			inMinute = 0
		}
		for range 2 {
			if b.TakeDefault(limit.Address(address)) == nil {
				let++
				inMinute++
			}
		}
		if inMinute > 100 {
			t.Fatalf("%d requests in one minute", inMinute)
		}
		b.clock.advance(time.Second)
	}
	if let < 990 || let > 1000 {
		t.Errorf("%d requests in an hour", let)
	}
	exceeded := b.exceeded(b.TakeDefault(limit.Address(address)))
	if exceeded == nil {
		t.Fatal("not limited")
	}
	b.clock.advance(exceeded.Wait)
	if b.TakeDefault(limit.Address(address)) != nil {
		t.Error("refused after the time that it was told to wait")
	}
}

func TestTakeDefault_CountsAreKeptAtTheEndAndReadAtTheStart(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	address := netip.MustParseAddr("203.0.113.9")
	for range 100 {
		_ = b.TakeDefault(limit.Address(address))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		t.Fatal(err)
	}
	b.open(nil)
	if b.TakeDefault(limit.Address(address)) == nil {
		t.Error("a restart reset the limit")
	}
	if err := limit.ClearAll(t.Context(), b.ledger); err != nil {
		t.Fatal(err)
	}
	b.settle()
	if b.TakeDefault(limit.Address(address)) != nil {
		t.Error("another process cleared it, and it is limited still")
	}
}

// settle lets the limiter write what it has.
func (b *bench) settle() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		b.t.Fatal(err)
	}
}

func TestFlood_OfAddressesIsBoundedAndFreesNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.guess(5, "admin", "203.0.113.9")
	limited := netip.MustParseAddr("203.0.113.9")
	for range 100 {
		_ = b.TakeDefault(limit.Address(limited))
	}
	for i := range 30_000 {
		_ = b.TakeDefault(limit.Address(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})))
	}
	b.settle()
	count, err := b.ledger.CountCounters(t.Context(), limit.Default)
	if err != nil || count > 10_000 {
		t.Errorf("%d counters, %v", count, err)
	}
	if b.TakeDefault(limit.Address(limited)) == nil {
		t.Error("a flood freed a limited address")
	}
	if _, exceeded := b.login("admin", "203.0.113.9"); exceeded == nil {
		t.Error("a flood freed a locked sign-in")
	}
}

func TestFlood_OfSignInsSharesOneBudgetAndSparesTheKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.SetMost(20)
	if err := b.Remember(t.Context(), "admin", netip.MustParseAddr("198.51.100.7")); err != nil {
		t.Fatal(err)
	}
	b.guess(5, "locked", "192.0.2.1")
	for i := range 200 {
		b.guess(1, fmt.Sprintf("name%d", i), fmt.Sprintf("203.0.113.%d", i))
	}
	count, err := b.ledger.CountCounters(t.Context(), limit.Login)
	if err != nil || count > 25 {
		t.Errorf("%d counters, %v", count, err)
	}
	if let := b.guess(1, "admin", "198.51.100.7"); let != 1 {
		t.Error("the flood locked the owner out of a known address")
	}
	if let := b.guess(1, "locked", "192.0.2.1"); let != 0 {
		t.Error("the flood freed a locked sign-in")
	}
}

func TestSweep_LeavesNothingThatIsNotCountedAnyMore(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.guess(9, "admin", "203.0.113.9")
	_ = b.TakeDefault(limit.Address(netip.MustParseAddr("203.0.113.9")))
	b.settle()
	b.clock.advance(2 * time.Hour)
	if err := b.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, d := range limit.Descriptions() {
		if count, err := b.ledger.CountCounters(t.Context(), d.Class); err != nil || count != 0 {
			t.Errorf("%d counters of %s, %v", count, d.Class, err)
		}
	}
}

func TestState_SaysWhoIsLimitedSinceWhenAndHowOftenRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.guess(4, "admin", "203.0.113.9")
	b.clock.advance(time.Minute)
	since := b.clock.now()
	b.guess(1, "admin", "203.0.113.9")
	b.clock.advance(time.Minute)
	b.guess(7, "admin", "203.0.113.9")
	state, err := b.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(state.Limited) != 2 || len(state.Classes) != 10 || state.Classes[0].Limited != 2 {
		t.Fatalf("state: %+v", state)
	}
	for _, counter := range state.Limited {
		if !counter.Since.Equal(since) || counter.Refused != 7 || !counter.Until.Equal(since.Add(14*time.Minute)) {
			t.Errorf("%+v", counter)
		}
	}
	if len(state.Hours) != 1 || state.Hours[0].Count != 7 || state.Hours[0].Class != limit.Login {
		t.Errorf("hours: %+v", state.Hours)
	}
	for _, counter := range state.Limited {
		if err := b.Clear(t.Context(), counter.Key); err != nil {
			t.Fatal(err)
		}
	}
	if let := b.guess(6, "admin", "203.0.113.9"); let != 5 {
		t.Errorf("%d attempts after it was cleared", let)
	}
}

func TestBudget_OneThatWasChangedHoldsForWhatWasCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.guess(5, "admin", "203.0.113.9")
	b.open(limit.Budgets{limit.Login: {{Requests: 7, Span: 15 * time.Minute}, {Requests: 9, Span: time.Hour}}})
	if let := b.guess(9, "admin", "203.0.113.9"); let != 2 {
		t.Errorf("%d more attempts under the wider budget, want 2", let)
	}
}
