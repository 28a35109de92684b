package disks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/retention"
)

// Kind names what grows; scripts know these words.
type Kind string

// The kinds.
const (
	KindImages     Kind = "images"
	KindPulled     Kind = "pulled_images"
	KindBuildCache Kind = "build_cache"
	KindLogs       Kind = "logs"
	KindOutput     Kind = "output"
	KindAppLogs    Kind = "app_logs"
	KindUploads    Kind = "uploads"
	KindPushes     Kind = "pushes"
	KindAudit      Kind = "audit"
	KindEvents     Kind = "events"
	KindSessions   Kind = "sessions"
	KindRefusals   Kind = "refusals"
	KindHostChecks Kind = "host_checks"
	KindMetrics    Kind = "metrics"
	KindContainers Kind = "containers"
	KindHelpers    Kind = "helper_images"
	KindVolumes    Kind = "volumes"
)

// Amount is how much there is of something.
type Amount struct {
	Count int64
	Bytes int64 // zero where only the number is known
}

func (a *Amount) add(bytes int64) {
	a.Count++
	a.Bytes += bytes
}

// Share is the part of one app.
type Share struct {
	App        app.Name
	Used, Free Amount
}

// Item is one kind of what grows.
type Item struct {
	Kind  Kind
	Title string
	Rule  string // what is kept, and who removes the rest: one sentence or two
	Unit  string // of Count, such as "images"

	Used      Amount
	Free      Amount // what a clean-up would remove
	Apps      []Share
	Names     []string // of things that a person may remove; else empty
	Uncounted bool     // it could not be counted now, or the engine does not tell
}

// share returns the part of an app, which it makes if needed.
func (i *Item) share(name app.Name) *Share {
	for at := range i.Apps {
		if i.Apps[at].App == name {
			return &i.Apps[at]
		}
	}
	i.Apps = append(i.Apps, Share{App: name})
	return &i.Apps[len(i.Apps)-1]
}

// add counts one thing, of an app if it has one.
func (i *Item) add(name app.Name, bytes int64, free bool) {
	i.Used.add(bytes)
	if free {
		i.Free.add(bytes)
	}
	if name == "" {
		return
	}
	share := i.share(name)
	share.Used.add(bytes)
	if free {
		share.Free.add(bytes)
	}
}

// sort puts the largest app first.
func (i *Item) sort() {
	slices.SortFunc(i.Apps, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Used.Bytes, a.Used.Bytes), cmp.Compare(a.App, b.App))
	})
}

// kind is one kind with what counts and cleans it.
type kind struct {
	item  Item
	look  func(context.Context, *Item) error
	clean func(context.Context) error // nil: a clean-up removes nothing of it
	// prune is clean for what cannot be counted: it says itself what it removed.
	prune func(context.Context) (Amount, error)
}

// kinds are all kinds in the order in which they are shown and cleaned.
func (d *Disks) kinds(rules retention.Rules) []kind {
	images := Item{Kind: KindImages, Title: "Images of releases", Unit: "images", Rule: fmt.Sprintf(
		"The images of the newest %d releases of each app stay, for rollbacks. Layers that images share are counted with each.", rules.Releases)}
	logs := Item{Kind: KindLogs, Title: "Build and release logs", Unit: "logs", Rule: keptFor(rules.LogDays) + " The log of each app's newest release always stays. One log takes 32 MB at most."}
	printed := Item{Kind: KindAppLogs, Title: "Logs of apps", Unit: "apps", Rule: keptFor(rules.OutputDays) + " 256 MB of each app at most, and 2 GB of all. They hold what apps print and the requests to them, over all releases."}
	audited := Item{Kind: KindAudit, Title: "Audit log", Unit: "entries", Rule: keptFor(rules.AuditDays) + " The rest still verifies."}
	happened := Item{Kind: KindEvents, Title: "Events", Unit: "events", Rule: keptFor(rules.EventDays) + " Of more than 200,000 the oldest are removed."}
	return []kind{
		{item: images, look: d.lookImages, clean: d.cleanImages},
		{item: pulledItem(rules), look: func(ctx context.Context, item *Item) error { return d.lookPulled(ctx, rules, item) }, clean: func(ctx context.Context) error { return d.cleanPulled(ctx, rules) }},
		{item: cacheItem(rules), look: uncounted, prune: d.pruneCache(rules)},
		{item: logs, look: func(_ context.Context, item *Item) error { return d.eachLog(rules, item, nil) }, clean: func(context.Context) error { return d.cleanLogs(rules) }},
		{item: Item{Kind: KindOutput, Title: "Output in the engine", Rule: "The engine keeps the last 30 MB of each container, and removes them with it."}, look: uncounted},
		{item: printed, look: d.lookAppLogs, clean: func(ctx context.Context) error { return d.Logs.Sweep(ctx) }},
		{item: Item{Kind: KindUploads, Title: "Uploads and held archives", Unit: "files", Rule: "The archives of live and failed releases and of those that can be run again stay, for new settings, retries and restores. A held archive is removed after 15 minutes, and what a crash left within a minute."}, look: d.lookUploads},
		{item: Item{Kind: KindPushes, Title: "Git pushes", Unit: "repositories", Rule: "What git need not send again. It is kept for 30 days after the last push of an app, and for 4 GB in all. The next push is a whole one then."}, look: d.lookPushes},
		{item: audited, look: func(ctx context.Context, item *Item) error { return d.lookAudit(ctx, rules, item) }, clean: func(ctx context.Context) error { return d.cleanAudit(ctx, rules) }},
		{item: happened, look: func(ctx context.Context, item *Item) error { return d.lookEvents(ctx, rules, item) }, clean: func(ctx context.Context) error { return d.Events.DeleteEvents(ctx, d.daysAgo(rules.EventDays)) }},
		{item: Item{Kind: KindSessions, Title: "Sessions", Unit: "sessions", Rule: "A session is removed within an hour of its end."}, look: d.lookRows(func(r Rows) int64 { return r.Sessions }), clean: d.Sweep},
		{item: Item{Kind: KindRefusals, Title: "Counts of refused requests", Unit: "hours", Rule: "They are kept for 2 days."}, look: d.lookRows(func(r Rows) int64 { return r.Refusals })},
		{item: Item{Kind: KindHostChecks, Title: "Checks of domains and certificates", Unit: "checks", Rule: "They are kept for 30 days."}, look: d.lookRows(func(r Rows) int64 { return r.HostChecks })},
		{item: Item{Kind: KindMetrics, Title: "Metrics", Unit: "files", Rule: "An hour is kept by 15 seconds, a day by the minute, a month by 10 minutes, and a year by 2 hours; 1 GB at most."}, look: d.lookMetrics},
		{item: Item{Kind: KindContainers, Title: "Containers", Unit: "containers", Rule: "A container that no release has any more, dead or alive, is removed within a minute, with its network and its secrets."}, look: d.lookContainers},
		{item: Item{Kind: KindHelpers, Title: "Images of helpers", Unit: "images", Rule: "One stays. A new version of Berth removes the old one."}, look: d.lookHelpers},
		{item: Item{Kind: KindVolumes, Title: "Volumes without an app", Unit: "volumes", Rule: "They are never removed by themselves: they hold data. Delete them on the page Volumes."}, look: d.lookVolumes},
	}
}

func uncounted(_ context.Context, item *Item) error {
	item.Uncounted = true
	return nil
}

func keptFor(days int) string {
	if days == 0 {
		return "It is kept for ever."
	}
	return fmt.Sprintf("It is kept for %d days.", days)
}

// daysAgo is when something is too old for a rule; the zero time for a rule that keeps it
// for ever.
func (d *Disks) daysAgo(days int) time.Time {
	if days == 0 {
		return time.Time{}
	}
	return d.now().AddDate(0, 0, -days)
}
