// Package drill proves a backup: it is restored into a throw-away folder and volumes, compared, and removed.
package drill

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"berth/controller/backup/restore"
	"berth/controller/backup/set"
	"berth/controller/backup/target"
	"berth/controller/backup/trial"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/volume"
)

// Keeper makes volumes and lists them. docker.Engine is the one there is.
type Keeper interface {
	restore.Keeper
	ListVolumes(context.Context) ([]docker.Volume, error)
}

// Options are what a drill needs. Every field is required.
type Options struct {
	From       target.Target
	Identities []age.Identity
	Keeper     Keeper
	Folder     string // for the throw-away data folder; whatever is in it is removed
	// Examine looks into a restored data folder, the database and the audit log's chain, and
	// starts the apps on the restored volumes. The content is right also where it fails.
	Examine func(ctx context.Context, folder string, told func(what string)) (Content, error)
	Told    func(what string, bytes, of int64)
}

// Content is what a restored database holds.
type Content struct {
	Apps    int            `json:"apps"`
	Entries int            `json:"audit_entries"`
	Started []trial.Result `json:"started,omitempty"`
}

// Proof is what a drill found in a backup that is good.
type Proof struct {
	Set     set.ID `json:"set"`
	Bytes   int64  `json:"bytes"`
	Volumes int    `json:"volumes"`
	Content
}

// ErrDiffers says that a volume is not what was backed up.
var ErrDiffers = errors.New("a restored volume differs from the backup")

const sweepTimeout = time.Minute // that removing may last after ctx has ended

// Prove restores the newest backup and compares all of it. Every object is downloaded,
// decrypted and compared with the manifest before anything is written. What was restored
// is removed in any case; the set is named also where it is bad.
func Prove(ctx context.Context, o Options) (proof Proof, err error) {
	if err := Sweep(ctx, o.Keeper, o.Folder); err != nil {
		return Proof{}, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepTimeout)
		defer cancel()
		err = errors.Join(err, Sweep(ctx, o.Keeper, o.Folder))
	}()
	all, err := set.List(ctx, o.From)
	if err != nil {
		return Proof{}, err
	}
	if len(all) == 0 {
		return Proof{}, problem.NotFound("There is no whole backup yet.", "Make a backup first.")
	}
	proof.Set = all[0]
	data := filepath.Join(o.Folder, "data")
	manifest, err := restore.Server(ctx, restore.Options{
		From: o.From, Set: proof.Set, Identities: o.Identities, Keeper: throwAway{o.Keeper}, DataFolder: data, Told: o.Told,
	})
	if err != nil {
		return proof, err
	}
	proof.Bytes = manifest.Bytes()
	if proof.Volumes, err = o.compare(ctx, manifest); err != nil {
		return proof, err
	}
	proof.Content, err = o.Examine(ctx, data, func(what string) { o.Told(what, 0, proof.Bytes) })
	return proof, errors.Join(err, proof.unstarted())
}

// unstarted is a problem where an app of the backup did not start.
func (c Content) unstarted() error {
	var said []string
	for _, one := range c.Started {
		if one.Reason != "" {
			said = append(said, string(one.App)+" did not start from the backup. "+one.Reason)
		}
	}
	if len(said) == 0 {
		return nil
	}
	return problem.Conflict(strings.Join(said, " "), "Try a new release of the app, then make a backup.")
}

// compare reads the restored volumes again.
func (o Options) compare(ctx context.Context, manifest set.Manifest) (count int, err error) {
	for _, part := range manifest.Parts {
		if part.Kind != set.Volume {
			continue
		}
		o.Told("comparing volume "+part.Volume, 0, part.Bytes)
		sum, err := o.sum(ctx, volume.Name(part.Volume))
		if err != nil {
			return 0, err
		}
		if sum != part.SHA256 {
			return 0, fmt.Errorf("%w: %s", ErrDiffers, part.Volume)
		}
		count++
	}
	return count, nil
}

func (o Options) sum(ctx context.Context, name volume.Name) (string, error) {
	session, err := throwAway{o.Keeper}.OpenVolume(ctx, name, docker.ReadOnly)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	err = errors.Join(session.WriteAll(sum), session.Close())
	return hex.EncodeToString(sum.Sum(nil)), err
}

// Sweep removes what a drill has made, also one whose process was killed.
func Sweep(ctx context.Context, keeper Keeper, folder string) error {
	found, err := keeper.ListVolumes(ctx)
	if err != nil {
		return err
	}
	errs := []error{os.RemoveAll(folder)}
	for _, one := range found {
		if IsThrowAway(one.Name) {
			errs = append(errs, keeper.RemoveVolume(ctx, one.Name))
		}
	}
	return errors.Join(errs...)
}

// prefix begins the names of throw-away volumes. No person's volume and no app's can have
// it: the names of both begin with a letter or a digit.
const prefix = "_drill_"

// ThrowAway is the throw-away volume of a volume.
func ThrowAway(name volume.Name) volume.Name { return prefix + name }

// IsThrowAway reports whether a volume is one of a drill.
func IsThrowAway(name volume.Name) bool { return strings.HasPrefix(string(name), prefix) }

// throwAway gives each volume another name.
type throwAway struct{ keeper restore.Keeper }

// CreateVolume makes the throw-away volume in place of one.
func (t throwAway) CreateVolume(ctx context.Context, name volume.Name, _ string) error {
	return t.keeper.CreateVolume(ctx, ThrowAway(name), "A drill proves the backup of "+string(name)+".")
}

// FindVolume finds the throw-away volume.
func (t throwAway) FindVolume(ctx context.Context, name volume.Name) (docker.Volume, error) {
	return t.keeper.FindVolume(ctx, ThrowAway(name))
}

// RemoveVolume removes the throw-away volume, never the one of the name.
func (t throwAway) RemoveVolume(ctx context.Context, name volume.Name) error {
	return t.keeper.RemoveVolume(ctx, ThrowAway(name))
}

// OpenVolume opens the throw-away volume.
func (t throwAway) OpenVolume(ctx context.Context, name volume.Name, access docker.Access) (*volume.Session, error) {
	return t.keeper.OpenVolume(ctx, ThrowAway(name), access)
}
