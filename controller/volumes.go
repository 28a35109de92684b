package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/volume"
)

const (
	countFresh       = 30 * time.Second // a count younger than this is shown as it is
	countTimeout     = 2 * time.Second  // that a page waits for counts; then it shows what is known
	countFolder      = 10 * time.Second // for a folder that may be deleted; a larger one is counted in part
	countEach        = time.Second      // for one volume; a larger one is counted in part
	countsAtOnce     = 4
	descriptionRunes = 200
)

// VolumeKeeper is what volumes ask of the container engine. docker.Engine is the one there is.
type VolumeKeeper interface {
	CreateVolume(ctx context.Context, name volume.Name, description string) error
	FindVolume(ctx context.Context, name volume.Name) (docker.Volume, error)
	ListVolumes(ctx context.Context) ([]docker.Volume, error)
	RemoveVolume(ctx context.Context, name volume.Name) error
	OpenVolume(ctx context.Context, name volume.Name, access docker.Access) (*volume.Session, error)
	EnsureOwner(ctx context.Context, name volume.Name, owner volume.Owner) error
	// HandOver gives the volume to owner with what its former owner has in it.
	HandOver(ctx context.Context, name volume.Name, owner volume.Owner, told func(entries int64)) (volume.Handed, error)
	FindRootOwner(ctx context.Context, name volume.Name) (volume.Owner, error)
	FindOwner(ctx context.Context, imageID, user string) (volume.Owner, error)
}

// VolumeView is a volume as pages show it.
type VolumeView struct {
	app.Volume
	Users        []app.Name // apps that mount it, by name
	Usage        volume.Usage
	HasUsage     bool           // false while it could not be counted
	Quota        int64          // bytes that it may take on the disk; 0 is no quota
	DefaultQuota int64          // of volumes without one of their own
	OwnQuota     bool           // an operator chose it; else it is the setting's
	Warning      *VolumeWarning // it is over its quota for now; nil where it is not
}

// volumeBook remembers what was counted of each volume.
type volumeBook struct {
	mu      sync.Mutex
	counted map[volume.Name]countedVolume
	// mounting is held from looking at who mounts what to changing it, so that
	// no app is given a volume that is being deleted.
	mounting sync.Mutex
}

type countedVolume struct {
	usage volume.Usage
	at    time.Time // zero: it has changed since
}

func newVolumeBook() *volumeBook {
	return &volumeBook{counted: make(map[volume.Name]countedVolume)}
}

func (b *volumeBook) find(name volume.Name) (countedVolume, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.counted[name]
	return found, ok
}

func (b *volumeBook) put(name volume.Name, usage volume.Usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counted[name] = countedVolume{usage, time.Now()}
}

// changed makes the next look count the volume again.
func (b *volumeBook) changed(name volume.Name) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if found, ok := b.counted[name]; ok {
		found.at = time.Time{}
		b.counted[name] = found
	}
}

func (b *volumeBook) forget(name volume.Name) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.counted, name)
}

// ParseVolumeDescription returns s without space around it, or a Problem.
func ParseVolumeDescription(s string) (string, error) {
	text := strings.TrimSpace(s)
	if len([]rune(text)) > descriptionRunes || !printable.Is(text) {
		return "", problem.Invalid(
			"This is not a description.",
			fmt.Sprintf("Write up to %d characters on one line, or nothing.", descriptionRunes),
		).At("description")
	}
	return text, nil
}

// CreateVolume makes an empty volume, which any app may write to that mounts it.
func (c *Controller) CreateVolume(ctx context.Context, name volume.Name, description string) error {
	if err := c.keeper.CreateVolume(ctx, name, description); err != nil {
		return volumeFailure(name, err)
	}
	// What is uploaded before an app mounts it belongs to the user of most apps.
	if err := c.keeper.EnsureOwner(ctx, name, nobody()); err != nil {
		c.logger.Warn("give new volume away", "volume", string(name), "error", err)
	}
	return nil
}

// Volumes returns every volume, by name. It waits for counts only for a moment.
func (c *Controller) Volumes(ctx context.Context) ([]VolumeView, error) {
	found, err := c.keeper.ListVolumes(ctx)
	if err != nil {
		return nil, volumeFailure("", err)
	}
	return c.volumeViews(ctx, found)
}

// VolumeNames returns the names of all volumes, without counting any.
func (c *Controller) VolumeNames(ctx context.Context) ([]volume.Name, error) {
	found, err := c.keeper.ListVolumes(ctx)
	if err != nil {
		return nil, volumeFailure("", err)
	}
	names := make([]volume.Name, 0, len(found))
	for _, one := range found {
		names = append(names, one.Name)
	}
	return names, nil
}

// Volume returns one volume; a missing one is a Problem of problem.KindNotFound.
func (c *Controller) Volume(ctx context.Context, name volume.Name) (VolumeView, error) {
	found, err := c.keeper.FindVolume(ctx, name)
	if err != nil {
		return VolumeView{}, volumeFailure(name, err)
	}
	views, err := c.volumeViews(ctx, []docker.Volume{found})
	if err != nil {
		return VolumeView{}, err
	}
	return views[0], nil
}

// DeleteVolume removes a volume with all that is in it. confirm must be its name,
// and no app may mount it.
func (c *Controller) DeleteVolume(ctx context.Context, name volume.Name, confirm string) error {
	if _, err := c.keeper.FindVolume(ctx, name); err != nil {
		return volumeFailure(name, err)
	}
	if confirm != string(name) {
		return problem.Invalid(
			fmt.Sprintf("That is not the name of the volume, so %s was not deleted.", name),
			fmt.Sprintf("Type %s to delete it.", name),
		).At("confirm")
	}
	c.volumes.mounting.Lock()
	defer c.volumes.mounting.Unlock()
	users, err := c.volumeUsers(ctx)
	if err != nil {
		return err
	}
	if len(users[name]) > 0 {
		return volumeInUse(name, users[name], nil)
	}
	if err := c.keeper.RemoveVolume(ctx, name); err != nil {
		return volumeFailure(name, err)
	}
	c.volumes.forget(name)
	c.warnings.drop(name)
	return c.ledger.DeleteVolumeRecord(ctx, name)
}

func (c *Controller) volumeViews(ctx context.Context, found []docker.Volume) ([]VolumeView, error) {
	users, err := c.volumeUsers(ctx)
	if err != nil {
		return nil, err
	}
	records, err := c.ledger.ListVolumeRecords(ctx)
	if err != nil {
		return nil, err
	}
	c.countVolumes(ctx, found)
	views := make([]VolumeView, 0, len(found))
	for _, one := range found {
		view := VolumeView{
			Volume: app.Volume{Name: one.Name, Description: one.Description, CreatedAt: one.CreatedAt},
			Users:  users[one.Name],
			Quota:  cmp.Or(records[one.Name].Quota, c.watch.quota), OwnQuota: records[one.Name].Quota != 0, DefaultQuota: c.watch.quota,
		}
		if warning, ok := c.warnings.find(one.Name); ok {
			view.Warning = &warning
		}
		counted, ok := c.volumes.find(one.Name)
		view.Usage, view.HasUsage = counted.usage, ok
		views = append(views, view)
	}
	return views, nil
}

// volumeUsers returns the apps that mount each volume, now or with the release
// that is on its way.
func (c *Controller) volumeUsers(ctx context.Context) (map[volume.Name][]app.Name, error) {
	apps, latest, err := c.ledger.ListOverview(ctx)
	if err != nil {
		return nil, err
	}
	users := make(map[volume.Name][]app.Name)
	for _, found := range apps {
		mounts := slices.Clone(found.Mounts)
		release := latest[found.Name]
		if release != nil && (release.State.UnderWay() || release.State == app.ReleaseLive) {
			mounts = append(mounts, release.AllMounts()...)
		}
		if found.Live != 0 && (release == nil || release.Number != found.Live) {
			live, err := c.ledger.FindRelease(ctx, app.ReleaseID{App: found.Name, Number: found.Live})
			if err != nil && !errors.Is(err, problem.ErrNotFound) {
				return nil, err
			}
			mounts = append(mounts, live.AllMounts()...)
		}
		for _, mount := range mounts {
			if !slices.Contains(users[mount.Volume], found.Name) {
				users[mount.Volume] = append(users[mount.Volume], found.Name)
			}
		}
	}
	return users, nil
}

// countVolumes counts what was not counted lately. What takes too long keeps its
// older count, or none.
func (c *Controller) countVolumes(ctx context.Context, volumes []docker.Volume) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	var counting errgroup.Group
	counting.SetLimit(countsAtOnce)
	for _, one := range volumes {
		if counted, _ := c.volumes.find(one.Name); time.Since(counted.at) < countFresh {
			continue
		}
		counting.Go(func() error {
			if err := c.countVolume(ctx, one.Name, countEach); err != nil {
				c.logger.Debug("count volume", "volume", string(one.Name), "error", err)
			}
			return nil
		})
	}
	_ = counting.Wait() // none fails
}

// countVolume counts what is in the volume, and removes what is no one's.
func (c *Controller) countVolume(ctx context.Context, name volume.Name, limit time.Duration) error {
	session, err := c.keeper.OpenVolume(ctx, name, docker.ReadOnly)
	if err != nil {
		return err
	}
	usage, err := session.Count("", limit)
	if err == nil {
		c.volumes.put(name, usage)
	}
	if err = errors.Join(err, session.Close()); err != nil || !usage.Leftovers {
		return err
	}
	return c.sweepVolume(ctx, name)
}

// sweepVolume removes what an upload that was cut off has left in the volume.
func (c *Controller) sweepVolume(ctx context.Context, name volume.Name) error {
	session, err := c.keeper.OpenVolume(ctx, name, docker.ReadWrite)
	if err != nil {
		return err
	}
	c.logger.Info("removing what an upload left", "volume", string(name))
	return errors.Join(session.Sweep(), session.Close())
}

// nobody is the user that apps run as where their image names none.
func nobody() volume.Owner {
	owner, _ := volume.ParseOwner(plan.Nobody)
	return owner
}

// volumeFailure words for the person what the engine says of a volume.
func volumeFailure(name volume.Name, err error) error {
	switch {
	case errors.Is(err, docker.ErrNotFound):
		return problem.NotFound(
			fmt.Sprintf("There is no volume called %s.", name),
			"See the page Volumes for those that there are.",
		).At("volume").Because(err)
	case errors.Is(err, docker.ErrVolumeExists):
		return problem.Conflict(
			fmt.Sprintf("There is a volume called %s already.", name),
			"Choose another name.",
		).At("name").Because(err)
	case errors.Is(err, docker.ErrForeignVolume):
		return problem.Conflict(
			fmt.Sprintf("The engine has a volume under the name of %s that Berth did not make.", name),
			"Choose another name; Berth leaves that one alone.",
		).At("name").Because(err)
	case errors.Is(err, docker.ErrVolumeInUse):
		return volumeInUse(name, nil, err)
	case errors.Is(err, docker.ErrUnavailable):
		return problem.Unavailable(
			"The container engine does not answer.",
			"See that Docker runs on the machine, then try again.",
		).Because(err)
	default:
		return err
	}
}

func volumeInUse(name volume.Name, users []app.Name, cause error) error {
	who := "A container still has it."
	if len(users) > 0 {
		names := make([]string, 0, len(users))
		for _, user := range users {
			names = append(names, string(user))
		}
		who = "It is mounted by " + strings.Join(names, ", ") + "."
	}
	return problem.Conflict(
		fmt.Sprintf("The volume %s was not deleted. %s", name, who),
		"Take it out of the app's volumes first, and wait until the release without it is live.",
	).At("confirm").Because(cause)
}
