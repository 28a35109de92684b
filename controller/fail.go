package controller

import (
	"context"
	"errors"
	"slices"
	"time"

	"berth/controller/docker"
)

// fail cleans up after a release that did not become live, and records why.
// When the controller itself is stopping, the release stays under way and is
// resumed at the next start.
func (s *shipment) fail(ctx context.Context, cause error) {
	if s.running.Err() != nil {
		s.log.say("interrupted, because Berth stops; it is resumed at the next start")
		s.restore(ctx)
		return
	}
	state, reason, hint := s.explain(ctx, cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	s.log.say("%s: %s %s", state, reason, hint)
	s.logger.Warn("release did not become live", "release", s.release.String(), "state", state,
		"error", s.environment.mask.apply(cause.Error()))

	if err := s.finish(ctx, s.release.ReleaseID, state, reason, hint); err != nil {
		s.logger.Error("record failed release", "release", s.release.String(), "error", err)
	}
	s.recordEnd(ctx, state)
	s.dropArchive(ctx)
	for _, name := range s.ownInstances() {
		if err := s.engine.Retire(ctx, name, 0); err != nil {
			s.logger.Error("retire failed instance", "instance", name, "error", err)
		}
	}
	s.giveBack(ctx)
	s.restore(ctx)
	if s.composed || s.release.Composed() {
		if err := s.engine.RemoveNetwork(ctx, string(s.release.App), s.release.Number); err != nil {
			s.logger.Warn("remove network of failed release", "release", s.release.String(), "error", err)
		}
	}
	s.removeImages(ctx)
	if err := s.publish(ctx); err != nil {
		s.requestReconcile()
	}
}

// ownInstances are the release's without those that an earlier one has started.
func (s *shipment) ownInstances() []string {
	return without(s.release.Instances, s.former.Instances)
}

// removeImages removes what was built for a release that failed.
func (s *shipment) removeImages(ctx context.Context) {
	images := slices.Concat(s.built, without(s.release.images(), s.built))
	images = without(images, s.former.images())
	if s.release.RollbackOf != 0 && len(images) > 0 {
		old, err := s.ledger.FindRelease(ctx, ReleaseID{App: s.release.App, Number: s.release.RollbackOf})
		if err != nil {
			s.logger.Warn("remove images of failed release", "release", s.release.String(), "error", err)
			return
		}
		images = without(images, old.images())
	}
	for _, image := range images {
		if err := s.engine.RemoveImage(ctx, image); err != nil && !errors.Is(err, docker.ErrNotFound) {
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
func (s *shipment) recordEnd(ctx context.Context, state ReleaseState) {
	event := AuditEvent{
		Action: ActionReleaseLive, Resource: "release " + s.release.String(), Success: true, Account: s.release.CreatedBy,
	}
	if state != ReleaseLive {
		event.Action, event.Success = ActionReleaseFailed, false
	}
	if state == ReleaseCancelled {
		event.Detail = "cancelled"
	}
	s.audit.Record(ctx, event)
}

// explain says in words how the release ended. What a build or the app has printed
// may be part of it.
func (s *shipment) explain(ctx context.Context, cause error) (state ReleaseState, reason, hint string) {
	if errors.Is(context.Cause(ctx), errCancelled) {
		return ReleaseCancelled, "Cancelled by a person.", ""
	}
	problem := s.diagnose(cause)
	mask := s.environment.mask
	return ReleaseFailed, mask.apply(problem.Message), mask.apply(problem.Hint)
}

func (c *Controller) finish(ctx context.Context, id ReleaseID, state ReleaseState, reason, hint string) error {
	err := c.ledger.Finish(ctx, id, state, reason, hint, time.Now())
	c.notices.notify(id.App)
	return err
}
