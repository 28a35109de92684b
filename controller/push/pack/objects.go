// Package pack keeps the objects of a git repository, in the packs that they came in. It
// never makes a working tree, and bounds what a pack can cost before it pays.
package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// ErrMissing is about an object that is not there.
var ErrMissing = errors.New("git object is missing")

// Objects are those of one repository. They are not safe for concurrent use, and one at a
// time may have the folder.
type Objects struct {
	root   *os.Root
	limits Limits
	packs  []*os.File
	at     map[ID]place
	work   int64

	added  int  // position of the new pack in packs; -1 without one
	fresh  []ID // objects of the new pack
	recent recent

	inflater inflater
}

// place is where an object is, and what.
type place struct {
	pack   int
	offset int64
	kind   Kind
	depth  int
	size   int64 // of the object
}

const packSuffix, indexSuffix = ".pack", ".index"

// Open opens what the folder keeps. An error means that the folder is damaged: nobody needs
// it, and it can be emptied.
func Open(root *os.Root, limits Limits) (*Objects, error) {
	o := &Objects{root: root, limits: limits, at: map[ID]place{}, work: limits.WorkBytes, added: -1}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("list packs: %w", err)
	}
	for _, entry := range entries {
		name, isPack := strings.CutSuffix(entry.Name(), packSuffix)
		if !isPack {
			continue
		}
		if err := o.open(name); err != nil {
			return nil, errors.Join(err, o.Close())
		}
	}
	return o, nil
}

func (o *Objects) open(name string) error {
	index, err := o.root.Open(name + indexSuffix) // it was there before the pack
	if err != nil {
		return fmt.Errorf("open index of pack: %w", err)
	}
	defer index.Close()
	file, err := o.root.Open(name + packSuffix)
	if err != nil {
		return fmt.Errorf("open pack: %w", err)
	}
	o.packs = append(o.packs, file)
	return readIndex(index, len(o.packs)-1, o.limits.StoreObjects, o.at)
}

// Close closes the files. A new pack that is not kept is removed.
func (o *Objects) Close() error {
	var errs []error
	for _, file := range o.packs {
		errs = append(errs, file.Close())
	}
	o.packs = nil
	if err := o.root.Remove(incoming); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Keep keeps the new pack beyond Close, if it brought any object.
func (o *Objects) Keep() error {
	if o.added < 0 || len(o.fresh) == 0 {
		return nil
	}
	name := o.fresh[0].String() // it was in no pack before
	index, err := o.root.OpenFile(name+indexSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("create index of pack: %w", err)
	}
	if err := errors.Join(writeIndex(index, o.fresh, o.at), index.Close()); err != nil {
		return err
	}
	if err := o.root.Rename(incoming, name+packSuffix); err != nil {
		return fmt.Errorf("keep pack: %w", err)
	}
	return nil
}

// Full reports whether the packs are more than should be kept.
func (o *Objects) Full() bool {
	var bytes int64
	for _, file := range o.packs {
		if info, err := file.Stat(); err == nil {
			bytes += info.Size()
		}
	}
	return bytes > o.limits.StoreBytes || len(o.packs) > o.limits.StorePacks || len(o.at) > o.limits.StoreObjects
}

// Has reports whether an object is there.
func (o *Objects) Has(id ID) bool {
	_, found := o.at[id]
	return found
}

// Size is the size of an object of a kind.
func (o *Objects) Size(id ID, kind Kind) (int64, error) {
	at, err := o.find(id, kind)
	return at.size, err
}

func (o *Objects) find(id ID, kind Kind) (place, error) {
	at, found := o.at[id]
	if !found || at.kind != kind {
		return place{}, fmt.Errorf("%s %s: %w", kind, id, ErrMissing)
	}
	return at, nil
}

// Read returns an object of at most a number of bytes.
func (o *Objects) Read(id ID, kind Kind, most int64) ([]byte, error) {
	at, err := o.find(id, kind)
	if err != nil {
		return nil, err
	}
	if at.size > min(most, o.limits.DeltaBytes) {
		return nil, fmt.Errorf("%s %s has %d bytes", kind, id, at.size)
	}
	return o.content(at)
}

// Copy writes an object. Only one that is kept as a difference is ever whole in memory.
func (o *Objects) Copy(into io.Writer, id ID, kind Kind) error {
	at, err := o.find(id, kind)
	if err != nil {
		return err
	}
	if at.depth == 0 {
		reader, found, err := o.entryAt(at)
		if err != nil {
			return err
		}
		return o.inflater.expand(into, reader, found.size)
	}
	content, err := o.content(at)
	if err == nil {
		_, err = into.Write(content)
	}
	return err
}
