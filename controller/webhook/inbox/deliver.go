package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/webhook"
)

const (
	answerTime = 8 * time.Second // git hosts wait 10 seconds for an answer
	deployTime = 15 * time.Minute
	mostWaits  = 2 // fetches of an app: one under way, and one behind it
)

// randomPart is what rand.Text makes.
var randomPart = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Answer is what a git host is told.
type Answer struct {
	App     app.Name
	Result  Result
	Reason  string
	Release int64 // 0 without one
}

// Deliver takes one delivery to the address with a random part. A push to another branch, a
// tag and every other event are fine, and nothing is done: a git host that is told of errors
// switches the webhook off. What is refused is a Problem, and stands in the app's history.
func (i *Inbox) Deliver(ctx context.Context, path string, header http.Header, body []byte) (Answer, error) {
	if !randomPart.MatchString(path) {
		return Answer{}, problem.Malformed("This cannot be the address of a webhook.", "Copy the address from the app's page again.")
	}
	kept, err := i.Ledger.FindWebhookAt(ctx, secret.HashToken(path))
	if errors.Is(err, problem.ErrNotFound) {
		return Answer{}, problem.NotFound("There is no webhook at this address.", "Copy the address from the app's page again.").Because(err)
	}
	if err != nil {
		return Answer{}, err
	}
	told, err := i.read(kept, header, body)
	if err != nil {
		return i.end(ctx, kept.App, told, Answer{}, err)
	}
	if reason := idle(kept, told); reason != "" {
		return i.end(ctx, kept.App, told, Answer{Result: Ignored, Reason: reason}, nil)
	}
	fresh, err := i.Ledger.ClaimDelivery(ctx, kept.App, told.Sum, i.now())
	if err != nil {
		return Answer{}, err
	}
	if !fresh {
		return i.end(ctx, kept.App, told, Answer{}, problem.Conflict("This delivery came before.", "Push again, or use Retry on the app's page."))
	}
	return i.follow(ctx, kept.App, i.begin(ctx, kept.App, told, ""))
}

// Person is the provider of a fetch that somebody asked for.
const Person webhook.Provider = "person"

// Fetch deploys the tip of the branch, as a delivery does, for the person who asks. It works
// while the webhook is off, too.
func (i *Inbox) Fetch(ctx context.Context, name app.Name, by string) (Answer, error) {
	_, err := i.Ledger.FindWebhook(ctx, name)
	if errors.Is(err, problem.ErrNotFound) {
		return Answer{}, problem.Conflict("The app has no repository yet.", "Save the address of its repository first.").Because(err)
	}
	if err != nil {
		return Answer{}, err
	}
	return i.follow(ctx, name, i.begin(ctx, name, webhook.Delivery{Provider: Person, Name: by}, by))
}

// read proves the delivery, and refuses one that is not for the app.
func (i *Inbox) read(kept Webhook, header http.Header, body []byte) (webhook.Delivery, error) {
	key, err := i.Key.Open(kept.Secret, placeOf("secret", kept.App))
	if err != nil {
		return webhook.Delivery{}, fmt.Errorf("open secret of the webhook of %s: %w", kept.App, err)
	}
	told, err := webhook.Read(header, body, secret.Text(key))
	switch {
	case err != nil:
		return webhook.Delivery{}, err
	case !kept.On:
		return told, problem.Forbidden("The webhook of the app is off.", "Switch it on in the settings of the app.")
	case told.Push != nil && !told.Push.IsOf(kept.Address):
		return told, problem.Forbidden("The push was to another repository.", "Compare the repository in the settings of the app with the one that sends the webhook.")
	}
	return told, nil
}

// idle says why nothing has to be done for a delivery; empty where something has.
func idle(kept Webhook, told webhook.Delivery) string {
	if told.Push == nil {
		return "The event " + told.Event + " deploys nothing."
	}
	branch, isBranch := told.Push.Branch()
	switch {
	case !isBranch:
		return "Only pushes to a branch are deployed."
	case branch != kept.Branch:
		return "Only the branch " + kept.Branch + " is deployed."
	case told.Push.Deleted():
		return "The branch was deleted."
	}
	return ""
}

// ending is how a delivery ended.
type ending struct {
	answer Answer
	err    error
}

// begin deploys aside, because a git host does not wait for long.
func (i *Inbox) begin(ctx context.Context, name app.Name, told webhook.Delivery, by string) <-chan ending {
	done, mine := make(chan ending, 1), i.queue(name)
	i.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deployTime)
		defer cancel()
		go func() {
			select {
			case <-i.stop:
				cancel()
			case <-ctx.Done():
			}
		}()
		answer, err := i.inTurn(ctx, name, mine, told.Provider, by)
		late := context.WithoutCancel(ctx) // what happened is kept after the end, too
		if settled := i.Ledger.SettleDelivery(late, name, told.Sum, err == nil); settled != nil {
			i.Logger.WarnContext(ctx, "settle delivery of a webhook", "app", name, "error", settled)
		}
		answer, err = i.end(late, name, told, answer, err)
		done <- ending{answer, err}
	})
	return done
}

// follow waits for the end as long as a git host does.
func (i *Inbox) follow(ctx context.Context, name app.Name, done <-chan ending) (Answer, error) {
	timer := time.NewTimer(i.wait)
	defer timer.Stop()
	select {
	case end := <-done:
		return end.answer, end.err
	case <-timer.C:
	case <-ctx.Done():
	}
	return Answer{App: name, Result: Fetching, Reason: "Berth fetches the files. The app's page shows what comes of it."}, nil
}

// turn lets one fetch of an app run at a time.
type turn struct {
	free    chan struct{}
	waiting int
}

// inTurn deploys the tip. One fetch that waits is enough: it brings what is newest by then.
func (i *Inbox) inTurn(ctx context.Context, name app.Name, mine *turn, from webhook.Provider, by string) (Answer, error) {
	if mine == nil {
		return Answer{Result: Ignored, Reason: "A fetch that waits brings this push too."}, nil
	}
	defer i.leave(name)
	select {
	case mine.free <- struct{}{}:
		defer func() { <-mine.free }()
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
	return i.deploy(ctx, name, from, by)
}

// queue returns nil where enough fetches of the app wait.
func (i *Inbox) queue(name app.Name) *turn {
	i.mu.Lock()
	defer i.mu.Unlock()
	mine := i.turns[name]
	if mine == nil {
		mine = &turn{free: make(chan struct{}, 1)}
		i.turns[name] = mine
	}
	if mine.waiting == mostWaits {
		return nil
	}
	mine.waiting++
	return mine
}

func (i *Inbox) leave(name app.Name) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if mine := i.turns[name]; mine.waiting > 1 {
		mine.waiting--
	} else {
		delete(i.turns, name)
	}
}

// deploy fetches the tip of the branch and makes a release of it. It reads the settings again:
// they may have changed while it waited.
func (i *Inbox) deploy(ctx context.Context, name app.Name, from webhook.Provider, by string) (Answer, error) {
	kept, err := i.Ledger.FindWebhook(ctx, name)
	if err != nil {
		return Answer{}, err
	}
	kept.Provider = providerOf(kept, from)
	token, err := i.open(kept.Token, sealedToken, name)
	if err != nil {
		return Answer{}, err
	}
	source := remote.Source{Address: kept.Address, Branch: kept.Branch, Folder: kept.Folder, HostKey: kept.HostKey, Token: token}
	if source.OverSSH() {
		if source.DeployKey, err = i.deployKey(kept); err != nil {
			return Answer{}, err
		}
	}
	known, _ := pack.ParseID(kept.Commit) // none was deployed yet: the zero ID
	release := int64(0)
	commit, err := i.Remotes.Fetch(ctx, source, known, func(ctx context.Context, files remote.Checkout) error {
		made, err := i.Deploy(ctx, Wish{App: name, Commit: files.Commit, Archive: files.Archive, By: by})
		release = made
		return err
	})
	if err != nil {
		return Answer{}, err
	}
	if commit == known {
		return Answer{Result: Ignored, Reason: "The commit " + commit.Short() + " was deployed before."}, nil
	}
	i.begins(ctx, kept, commit, release)
	return Answer{Result: Deployed, Reason: "The commit " + commit.Short() + ".", Release: release}, i.Ledger.SaveWebhookCommit(ctx, name, commit.String(), kept.Provider)
}

// providerOf is of what kind the git host is, as far as that is known.
func providerOf(kept Webhook, from webhook.Provider) webhook.Provider {
	switch from {
	case webhook.GitHub, webhook.Gitea, webhook.GitLab:
		return from
	}
	return cmp.Or(kept.Provider, remote.ProviderAt(kept.Address))
}

// end writes into the history of the app what came of a delivery.
func (i *Inbox) end(ctx context.Context, name app.Name, told webhook.Delivery, answer Answer, err error) (Answer, error) {
	answer.App = name
	if err != nil {
		answer = Answer{App: name, Result: Refused, Reason: problem.Said(err)}
		i.Logger.WarnContext(ctx, "refuse delivery of a webhook", "app", name, "error", err)
	}
	line := Delivery{At: i.now(), Provider: told.Provider, Name: told.Name, Result: answer.Result, Reason: answer.Reason, Release: answer.Release}
	if kept := i.Ledger.AddDelivery(ctx, name, line); kept != nil {
		i.Logger.WarnContext(ctx, "keep delivery of a webhook", "app", name, "error", kept)
	}
	return answer, err
}
