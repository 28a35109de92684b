// Package inbox takes the deliveries of webhooks: it proves each one, has the tip of the
// app's branch deployed, remembers what came of it, and reports that to the git host.
package inbox

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/push/pack"
	"berth/controller/remote"
	"berth/controller/secret"
	"berth/controller/webhook"
)

// What is kept of deliveries.
const (
	KeepDays = 90 // a delivery is known again for so long
	KeepLast = 20 // deliveries that an app's page shows

	sweepEvery = time.Hour
)

// Webhook is how an app is deployed by a git host, as the ledger keeps it.
type Webhook struct {
	App     app.Name
	On      bool
	Address string // of the repository
	Branch  string
	Folder  string
	Token   []byte // sealed; empty without one
	// DeployKey is sealed; empty until the repository was one over SSH. HostKey is the
	// accepted key of the git host then, as remote.ParseHostKey returns it.
	DeployKey []byte
	HostKey   string
	Path      []byte // sealed: the random part of the address of the webhook
	Hash      string // of that part
	Secret    []byte // sealed; never of an empty one
	Commit    string // that was deployed last; empty before the first

	StatusToken []byte           // sealed; empty where nothing is reported
	Provider    webhook.Provider // of the last proven delivery; empty before the first
	Chosen      webhook.Provider // by a person; it counts before Provider
}

// Result is what came of a delivery.
type Result string

// The results.
const (
	Deployed Result = "deployed" // a release was made
	Ignored  Result = "ignored"  // nothing had to be done
	Refused  Result = "refused"
	Fetching Result = "fetching" // the files are still being fetched
)

// Delivery is one line of the history that an app's page shows.
type Delivery struct {
	At       time.Time
	Provider webhook.Provider // empty where the sender is not proven
	Name     string           // as the git host calls it
	Result   Result
	Reason   string
	Release  int64 // 0 without one
}

// Ledger keeps webhooks and their deliveries.
type Ledger interface {
	// FindWebhook and FindWebhookAt return problem.ErrNotFound where there is none.
	FindWebhook(context.Context, app.Name) (Webhook, error)
	FindWebhookAt(ctx context.Context, hash string) (Webhook, error)
	SaveWebhook(context.Context, Webhook) error
	SaveWebhookCommit(ctx context.Context, name app.Name, commit string, provider webhook.Provider) error

	// ClaimDelivery reports false for a delivery that was claimed before. SettleDelivery
	// remembers it for good, or gives it back, so that it may come again.
	ClaimDelivery(ctx context.Context, name app.Name, sum string, at time.Time) (bool, error)
	SettleDelivery(ctx context.Context, name app.Name, sum string, done bool) error
	// FreeDeliveries gives back what nobody settled, because Berth ended meanwhile.
	FreeDeliveries(context.Context) error
	ForgetDeliveries(ctx context.Context, before time.Time) error

	// AddDelivery keeps the last KeepLast of an app.
	AddDelivery(context.Context, app.Name, Delivery) error
	ListDeliveries(context.Context, app.Name) ([]Delivery, error)

	AddReport(context.Context, Report) error
	ListDueReports(ctx context.Context, now time.Time) ([]Report, error)
	MarkReport(context.Context, Report) error
	// FindLastReport returns the zero Report where the app has none.
	FindLastReport(context.Context, app.Name) (Report, error)
}

// Remotes fetch the tip of a branch, and tell what became of a commit.
type Remotes interface {
	// HostKey is the key that the git host of a source over SSH shows.
	HostKey(ctx context.Context, source remote.Source) (string, error)
	Tell(ctx context.Context, source remote.Source, status remote.Status) error
	Fetch(ctx context.Context, source remote.Source, known pack.ID, take func(context.Context, remote.Checkout) error) (pack.ID, error)
}

// Wish is what a delivery is to become.
type Wish struct {
	App     app.Name
	Commit  pack.ID
	Archive io.Reader
	By      string // who asked for it; empty: the git host
}

// Deploy makes a release of a wish, and returns its number. It does not wait for its end.
type Deploy func(context.Context, Wish) (release int64, err error)

// Options are what an Inbox needs. All fields but BaseURL are required.
type Options struct {
	Ledger  Ledger
	Remotes Remotes
	Deploy  Deploy
	Key     secret.Key
	Stack   string // tells the reports of this server from those of others
	BaseURL string // of the admin app, for links; empty: not known
	Logger  *slog.Logger
}

// Inbox takes deliveries. It is safe for concurrent use.
type Inbox struct {
	Options

	now  func() time.Time
	wait time.Duration // for the files, before the answer

	mu    sync.Mutex
	turns map[app.Name]*turn
	work  sync.WaitGroup
	stop  chan struct{}
}

// New returns an Inbox. It starts nothing.
func New(o Options) *Inbox {
	return &Inbox{Options: o, now: time.Now, wait: answerTime, turns: map[app.Name]*turn{}, stop: make(chan struct{})}
}

// Run reports to git hosts and forgets old deliveries until ctx ends. Then it ends the fetches
// that are under way.
func (i *Inbox) Run(ctx context.Context) error {
	defer i.work.Wait()
	defer close(i.stop)
	if err := i.Ledger.FreeDeliveries(ctx); err != nil && ctx.Err() == nil {
		i.Logger.WarnContext(ctx, "free deliveries of webhooks", "error", err)
	}
	i.work.Go(func() { i.runReports(ctx) })
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := i.Ledger.ForgetDeliveries(ctx, i.now().AddDate(0, 0, -KeepDays)); err != nil && ctx.Err() == nil {
			i.Logger.WarnContext(ctx, "forget deliveries of webhooks", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Deliveries are the last ones of an app, the newest first.
func (i *Inbox) Deliveries(ctx context.Context, name app.Name) ([]Delivery, error) {
	return i.Ledger.ListDeliveries(ctx, name)
}
