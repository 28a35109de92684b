package disks

import (
	"context"
	"errors"
	"fmt"

	"berth/controller/docker"
	"berth/controller/retention"
)

// Pulled is what is asked of an engine about images of registries.
type Pulled interface {
	EngineID(context.Context) (string, error)
	// FindRegistryImage is docker.ErrNotFound for what is there no more.
	FindRegistryImage(ctx context.Context, id, reference string) (docker.Pulled, error)
	// RemoveRegistryImage reports false where something holds the image.
	RemoveRegistryImage(ctx context.Context, id string) (removed bool, err error)
	PruneBuildCache(ctx context.Context, hours int, keep int64) (records, bytes int64, err error)
}

func pulledItem(rules retention.Rules) Item {
	rule := "They stay for ever. Images that Berth did not pull are not counted, and never removed."
	if rules.PulledDays > 0 {
		rule = fmt.Sprintf(
			"An image that no release needs any more stays for %d days after its last use. One that a container uses, or that has a second name, always stays. Images that Berth did not pull are not counted, and never removed.", rules.PulledDays)
	}
	return Item{Kind: KindPulled, Title: "Pulled images", Unit: "images", Rule: rule}
}

// eachPulled gives each image that the engine pulled for Berth to do, and says whether the
// rules let it go.
func (d *Disks) eachPulled(ctx context.Context, rules retention.Rules, do func(engine string, pull Pull, image docker.Pulled, free bool) error) error {
	engine, err := d.Engine.EngineID(ctx)
	if err != nil {
		return err
	}
	pulls, err := d.Pulls(ctx, engine)
	if err != nil || len(pulls) == 0 {
		return err
	}
	needed, err := d.neededImages(ctx)
	if err != nil {
		return err
	}
	before := d.daysAgo(rules.PulledDays)
	var errs []error
	for _, pull := range pulls {
		image, err := d.Engine.FindRegistryImage(ctx, pull.Image, pull.Reference)
		if err != nil && !errors.Is(err, docker.ErrNotFound) {
			return errors.Join(append(errs, err)...)
		}
		free := pull.Used.Before(before) && !needed[pull.Image] && !image.Shared
		errs = append(errs, do(engine, pull, image, free))
	}
	return errors.Join(errs...)
}

// neededImages are the IDs of the images of all releases that the rules keep.
func (d *Disks) neededImages(ctx context.Context) (map[string]bool, error) {
	needed := make(map[string]bool)
	return needed, d.eachApp(ctx, func(_, kept map[string]bool) {
		for image := range kept {
			needed[image] = true
		}
	})
}

// lookPulled counts the images that the engine has.
func (d *Disks) lookPulled(ctx context.Context, rules retention.Rules, item *Item) error {
	return d.eachPulled(ctx, rules, func(_ string, _ Pull, image docker.Pulled, free bool) error {
		if image.ID != "" {
			item.add("", image.Bytes, free)
		}
		return nil
	})
}

// cleanPulled removes the images that the rules let go, and forgets those that are gone. The
// engine keeps what a container began to use meanwhile.
func (d *Disks) cleanPulled(ctx context.Context, rules retention.Rules) error {
	return d.eachPulled(ctx, rules, func(engine string, pull Pull, image docker.Pulled, free bool) error {
		gone := image.ID == ""
		if !gone && free {
			removed, err := d.Engine.RemoveRegistryImage(ctx, pull.Image)
			if err != nil {
				return err
			}
			gone = removed
		}
		if !gone {
			return nil
		}
		return d.Ledger.ForgetPull(ctx, engine, pull.Image)
	})
}
