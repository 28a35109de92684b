package release

import (
	"context"
	"fmt"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// The ladder of a release: each step is a method of the value that the step before
// returns. Only that step makes the value, so no step can be left out or moved. A new
// step gets a type here and its place in run.
type (
	// queued is a release that may begin; begin makes it.
	queued struct{ *shipment }
	// images are there for all services; obtainImages makes them.
	images struct{ *planned }
	// instances run, or have ended well; start makes them.
	instances struct{ images }
	// proof says that the release works through the proxy; verify makes it.
	proof struct{ instances }
	// promoted is a release that the ledger calls live; promote makes it.
	promoted struct {
		*shipment
		table  traefik.Table // of the same transaction
		unlock func()        // the app, once publish is done
	}
)

func (s *shipment) run(ctx context.Context) error {
	queued, err := s.begin(ctx)
	if err != nil {
		return err
	}
	images, err := queued.obtainImages(ctx)
	if err != nil {
		return err
	}
	instances, err := images.start(ctx)
	if err != nil {
		return err
	}
	proof, err := instances.verify(ctx)
	if err != nil {
		return err
	}
	promoted, err := proof.promote(ctx)
	if err != nil {
		return err
	}
	promoted.publish(ctx)
	return nil
}

// begin finds the app and its live release.
func (s *shipment) begin(ctx context.Context) (_ queued, err error) {
	if err := s.resume(ctx); err != nil {
		return queued{}, err
	}
	if s.app, err = s.history.FindApp(ctx, s.release.App); err != nil {
		return queued{}, err
	}
	if s.app.Live != 0 {
		if s.former, err = s.ledger.FindRelease(ctx, app.ReleaseID{App: s.app.Name, Number: s.app.Live}); err != nil {
			return queued{}, err
		}
	}
	return queued{s}, nil
}

// resume refuses a release that Berth has been ended with again and again: it may be
// what ends it.
func (s *shipment) resume(ctx context.Context) error {
	if s.release.State == app.ReleaseQueued {
		return nil // this is its first time
	}
	count, err := s.ledger.CountResumption(ctx, s.release.ReleaseID)
	if err != nil || count <= mostResumptions {
		return err
	}
	return problem.Unavailable(
		fmt.Sprintf("Berth ended %d times while this release was under way.", count),
		"See in the log of Berth and of the machine why, such as no memory, before you deploy it again.",
	)
}
