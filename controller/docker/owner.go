package docker

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"berth/controller/volume"
)

// groupFile is where the engine looks a group's name up.
const groupFile = "/etc/group"

// FindOwner returns as numbers whom a container of the image runs as, if user is
// its policy's: whoever is to own the files that it writes to. A name that the
// image does not know is a *StartError, as it could not be started with it.
func (e *Engine) FindOwner(ctx context.Context, imageID, user string) (volume.Owner, error) {
	if owner, ok := volume.ParseOwner(user); ok {
		return owner, nil
	}
	ctx, cancel := within(ctx, processTimeout)
	defer cancel()
	// It is never started: it is there to be read.
	id, err := e.createHelper(ctx,
		&container.Config{
			Image: imageID, Cmd: []string{"/"}, NetworkDisabled: true,
			Labels: map[string]string{labelStack: e.stack, labelRole: roleHelper},
		},
		&container.HostConfig{NetworkMode: "none"})
	if err != nil {
		return volume.Owner{}, failure(ctx, "create helper", err)
	}
	defer e.discardHelper(ctx, id)
	return e.ownerIn(ctx, id, user)
}

// ownerIn reads the user as the engine's runtime does: the first line of a name
// counts, a number without a line has the group 0, a group of its own wins.
func (e *Engine) ownerIn(ctx context.Context, containerID, user string) (volume.Owner, error) {
	user, group, _ := strings.Cut(user, ":")
	var owner volume.Owner
	fields, err := e.accountIn(ctx, containerID, passwdFile, user)
	if err != nil {
		return volume.Owner{}, err
	}
	switch id, err := strconv.ParseUint(user, 10, 31); {
	case len(fields) > 3:
		owner = volume.Owner{User: idIn(fields[2]), Group: idIn(fields[3])}
	case err == nil:
		owner.User = int(id)
	case user != "" && user != "root":
		return volume.Owner{}, unknown("user", user)
	}
	if group == "" {
		return owner, nil
	}
	fields, err = e.accountIn(ctx, containerID, groupFile, group)
	if err != nil {
		return volume.Owner{}, err
	}
	switch id, err := strconv.ParseUint(group, 10, 31); {
	case len(fields) > 2:
		owner.Group = idIn(fields[2])
	case err == nil:
		owner.Group = int(id)
	default:
		return volume.Owner{}, unknown("group", group)
	}
	return owner, nil
}

func unknown(what, name string) *StartError {
	return &StartError{
		Message: fmt.Sprintf("The image wants to run as the %s %q, which it does not know.", what, printable(name)),
		Err:     ErrNotFound,
	}
}

// accountIn returns the fields of the first line of a passwd or group file with
// the name, or with the number in the third field; nil where there is none.
func (e *Engine) accountIn(ctx context.Context, containerID, path, name string) ([]string, error) {
	archive, _, err := e.api(ctx).CopyFromContainer(ctx, containerID, path)
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, failure(ctx, "read "+path+" of the image", err)
	}
	defer func() { _ = archive.Close() }()
	files := tar.NewReader(archive)
	header, err := files.Next()
	if err != nil {
		return nil, failure(ctx, "read "+path+" of the image", err)
	}
	if header.Typeflag != tar.TypeReg || header.Size > passwdLimit {
		return nil, nil
	}
	fields, err := findAccount(files, name)
	return fields, failure(ctx, "read "+path+" of the image", err)
}

func findAccount(lines io.Reader, name string) ([]string, error) {
	for reader := bufio.NewReader(lines); ; {
		line, err := reader.ReadString('\n')
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) > 2 && (fields[0] == name || fields[2] == name) {
			return fields, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// idIn reads a number of a passwd file; what is none counts as 0, as the runtime has it.
func idIn(text string) int {
	id, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return int(id)
}
