// Package volumes keeps the stack's volumes as people work on them, and their quotas.
package volumes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/handle"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/uploads"
	"berth/controller/volume"
)

const (
	descriptionRunes = 200
	engineTimeout    = 30 * time.Second // that one question to the engine can take beside a count
	inspectTimeout   = 5 * time.Second  // for one of many instances
)

// Keeper is what volumes ask of the container engine. docker.Engine is the one there is.
type Keeper interface {
	CreateVolume(ctx context.Context, name volume.Name, description string) error
	FindVolume(ctx context.Context, name volume.Name) (docker.Volume, error)
	ListVolumes(ctx context.Context) ([]docker.Volume, error)
	RemoveVolume(ctx context.Context, name volume.Name) error
	OpenVolume(ctx context.Context, name volume.Name, access docker.Access) (*volume.Session, error)
	EnsureOwner(ctx context.Context, name volume.Name, owner volume.Owner) error
}

// Engine tells of the file systems of instances, which have a quota as volumes have.
type Engine interface {
	Inspect(ctx context.Context, instance string) (docker.Instance, error)
	// LayerSize is what an instance has written into its own file system, in bytes.
	LayerSize(ctx context.Context, instance string) (int64, error)
}

// Options are what Volumes need. Every field is required unless it says otherwise.
type Options struct {
	Ledger  Ledger
	Keeper  Keeper
	Engine  Engine
	Apps    Apps
	Uploads uploads.Folder // that archives wait in until they are unpacked
	Quota   int64          // bytes that a volume may take on the disk; 0 is no quota
	Disk    docker.Disk    // that the volumes lie on, as far as it can be seen; may be zero
	Logger  *slog.Logger
	Handles *handle.Book // of apps that were renamed; nil where none was
}

// Volumes are the volumes of the stack. They are safe for concurrent use.
type Volumes struct {
	ledger   Ledger
	keeper   Keeper
	engine   Engine
	apps     Apps
	uploads  uploads.Folder
	logger   *slog.Logger
	handles  *handle.Book
	book     *book
	watch    *watch
	warnings warnings
	// mounting is held from looking at who mounts what to changing it, so that
	// no app is given a volume that is being deleted.
	mounting sync.Mutex
}

// New returns Volumes that watch nothing yet.
func New(o Options) (*Volumes, error) {
	if o.Ledger == nil || o.Keeper == nil {
		return nil, errors.New("volumes need a ledger and a keeper")
	}
	return &Volumes{
		ledger: o.Ledger, keeper: o.Keeper, engine: o.Engine, apps: o.Apps, uploads: o.Uploads, logger: o.Logger, handles: o.Handles,
		book: newBook(), watch: newWatch(o.Quota, o.Disk),
	}, nil
}

// Create makes an empty volume, which any app may write to that mounts it.
func (v *Volumes) Create(ctx context.Context, name volume.Name, description string) error {
	if err := v.refuseStrayed(ctx, name); err != nil {
		return err
	}
	if err := v.keeper.CreateVolume(ctx, name, description); err != nil {
		return Failure(name, err)
	}
	// What is uploaded before an app mounts it belongs to the user of most apps.
	if err := v.keeper.EnsureOwner(ctx, name, Nobody()); err != nil {
		v.logger.Warn("give new volume away", "volume", string(name), "error", err)
	}
	return nil
}

// refuseStrayed refuses to make a volume that looks like one of a compose app and would be of
// none: since an app was renamed, the volumes of the app of that name are called otherwise.
func (v *Volumes) refuseStrayed(ctx context.Context, name volume.Name) error {
	owner, _, composed := strings.Cut(string(name), "_")
	if !composed || v.handles.Of(owner) == owner {
		return nil
	}
	if _, err := v.keeper.FindVolume(ctx, name); err == nil {
		return nil // Create says so
	}
	return problem.Conflict(
		fmt.Sprintf("The volumes of a compose app called %s do not begin with %s_ on this server, because an app was renamed.", owner, owner),
		"Choose another name for the volume, or for the app that brings it.",
	).At("name")
}

// Ensure makes a volume that is not there yet, and leaves one that is there alone.
func (v *Volumes) Ensure(ctx context.Context, name volume.Name, description string) error {
	v.mounting.Lock()
	defer v.mounting.Unlock()
	err := v.keeper.CreateVolume(ctx, name, description)
	if errors.Is(err, docker.ErrVolumeExists) {
		return nil
	}
	return Failure(name, err)
}

// Names returns the names of all volumes, without counting any.
func (v *Volumes) Names(ctx context.Context) ([]volume.Name, error) {
	found, err := v.keeper.ListVolumes(ctx)
	if err != nil {
		return nil, Failure("", err)
	}
	names := make([]volume.Name, 0, len(found))
	for _, one := range found {
		names = append(names, one.Name)
	}
	return names, nil
}

// Delete removes a volume with all that is in it. confirm must be its name,
// and no app may mount it.
func (v *Volumes) Delete(ctx context.Context, name volume.Name, confirm string) error {
	if _, err := v.keeper.FindVolume(ctx, name); err != nil {
		return Failure(name, err)
	}
	if confirm != string(name) {
		return problem.Invalid(
			fmt.Sprintf("That is not the name of the volume, so %s was not deleted.", name),
			fmt.Sprintf("Type %s to delete it.", name),
		).At("confirm")
	}
	v.mounting.Lock()
	defer v.mounting.Unlock()
	users, err := v.Users(ctx)
	if err != nil {
		return err
	}
	if len(users[name]) > 0 {
		return inUse(name, users[name], nil)
	}
	if err := v.keeper.RemoveVolume(ctx, name); err != nil {
		return Failure(name, err)
	}
	v.book.forget(name)
	v.warnings.drop(name)
	return v.ledger.DeleteVolumeRecord(ctx, name)
}

// Hold makes sure that the volumes of the mounts are there, and that none is deleted
// while write puts them into the ledger.
func (v *Volumes) Hold(ctx context.Context, mounts []app.Mount, write func() error) error {
	if len(mounts) == 0 {
		return write()
	}
	v.mounting.Lock()
	defer v.mounting.Unlock()
	for _, mount := range mounts {
		_, err := v.keeper.FindVolume(ctx, mount.Volume)
		if fault, ok := errors.AsType[*problem.Problem](Failure(mount.Volume, err)); ok && fault.Kind == problem.KindNotFound {
			fault.Kind = problem.KindInvalid
			return fault
		}
		if err != nil {
			return Failure(mount.Volume, err)
		}
	}
	return write()
}

// ParseDescription returns s without space around it, or a Problem.
func ParseDescription(s string) (string, error) {
	text := strings.TrimSpace(s)
	if len([]rune(text)) > descriptionRunes || !printable.Is(text) {
		return "", problem.Invalid(
			"This is not a description.",
			fmt.Sprintf("Write up to %d characters on one line, or nothing.", descriptionRunes),
		).At("description")
	}
	return text, nil
}

// Nobody is the user that apps run as where their image names none.
func Nobody() volume.Owner {
	owner, _ := volume.ParseOwner(plan.Nobody)
	return owner
}
