package release

import (
	"context"
	"errors"
	"slices"
	"time"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/docker"
	"berth/controller/problem"
)

// fail undoes what a release that did not become live has begun, and records why:
// in this order, as until it is recorded no other release of the app begins, and a
// process that is killed in between leaves it under way for the next one to clear.
// When the controller itself is stopping, the release stays under way and is
// resumed at the next start.
func (s *shipment) fail(ctx context.Context, cause error) {
	defer s.leave(ctx)
	if s.running.Err() != nil {
		s.log.Say("interrupted, because Berth stops; it is resumed at the next start")
		if len(s.stopped) > 0 {
			s.standBack(context.WithoutCancel(ctx))
		}
		return
	}
	state, reason, hint, remedy := s.explain(ctx, cause)
	ctx = context.WithoutCancel(ctx)
	s.log.Say("%s: %s %s", state, reason, hint)
	s.logger.Warn("release did not become live", "release", s.release.String(), "state", state,
		"error", s.environment.Mask.Apply(cause.Error()))

	s.undo(ctx)
	if err := s.ledger.UpdateRemedy(ctx, s.release.ReleaseID, remedy); err != nil {
		s.logger.Warn("record remedy", "release", s.release.String(), "error", err) // the reason stands without it
	}
	if err := s.finish(ctx, s.release.ReleaseID, state, reason, hint); err != nil {
		s.logger.Error("record failed release", "release", s.release.String(), "error", err)
		s.unrecorded = true
	}
	s.recordEnd(ctx, state)
	if err := s.keepArchive(ctx); err != nil {
		s.logger.Warn("forget archives", "release", s.release.String(), "error", err)
	}
	if err := s.routes.Publish(ctx); err != nil {
		s.requestReconcile()
	}
}

// keepArchive keeps the archive of the release for another try, in place of what was kept
// of earlier ones. One that ran another release again needs none of its own.
func (s *shipment) keepArchive(ctx context.Context) error {
	unlock, err := s.apps.Lock(ctx, s.release.App)
	if err != nil {
		return err
	}
	defer unlock()
	if s.release.RerunOf != 0 {
		if err := s.forgetArchive(ctx, s.release, false); err != nil {
			return err
		}
	}
	return s.forgetArchives(ctx, s.release.App)
}

// undo removes what the release has made, and lets the live one go on.
func (s *shipment) undo(ctx context.Context) {
	s.standBack(ctx)
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if s.release.Network() != 0 {
		if err := s.engine.RemoveNetwork(ctx, string(s.release.App), s.release.Number); err != nil {
			s.logger.Warn("remove network of failed release", "release", s.release.String(), "error", err)
		}
	}
	s.removeImages(ctx)
}

// standBack removes the release's own instances, gives volumes back, and starts what
// stood still for it. Where one cannot be removed nothing is started: both might write
// into one volume. The reconciler tries again.
func (s *shipment) standBack(ctx context.Context) {
	err := s.retireOwn(ctx)
	s.giveBack(ctx)
	if err == nil {
		s.restore(ctx)
	}
}

func (s *shipment) retireOwn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	var errs []error
	for _, run := range s.release.Services {
		grace := time.Duration(0)
		if len(run.Written(s.release)) > 0 {
			grace = app.StopGrace // it may be in the middle of writing
		}
		for _, name := range s.ownInstances(run) {
			if err := s.engine.Retire(ctx, name, grace); err != nil {
				s.logger.Error("retire instance of a release that does not become live", "instance", name, "error", err)
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// ownInstances are those of a service that no earlier release has started.
func (s *shipment) ownInstances(run app.ServiceRun) []string {
	if run.KeptFrom != 0 {
		return nil // also where it is not known yet what is live
	}
	return without(run.Instances, s.former.Instances)
}

// removeImages removes what was built for a release that failed, unless another one
// has it too: of a rollback, or of an archive that was built before.
func (s *shipment) removeImages(ctx context.Context) {
	images := slices.Concat(s.built, without(s.release.Images(), s.built))
	if len(images) == 0 {
		return
	}
	others, err := s.history.ListRunnable(ctx, s.release.App)
	if err != nil {
		s.logger.Warn("remove images of failed release", "release", s.release.String(), "error", err)
		return
	}
	for _, other := range others {
		if other.Number != s.release.Number {
			images = without(images, other.Images())
		}
	}
	for _, image := range images {
		if err := s.images.RemoveImage(ctx, image); err != nil && !errors.Is(err, docker.ErrNotFound) {
			s.logger.Warn("remove image of failed release", "release", s.release.String(), "error", err)
		}
	}
}

// without returns the names that are not among the others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// recordEnd writes how the release ended into the audit log. Why it failed stays
// in the release: it may quote what the app has printed.
func (s *shipment) recordEnd(ctx context.Context, state app.ReleaseState) {
	event := audit.Event{
		Action: audit.ActionReleaseLive, Resource: "release " + s.release.String(), Success: true, Account: s.release.CreatedBy,
	}
	if state != app.ReleaseLive {
		event.Action, event.Success = audit.ActionReleaseFailed, false
	}
	if state == app.ReleaseCancelled {
		event.Detail = "cancelled"
	}
	s.audit.Record(ctx, event)
}

// explain says in words how the release ended. What a build or the app has printed
// may be part of it.
func (s *shipment) explain(ctx context.Context, cause error) (state app.ReleaseState, reason, hint string, remedy problem.Remedy) {
	if errors.Is(context.Cause(ctx), errCancelled) {
		return app.ReleaseCancelled, "Cancelled by a person.", "", problem.Remedy{}
	}
	problem := s.diagnose(cause)
	mask := s.environment.Mask
	return app.ReleaseFailed, mask.Apply(problem.Message), mask.Apply(problem.Hint), problem.Remedy.With(problem.Faults, mask.Apply)
}

func (c *Shipper) finish(ctx context.Context, id app.ReleaseID, state app.ReleaseState, reason, hint string) error {
	err := c.ledger.Finish(ctx, id, state, reason, hint, time.Now())
	c.notify(id.App)
	return err
}
