// Package remote is the client of git hosts: it fetches the tip of one branch and hands its
// files on as an archive, and it tells what became of a commit. It speaks git's smart protocol
// over HTTPS, as a client that asks for one commit and nothing of its history. It makes no
// working tree, follows no redirect, and keeps nothing.
package remote

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"berth/controller/archive"
	"berth/controller/folder"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/push/snapshot"
)

// Folder is the name of the folder in the data folder that holds packs while they are read.
const Folder = "fetched"

const (
	fetchedAtOnce = 2 // bounds what fetches take of the memory together
	askTime       = 30 * time.Second
	fetchTime     = 10 * time.Minute
)

// Dial connects to an address, or refuses it.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Options are what Remotes need.
type Options struct {
	DataFolder string
	Dial       Dial           // refuses the addresses that Berth may not reach
	Roots      *x509.CertPool // nil: those of the system
	NoRoom     func() error   // refuses fetches while the disk is too full
}

// Remotes fetch from git hosts. They are safe for concurrent use.
type Remotes struct {
	client client
	noRoom func() error
	root   *os.Root
	limits pack.Limits
	most   archive.Limits

	fetching chan struct{}
}

// New returns Remotes that use a folder of the data folder. It removes what an earlier run
// left there.
func New(o Options) (*Remotes, error) {
	root, err := folder.OpenPrivate(filepath.Join(o.DataFolder, Folder))
	if err != nil {
		return nil, err
	}
	left, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("list the folder of fetches: %w", err)
	}
	for _, entry := range left {
		if err := root.RemoveAll(entry.Name()); err != nil {
			return nil, fmt.Errorf("remove an earlier fetch: %w", err)
		}
	}
	return &Remotes{
		client: client{dial: o.Dial, roots: o.Roots}, noRoom: o.NoRoom, root: root, limits: pack.DefaultLimits(), most: archive.DefaultLimits(),
		fetching: make(chan struct{}, fetchedAtOnce),
	}, nil
}

// Fetch hands the files at the tip of a branch to take, and returns its commit. Where that is
// the known one, nothing is fetched.
func (r *Remotes) Fetch(ctx context.Context, source Source, known pack.ID, take func(context.Context, Checkout) error) (pack.ID, error) {
	tip, err := r.Tip(ctx, source)
	if err != nil || tip.Commit == known {
		return tip.Commit, err
	}
	return tip.Commit, tip.Fetch(ctx, take)
}

// Tip is the commit at the end of a branch.
type Tip struct {
	Commit pack.ID

	remotes *Remotes
	source  Source
	modern  bool // the git host speaks version 2 of the protocol
}

// Tip asks the git host where the branch ends.
func (r *Remotes) Tip(ctx context.Context, source Source) (Tip, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	talk := r.client.open(source)
	defer talk.close()
	commit, modern, err := talk.tip(ctx)
	if err != nil {
		return Tip{}, worded(err, source.Token)
	}
	return Tip{Commit: commit, remotes: r, source: source, modern: modern}, nil
}

// Checkout is the files of a commit.
type Checkout struct {
	Commit  pack.ID
	Files   int
	Bytes   int64
	Archive io.Reader // a compressed tar of the files
}

// Fetch hands the files to take. What is wrong with the repository is a Problem.
func (t Tip) Fetch(ctx context.Context, take func(context.Context, Checkout) error) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	select {
	case t.remotes.fetching <- struct{}{}:
		defer func() { <-t.remotes.fetching }()
	case <-ctx.Done():
		return problem.Unavailable("Berth fetches as many repositories as it can at the moment.", "Try again in some minutes.").Because(ctx.Err())
	}
	if err := t.remotes.noRoom(); err != nil {
		return err
	}
	name := rand.Text()
	if err := t.remotes.root.Mkdir(name, 0o700); err != nil {
		return fmt.Errorf("make folder of a fetch: %w", err)
	}
	return errors.Join(t.fetchInto(ctx, name, take), t.remotes.root.RemoveAll(name))
}

func (t Tip) fetchInto(ctx context.Context, name string, take func(context.Context, Checkout) error) error {
	root, err := t.remotes.root.OpenRoot(name)
	if err != nil {
		return fmt.Errorf("open folder of a fetch: %w", err)
	}
	defer func() { _ = root.Close() }() // it is removed
	objects, err := pack.Open(root, t.remotes.limits)
	if err != nil {
		return err
	}
	defer func() { _ = objects.Close() }() // as above
	files, err := t.receive(ctx, objects)
	if err != nil {
		return worded(err, t.source.Token)
	}
	archive, end := files.Open(ctx)
	defer end()
	return take(ctx, Checkout{Commit: t.Commit, Files: files.Files(), Bytes: files.Bytes(), Archive: archive})
}

// receive receives the objects and lists the files.
func (t Tip) receive(ctx context.Context, objects *pack.Objects) (*snapshot.Snapshot, error) {
	talk := t.remotes.client.open(t.source)
	defer talk.close()
	sent, err := talk.fetch(ctx, t.Commit, t.modern, t.remotes.limits.PackBytes)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sent.Close() }()
	if err := objects.Add(ctx, sent); err != nil {
		return nil, unreadable(err)
	}
	return snapshot.List(ctx, objects, t.Commit, t.source.Folder, t.remotes.most)
}
