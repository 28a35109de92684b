package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/docker/helper"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/plan"
	"berth/controller/printable"
)

// addFiles returns an image that holds the service's public files beside what
// the given one holds, or the given one where there are none. The root of a
// hardened container cannot be written to, not even by the engine: so they are
// put into a container that never runs, and that becomes the image.
func (e *Engine) addFiles(ctx context.Context, options StartOptions, policy plan.Policy) (images.Image, error) {
	files := selectFiles(options.Service.Files, false)
	if len(files) == 0 {
		return options.Image, nil
	}
	files, folders := intoVolumes(files, options.Service.Mounts)
	text, err := tarOfFiles(files, folders, policy.User, nil)
	if err != nil {
		return images.Image{}, err
	}
	sum := sha256.Sum256(append([]byte(options.Image.ID), text...))
	labels := e.fileLabels(options, hex.EncodeToString(sum[:]))
	image := options.Image
	if image.ID, err = e.findFilesImage(ctx, labels); err != nil || image.ID != "" {
		return image, err
	}
	image.ID, err = e.commitFiles(ctx, options, labels, text)
	return image, err
}

func (e *Engine) fileLabels(options StartOptions, hash string) map[string]string {
	labels := e.link.OwnLabels(link.RoleFiles, options.App, options.Release)
	labels[link.LabelService] = options.serviceName()
	labels[link.LabelFiles] = hash
	return labels
}

// findFilesImage returns the image that an earlier start made, or "".
func (e *Engine) findFilesImage(ctx context.Context, labels map[string]string) (string, error) {
	found, err := e.link.API(ctx).ImageList(ctx, imagetypes.ListOptions{Filters: e.link.Owned(
		link.LabelRole+"="+link.RoleFiles, link.LabelApp+"="+labels[link.LabelApp], link.LabelRelease+"="+labels[link.LabelRelease], link.LabelFiles+"="+labels[link.LabelFiles])})
	if err != nil || len(found) == 0 {
		return "", link.Failure(ctx, "find image with files", err)
	}
	return found[0].ID, nil
}

// commitFiles makes the image with the labels. The container is a helper: what a
// killed process leaves of it goes at the next start, or with the app.
func (e *Engine) commitFiles(ctx context.Context, options StartOptions, labels map[string]string, text []byte) (id string, err error) {
	created, err := e.CreateHelper(ctx, &container.Config{
		Image: options.Image.ID, Cmd: options.Service.Command, Entrypoint: options.Service.Entrypoint,
		Labels: e.link.OwnLabels(link.RoleHelper, options.App, options.Release),
	}, helper.StillHost())
	if err != nil {
		return "", startFailure(ctx, "create container for files", err)
	}
	defer e.DiscardHelper(ctx, created)
	err = e.link.API(ctx).CopyToContainer(ctx, created, "/", bytes.NewReader(text), container.CopyToContainerOptions{})
	if errdefs.IsInvalidArgument(err) || errdefs.IsNotFound(err) {
		return "", &StartError{Message: "The configs cannot be put into the image: " + images.Sentence(printable.Plain(err.Error())), Err: err}
	}
	if err != nil {
		return "", link.Failure(ctx, "put files into image", err)
	}
	committed, err := e.link.API(ctx).ContainerCommit(ctx, created, container.CommitOptions{Config: &container.Config{Labels: labels}})
	return committed.ID, link.Failure(ctx, "make image with files", err)
}

// removeFiles removes what was made beside an instance: the tmpfs of its secrets
// and its image with files, which another instance may still use.
func (e *Engine) removeFiles(ctx context.Context, instance, image string) error {
	ctx, cancel := link.Within(ctx, link.ProcessTimeout)
	defer cancel()
	if err := e.removeSecretsOf(ctx, instance); err != nil {
		return err
	}
	if image == "" {
		return nil
	}
	found, err := e.link.API(ctx).ImageInspect(ctx, image)
	if err != nil {
		return link.NotFoundIsFine(link.Failure(ctx, "inspect image", err))
	}
	if found.Config == nil || found.Config.Labels[link.LabelStack] != e.link.Stack || found.Config.Labels[link.LabelRole] != link.RoleFiles {
		return nil
	}
	if err := e.link.RemoveImage(ctx, found.ID, found.RepoTags); err != nil && !errdefs.IsConflict(err) {
		return err
	}
	return nil
}

// discardFiles cleans up after an instance that did not start.
func (e *Engine) discardFiles(ctx context.Context, options StartOptions) {
	ctx, cancel := link.Afterwards(ctx)
	defer cancel()
	if err := e.removeFiles(ctx, options.Name, ""); err != nil {
		e.link.Logger.Warn("remove files of an instance that did not start", slog.String("instance", options.Name), slog.Any("error", err))
	}
	labels := e.fileLabels(options, "")
	err := e.link.RemoveImages(ctx, link.LabelRole+"="+link.RoleFiles, link.LabelApp+"="+labels[link.LabelApp], link.LabelRelease+"="+labels[link.LabelRelease], link.LabelService+"="+labels[link.LabelService])
	if err != nil && !errdefs.IsConflict(err) {
		e.link.Logger.Warn("remove image of an instance that did not start", slog.String("instance", options.Name), slog.Any("error", err))
	}
}

func selectFiles(files []plan.File, private bool) []plan.File {
	return slices.DeleteFunc(slices.Clone(files), func(f plan.File) bool { return f.Private != private })
}

// intoVolumes makes the files writable that fill a new volume, and returns the folders
// that the volume gets with them, the outermost first: the engine would make them root's.
func intoVolumes(files []plan.File, mounts []plan.Mount) (made []plan.File, folders []string) {
	made = slices.Clone(files)
	for i := range made {
		for _, mount := range mounts {
			if mount.ReadOnly || !plan.IsBelow(made[i].Path, mount.Target) {
				continue
			}
			made[i].Mode |= 0o200
			for folder := path.Dir(made[i].Path); plan.IsBelow(folder, mount.Target); folder = path.Dir(folder) {
				folders = append(folders, folder)
			}
		}
	}
	slices.Sort(folders)
	return made, slices.Compact(folders)
}

// tarOfFiles packs folders, and files by their paths. What names no owner belongs to the
// user that the service runs as, where that is a number.
func tarOfFiles(files []plan.File, folders []string, user string, secrets map[string]string) ([]byte, error) {
	var text bytes.Buffer
	out := tar.NewWriter(&text)
	for _, folder := range folders {
		uid, gid := ownerOf(plan.File{}, user)
		header := &tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(folder, "/") + "/", Mode: 0o755, Uid: uid, Gid: gid}
		if err := out.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("pack %s: %w", folder, err)
		}
	}
	for _, file := range files {
		content, err := plan.Reveal(string(file.Content), secrets)
		if err != nil {
			return nil, err
		}
		uid, gid := ownerOf(file, user)
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: strings.TrimPrefix(file.Path, "/"), Mode: int64(file.Mode.Perm()),
			Size: int64(len(content)), Uid: uid, Gid: gid,
		}
		if secrets != nil {
			header.Name = path.Base(file.Path)
		}
		if file.Link != "" {
			header.Typeflag, header.Linkname, header.Mode, content = tar.TypeSymlink, file.Link, 0o777, ""
			header.Size = 0
		}
		if err := out.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("pack %s: %w", file.Path, err)
		}
		if _, err := io.WriteString(out, content); err != nil {
			return nil, fmt.Errorf("pack %s: %w", file.Path, err)
		}
	}
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("pack files: %w", err)
	}
	return text.Bytes(), nil
}

func ownerOf(file plan.File, user string) (uid, gid int) {
	userText, groupText, _ := strings.Cut(user, ":")
	uid, gid = number(userText), number(groupText)
	if file.UID != "" {
		uid = number(file.UID)
	}
	if file.GID != "" {
		gid = number(file.GID)
	}
	return uid, gid
}

// number reads an id; a name, which only the image could look up, is root.
func number(text string) int {
	id, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return int(id)
}
