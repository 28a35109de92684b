package volumes

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
func (v *Volumes) measure(ctx context.Context, name volume.Name, limit time.Duration) error {
	instance, ok := instanceOf(name)
	if !ok {
		return v.count(ctx, name, limit)
	}
	bytes, err := v.engine.LayerSize(ctx, instance)
	if err == nil {
		v.book.put(name, volume.Usage{Bytes: bytes, Stored: bytes})
	}
	return err
}

// madeAt is when a volume was made, or the release whose instance's file system it is.
func (v *Volumes) madeAt(ctx context.Context, name volume.Name) (time.Time, error) {
	instance, ok := instanceOf(name)
	if !ok {
		found, err := v.keeper.FindVolume(ctx, name)
		return found.CreatedAt, err
	}
	found, err := v.engine.Inspect(ctx, instance)
	if err != nil {
		return time.Time{}, err
	}
	release, err := v.ledger.FindRelease(ctx, app.ReleaseID{App: app.Name(found.App), Number: found.Release})
	return release.CreatedAt, err
}

// forgetRoots drops what is kept of instances that are gone.
func (v *Volumes) forgetRoots(ctx context.Context, records map[volume.Name]Record) {
	for name := range records {
		instance, ok := instanceOf(name)
		if !ok {
			continue
		}
		if _, err := v.inspect(ctx, instance); !errors.Is(err, docker.ErrNotFound) {
			continue
		}
		v.book.forget(name)
		if err := v.ledger.DeleteVolumeRecord(ctx, name); err != nil {
			v.logger.Warn("forget an instance that is gone", "instance", instance, "error", err)
		}
	}
}

// inspect is Inspect for one of many instances.
func (v *Volumes) inspect(ctx context.Context, instance string) (docker.Instance, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, inspectTimeout, docker.ErrUnavailable)
	defer cancel()
	return v.engine.Inspect(ctx, instance)
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
