package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/event"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/store"
)

const canary = "canary-secret-0123456789"

// world is a server whose clock, values and receivers the test sets.
type world struct {
	t      *testing.T
	ledger *store.Store
	now    time.Time
	values map[alert.Metric][]alert.Reading
	logged bytes.Buffer
	desk   *Desk
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ledger, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "berth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	w := &world{t: t, ledger: ledger, now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), values: map[alert.Metric][]alert.Reading{}}
	w.restart()
	return w
}

func (w *world) Read(context.Context, time.Time) map[alert.Metric][]alert.Reading { return w.values }

// restart is a new process over the same ledger.
func (w *world) restart() {
	w.t.Helper()
	key, err := secret.DeriveKey("0123456789abcdef0123456789abcdef")
	if err != nil {
		w.t.Fatal(err)
	}
	dial := func(bool) channel.Dial { return new(net.Dialer).DialContext }
	w.desk = New(Options{Ledger: w.ledger, Readings: w, Key: key, Dial: dial, BaseURL: "https://berth.example.com", Logger: slog.New(slog.NewTextHandler(&w.logged, nil))})
	w.desk.now = func() time.Time { return w.now }
}

// tick is a pass, and a delivery to its end, as time goes on.
func (w *world) tick(after time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(after)
	if err := w.desk.Pass(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	for range 5 {
		if err := w.desk.deliver(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.desk.sends.Wait()
	}
}

func (w *world) add(kind event.Kind, app, detail string) {
	w.t.Helper()
	if err := w.ledger.AddEvent(w.t.Context(), event.Event{At: w.now, Kind: kind, App: app, Detail: detail}); err != nil {
		w.t.Fatal(err)
	}
}

// receiver is a webhook that records what it took, and checks the signatures.
type receiver struct {
	*httptest.Server

	mu   sync.Mutex
	down bool
	took []channel.Message
}

func (w *world) receiver(name string) *receiver {
	w.t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		body, _ := io.ReadAll(in.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.down {
			out.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(out, canary)
			return
		}
		var message channel.Message
		if err := json.Unmarshal(body, &message); err != nil {
			w.t.Errorf("body %s: %v", body, err)
		}
		if want := channel.Sign(canary, in.Header.Get("webhook-id"), in.Header.Get("webhook-timestamp"), body); in.Header.Get("webhook-signature") != want || in.Header.Get("webhook-id") != message.ID {
			w.t.Errorf("signature %q of %q, want %q", in.Header.Get("webhook-signature"), in.Header.Get("webhook-id"), want)
		}
		r.took = append(r.took, message)
	}))
	w.t.Cleanup(r.Close)
	if _, err := w.desk.SaveChannel(w.t.Context(), Wish{Name: name, Settings: channel.Settings{Kind: channel.Webhook, Address: r.URL}, Secret: canary}); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (r *receiver) titles() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var titles []string
	for _, message := range r.took {
		titles = append(titles, message.Title)
	}
	return strings.Join(titles, " | ")
}

func (w *world) want(r *receiver, titles string) {
	w.t.Helper()
	if got := r.titles(); got != titles {
		w.t.Errorf("took %q, want %q", got, titles)
	}
}

func TestDesk_BeginsWithSensibleRulesAndTellsOfAFailedRelease(t *testing.T) {
	w := newWorld(t)
	w.add(event.ReleaseFailed, "old", "of before the rules")
	w.tick(0)
	r := w.receiver("ops")
	w.add(event.ReleaseFailed, "shop", "The build failed.")
	w.tick(time.Second)
	w.want(r, "Release failed: shop")
	if m := r.took[0]; m.URL != "https://berth.example.com/admin/apps/shop" || len(m.Lines) != 1 || m.Lines[0] != "The build failed." || m.Type != channel.Firing {
		t.Errorf("%+v", m)
	}
	w.tick(time.Minute)
	w.restart()
	w.tick(time.Minute)
	w.want(r, "Release failed: shop")
}

func TestDesk_DeliversEachExactlyOnceAfterTenMinutesDownAndAKill(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r, other := w.receiver("ops"), w.receiver("other")
	r.down = true
	w.add(event.ReleaseFailed, "shop", "")
	w.tick(time.Second)
	w.add(event.SignInLocked, "", "from 192.0.2.7")
	w.tick(time.Second)
	w.want(other, "Release failed: shop | Sign-in locked: the server") // not delayed by the other
	w.restart()                                                        // a kill
	for range 60 {
		w.tick(10 * time.Second)
	}
	book, err := w.desk.View(t.Context())
	if err != nil || book.Channels[0].LastError != "the server answered 503 Service Unavailable" {
		t.Errorf("%+v, %v", book.Channels, err)
	}
	r.down = false
	for range 360 {
		w.tick(10 * time.Second)
	}
	w.want(r, "Release failed: shop | Sign-in locked: the server")
	w.want(other, "Release failed: shop | Sign-in locked: the server")
	if book, _ = w.desk.View(t.Context()); book.Channels[0].LastError != "" || !book.Channels[0].FailingSince.IsZero() {
		t.Errorf("%+v", book.Channels[0])
	}
	w.seesNoSecret()
}

func TestDesk_MarksAChannelThatTakesNothingForADay(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	r.down = true
	w.add(event.ReleaseFailed, "shop", "")
	for range 27 {
		w.tick(time.Hour)
	}
	book, err := w.desk.View(t.Context())
	if err != nil || book.Channels[0].FailingSince.IsZero() {
		t.Errorf("%+v, %v", book.Channels, err)
	}
	r.down = false
	w.add(event.ReleaseFailed, "shop", "")
	w.tick(time.Second)
	w.want(r, "Release failed: shop")
	if book, _ = w.desk.View(t.Context()); !book.Channels[0].FailingSince.IsZero() {
		t.Error("it is marked although it took a message")
	}
	w.seesNoSecret()
}

// seesNoSecret looks for the canary where people and backups would find it.
func (w *world) seesNoSecret() {
	w.t.Helper()
	book, err := w.desk.View(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	text, _ := json.Marshal(book)
	if bytes.Contains(text, []byte(canary)) || strings.Contains(w.logged.String(), canary) {
		w.t.Error("the secret of a channel is in the ledger or in the log")
	}
}

func TestDesk_TellsTwoMinutesOfAnAppThatIsDownAndItsEnd(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	down := func(value float64) {
		w.values[alert.AppDown] = []alert.Reading{{Subject: alert.Subject{App: "shop"}, Value: value, Detail: "It ended with exit code 1."}}
	}
	down(1)
	w.tick(0)
	w.restart()
	w.tick(119 * time.Second)
	w.want(r, "")
	w.tick(2 * time.Second)
	w.want(r, "App down for 2 minutes: shop")
	down(0)
	w.tick(time.Second)
	w.restart()
	w.tick(3 * time.Minute)
	w.want(r, "App down for 2 minutes: shop | Over: App down for 2 minutes: shop")
	delete(w.values, alert.AppDown) // not known: nothing follows
	w.tick(time.Hour)
	w.want(r, "App down for 2 minutes: shop | Over: App down for 2 minutes: shop")
}

func TestDesk_TellsOneMessageOfWhatStillFiresAfterQuietHours(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	quiet := alert.Quiet{From: "22:00", To: "07:00", Zone: "UTC"}
	book, _ := w.desk.View(t.Context())
	for _, rule := range book.Rules {
		rule.Quiet = quiet
		if _, err := w.desk.SaveRule(t.Context(), rule); err != nil {
			t.Fatal(err)
		}
	}
	w.now = time.Date(2026, 11, 29, 23, 0, 0, 0, time.UTC)
	w.values[alert.DiskPercent] = []alert.Reading{{Value: 90}}
	w.values[alert.AppDown] = []alert.Reading{{Subject: alert.Subject{App: "shop"}, Value: 1}, {Subject: alert.Subject{App: "blog"}, Value: 1}}
	for range 20 {
		w.tick(time.Minute)
	}
	w.values[alert.AppDown] = []alert.Reading{{Subject: alert.Subject{App: "shop"}, Value: 1}, {Subject: alert.Subject{App: "blog"}}}
	for range 48 {
		w.tick(10 * time.Minute)
	}
	w.want(r, "2 alerts still fire after the quiet hours")
	if lines := strings.Join(r.took[0].Lines, " "); strings.Contains(lines, "blog") || !strings.Contains(lines, "shop") || !strings.Contains(lines, "90, threshold 85") {
		t.Errorf("lines %q", lines)
	}
}

func TestDesk_AChangedRuleBeginsAnewAndOneThatIsOffTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	w.values[alert.AppDown] = []alert.Reading{{Subject: alert.Subject{App: "shop"}, Value: 1}}
	w.tick(0)
	w.tick(100 * time.Second)
	book, _ := w.desk.View(t.Context())
	if _, err := w.desk.SaveRule(t.Context(), book.Rules[0]); err != nil {
		t.Fatal(err)
	}
	w.tick(30 * time.Second)
	w.tick(100 * time.Second)
	w.want(r, "")
	off := book.Rules[0]
	off.On = false
	if _, err := w.desk.SaveRule(t.Context(), off); err != nil {
		t.Fatal(err)
	}
	w.tick(time.Hour)
	w.tick(time.Hour)
	w.want(r, "")
}

func TestSaveChannel_SendsAStoredSecretToNoOtherAddress(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	book, _ := w.desk.View(t.Context())
	made := book.Channels[0]
	wish := Wish{ID: made.ID, Name: "renamed", Settings: made.Settings}
	if _, err := w.desk.SaveChannel(t.Context(), wish); err != nil {
		t.Errorf("a new name: %v", err)
	}
	if err := w.desk.TestChannel(t.Context(), made.ID); err != nil {
		t.Errorf("the test: %v", err)
	}
	w.want(r, "Test of renamed")
	wish.Settings.Address = "https://elsewhere.example.com"
	if _, err := w.desk.SaveChannel(t.Context(), wish); err == nil {
		t.Error("the secret went to another address")
	}
	if _, err := w.desk.SaveChannel(t.Context(), Wish{Name: "renamed", Settings: channel.Settings{Kind: channel.Webhook, Address: "ftp://x", To: "ignored"}}); err == nil || strings.Count(err.Error(), "; ") != 2 {
		t.Errorf("not every fault at once: %v", err)
	}
}

func TestSaveRule_RefusesAChannelThatThereIsNot(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	w.receiver("ops")
	book, _ := w.desk.View(t.Context())
	rule := book.Rules[0]
	rule.Channels, rule.Name = []int64{book.Channels[0].ID, 99}, ""
	_, err := w.desk.SaveRule(t.Context(), rule)
	faults, _ := errors.AsType[problem.Problems](err)
	if len(faults) != 2 || faults[1].Field != alert.FieldChannels || !strings.Contains(faults[1].Message, "no channel with the number 99") {
		t.Errorf("got %v", err)
	}
	rule.Channels, rule.Name = rule.Channels[:1], "Down"
	if _, err := w.desk.SaveRule(t.Context(), rule); err != nil {
		t.Error(err)
	}
}

func TestDeleteChannel_RefusesWhileRulesNameIt(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	w.receiver("ops")
	book, _ := w.desk.View(t.Context())
	rule, id := book.Rules[0], book.Channels[0].ID
	rule.Channels = []int64{id}
	if _, err := w.desk.SaveRule(t.Context(), rule); err != nil {
		t.Fatal(err)
	}
	err := w.desk.DeleteChannel(t.Context(), id)
	if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Kind != problem.KindConflict || !strings.Contains(fault.Message, rule.Name) {
		t.Errorf("got %v", err)
	}
	rule.Channels = nil
	if _, err := w.desk.SaveRule(t.Context(), rule); err != nil {
		t.Fatal(err)
	}
	if err := w.desk.DeleteChannel(t.Context(), id); err != nil {
		t.Error(err)
	}
}

// mute mutes an alert of the rule that apps are down.
func (w *world) mute(subject, span string) error {
	w.t.Helper()
	lasts, err := alert.ParseMuteTime(span)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.desk.Mute(w.t.Context(), MuteWish{Rule: 1, Subject: subject, For: lasts, By: "ann"})
	return err
}

// down makes these apps be down, and no other.
func (w *world) down(apps ...string) {
	w.values[alert.AppDown] = []alert.Reading{}
	for _, app := range apps {
		w.values[alert.AppDown] = append(w.values[alert.AppDown], alert.Reading{Subject: alert.Subject{App: app}, Value: 1})
	}
}

// pass lets time go by, in steps that no rule is too quick for.
func (w *world) pass(span time.Duration) {
	w.t.Helper()
	for ; span > 0; span -= time.Minute {
		w.tick(time.Minute)
	}
}

func TestMute_TellsNothingUntilItsEndAndThenOneMessage(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	w.down("blog", "shop")
	w.pass(4 * time.Minute)
	const both = "App down for 2 minutes: blog | App down for 2 minutes: shop"
	w.want(r, both)
	if err := w.mute("shop", "1h"); err != nil {
		t.Fatal(err)
	}
	w.pass(30 * time.Minute)
	w.restart()
	book, _ := w.desk.View(t.Context())
	if m, muted := book.MuteOf(1, alert.Subject{App: "shop"}, w.now); !muted || m.By != "ann" || m.Until.Sub(w.now) != 30*time.Minute {
		t.Errorf("%+v", m)
	}
	w.down("shop") // the other one is over, and is told
	w.pass(29 * time.Minute)
	w.want(r, both+" | Over: App down for 2 minutes: blog")
	w.pass(30 * time.Minute)
	w.want(r, both+" | Over: App down for 2 minutes: blog | App down for 2 minutes: shop")
	if book, _ = w.desk.View(t.Context()); len(book.Mutes) != 0 {
		t.Errorf("%+v", book.Mutes)
	}
	w.down()
	w.pass(5 * time.Minute)
	w.want(r, both+" | Over: App down for 2 minutes: blog | App down for 2 minutes: shop | Over: App down for 2 minutes: shop")
}

func TestMute_HoldsOverFlapsAndIsOverInSilence(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	w.down("shop")
	w.pass(4 * time.Minute)
	w.want(r, "App down for 2 minutes: shop")
	if err := w.mute("app/shop", "8h"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.down()
		w.pass(10 * time.Minute)
		w.down("shop")
		w.pass(10 * time.Minute)
	}
	w.want(r, "App down for 2 minutes: shop")
	w.down()
	w.pass(8 * time.Hour)
	w.want(r, "App down for 2 minutes: shop")
	w.down("shop")
	w.pass(5 * time.Minute)
	w.want(r, "App down for 2 minutes: shop | App down for 2 minutes: shop")
}

func TestMute_UntilItIsOverEndsWithTheAlert(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	if err := w.mute("", "over"); err == nil {
		t.Error("a rule of which nothing fires was muted until it is over")
	}
	if err := w.mute("shop", "1h"); err == nil {
		t.Error("an alert that does not fire was muted")
	}
	w.down("shop")
	w.pass(4 * time.Minute)
	if err := w.mute("shop", "over"); err != nil {
		t.Fatal(err)
	}
	w.pass(48 * time.Hour)
	w.down()
	w.pass(5 * time.Minute)
	w.want(r, "App down for 2 minutes: shop")
	w.down("shop")
	w.pass(5 * time.Minute)
	w.want(r, "App down for 2 minutes: shop | App down for 2 minutes: shop")
}

func TestMute_OfARuleHoldsForAllOfItAndUnmuteTellsWhatStillFires(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	if err := w.mute("", "24h"); err != nil {
		t.Fatal(err)
	}
	w.down("blog", "shop")
	w.add(event.ReleaseFailed, "shop", "") // of another rule
	w.pass(time.Hour)
	w.want(r, "Release failed: shop")
	book, _ := w.desk.View(t.Context())
	if _, err := w.desk.SaveRule(t.Context(), book.Rules[0]); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	w.want(r, "Release failed: shop") // a changed rule stays muted
	if err := w.desk.Unmute(t.Context(), 1, "shop"); err == nil {
		t.Error("a mute that there is not was ended")
	}
	if err := w.desk.Unmute(t.Context(), 1, ""); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	w.want(r, "Release failed: shop | App down for 2 minutes: blog | App down for 2 minutes: shop")
	if err := w.desk.Unmute(t.Context(), 1, ""); err == nil {
		t.Error("a mute was ended twice")
	}
}

func TestMute_OfAnEventIsOneMessageOfTheNewest(t *testing.T) {
	w := newWorld(t)
	w.tick(0)
	r := w.receiver("ops")
	w.add(event.ReleaseFailed, "shop", "one")
	w.tick(time.Minute)
	lasts, _ := alert.ParseMuteTime("1h")
	if _, err := w.desk.Mute(t.Context(), MuteWish{Rule: 3, Subject: "shop", For: lasts, By: "ann"}); err != nil {
		t.Fatal(err)
	}
	for _, detail := range []string{"two", "three"} {
		w.add(event.ReleaseFailed, "shop", detail)
		w.pass(10 * time.Minute)
	}
	w.want(r, "Release failed: shop")
	w.pass(time.Hour)
	w.want(r, "Release failed: shop | Release failed: shop")
	if lines := r.took[1].Lines; len(lines) != 1 || lines[0] != "three" {
		t.Errorf("lines %q", lines)
	}
}
