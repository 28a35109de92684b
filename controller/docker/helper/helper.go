// Package helper keeps volumes, and works in them, in images and beside instances with short-lived containers of our own program.
package helper

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/link"
)

// helpersAtOnce bounds how many helpers run at a time; others wait.
const helpersAtOnce = 8

// helperProgram is where the program lies in its image, which holds nothing else.
const stillMemory = 16 << 20

const helperProgram = "berth"

// Helpers runs our own program in containers of its own: in volumes, and beside instances.
type Helpers struct {
	// Transfer is the folder of the volume of the TransferName, for sockets between this
	// process and the helpers in volumes; empty: the engine carries all bytes.
	Transfer string

	link    *link.Link
	program string // path; empty is the one that runs
	slots   chan struct{}
	// listeners are those that look at what listens.
	listeners chan struct{}

	mutex sync.Mutex
	image string // id; empty until it is needed for the first time

	workMutex sync.Mutex
	working   map[string]bool   // names, from before the engine makes them until they are to go
	names     map[string]string // of those, by id
}

// New returns the helpers of one stack. The program is a path; empty is the one that runs.
func New(reached *link.Link, program string) *Helpers {
	return &Helpers{
		link: reached, program: program, slots: make(chan struct{}, helpersAtOnce), listeners: make(chan struct{}, listenersAtOnce),
		working: make(map[string]bool), names: make(map[string]string),
	}
}

// Works reports whether the helper of the name is one that this process uses.
func (h *Helpers) Works(name string) bool {
	h.workMutex.Lock()
	defer h.workMutex.Unlock()
	return h.working[name]
}

func (h *Helpers) begin(name string) {
	h.workMutex.Lock()
	defer h.workMutex.Unlock()
	h.working[name] = true
}

func (h *Helpers) made(name, id string) {
	h.workMutex.Lock()
	defer h.workMutex.Unlock()
	h.names[id] = name
}

// end is for a helper that is to go, by its id or, where that is not known, its name.
// From here on nobody needs it: what cannot be removed now is an Accessory.
func (h *Helpers) end(helper string) {
	h.workMutex.Lock()
	defer h.workMutex.Unlock()
	if name, found := h.names[helper]; found {
		delete(h.names, helper)
		helper = name
	}
	delete(h.working, helper)
}

// HelperImage returns the id of the image with the helper's program, and makes it
// where the engine does not have it: of the program itself, without a registry.
func (h *Helpers) HelperImage(ctx context.Context) (string, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.image != "" {
		return h.image, nil
	}
	program, err := openStatic(h.program)
	if err != nil {
		return "", err
	}
	defer program.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, program)
	if err != nil {
		return "", fmt.Errorf("read helper program: %w", err)
	}
	reference := h.link.Stack + "/helper:" + hex.EncodeToString(sum.Sum(nil))[:16]
	id, err := h.findHelperImage(ctx, reference)
	if errors.Is(err, link.ErrNotFound) {
		if err := h.importHelper(ctx, reference, io.NewSectionReader(program, 0, size)); err != nil {
			return "", err
		}
		id, err = h.findHelperImage(ctx, reference)
	}
	h.image = id
	return id, err
}

// ForgetHelperImage is for an image that somebody removed: the next call makes it again.
func (h *Helpers) ForgetHelperImage() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.image = ""
}

// CreateHelper creates a container that is no instance. Once it is begun it is
// ended: the engine makes the container also for a caller that has gone, and only
// its answer says which. Where ctx has ended meanwhile, the container is removed
// and the error is ctx's.
func (h *Helpers) CreateHelper(ctx context.Context, config *container.Config, host *container.HostConfig) (id string, err error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	creating, cancel := link.Within(context.WithoutCancel(ctx), link.ProcessTimeout)
	defer cancel()
	name := h.link.Stack + "-helper-" + strings.ToLower(rand.Text()[:12])
	h.begin(name)
	created, err := h.link.API(creating).ContainerCreate(creating, config, host, nil, nil, name)
	if err != nil {
		h.end(name)
		return "", err
	}
	h.made(name, created.ID)
	if ctx.Err() != nil {
		h.DiscardHelper(ctx, created.ID)
		return "", context.Cause(ctx)
	}
	return created.ID, nil
}

// StillHost confines a container that is only looked into, or given files, and never
// started. The engine puts no files into a root that is read-only.
func StillHost() *container.HostConfig {
	processes := int64(1)
	return &container.HostConfig{
		NetworkMode: "none", CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
		IpcMode: container.IPCModePrivate, CgroupnsMode: container.CgroupnsModePrivate, LogConfig: container.LogConfig{Type: "none"},
		Resources: container.Resources{Memory: stillMemory, MemorySwap: stillMemory, PidsLimit: &processes},
	}
}

// DiscardHelper removes what CreateHelper made, also when ctx has ended.
func (h *Helpers) DiscardHelper(ctx context.Context, id string) {
	defer h.end(id)
	h.link.Discard(ctx, id)
}

// LeaveHelper leaves what CreateHelper made in the engine: it is an Accessory from here on.
func (h *Helpers) LeaveHelper(id string) { h.end(id) }

// openStatic opens the program. One that needs libraries could not run in an
// image that holds it alone.
func openStatic(path string) (*os.File, error) {
	if path == "" {
		own, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find helper program: %w", err)
		}
		path = own
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open helper program: %w", err)
	}
	binary, err := elf.NewFile(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read helper program: %w", err), file.Close())
	}
	for _, segment := range binary.Progs {
		if segment.Type == elf.PT_INTERP {
			return nil, errors.Join(fmt.Errorf("%s is not a static program, so it cannot work in volumes: build it as scripts/image does", path), file.Close())
		}
	}
	return file, nil
}

func (h *Helpers) findHelperImage(ctx context.Context, reference string) (string, error) {
	found, err := h.link.API(ctx).ImageInspect(ctx, reference)
	if err != nil {
		return "", link.Failure(ctx, "inspect helper image", err)
	}
	if found.Config == nil || found.Config.Labels[link.LabelStack] != h.link.Stack || found.Config.Labels[link.LabelRole] != link.RoleHelper {
		return "", fmt.Errorf("the image name %s belongs to something that is not of this stack", reference)
	}
	return found.ID, nil
}

// importHelper makes the image, and removes those of earlier programs.
func (h *Helpers) importHelper(ctx context.Context, reference string, program *io.SectionReader) error {
	source := link.Stream(ctx, func(_ context.Context, w io.Writer) error { return writeProgram(w, program) })
	response, err := h.link.API(ctx).ImageImport(ctx, imagetypes.ImportSource{Source: source, SourceName: "-"}, reference, imagetypes.ImportOptions{
		Changes: []string{
			fmt.Sprintf("LABEL %s=%q %s=%q", link.LabelStack, h.link.Stack, link.LabelRole, link.RoleHelper),
			fmt.Sprintf("ENTRYPOINT [%q, %q]", "/"+helperProgram, "helper"),
		},
	})
	if err == nil {
		err = errors.Join(link.ImportResult(response), response.Close())
	}
	if sourceErr := source.Finish(); sourceErr != nil {
		return fmt.Errorf("send helper program: %w", sourceErr)
	}
	if err != nil {
		return link.Failure(ctx, "import helper image", err)
	}
	return h.removeFormerHelpers(ctx, reference)
}

// removeFormerHelpers leaves an image that a helper still runs from: the engine
// refuses to remove it, and the next program's import tries again.
func (h *Helpers) removeFormerHelpers(ctx context.Context, current string) error {
	images, err := h.link.API(ctx).ImageList(ctx, imagetypes.ListOptions{Filters: h.link.Owned(link.LabelRole + "=" + link.RoleHelper)})
	if err != nil {
		return link.Failure(ctx, "list helper images", err)
	}
	for _, image := range images {
		if len(image.RepoTags) == 1 && image.RepoTags[0] == current {
			continue
		}
		if err := h.link.RemoveImage(ctx, image.ID, image.RepoTags); err != nil && !errdefs.IsConflict(err) {
			return err
		}
	}
	return nil
}

func writeProgram(w io.Writer, program *io.SectionReader) error {
	out := tar.NewWriter(w)
	if err := out.WriteHeader(&tar.Header{Name: helperProgram, Mode: 0o555, Size: program.Size(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	if _, err := io.Copy(out, program); err != nil {
		return err
	}
	return out.Close()
}
