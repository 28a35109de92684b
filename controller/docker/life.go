package docker

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/link"
)

// removalGrace is how long the instances of a removed app may take to end.
const removalGrace = 10 * time.Second

// Resume starts a stopped instance; one that runs is left alone.
func (e *Engine) Resume(ctx context.Context, name string) error {
	instance, err := e.Inspect(ctx, name)
	if err != nil {
		return err
	}
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	return startFailure(ctx, "resume "+name, e.link.Start(ctx, instance.ID))
}

// Stop asks an instance to end and kills it when grace is over. It stays
// stopped until Resume, also when the engine restarts.
func (e *Engine) Stop(ctx context.Context, name string, grace time.Duration) error {
	instance, err := e.Inspect(ctx, name)
	if err != nil {
		return err
	}
	return e.stop(ctx, instance.ID, grace)
}

// Restart stops an instance as Stop does and starts it again.
func (e *Engine) Restart(ctx context.Context, name string, grace time.Duration) error {
	instance, err := e.Inspect(ctx, name)
	if err != nil {
		return err
	}
	ctx, cancel := link.Within(ctx, grace+link.ProcessTimeout)
	defer cancel()
	return link.Failure(ctx, "restart "+name, e.link.API(ctx).ContainerRestart(ctx, instance.ID, stopOptions(grace)))
}

// Retire stops an instance and removes it, by its name or ID. One that is gone already
// is fine.
func (e *Engine) Retire(ctx context.Context, name string, grace time.Duration) error {
	instance, err := e.Inspect(ctx, name)
	if err == nil {
		name = instance.Name // it may have been an ID
		err = e.retire(ctx, instance.ID, grace)
	}
	return errors.Join(link.NotFoundIsFine(err), e.removeFiles(ctx, name, instance.Image))
}

// RemoveApp removes the app from the engine: containers of every role, images and
// networks. Its volumes stay. What is gone already is fine; the rest is tried to
// the end.
func (e *Engine) RemoveApp(ctx context.Context, app string) error {
	err := e.removeContainers(ctx, app)
	listContext, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	return errors.Join(err, e.removeSecrets(listContext, e.link.OfApp(app)),
		e.link.RemoveImages(listContext, e.link.OfApp(app), link.LabelRole+"="+link.RoleFiles), e.link.RemoveImages(listContext, e.link.OfApp(app)), e.RemoveNetworks(ctx, app))
}

// removeContainers removes the instances of the app, and then what else has its
// label: each of them would keep an image of it.
func (e *Engine) removeContainers(ctx context.Context, app string) error {
	listContext, cancel := link.Within(ctx, link.CallTimeout)
	defer cancel()
	found, err := e.link.API(ctx).ContainerList(listContext, container.ListOptions{All: true, Filters: e.link.Owned(e.link.OfApp(app))})
	if err != nil {
		return link.Failure(listContext, "list containers", err)
	}
	var failures []error
	for _, summary := range found {
		if summary.Labels[link.LabelRole] == link.RoleApp {
			failures = append(failures, e.retire(ctx, summary.ID, removalGrace))
		}
	}
	for _, summary := range found {
		if summary.Labels[link.LabelRole] != link.RoleApp {
			failures = append(failures, e.removeNow(ctx, summary.ID))
		}
	}
	return errors.Join(failures...)
}

func (e *Engine) retire(ctx context.Context, id string, grace time.Duration) error {
	if err := e.stop(ctx, id, grace); err != nil {
		return link.NotFoundIsFine(err)
	}
	return e.removeNow(ctx, id)
}

func (e *Engine) removeNow(ctx context.Context, id string) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	return e.link.Remove(ctx, id)
}

func (e *Engine) stop(ctx context.Context, id string, grace time.Duration) error {
	ctx, cancel := link.Within(ctx, grace+link.ProcessTimeout)
	defer cancel()
	return link.Failure(ctx, "stop container", e.link.API(ctx).ContainerStop(ctx, id, stopOptions(grace)))
}

// stopOptions gives the grace in whole seconds, as the engine counts.
func stopOptions(grace time.Duration) container.StopOptions {
	seconds := int(math.Ceil(grace.Seconds()))
	return container.StopOptions{Timeout: &seconds}
}
