package collect

import (
	"context"

	"berth/controller/metrics"
	"berth/controller/volume"
)

// takeDisks takes how much each app has in its volumes, as far as they were counted.
func (c *Collector) takeDisks(ctx context.Context, taken readings) {
	apps, _, err := c.options.Ledger.ListOverview(ctx)
	if err != nil {
		c.options.Logger.Warn("list apps to measure their volumes", "error", err)
		return
	}
	for _, found := range apps {
		seen := make(map[volume.Name]bool, len(found.Mounts))
		for _, mount := range found.Mounts {
			bytes, known := c.options.Disks.Counted(mount.Volume)
			if known && !seen[mount.Volume] {
				seen[mount.Volume] = true
				taken.add(metrics.App(string(found.Name)), metrics.DiskUsed, float64(bytes))
			}
		}
	}
}
