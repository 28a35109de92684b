package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/helper"
	"berth/controller/docker/link"
	"berth/controller/plan"
	"berth/controller/printable"
)

// Where the engine looks the names of users and groups up.
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
)

const (
	// accountsLimit is how much of an image's passwd or group file is read. The engine
	// reads one of any size, so a longer one is refused.
	accountsLimit = 1 << 20
	// accountsKept bounds the images whose accounts are remembered, and accountsKeptBytes
	// what is remembered of each.
	accountsKept      = 64
	accountsKeptBytes = 64 << 10
	// linksFollowed is how many symbolic links one path may lead through.
	linksFollowed = 40
)

// accounts is what an image itself says of its users, before anything is mounted.
type accounts struct {
	passwd, group accountFile
	targets       map[string]string // where a path of the image really is
}

// accountFile is a passwd or group file of an image.
type accountFile struct {
	place string // where it really is, or would be
	there bool
	text  string
}

// namedAccounts is one of both files, with its place in every image.
type namedAccounts struct {
	name string
	file *accountFile
}

// files are both, in the order in which they are looked at.
func (a *accounts) files() []namedAccounts {
	return []namedAccounts{{passwdFile, &a.passwd}, {groupFile, &a.group}}
}

// accountBook remembers the accounts of images, which never change, by their id.
type accountBook struct {
	mutex sync.Mutex
	known map[string]accounts
}

func (b *accountBook) find(image string, targets []string) (accounts, bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	found, known := b.known[image]
	for _, target := range targets {
		if _, there := found.targets[target]; !there {
			return accounts{}, false
		}
	}
	return found, known
}

func (b *accountBook) keep(image string, found accounts) {
	if len(found.passwd.text)+len(found.group.text) > accountsKeptBytes {
		return
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.known == nil || len(b.known) >= accountsKept {
		b.known = make(map[string]accounts)
	}
	b.known[image] = found
}

// readAccounts looks into the image: at a container of it that has nothing mounted and
// is never started. A *plan.Refusal names a file that the engine must not be made to
// read: it would wait for ever in front of a named pipe, with the container locked.
func (e *Engine) readAccounts(ctx context.Context, image string, targets []string) (accounts, error) {
	if found, known := e.accounts.find(image, targets); known {
		return found, nil
	}
	id, err := e.CreateHelper(ctx,
		&container.Config{
			Image: image, Cmd: []string{"/"}, NetworkDisabled: true,
			Labels: map[string]string{link.LabelStack: e.link.Stack, link.LabelRole: link.RoleHelper},
		},
		helper.StillHost())
	if err != nil {
		return accounts{}, startFailure(ctx, "create container to look into the image", err)
	}
	defer e.DiscardHelper(ctx, id)
	look := imageLook{engine: e, container: id}
	found := accounts{targets: make(map[string]string, len(targets))}
	// Both are looked at before one is read: the engine packs what it gives out inside
	// of the image, where it opens them too, for the names of owners.
	for _, one := range found.files() {
		if *one.file, err = look.account(ctx, one.name); err != nil {
			return accounts{}, err
		}
	}
	for _, one := range found.files() {
		if one.file.text, err = look.read(ctx, *one.file); err != nil {
			return accounts{}, err
		}
	}
	for _, target := range targets {
		if found.targets[target], _, _, err = look.follow(ctx, target); err != nil {
			return accounts{}, err
		}
	}
	e.accounts.keep(image, found)
	return found, nil
}

// imageLook reads from a container that was never started.
type imageLook struct {
	engine    *Engine
	container string
}

// account looks at one file of accounts, which must be a file where it is there.
func (l imageLook) account(ctx context.Context, name string) (accountFile, error) {
	place, stat, there, err := l.follow(ctx, name)
	if err != nil || !there {
		return accountFile{place: place}, err
	}
	if !stat.Mode.IsRegular() {
		return accountFile{}, refuseAccounts(name, place, "is "+kindOf(stat.Mode)+" and no file", "Leave it out of the image, or make it a file.")
	}
	if stat.Size > accountsLimit {
		return accountFile{}, refuseAccounts(name, place, fmt.Sprintf("is larger than %d KB", accountsLimit>>10), "Make it shorter.")
	}
	return accountFile{place: place, there: true}, nil
}

func refuseAccounts(name, place, fault, hint string) error {
	where := name
	if place != name {
		where += ", which leads to " + printable.Plain(place) + ","
	}
	return &plan.Refusal{Reason: fmt.Sprintf("The image's %s %s.", where, fault), Hint: hint}
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	default:
		return "something else"
	}
}

// follow walks the path as the engine does, which takes the image's root for the root
// of every link. It returns where the path leads, also where nothing is there.
func (l imageLook) follow(ctx context.Context, name string) (place string, stat container.PathStat, there bool, err error) {
	place = "/"
	rest := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	for links := 0; len(rest) > 0; {
		next := path.Join(place, rest[0])
		stat, err = l.engine.link.API(ctx).ContainerStatPath(ctx, l.container, next)
		if errdefs.IsNotFound(err) {
			return path.Join(append([]string{place}, rest...)...), container.PathStat{}, false, nil
		}
		if err != nil {
			return "", container.PathStat{}, false, link.Failure(ctx, "look at "+name+" of the image", err)
		}
		if stat.Mode&fs.ModeSymlink == 0 {
			place, rest = next, rest[1:]
			continue
		}
		if links++; links > linksFollowed || stat.LinkTarget == "" {
			return "", container.PathStat{}, false, refuseAccounts(name, name, "leads through too many symbolic links", "Make it a file or a folder.")
		}
		target := stat.LinkTarget
		if !path.IsAbs(target) {
			target = path.Join(place, target)
		}
		rest = append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), rest[1:]...)
		place = "/"
	}
	return place, stat, true, nil
}

// read returns the content of a file that is known to be one, and short.
func (l imageLook) read(ctx context.Context, file accountFile) (string, error) {
	if !file.there {
		return "", nil
	}
	place := file.place
	archive, _, err := l.engine.link.API(ctx).CopyFromContainer(ctx, l.container, place)
	if err != nil {
		return "", link.Failure(ctx, "read "+place+" of the image", err)
	}
	defer func() { _ = archive.Close() }()
	files := tar.NewReader(archive)
	header, err := files.Next()
	if err != nil {
		return "", link.Failure(ctx, "read "+place+" of the image", err)
	}
	if header.Typeflag != tar.TypeReg || header.Size > accountsLimit {
		return "", errors.New("read " + place + " of the image: it is not the file that was looked at")
	}
	text, err := io.ReadAll(io.LimitReader(files, accountsLimit))
	return string(text), link.Failure(ctx, "read "+place+" of the image", err)
}
