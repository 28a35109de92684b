package release

import (
	"context"
	"errors"

	"berth/controller/app"
	"berth/controller/problem"
)

// forgetArchives forgets the archives of an app that nobody needs any more, and removes
// their files. What stays is of what is under way, of the live release and those that can
// be rolled back to, which another server builds again from a backup, and of the newest
// release that did not become live, until a later one does. The app's lock is held, so that none of them is tried
// again meanwhile.
func (c *Shipper) forgetArchives(ctx context.Context, name app.Name) error {
	releases, err := c.history.ListReleases(ctx, name)
	if err != nil {
		return problem.IgnoreMissing(err)
	}
	kept, settled := make(map[string]bool), false
	var old []app.Release
	for _, release := range releases { // the newest first
		if release.Archive == "" {
			settled = settled || release.State == app.ReleaseLive
			continue
		}
		switch release.State {
		case app.ReleaseFailed, app.ReleaseCancelled:
			if settled {
				old = append(old, release)
				continue
			}
			settled = true
		case app.ReleaseLive:
			settled = true
		case app.ReleaseSuperseded:
			if release.Image == "" {
				old = append(old, release)
				continue
			}
		}
		kept[release.Archive] = true
	}
	var errs []error
	for _, release := range old {
		errs = append(errs, c.forgetArchive(ctx, release, !kept[release.Archive]))
	}
	return errors.Join(errs...)
}
