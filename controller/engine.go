package controller

import (
	"context"
	"time"

	"berth/controller/docker"
)

// Engine is what people's actions ask of the container engine. docker.Engine is the one
// there is; a cluster would be another behind the same verbs, so nothing here assumes
// that an app is one container on this machine.
type Engine interface {
	FindImage(ctx context.Context, id string) (docker.Image, error)
	Inspect(ctx context.Context, name string) (docker.Instance, error)
	Resume(ctx context.Context, name string) error
	Restart(ctx context.Context, name string, grace time.Duration) error
	Stop(ctx context.Context, name string, grace time.Duration) error
	RemoveApp(ctx context.Context, app string) error
	Tail(ctx context.Context, name string, o docker.TailOptions, each func(docker.Line) error) error
	Usage(ctx context.Context, name string, before docker.Usage) (docker.Usage, error)
}

// ReconcilerEngine is what the reconciler asks of the container engine.
type ReconcilerEngine interface {
	Watch(ctx context.Context, each func(docker.Event)) error
	JoinProxy(ctx context.Context) error

	Instances(ctx context.Context) ([]docker.Instance, error)
	Inspect(ctx context.Context, name string) (docker.Instance, error)
	Start(ctx context.Context, o docker.StartOptions) (docker.Instance, error)
	Resume(ctx context.Context, name string) error
	Stop(ctx context.Context, name string, grace time.Duration) error
	Retire(ctx context.Context, name string, grace time.Duration) error
	// EnsureSecrets puts back the files in memory that an instance has lost with a
	// restart of the engine, by the options that it was started with.
	EnsureSecrets(ctx context.Context, o docker.StartOptions) error

	Networks(ctx context.Context) ([]docker.Network, error)
	// RemoveNetwork lets instances that are on another network too leave it first.
	RemoveNetwork(ctx context.Context, app string, release int64) error
	// Accessories are what was made for releases beside instances and networks, in the
	// order in which they can be removed; where a part of them cannot be listed, the
	// rest is returned beside the error.
	Accessories(ctx context.Context) ([]docker.Accessory, error)
	// RemoveAccessory leaves alone what something uses.
	RemoveAccessory(ctx context.Context, accessory docker.Accessory) error
}
