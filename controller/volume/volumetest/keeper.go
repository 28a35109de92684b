// Package volumetest keeps volumes in folders of a test, without an engine.
package volumetest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"berth/controller/docker"
	"berth/controller/volume"
)

// Keeper keeps volumes as docker.Engine does, each in a folder below a folder of
// the test. Who opens one talks to the code that runs in the helper.
type Keeper struct {
	t      testing.TB
	folder string

	mu      sync.Mutex
	volumes map[volume.Name]docker.Volume
	owners  map[volume.Name]volume.Owner
	open    int
}

// New returns a Keeper without a volume. A file called "secret" lies beside the volumes.
func New(t testing.TB) *Keeper {
	t.Helper()
	k := At(t, t.TempDir())
	if err := os.WriteFile(filepath.Join(k.folder, "secret"), []byte("not yours"), 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

// At returns a Keeper of the volumes that a Keeper of another process has left below the folder.
func At(t testing.TB, folder string) *Keeper {
	t.Helper()
	k := &Keeper{t: t, folder: folder, volumes: map[volume.Name]docker.Volume{}, owners: map[volume.Name]volume.Owner{}}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name, found := strings.CutPrefix(entry.Name(), folderPrefix)
		if !found {
			continue
		}
		var status syscall.Stat_t // the engine tells its change time too
		if err := syscall.Stat(filepath.Join(folder, entry.Name()), &status); err != nil {
			t.Fatal(err)
		}
		k.volumes[volume.Name(name)] = docker.Volume{Name: volume.Name(name), CreatedAt: time.Unix(status.Ctim.Unix())}
	}
	return k
}

const folderPrefix = "volume-"

// Folder is where the files of a volume are.
func (k *Keeper) Folder(name volume.Name) string {
	return filepath.Join(k.folder, folderPrefix+string(name))
}

// Use says that containers have the volume.
func (k *Keeper) Use(name volume.Name, users ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := k.volumes[name]
	found.Users = users
	k.volumes[name] = found
}

// Owner is whom the root of a volume was given to.
func (k *Keeper) Owner(name volume.Name) volume.Owner {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.owners[name]
}

// Open is how many sessions were opened and not closed.
func (k *Keeper) Open() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open
}

// CreateVolume is as of docker.Engine.
func (k *Keeper) CreateVolume(_ context.Context, name volume.Name, description string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, there := k.volumes[name]; there {
		return docker.ErrVolumeExists
	}
	k.volumes[name] = docker.Volume{Name: name, Description: description, CreatedAt: time.Now()}
	return os.Mkdir(k.Folder(name), 0o700)
}

// Age makes a volume as old as if it was made at a moment.
func (k *Keeper) Age(name volume.Name, made time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := k.volumes[name]
	found.CreatedAt = made
	k.volumes[name] = found
}

// FindVolume is as of docker.Engine.
func (k *Keeper) FindVolume(_ context.Context, name volume.Name) (docker.Volume, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, there := k.volumes[name]
	if !there {
		return docker.Volume{}, docker.ErrNotFound
	}
	return found, nil
}

// ListVolumes is as of docker.Engine.
func (k *Keeper) ListVolumes(context.Context) ([]docker.Volume, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []docker.Volume
	for _, one := range k.volumes {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b docker.Volume) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// RemoveVolume is as of docker.Engine.
func (k *Keeper) RemoveVolume(_ context.Context, name volume.Name) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.volumes[name].Users) > 0 {
		return docker.ErrVolumeInUse
	}
	delete(k.volumes, name)
	return os.RemoveAll(k.Folder(name))
}

// EnsureOwner notes the owner of an empty volume; only root could give the folder away.
func (k *Keeper) EnsureOwner(ctx context.Context, name volume.Name, owner volume.Owner) error {
	if _, err := k.FindVolume(ctx, name); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if files, err := os.ReadDir(k.Folder(name)); err != nil || len(files) > 0 {
		return err
	}
	k.owners[name] = owner
	return nil
}

// HandOver notes the owner; only root could give the files away.
func (k *Keeper) HandOver(ctx context.Context, name volume.Name, owner volume.Owner, told func(int64)) (volume.Handed, error) {
	if _, err := k.FindVolume(ctx, name); err != nil {
		return volume.Handed{}, err
	}
	files, err := os.ReadDir(k.Folder(name))
	if err != nil {
		return volume.Handed{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	handed := volume.Handed{From: k.owners[name]}
	if handed.From != owner {
		handed.Entries = int64(len(files))
		told(handed.Entries)
	}
	k.owners[name] = owner
	return handed, nil
}

// FindRootOwner is whom the root was given to.
func (k *Keeper) FindRootOwner(ctx context.Context, name volume.Name) (volume.Owner, error) {
	_, err := k.FindVolume(ctx, name)
	return k.Owner(name), err
}

// FindOwner knows users that are numbers.
func (k *Keeper) FindOwner(_ context.Context, _, user string) (volume.Owner, error) {
	owner, ok := volume.ParseOwner(user)
	if !ok {
		return volume.Owner{}, fmt.Errorf("user %q is not a number", user)
	}
	return owner, nil
}

// OpenVolume runs the helper's code in a goroutine.
func (k *Keeper) OpenVolume(ctx context.Context, name volume.Name, _ docker.Access) (*volume.Session, error) {
	if _, err := k.FindVolume(ctx, name); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(k.Folder(name))
	if err != nil {
		return nil, err
	}
	k.count(1)
	requests, ask := io.Pipe()
	answers, reply := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = reply.CloseWithError(volume.Serve(root, "", requests, reply))
	}()
	stop := context.AfterFunc(ctx, func() { _ = answers.CloseWithError(ctx.Err()); _ = ask.Close() })
	end := sync.OnceValue(func() error {
		stop()
		_ = answers.Close()
		_ = ask.Close()
		<-ended
		k.count(-1)
		return root.Close()
	})
	k.t.Cleanup(func() { _ = end() })
	return volume.NewSession(answers, ask, end), nil
}

func (k *Keeper) count(by int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open += by
}
