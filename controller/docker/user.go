package docker

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
)

// passwdFile is where the engine looks a user's name up.
const passwdFile = "/etc/passwd"

// passwdLimit is how much of an image's passwdFile is read. A longer one proves nothing.
const passwdLimit = 1 << 20

// isUserName reports whether a container's user is a name, which the image
// itself maps to a number, and not a number.
func isUserName(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	_, err := strconv.Atoi(name)
	return err != nil
}

// isRootByName reports whether the container's own passwdFile maps the user's
// name to root: whoever writes the Dockerfile writes that file too. A file that
// proves nothing (none, a symlink, one without end) counts as such a mapping; a
// name that is not in the file does not, because the engine refuses to start it.
func (e *Engine) isRootByName(ctx context.Context, containerID, user string) (bool, error) {
	name, _, _ := strings.Cut(user, ":")
	archive, _, err := e.api(ctx).CopyFromContainer(ctx, containerID, passwdFile)
	if errdefs.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, failure(ctx, "read users of the image", err)
	}
	defer func() { _ = archive.Close() }()
	files := tar.NewReader(archive)
	header, err := files.Next()
	if err != nil {
		return false, failure(ctx, "read users of the image", err)
	}
	if header.Typeflag != tar.TypeReg || header.Size > passwdLimit {
		return true, nil
	}
	root, err := mapsToRoot(files, name)
	return root, failure(ctx, "read users of the image", err)
}

// mapsToRoot reads a passwd file as the engine's runtime does: the first line
// of the name counts, and a number that is none reads as zero. Any other line
// of the name that maps to root counts too, lest another runtime prefer it.
func mapsToRoot(passwd io.Reader, name string) (bool, error) {
	lines := bufio.NewReader(passwd)
	for {
		line, err := lines.ReadString('\n')
		fields := strings.Split(strings.TrimSpace(line), ":")
		if fields[0] == name && rootID(fields) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

func rootID(fields []string) bool {
	if len(fields) < 3 {
		return true
	}
	id, err := strconv.Atoi(fields[2])
	return err != nil || id <= 0
}
