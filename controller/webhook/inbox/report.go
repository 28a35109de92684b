package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/remote"
	"berth/controller/webhook"
)

const (
	reportEvery  = 3 * time.Second
	firstPause   = 10 * time.Second // to the second attempt; doubled for each more, up to mostPause
	mostPause    = time.Minute
	mostAttempts = 6 // for each state
	reportsAbove = 4 // that are sent at once
	savingTime   = 5 * time.Second
)

// Report is what the git host is told of a release. It is open until the git host took how
// the release ended, or Berth gave up.
type Report struct {
	Release    app.ReleaseID
	Commit     string
	Repository string           // its address when the release began
	Provider   webhook.Provider // empty: not known
	State      remote.State     // told last, or tried; empty before the first
	Taken      bool             // the git host took the state
	Attempts   int              // for the state
	Next       time.Time        // not looked at before
	Fault      string           // why the state was not taken, safe to show
	Open       bool

	Reached app.ReleaseState // by the release; read only
}

// begins remembers that the git host is to be told of a release, where a token was given.
func (i *Inbox) begins(ctx context.Context, kept Webhook, commit pack.ID, release int64) {
	if len(kept.StatusToken) == 0 || release == 0 {
		return
	}
	report := Report{Release: app.ReleaseID{App: kept.App, Number: release}, Commit: commit.String(), Repository: kept.Address, Provider: cmp.Or(kept.Chosen, kept.Provider), Next: i.now()}
	if err := i.Ledger.AddReport(ctx, report); err != nil {
		i.Logger.WarnContext(ctx, "begin to report on a release", "release", report.Release, "error", err)
	}
}

// runReports looks at the open reports until ctx ends.
func (i *Inbox) runReports(ctx context.Context) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		if err := i.Report(ctx); err != nil && ctx.Err() == nil {
			i.Logger.WarnContext(ctx, "report to git hosts", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Report tells the git hosts once what they do not know yet. A report that fails stays for
// later, and changes nothing of its release.
func (i *Inbox) Report(ctx context.Context) error {
	due, err := i.Ledger.ListDueReports(ctx, i.now())
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(reportsAbove)
	for _, one := range due {
		group.Go(func() error { return i.report(ctx, one) })
	}
	return group.Wait()
}

// report tells of one release, if there is something new to tell.
func (i *Inbox) report(ctx context.Context, r Report) error {
	before := r
	state, words := stateOf(r.Reached)
	if r.State != state {
		r.State, r.Taken, r.Attempts, r.Fault = state, false, 0, ""
	}
	var err error
	if !r.Taken && r.Attempts < mostAttempts {
		err = i.tell(ctx, r, fmt.Sprintf("Release %d %s.", r.Release.Number, words))
		if ctx.Err() != nil {
			return nil // Berth stops: that was no fault of the git host
		}
		r.Attempts++
		r.Taken = err == nil
		if r.Taken {
			r.Fault = ""
		} else if !errors.Is(err, errUnwanted) {
			r.Fault, r.Next = problem.Said(err), i.now().Add(min(firstPause<<(r.Attempts-1), mostPause))
			i.Logger.WarnContext(ctx, "report a release to its git host", "release", r.Release, "attempts", r.Attempts, "error", err)
		}
	}
	given := r.Taken || r.Attempts >= mostAttempts
	r.Open = !errors.Is(err, errUnwanted) && (!given || state == remote.Pending)
	if r == before {
		return nil
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), savingTime)
	defer cancel()
	return i.Ledger.MarkReport(saving, r)
}

// errUnwanted means that the settings lead to no git host for a report any more.
var errUnwanted = errors.New("no report is wanted")

// tell sends the state of a report with the token of now. It returns errUnwanted where the
// token is gone or the repository is another one.
func (i *Inbox) tell(ctx context.Context, r Report, words string) error {
	kept, err := i.Ledger.FindWebhook(ctx, r.Release.App)
	if err != nil {
		return err
	}
	token, err := i.open(kept.StatusToken, sealedStatus, r.Release.App)
	if err != nil {
		return err
	}
	if token == "" || kept.Address != r.Repository {
		return errUnwanted
	}
	commit, err := pack.ParseID(r.Commit)
	if err != nil {
		return err
	}
	status := remote.Status{Provider: r.Provider, Commit: commit, State: r.State, Description: words, Context: i.Stack + "/" + string(r.Release.App)}
	if i.BaseURL != "" {
		status.Link = fmt.Sprintf("%s/admin/apps/%s/releases/%d", i.BaseURL, r.Release.App, r.Release.Number)
	}
	return i.Remotes.Tell(ctx, remote.Source{Address: kept.Address, Token: token}, status)
}

// stateOf is what a git host is told of a release.
func stateOf(reached app.ReleaseState) (state remote.State, words string) {
	switch {
	case reached.UnderWay():
		return remote.Pending, "is being deployed"
	case reached == app.ReleaseLive, reached == app.ReleaseSuperseded:
		return remote.Success, "is live"
	case reached == app.ReleaseCancelled:
		return remote.Failure, "was cancelled"
	default:
		return remote.Failure, "failed"
	}
}
