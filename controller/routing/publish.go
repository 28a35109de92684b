package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// ConfirmTimeout is how long the proxy may take to show what was published.
const ConfirmTimeout = 15 * time.Second

// confirmAttempt is how long a table is waited for before it is read anew.
const confirmAttempt = 3 * time.Second

var (
	// ErrProxySilent says that the proxy has not shown in time what was published.
	ErrProxySilent = errors.New("the proxy did not confirm the route")
	// ErrNotInTable says that the table has nothing for a release.
	ErrNotInTable = fmt.Errorf("%w in the route table", problem.ErrNotFound)
)

// Publish writes the route table as the ledger has it now to where the proxy reads it.
func (r *Routes) Publish(ctx context.Context) error {
	_, err := r.publishNow(ctx)
	return err
}

// publishNow is Publish, and returns what it published.
func (r *Routes) publishNow(ctx context.Context) (traefik.Table, error) {
	// Reading and writing are one step: a table read earlier must never be
	// written after one read later.
	r.publishing.Lock()
	defer r.publishing.Unlock()
	table, err := r.table(ctx)
	if err != nil {
		return traefik.Table{}, err
	}
	return table, r.publishTable(table)
}

// table is the route table as the ledger has it now.
func (r *Routes) table(ctx context.Context) (traefik.Table, error) {
	table, err := r.ledger.Table(ctx)
	if err != nil {
		return traefik.Table{}, err
	}
	return r.secured(ctx, r.tableOf(table))
}

// secured adds how the hosts of the table are served.
func (r *Routes) secured(ctx context.Context, table traefik.Table) (traefik.Table, error) {
	if r.domains == nil {
		return table, nil
	}
	table, err := r.domains.Secure(ctx, table)
	if err != nil {
		return table, fmt.Errorf("decide about certificates: %w", err)
	}
	return table, nil
}

// publishTable writes the table; the caller holds publishing.
func (r *Routes) publishTable(table traefik.Table) error {
	configuration, err := traefik.Generate(table)
	if err != nil {
		return fmt.Errorf("generate proxy configuration: %w", err)
	}
	if _, err := r.publisher.Publish(configuration); err != nil {
		return fmt.Errorf("publish proxy configuration: %w", err)
	}
	return nil
}

// Commit publishes and returns the table that commit returns. No other table is read
// from before commit until this one is written. Where commit succeeds, so does Commit: a
// table that cannot be written is the reconciler's to repeat, because the truth stands.
func (r *Routes) Commit(ctx context.Context, id app.ReleaseID, commit func(context.Context) (app.Table, error)) (traefik.Table, error) {
	r.publishing.Lock()
	defer r.publishing.Unlock()
	committed, err := commit(ctx)
	if err != nil {
		return traefik.Table{}, err
	}
	r.replaced.set([]app.Name{id.App}, false)
	table, err := r.secured(ctx, r.tableOf(committed))
	if err == nil {
		err = r.publishTable(table)
	}
	if err != nil {
		r.logger.Error("publish promoted release", "release", id.String(), "error", err)
		r.reconcile()
	}
	return table, nil
}

// PublishAndConfirm publishes the table and waits until the proxy shows what it
// has for the release. ErrNotInTable where it has nothing.
func (r *Routes) PublishAndConfirm(ctx context.Context, id app.ReleaseID) error {
	table, err := r.publishNow(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, ConfirmTimeout, ErrProxySilent)
	defer cancel()
	return r.Confirm(ctx, table, id)
}

// Confirm waits until the proxy shows what the table has for the release.
// ErrNotInTable where it has nothing.
func (r *Routes) Confirm(ctx context.Context, table traefik.Table, id app.ReleaseID) error {
	part, found := table.Only(string(id.App), id.Number)
	if !found {
		return fmt.Errorf("confirm %s: %w", id, ErrNotInTable)
	}
	if err := r.proxy.Confirm(ctx, part); err != nil {
		return fmt.Errorf("%w: %w", ErrProxySilent, err)
	}
	return nil
}

// publishAll publishes the table and waits until the proxy shows all of it. What
// others publish meanwhile is waited for too.
func (r *Routes) publishAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), ConfirmTimeout, ErrProxySilent)
	defer cancel()
	for {
		table, err := r.publishNow(ctx)
		if err != nil {
			r.reconcile()
			return err
		}
		attempt, stop := context.WithTimeout(ctx, confirmAttempt)
		err = r.proxy.ConfirmAll(attempt, table)
		stop()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			r.reconcile()
			return problem.Unavailable(
				"It is saved, and the proxy has not confirmed it yet.",
				"Berth keeps trying; see on the dashboard whether the proxy runs.",
			).Because(err)
		}
	}
}

// ConfirmAll waits until the proxy shows the whole table.
func (r *Routes) ConfirmAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ConfirmTimeout)
	defer cancel()
	table, err := r.table(ctx)
	if err != nil {
		return err
	}
	return r.proxy.ConfirmAll(ctx, table)
}

// tableOf is the table as the proxy understands it.
func (r *Routes) tableOf(table app.Table) traefik.Table {
	targets := make([]traefik.Target, 0, len(table.Routings))
	for _, routing := range table.Routings {
		if r.pages == "" && !routing.Proving {
			routing.Routes = answered(routing)
		}
		if r.pages == "" && (routing.Unavailable || len(routing.Routes) == 0) {
			continue // nobody could show the page
		}
		target := TargetOf(routing)
		target.Replaced = !routing.Proving && r.replaced.has(routing.App)
		targets = append(targets, target)
	}
	made := traefik.Table{
		Targets: targets, Redirects: table.Redirects, Beacon: r.beacon, Pages: r.pages, Unknown: r.pages != "",
		Admin: r.admin,
	}
	r.addDerived(&made)
	made.Home = homeOf(table)
	made.Forwards = r.forwards(table)
	r.withoutReserved(&made)
	return made
}

// answered are the routes that lead to a service.
func answered(routing app.Routing) []traefik.Route {
	return slices.DeleteFunc(slices.Clone(routing.Routes), func(route traefik.Route) bool {
		address, elsewhere := routing.Leads[route]
		return elsewhere && address == ""
	})
}

// homeOf is where "/" leads: nowhere while no app has the chosen route.
func homeOf(table app.Table) traefik.Route {
	for _, routing := range table.Routings {
		if !routing.Proving && table.Home.Path != "" && slices.Contains(routing.Routes, table.Home) {
			return table.Home
		}
	}
	return traefik.Route{}
}

// TargetOf is a line of the table as the proxy understands it.
func TargetOf(r app.Routing) traefik.Target {
	return traefik.Target{
		App: string(r.App), Release: r.Release, Routes: r.Routes, Address: r.Address, Scheme: r.Scheme, Proving: r.Proving,
		Access: r.Access, Unavailable: r.Unavailable, Leads: r.Leads, Site: r.Site, Moved: r.Moved,
	}
}
