package helper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/pkg/stdcopy"

	"berth/controller/docker/link"
	"berth/controller/printable"
	"berth/controller/volume"
)

// What a helper may take.
const (
	helperMemory    = 128 << 20
	helperNanoCPUs  = 1_000_000_000
	helperProcesses = 32
	helperOpenFiles = 4096
)

// Where a helper finds its volume, and the sockets that its sessions move to.
const (
	HelperFolder   = "/volume"
	TransferFolder = "/transfer"
)

// Access says what a session may do in a volume. The zero value is the strict one.
type Access uint8

// What a session may do.
const (
	ReadOnly Access = iota
	ReadWrite
	ReadAside // ReadOnly, for what nobody waits for: it leaves half of the processors to apps
)

// OpenVolume starts a session on the files of a volume, which the caller closes.
// When ctx ends, the session and what is under way in it end too. link.ErrNotFound and
// ErrForeignVolume are as of FindVolume.
//
// The work is done by a helper: a container of our own program that has the
// volume, no network and nothing else, and is removed by Close.
func (h *Helpers) OpenVolume(ctx context.Context, name volume.Name, access Access) (*volume.Session, error) {
	if err := h.ownsVolume(ctx, name); err != nil {
		return nil, err
	}
	return h.open(ctx, &helper{helpers: h, volume: name, source: h.link.VolumeName(name), access: access})
}

// open starts the session of a helper that has its slot.
func (h *Helpers) open(ctx context.Context, one *helper) (*volume.Session, error) {
	name := one.source
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("open volume %s: %w", name, context.Cause(ctx))
	}
	if err := one.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open volume %s: %w", name, err), one.close(ctx))
	}
	one.stop = context.AfterFunc(ctx, one.connection.Close)
	end := sync.OnceValue(func() error { return one.close(ctx) })
	session := volume.NewSession(one.output(ctx), one.connection.Conn, end)
	if err := one.move(ctx, session); err != nil {
		return nil, errors.Join(fmt.Errorf("open volume %s: %w", name, err), session.Close())
	}
	return session, nil
}

// hasTransfer reports whether there is a folder for sockets. The engine would make a volume
// that is missing.
func (h *Helpers) hasTransfer() bool {
	if h.Transfer == "" {
		return false
	}
	info, err := os.Stat(h.Transfer)
	return err == nil && info.IsDir()
}

// move takes what the session carries away from the engine, where there is a folder for it.
func (h *helper) move(ctx context.Context, session *volume.Session) error {
	if !h.helpers.hasTransfer() {
		return nil
	}
	moved, err := session.Move(h.helpers.Transfer)
	if refusal, stays := errors.AsType[*volume.Refusal](err); stays {
		h.helpers.link.Logger.Warn("the bytes of volumes go through the engine", slog.String("reason", refusal.Reason))
		return nil
	}
	if err != nil {
		return err
	}
	attached := h.stop
	closed := context.AfterFunc(ctx, func() { _ = moved.Close() })
	h.stop = func() bool {
		closed()
		_ = moved.Close()
		return attached()
	}
	return nil
}

// EnsureOwner gives the root of an empty volume to owner, so that an app can
// begin to write. A volume that holds something stays as it is.
func (h *Helpers) EnsureOwner(ctx context.Context, name volume.Name, owner volume.Owner) error {
	session, err := h.OpenVolume(ctx, name, ReadWrite)
	if err != nil {
		return err
	}
	_, err = session.Adopt(owner)
	return errors.Join(err, session.Close())
}

// HandOver gives the volume to owner with what its former owner has in it; told
// hears now and then how many entries there were so far.
func (h *Helpers) HandOver(ctx context.Context, name volume.Name, owner volume.Owner, told func(entries int64)) (volume.Handed, error) {
	session, err := h.OpenVolume(ctx, name, ReadWrite)
	if err != nil {
		return volume.Handed{}, err
	}
	handed, err := session.HandOver(owner, told)
	return handed, errors.Join(err, session.Close())
}

// HandOverSource is HandOver for a volume that the engine has made for a container, by its
// name in the engine. The caller knows that it is the stack's.
func (h *Helpers) HandOverSource(ctx context.Context, source string, owner volume.Owner) error {
	session, err := h.open(ctx, &helper{helpers: h, source: source, access: ReadWrite})
	if err != nil {
		return err
	}
	_, err = session.HandOver(owner, func(int64) {})
	return errors.Join(err, session.Close())
}

// CountSource counts the files of such a volume, for the given time at most.
func (h *Helpers) CountSource(ctx context.Context, source string, limit time.Duration) (volume.Usage, error) {
	session, err := h.open(ctx, &helper{helpers: h, source: source})
	if err != nil {
		return volume.Usage{}, err
	}
	usage, err := session.Count("", limit)
	return usage, errors.Join(err, session.Close())
}

// FindRootOwner returns whom the root of a volume belongs to.
func (h *Helpers) FindRootOwner(ctx context.Context, name volume.Name) (volume.Owner, error) {
	session, err := h.OpenVolume(ctx, name, ReadOnly)
	if err != nil {
		return volume.Owner{}, err
	}
	root, err := session.Find("")
	return root.Owner, errors.Join(err, session.Close())
}

// RemoveHelpers removes what works in volumes and on images, as an earlier process
// of this stack may have left it, but for what stands for volumes that are being filled. It must not run while this one does either.
func (h *Helpers) RemoveHelpers(ctx context.Context) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	found, err := h.link.API(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: h.link.Owned(link.LabelRole + "=" + link.RoleHelper)})
	if err != nil {
		return link.Failure(ctx, "list helpers", err)
	}
	var failures []error
	if h.hasTransfer() {
		failures = append(failures, volume.SweepTransfer(h.Transfer))
	}
	for _, summary := range found {
		if summary.Labels[link.LabelSeed] != "" {
			continue // the volumes that it stands for are not handed over yet
		}
		failures = append(failures, h.link.Remove(ctx, summary.ID))
	}
	return errors.Join(failures...)
}

// helper is one container that works in a volume, and the stream to it.
type helper struct {
	helpers    *Helpers
	volume     volume.Name // empty for one without a name of the stack's
	source     string      // its name in the engine
	access     Access
	id         string // empty until it is created
	connection types.HijackedResponse
	stop       func() bool    // forgets the context, and closes the socket; nil until there is a stream
	answers    *io.PipeReader // nil until output is called
}

// start creates and starts the container, with the stream attached before: what
// is said before somebody listens is lost.
func (h *helper) start(ctx context.Context) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	err := h.create(ctx)
	if errdefs.IsNotFound(err) {
		h.helpers.ForgetHelperImage()
		err = h.create(ctx)
	}
	if err != nil {
		return link.Failure(ctx, "create helper", err)
	}
	api := h.helpers.link.API(ctx)
	h.connection, err = api.ContainerAttach(ctx, h.id, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return link.Failure(ctx, "attach to helper", err)
	}
	return link.Failure(ctx, "start helper", h.helpers.link.Start(ctx, h.id))
}

func (h *helper) create(ctx context.Context) error {
	image, err := h.helpers.HelperImage(ctx)
	if err != nil {
		return err
	}
	h.id, err = h.helpers.CreateHelper(ctx, h.config(image), h.hostConfig())
	return err
}

func (h *helper) config(image string) *container.Config {
	var arguments []string
	if h.access == ReadAside {
		arguments = []string{"--aside"}
	}
	return &container.Config{
		Image:           image,
		User:            "0:0",
		Cmd:             arguments,
		Env:             []string{"GOMEMLIMIT=64MiB"},
		OpenStdin:       true,
		StdinOnce:       true, // the helper ends when this process is gone
		AttachStdin:     true,
		AttachStdout:    true,
		AttachStderr:    true,
		NetworkDisabled: true,
		Labels: map[string]string{
			link.LabelStack: h.helpers.link.Stack, link.LabelRole: link.RoleHelper, link.LabelVolume: string(h.volume),
		},
	}
}

// hostConfig is the hardening policy for something that must read and change
// files of any owner, and do nothing else. CAP_DAC_READ_SEARCH would do to read
// them, but it also opens files of the host by their handle.
func (h *helper) hostConfig() *container.HostConfig {
	capabilities, processes := []string{"DAC_OVERRIDE"}, int64(helperProcesses)
	if h.access == ReadWrite {
		capabilities = append(capabilities, "CHOWN", "FOWNER")
	}
	host := &container.HostConfig{
		NetworkMode:    "none",
		AutoRemove:     true,
		ReadonlyRootfs: true,
		CapDrop:        []string{"ALL"},
		CapAdd:         capabilities,
		SecurityOpt:    []string{"no-new-privileges:true"},
		IpcMode:        container.IPCModePrivate,
		CgroupnsMode:   container.CgroupnsModePrivate,
		OomScoreAdj:    link.KillFirst,
		LogConfig:      container.LogConfig{Type: "none"}, // what it says is somebody's files
		RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled},
		Mounts: []mount.Mount{{
			Type: mount.TypeVolume, Source: h.source, Target: HelperFolder,
			ReadOnly:      h.access != ReadWrite,
			VolumeOptions: &mount.VolumeOptions{NoCopy: true},
		}},
		Resources: container.Resources{
			Memory: helperMemory, MemorySwap: helperMemory, NanoCPUs: helperNanoCPUs, PidsLimit: &processes,
			Ulimits: []*container.Ulimit{
				{Name: "nofile", Soft: helperOpenFiles, Hard: helperOpenFiles},
				{Name: "core", Soft: 0, Hard: 0},
			},
		},
	}
	if h.helpers.hasTransfer() {
		host.Mounts = append(host.Mounts, mount.Mount{
			Type: mount.TypeVolume, Source: h.helpers.link.TransferName(), Target: TransferFolder, ReadOnly: true,
			VolumeOptions: &mount.VolumeOptions{NoCopy: true},
		})
	}
	return host
}

// output returns what the helper answers, until close. Where that ends, the error
// says why.
func (h *helper) output(ctx context.Context) io.Reader {
	answers, writer := io.Pipe()
	h.answers = answers
	go func() {
		complaints := &firstBytes{limit: 4 << 10}
		_, err := stdcopy.StdCopy(writer, complaints, h.connection.Reader)
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case len(complaints.kept) > 0:
			err = fmt.Errorf("volume helper: %s", printable.Plain(string(complaints.kept)))
		}
		_ = writer.CloseWithError(err)
	}()
	return answers
}

// close removes the container, also where ctx has ended.
func (h *helper) close(ctx context.Context) error {
	defer func() { <-h.helpers.slots }()
	if h.stop != nil {
		h.stop()
	}
	if h.connection.Conn != nil {
		h.connection.Close()
	}
	if h.answers != nil {
		// Nobody reads on: what is on its way must not wait for it.
		_ = h.answers.CloseWithError(io.ErrClosedPipe)
	}
	if h.id == "" {
		return nil
	}
	defer h.helpers.end(h.id)
	ctx, cancel := link.Afterwards(ctx)
	defer cancel()
	if err := h.helpers.link.Remove(ctx, h.id); err != nil {
		h.helpers.link.Logger.Warn("remove volume helper", slog.String("container", h.id), slog.Any("error", err))
		return err
	}
	return nil
}

// firstBytes keeps the beginning of what is written.
type firstBytes struct {
	limit int
	kept  []byte
}

// Write takes everything and keeps what fits.
func (f *firstBytes) Write(data []byte) (int, error) {
	f.kept = append(f.kept, data[:min(len(data), f.limit-len(f.kept))]...)
	return len(data), nil
}
