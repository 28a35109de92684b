package controller

import (
	"context"
	"time"

	"berth/controller/docker"
	"berth/controller/release"
)

// Engine is what the story asks of the container engine. docker.Engine is the
// one there is; a cluster would be another behind the same verbs, so nothing
// here assumes that an app is one container on this machine.
type Engine interface {
	release.Images
	release.Engine

	Ping(ctx context.Context) error

	Networks(ctx context.Context) ([]docker.Network, error)
	JoinProxy(ctx context.Context) error

	// EnsureSecrets puts back the files in memory that an instance has lost with a
	// restart of the engine, by the options that it was started with.
	EnsureSecrets(ctx context.Context, o docker.StartOptions) error
	Instances(ctx context.Context) ([]docker.Instance, error)
	Restart(ctx context.Context, name string, grace time.Duration) error
	RemoveApp(ctx context.Context, app string) error
	// Accessories are what was made for releases beside instances and networks, in the
	// order in which they can be removed; where a part of them cannot be listed, the
	// rest is returned beside the error.
	Accessories(ctx context.Context) ([]docker.Accessory, error)
	// RemoveAccessory leaves alone what something uses.
	RemoveAccessory(ctx context.Context, accessory docker.Accessory) error

	Watch(ctx context.Context, each func(docker.Event)) error
	Usage(ctx context.Context, name string) (docker.Usage, error)
}
