// Package revival makes the images of apps again that the engine does not have, when a server starts.
package revival

import (
	"context"
	"log/slog"

	"berth/controller/app"
)

// Ledger lists the apps.
type Ledger interface {
	ListApps(context.Context) ([]app.App, error)
}

// Story makes the images of an app again, where the engine lost them.
type Story interface {
	Rebuild(ctx context.Context, name app.Name, by string) (app.Release, error)
}

// Revival is the work of one start. After a restore, the machine has the ledger and the
// archives, and no image.
type Revival struct {
	ledger Ledger
	story  Story
	logger *slog.Logger
}

// New returns a Revival that has begun nothing.
func New(ledger Ledger, story Story, logger *slog.Logger) *Revival {
	return &Revival{ledger, story, logger}
}

// Run asks for the images of each app once. What fails is logged, and the next start
// tries it again.
func (r *Revival) Run(ctx context.Context) error {
	apps, err := r.ledger.ListApps(ctx)
	if err != nil {
		r.logger.Warn("list apps", "error", err)
		return nil
	}
	for _, found := range apps {
		r.revive(ctx, found.Name)
	}
	return nil
}

func (r *Revival) revive(ctx context.Context, name app.Name) {
	release, err := r.story.Rebuild(ctx, name, app.Berth)
	switch {
	case ctx.Err() != nil: // the server stops
	case err != nil:
		r.logger.Warn("build lost images again", "app", string(name), "error", err)
	case release.Number != 0:
		r.logger.Info("building lost images again", "release", release.String())
	}
}
