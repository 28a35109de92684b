package disks

import (
	"context"
	"errors"

	"berth/controller/app"
)

// lookImages counts the images of releases: those that app.Superfluous names are free.
func (d *Disks) lookImages(ctx context.Context, item *Item) error {
	owned, err := d.Engine.OwnedImages(ctx)
	if err != nil {
		return err
	}
	old, err := d.oldImages(ctx)
	if err != nil {
		return err
	}
	for _, image := range owned {
		if image.App != "" {
			item.add(app.Name(image.App), image.Bytes, old[image.ID])
		}
	}
	item.sort()
	return nil
}

// oldImages are the ids of the images that no release is to keep.
func (d *Disks) oldImages(ctx context.Context) (map[string]bool, error) {
	all := make(map[string]bool)
	return all, d.eachApp(ctx, func(old, kept map[string]bool) {
		for image := range old {
			all[image] = all[image] || !kept[image]
		}
	})
}

// eachApp gives the images of each app to do: those of old releases, and those of kept ones.
func (d *Disks) eachApp(ctx context.Context, do func(old, kept map[string]bool)) error {
	apps, err := d.Ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	keep := d.rules.Releases(ctx)
	for _, found := range apps {
		releases, err := d.Ledger.ListRunnable(ctx, found.Name)
		if err != nil {
			return err
		}
		superfluous, kept := app.Superfluous(releases, keep)
		old := make(map[string]bool)
		for _, release := range superfluous {
			for _, image := range release.Images() {
				old[image] = true
			}
		}
		do(old, kept)
	}
	return nil
}

// cleanImages removes the old images of every app. One app's failure stops no other.
func (d *Disks) cleanImages(ctx context.Context) error {
	apps, err := d.Ledger.ListApps(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, found := range apps {
		errs = append(errs, d.Releases.RemoveOldImages(ctx, found.Name))
	}
	return errors.Join(errs...)
}

// lookHelpers counts the images in which Berth's helpers run.
func (d *Disks) lookHelpers(ctx context.Context, item *Item) error {
	owned, err := d.Engine.OwnedImages(ctx)
	if err != nil {
		return err
	}
	for _, image := range owned {
		if image.App == "" {
			item.add("", image.Bytes, false)
		}
	}
	return nil
}

// lookContainers counts the containers of the stack's apps and of its helpers.
func (d *Disks) lookContainers(ctx context.Context, item *Item) error {
	instances, err := d.Engine.Instances(ctx)
	if err != nil {
		return err
	}
	for _, instance := range instances {
		item.add(app.Name(instance.App), 0, false)
	}
	item.sort()
	return nil
}

// lookVolumes counts the volumes that no app mounts.
func (d *Disks) lookVolumes(ctx context.Context, item *Item) error {
	views, err := d.Volumes.List(ctx)
	if err != nil {
		return err
	}
	for _, view := range views {
		if len(view.Users) == 0 {
			item.add("", view.Usage.Stored, false)
			item.Names = append(item.Names, string(view.Name))
		}
	}
	return nil
}
