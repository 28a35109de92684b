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

	"berth/controller/plan"
	"berth/controller/printable"
)

// addFiles returns an image that holds the service's public files beside what
// the given one holds, or the given one where there are none. The root of a
// hardened container cannot be written to, not even by the engine: so they are
// put into a container that never runs, and that becomes the image.
func (e *Engine) addFiles(ctx context.Context, options StartOptions, policy plan.Policy) (Image, error) {
	files := selectFiles(options.Service.Files, false)
	if len(files) == 0 {
		return options.Image, nil
	}
	text, err := tarOfFiles(files, policy.User, nil)
	if err != nil {
		return Image{}, err
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
	labels := e.link.ownLabels(roleFiles, options.App, options.Release)
	labels[labelService] = options.serviceName()
	labels[labelFiles] = hash
	return labels
}

// findFilesImage returns the image that an earlier start made, or "".
func (e *Engine) findFilesImage(ctx context.Context, labels map[string]string) (string, error) {
	found, err := e.link.api(ctx).ImageList(ctx, imagetypes.ListOptions{Filters: e.link.owned(
		labelRole+"="+roleFiles, labelApp+"="+labels[labelApp], labelRelease+"="+labels[labelRelease], labelFiles+"="+labels[labelFiles])})
	if err != nil || len(found) == 0 {
		return "", failure(ctx, "find image with files", err)
	}
	return found[0].ID, nil
}

// commitFiles makes the image with the labels. The container is a helper: what a
// killed process leaves of it goes at the next start, or with the app.
func (e *Engine) commitFiles(ctx context.Context, options StartOptions, labels map[string]string, text []byte) (id string, err error) {
	created, err := e.createHelper(ctx, &container.Config{
		Image: options.Image.ID, Cmd: options.Service.Command, Entrypoint: options.Service.Entrypoint,
		Labels: e.link.ownLabels(roleHelper, options.App, options.Release),
	}, &container.HostConfig{NetworkMode: "none"})
	if err != nil {
		return "", startFailure(ctx, "create container for files", err)
	}
	defer e.discardHelper(ctx, created)
	err = e.link.api(ctx).CopyToContainer(ctx, created, "/", bytes.NewReader(text), container.CopyToContainerOptions{})
	if errdefs.IsInvalidArgument(err) || errdefs.IsNotFound(err) {
		return "", &StartError{Message: "The configs cannot be put into the image: " + sentence(printable.Plain(err.Error())), Err: err}
	}
	if err != nil {
		return "", failure(ctx, "put files into image", err)
	}
	committed, err := e.link.api(ctx).ContainerCommit(ctx, created, container.CommitOptions{Config: &container.Config{Labels: labels}})
	return committed.ID, failure(ctx, "make image with files", err)
}

// removeFiles removes what was made beside an instance: the tmpfs of its secrets
// and its image with files, which another instance may still use.
func (e *Engine) removeFiles(ctx context.Context, instance, image string) error {
	ctx, cancel := within(ctx, processTimeout)
	defer cancel()
	if err := e.removeSecretsOf(ctx, instance); err != nil {
		return err
	}
	if image == "" {
		return nil
	}
	found, err := e.link.api(ctx).ImageInspect(ctx, image)
	if err != nil {
		return notFoundIsFine(failure(ctx, "inspect image", err))
	}
	if found.Config == nil || found.Config.Labels[labelStack] != e.link.stack || found.Config.Labels[labelRole] != roleFiles {
		return nil
	}
	if err := e.link.removeImage(ctx, found.ID, found.RepoTags); err != nil && !errdefs.IsConflict(err) {
		return err
	}
	return nil
}

// discardFiles cleans up after an instance that did not start.
func (e *Engine) discardFiles(ctx context.Context, options StartOptions) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := e.removeFiles(ctx, options.Name, ""); err != nil {
		e.link.logger.Warn("remove files of an instance that did not start", slog.String("instance", options.Name), slog.Any("error", err))
	}
	labels := e.fileLabels(options, "")
	err := e.link.removeImages(ctx, labelRole+"="+roleFiles, labelApp+"="+labels[labelApp], labelRelease+"="+labels[labelRelease], labelService+"="+labels[labelService])
	if err != nil && !errdefs.IsConflict(err) {
		e.link.logger.Warn("remove image of an instance that did not start", slog.String("instance", options.Name), slog.Any("error", err))
	}
}

func selectFiles(files []plan.File, private bool) []plan.File {
	return slices.DeleteFunc(slices.Clone(files), func(f plan.File) bool { return f.Private != private })
}

// tarOfFiles packs files by their paths. What names no owner belongs to the user
// that the service runs as, where that is a number.
func tarOfFiles(files []plan.File, user string, secrets map[string]string) ([]byte, error) {
	var text bytes.Buffer
	out := tar.NewWriter(&text)
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
