package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/webhook"
	"berth/controller/webhook/inbox"
)

const statusToken = secret.Text("canary-status-0123456789")

var shopR1 = app.ReleaseID{App: "shop", Number: 1}

// newReporting is a world whose git host wants to know, and whose first release is under way.
func newReporting(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	if _, _, err := w.inbox.Save(t.Context(), "shop", inbox.Settings{On: true, Address: repository, StatusToken: statusToken}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) report() {
	w.t.Helper()
	if err := w.inbox.Report(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) last() inbox.Report {
	w.t.Helper()
	view, err := w.inbox.Show(w.t.Context(), "shop")
	if err != nil {
		w.t.Fatal(err)
	}
	return view.Report
}

func (w *world) promote() {
	w.t.Helper()
	if _, err := w.ledger.Promote(w.t.Context(), shopR1, time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

func states(told []remote.Status) string {
	var all []string
	for _, one := range told {
		all = append(all, string(one.State))
	}
	return strings.Join(all, " ")
}

func TestReport_TellsPendingAndHowItEnded(t *testing.T) {
	for want, end := range map[string]func(*world){
		"pending success": (*world).promote,
		"pending failure": func(w *world) {
			if err := w.ledger.Finish(w.t.Context(), shopR1, app.ReleaseFailed, "canary of the reason", "", time.Now()); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		w := newReporting(t)
		if _, err := w.deliver(good("1")); err != nil {
			t.Fatal(err)
		}
		w.report()
		w.report() // what is known is not told again
		end(w)
		w.report()
		w.report()
		if got := states(w.told); got != want {
			t.Fatalf("told %q, want %q", got, want)
		}
		first, last := w.told[0], w.last()
		if first.Provider != webhook.GitHub || first.Commit != id("1") || first.Context != "berth/shop" || first.Link != "https://berth.example.com/admin/apps/shop/releases/1" || first.Description != "Release 1 is being deployed." {
			t.Errorf("told %+v", first)
		}
		if w.asked.Address != repository || w.asked.Token != statusToken || strings.Contains(fmt.Sprint(w.told), "canary") {
			t.Errorf("asked %+v: %+v", w.asked, w.told)
		}
		if last.Open || !last.Taken || last.Fault != "" || last.Release != shopR1 {
			t.Errorf("the page shows %+v", last)
		}
	}
}

func TestReport_TellsNothingWithoutAToken(t *testing.T) {
	w := newWorld(t)
	if _, err := w.deliver(good("1")); err != nil {
		t.Fatal(err)
	}
	w.promote()
	w.report()
	if len(w.told) != 0 || w.last() != (inbox.Report{}) {
		t.Errorf("told %+v, shows %+v", w.told, w.last())
	}
}

func TestReport_TriesAFewTimesAndThenSaysWhy(t *testing.T) {
	w := newReporting(t)
	now := time.Now()
	w.inbox.SetNow(func() time.Time { return now })
	w.deaf = problem.Invalid("The git host does not take the status of the commit (it answers 401 Unauthorized).", "Check the token.")
	if _, err := w.deliver(good("1")); err != nil {
		t.Fatal(err)
	}
	w.promote()
	w.report()
	w.report() // too early
	if got := w.last(); got.Attempts != 1 || !got.Open || !strings.Contains(got.Fault, "401") || !strings.Contains(got.Fault, "Check the token.") {
		t.Errorf("shows %+v", got)
	}
	for range 10 {
		now = now.Add(time.Hour)
		w.report()
	}
	if got := w.last(); got.Attempts != 6 || got.Open || got.Taken || got.Fault == "" {
		t.Errorf("shows %+v", got)
	}
	if release, err := w.ledger.FindRelease(t.Context(), shopR1); err != nil || release.State != app.ReleaseLive {
		t.Errorf("the release is %s, %v", release.State, err)
	}
}

func TestReport_TellsTheEndThoughTheBeginningWasNotTaken(t *testing.T) {
	w := newReporting(t)
	now := time.Now()
	w.inbox.SetNow(func() time.Time { return now })
	w.deaf = errors.New("canary of the inside")
	if _, err := w.deliver(good("1")); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		now = now.Add(time.Hour)
		w.report()
	}
	if got := w.last(); got.Attempts != 6 || !got.Open || strings.Contains(got.Fault, "canary") {
		t.Errorf("shows %+v", got)
	}
	w.deaf = nil
	w.promote()
	w.report()
	if got := states(w.told); got != "success" || w.last().Open {
		t.Errorf("told %q, shows %+v", got, w.last())
	}
}

func TestReport_GoesToNoOtherRepository(t *testing.T) {
	w := newReporting(t)
	if _, err := w.deliver(good("1")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.inbox.Save(t.Context(), "shop", inbox.Settings{On: true, Address: "https://git.example.com/ann/other.git"}); err != nil {
		t.Fatal(err)
	}
	w.report()
	if len(w.told) != 0 || w.last().Open || w.last().Taken {
		t.Errorf("told %+v, shows %+v", w.told, w.last())
	}
}

func TestRun_ReportsWhatAnEarlierRunDidNotTell(t *testing.T) {
	w := newReporting(t)
	if _, err := w.deliver(good("1")); err != nil {
		t.Fatal(err)
	}
	w.promote()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.inbox.Run(ctx) }()
	for told := 0; told == 0; {
		time.Sleep(time.Millisecond)
		w.mu.Lock()
		told = len(w.told)
		w.mu.Unlock()
	}
	cancel()
	if err := <-ended; err != nil || states(w.told) != "success" {
		t.Errorf("told %+v, %v", w.told, err)
	}
}

func TestSave_SendsAStatusTokenToItsHostAlone(t *testing.T) {
	w := newReporting(t)
	wish := inbox.Settings{On: true, Address: "https://evil.example/ann/shop.git", DropToken: true}
	_, _, err := w.inbox.Save(t.Context(), "shop", wish)
	if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Field != inbox.FieldStatusToken {
		t.Errorf("got %v", err)
	}
	wish.StatusToken = "two words"
	_, _, err = w.inbox.Save(t.Context(), "shop", wish)
	if fault, ok := errors.AsType[*problem.Problem](err); !ok || fault.Field != inbox.FieldStatusToken {
		t.Errorf("got %v", err)
	}
	wish.StatusToken, wish.DropStatusToken = "", true
	if view, _, err := w.inbox.Save(t.Context(), "shop", wish); err != nil || view.HasStatusToken {
		t.Errorf("got %+v, %v", view, err)
	}
}

func TestReport_KeepsItsTokenSealed(t *testing.T) {
	w := newReporting(t)
	w.deaf = errors.New("no way")
	if _, err := w.deliver(good("1")); err != nil {
		t.Fatal(err)
	}
	w.report()
	kept, err := w.ledger.FindWebhook(t.Context(), "shop")
	if err != nil || len(kept.StatusToken) == 0 {
		t.Fatal(kept, err)
	}
	view, err := w.inbox.Show(t.Context(), "shop")
	if text := fmt.Sprintf("%s %+v %s", kept.StatusToken, view, w.logged.String()); err != nil || !view.HasStatusToken || strings.Contains(text, statusToken.Reveal()) {
		t.Errorf("something tells the token: %s, %v", text, err)
	}
}

func TestFetch_DeploysTheTipForAPerson(t *testing.T) {
	w := newReporting(t)
	if _, _, err := w.inbox.Save(t.Context(), "shop", inbox.Settings{Address: repository}); err != nil { // off
		t.Fatal(err)
	}
	answer, err := w.inbox.Fetch(t.Context(), "shop", "ann")
	if err != nil || answer.Result != inbox.Deployed || answer.Release != 1 || w.deployed[0].By != "ann" {
		t.Fatalf("got %+v, %v", answer, err)
	}
	answer, err = w.inbox.Fetch(t.Context(), "shop", "ann")
	if err != nil || answer.Result != inbox.Ignored || !strings.Contains(answer.Reason, "was deployed before") {
		t.Errorf("got %+v, %v", answer, err)
	}
	if all := w.history(); len(all) != 2 || all[1].Provider != inbox.Person || all[1].Name != "ann" {
		t.Errorf("the history is %+v", all)
	}
	if _, err := w.inbox.Fetch(t.Context(), "none", "ann"); problem.KindOf(err) != problem.KindConflict {
		t.Errorf("an app without a repository: %v", err)
	}
	w.tip, w.fail = id("2"), problem.Unavailable("The git host answers 502 Bad Gateway.", "Try again.")
	if _, err := w.inbox.Fetch(t.Context(), "shop", "ann"); problem.KindOf(err) != problem.KindUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestReport_SaysThatTheKindOfHostIsNotKnown(t *testing.T) {
	w := newReporting(t)
	if _, err := w.inbox.Fetch(t.Context(), "shop", "ann"); err != nil {
		t.Fatal(err)
	}
	w.report()
	if len(w.told) != 1 || w.told[0].Provider != "" { // remote.Tell refuses it in words
		t.Errorf("told %+v", w.told)
	}
	w.tip = id("2")
	kept, err := w.ledger.FindWebhook(t.Context(), "shop")
	if err != nil || kept.Provider != "" {
		t.Errorf("got %+v, %v", kept, err)
	}
	if _, err := w.deliver(good("2")); err != nil {
		t.Fatal(err)
	}
	if kept, err := w.ledger.FindWebhook(t.Context(), "shop"); err != nil || kept.Provider != webhook.GitHub {
		t.Errorf("got %q, %v", kept.Provider, err)
	}
}

func TestReport_TellsAHostOfTheKindThatAPersonChoseBeforeItsFirstDelivery(t *testing.T) {
	w := newWorld(t)
	wish := inbox.Settings{On: true, Address: repository, StatusToken: statusToken, Provider: webhook.Gitea}
	view, _, err := w.inbox.Save(t.Context(), "shop", wish)
	if err != nil || view.Provider != webhook.Gitea {
		t.Fatalf("got %+v, %v", view, err)
	}
	if _, err := w.inbox.Fetch(t.Context(), "shop", "ann"); err != nil {
		t.Fatal(err)
	}
	w.report()
	if len(w.told) != 1 || w.told[0].Provider != webhook.Gitea {
		t.Errorf("told %+v", w.told)
	}
	wish.Provider, wish.StatusToken = "", ""
	if view, _, err := w.inbox.Save(t.Context(), "shop", wish); err != nil || view.Provider != "" {
		t.Errorf("got %+v, %v", view, err)
	}
	for _, wrong := range []webhook.Provider{"bitbucket", webhook.Generic, "GitHub"} {
		wish.Provider = wrong
		_, _, err := w.inbox.Save(t.Context(), "shop", wish)
		if faults, ok := errors.AsType[problem.Problems](err); !ok || len(faults) != 1 || faults[0].Field != inbox.FieldProvider {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestReport_TheChoiceOfAPersonCountsBeforeWhatSendsDeliveries(t *testing.T) {
	w := newWorld(t)
	if _, _, err := w.inbox.Save(t.Context(), "shop", inbox.Settings{On: true, Address: repository, StatusToken: statusToken, Provider: webhook.GitLab}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.deliver(good("1")); err != nil { // signed as GitHub signs
		t.Fatal(err)
	}
	w.report()
	if len(w.told) != 1 || w.told[0].Provider != webhook.GitLab {
		t.Errorf("told %+v", w.told)
	}
}
