package push

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/push/wire"
)

// refFile holds the reference that was pushed last and went live. Its time is that of the
// push.
const refFile = "ref"

// repository is what is kept of one app's pushes. It can be forgotten at any time: the next
// push brings everything again.
type repository struct {
	root    *os.Root
	objects *pack.Objects
	ref     wire.Ref // empty before the first
}

// open opens the repository of an app, or makes it. One that is damaged, or of an earlier app
// of that name, begins anew. The caller has taken the app.
func (p *Pushes) open(ctx context.Context, name app.Name) (*repository, error) {
	since, err := p.since(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := p.root.Mkdir(p.folder(name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make repository of %s: %w", name, err)
	}
	root, err := p.root.OpenRoot(p.folder(name))
	if err != nil {
		return nil, fmt.Errorf("open repository of %s: %w", name, err)
	}
	found := &repository{root: root}
	found.ref, err = readRef(root, since)
	if err == nil && found.ref.Name != "" {
		found.objects, err = pack.Open(root, p.limits)
	}
	if err == nil && found.ref.Name != "" && found.objects.Has(found.ref.ID) {
		return found, nil
	}
	if err != nil {
		p.logger.WarnContext(ctx, "forget what earlier pushes brought", "app", name, "error", err)
	}
	if found.objects != nil {
		_ = found.objects.Close() // it is removed
	}
	if err := empty(root); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	found.ref = wire.Ref{}
	if found.objects, err = pack.Open(root, p.limits); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return found, nil
}

// folder is the name of the folder of an app.
func (p *Pushes) folder(name app.Name) string { return p.names.Of(string(name)) }

func (r *repository) close() error { return errors.Join(r.objects.Close(), r.root.Close()) }

// keep keeps what the push brought, and what it moved. What is full is forgotten instead.
func (r *repository) keep(ref wire.Ref) error {
	if r.objects.Full() {
		return empty(r.root)
	}
	if err := r.objects.Keep(); err != nil {
		return err
	}
	const fresh = refFile + ".new"
	file, err := r.root.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep reference: %w", err)
	}
	_, err = fmt.Fprintf(file, "%s %s\n", ref.ID, ref.Name)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("keep reference: %w", err)
	}
	return r.root.Rename(fresh, refFile)
}

// since is when the app was made: what was pushed before was for another one of that name.
// For an app that is not there, it is now.
func (p *Pushes) since(ctx context.Context, name app.Name) (time.Time, error) {
	found, err := p.ledger.FindApp(ctx, name)
	if errors.Is(err, problem.ErrNotFound) {
		return p.now(), nil
	}
	return found.CreatedAt, err
}

// lastRef is the reference of an app's repository; empty where there is none.
func (p *Pushes) lastRef(ctx context.Context, name app.Name) (wire.Ref, error) {
	since, err := p.since(ctx, name)
	if err != nil {
		return wire.Ref{}, err
	}
	root, err := p.root.OpenRoot(p.folder(name))
	if errors.Is(err, fs.ErrNotExist) {
		return wire.Ref{}, nil
	}
	if err != nil {
		return wire.Ref{}, fmt.Errorf("open repository of %s: %w", name, err)
	}
	defer root.Close()
	return readRef(root, since)
}

// readRef returns the reference that went live after a time; empty where there is none.
func readRef(root *os.Root, since time.Time) (wire.Ref, error) {
	if info, err := root.Stat(refFile); err == nil && info.ModTime().Before(since) {
		return wire.Ref{}, nil
	}
	text, err := root.ReadFile(refFile)
	if errors.Is(err, fs.ErrNotExist) {
		return wire.Ref{}, nil
	}
	if err != nil {
		return wire.Ref{}, fmt.Errorf("read reference: %w", err)
	}
	id, name, _ := strings.Cut(strings.TrimSuffix(string(text), "\n"), " ")
	parsed, err := pack.ParseID(id)
	return wire.Ref{Name: name, ID: parsed}, err
}

// empty removes all that a folder holds.
func empty(root *os.Root) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	errs := []error{err}
	for _, entry := range entries {
		errs = append(errs, root.RemoveAll(entry.Name()))
	}
	return errors.Join(errs...)
}
