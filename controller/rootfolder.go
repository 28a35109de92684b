package controller

import (
	"context"
	"errors"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/volume"
)

// instanceOf is the instance whose file system it is; false for a volume.
func instanceOf(name volume.Name) (instance string, ok bool) {
	return strings.CutPrefix(string(name), app.RootPrefix)
}

// measure counts a volume or the file system of an instance, and keeps what it counted.
func (c *Controller) measure(ctx context.Context, name volume.Name, limit time.Duration) error {
	instance, ok := instanceOf(name)
	if !ok {
		return c.countVolume(ctx, name, limit)
	}
	bytes, err := c.engine.LayerSize(ctx, instance)
	if err == nil {
		c.volumes.put(name, volume.Usage{Bytes: bytes, Stored: bytes})
	}
	return err
}

// madeAt is when a volume was made, or the release whose instance's file system it is.
func (c *Controller) madeAt(ctx context.Context, name volume.Name) (time.Time, error) {
	instance, ok := instanceOf(name)
	if !ok {
		found, err := c.keeper.FindVolume(ctx, name)
		return found.CreatedAt, err
	}
	found, err := c.engine.Inspect(ctx, instance)
	if err != nil {
		return time.Time{}, err
	}
	release, err := c.ledger.FindRelease(ctx, app.ReleaseID{App: app.Name(found.App), Number: found.Release})
	return release.CreatedAt, err
}

// forgetRoots drops what is kept of instances that are gone.
func (c *Controller) forgetRoots(ctx context.Context, records map[volume.Name]VolumeRecord) {
	for name := range records {
		instance, ok := instanceOf(name)
		if !ok {
			continue
		}
		if _, err := c.look(ctx, instance); !errors.Is(err, docker.ErrNotFound) {
			continue
		}
		c.volumes.forget(name)
		if err := c.ledger.DeleteVolumeRecord(ctx, name); err != nil {
			c.logger.Warn("forget an instance that is gone", "instance", instance, "error", err)
		}
	}
}

// overWords says what holds too much, and what to do about it.
func overWords(name volume.Name, fill string) (message, hint string) {
	if _, ok := instanceOf(name); ok {
		return "The app has written " + fill + " into its own file system.",
			"Let it write into a volume, and update or roll it back: a new release begins with an empty file system."
	}
	return "The volume " + string(name) + " holds " + fill + ".",
		"Delete files from it or give it a larger quota, then start the app."
}
