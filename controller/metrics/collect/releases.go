package collect

import (
	"context"

	"berth/controller/app"
	"berth/controller/metrics"
)

// takeReleases takes how many releases wait or are under way, and how long those took that
// have ended since the round before.
func (c *Collector) takeReleases(ctx context.Context, taken readings) error {
	releases, err := c.options.Ledger.ListUnderWay(ctx)
	if err != nil {
		return err
	}
	taken.of(metrics.Server).Set(metrics.Queue, float64(len(releases)))
	now := make(map[app.ReleaseID]bool, len(releases))
	for _, release := range releases {
		now[release.ReleaseID] = true
	}
	for id := range c.underWay {
		if !now[id] {
			c.takeEnded(ctx, taken, id)
		}
	}
	c.underWay = now
	return nil
}

func (c *Collector) takeEnded(ctx context.Context, taken readings, id app.ReleaseID) {
	ended, err := c.options.Ledger.FindRelease(ctx, id)
	if err != nil || ended.FinishedAt.IsZero() || ended.FinishedAt.Before(ended.CreatedAt) {
		return // its app is gone
	}
	took := ended.FinishedAt.Sub(ended.CreatedAt).Seconds()
	taken.of(metrics.App(string(id.App))).Set(metrics.BuildTime, took)
	taken.of(metrics.Server).Set(metrics.BuildTime, took)
}
