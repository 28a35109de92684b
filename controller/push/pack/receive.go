package pack

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the sum of a pack, against damage alone
	"errors"
	"fmt"
	"io"
	"os"

	"berth/controller/problem"
)

// worded says what is wrong with a pack. What a person can mend stays as it is.
func worded(err error) error {
	if _, known := errors.AsType[*problem.Problem](err); known || problem.IsDiskFull(err) || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("it ends before its end", err)
	}
	return damaged("an object cannot be read", err)
}

// incoming is the file of a pack that is not kept yet.
const incoming = "incoming"

// Unended is a reader that may not end behind a pack, because its sender waits for the answer
// first.
type Unended struct{ io.Reader }

// Add receives a pack. Its objects can be read from then on, and are gone at Close unless
// Keep was called. What is wrong with the pack is a Problem. It may be called once.
func (o *Objects) Add(ctx context.Context, r io.Reader) error {
	if err := o.root.Remove(incoming); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an earlier pack: %w", err)
	}
	file, err := o.root.OpenFile(incoming, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("create pack: %w", err)
	}
	o.added = len(o.packs)
	o.packs = append(o.packs, file)
	bounded := &boundedReader{from: r, left: o.limits.PackBytes, limit: o.limits.PackBytes}
	scan := newScan(io.TeeReader(bounded, file), o.limits, &o.work)
	_, scan.unended = r.(Unended)
	found, err := scan.objects(ctx)
	if bounded.broke != nil && !errors.Is(bounded.broke, io.EOF) {
		return bounded.broke // the scan may have called it by another name
	}
	if err != nil {
		return err
	}
	if err := checkSum(file, scan.source.read); err != nil {
		return err
	}
	return o.name(ctx, found)
}

// boundedReader refuses more than a number of bytes.
type boundedReader struct {
	from        io.Reader
	left, limit int64
	broke       error // what ended it
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.from.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		err = tooManyBytes(b.limit)
	}
	if err != nil {
		b.broke = err
	}
	return n, err
}

// checkSum compares the pack's sum with that of what stands before it.
func checkSum(file io.ReaderAt, size int64) error {
	sum := sha1.New() //nolint:gosec // as above
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, size-trailerBytes)); err != nil {
		return fmt.Errorf("read pack: %w", err)
	}
	var claimed [trailerBytes]byte
	if _, err := file.ReadAt(claimed[:], size-trailerBytes); err != nil {
		return fmt.Errorf("read pack: %w", err)
	}
	if !bytes.Equal(sum.Sum(nil), claimed[:]) {
		return damaged("its sum is wrong", nil)
	}
	return nil
}

// name finds the name of each object of the new pack.
func (o *Objects) name(ctx context.Context, found []object) error {
	byOffset := make(map[int64]place, len(found))
	for _, next := range found {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := place{pack: o.added, offset: next.offset, kind: next.kind, size: next.size}
		id := next.id
		if !next.kind.whole() {
			base, err := o.baseOf(next, byOffset)
			if err != nil {
				return err
			}
			if at.depth = base.depth + 1; at.depth > o.limits.Depth {
				return tooDeep(o.limits.Depth)
			}
			at.kind = base.kind
			content, err := o.content(at)
			if err != nil {
				return worded(err)
			}
			at.size = int64(len(content))
			sum := newHash(at.kind, at.size)
			_, _ = sum.Write(content)
			sum.Sum(id[:0])
		}
		byOffset[next.offset] = at
		o.put(id, at)
	}
	return nil
}

// put notes where an object is; what was there before stays.
func (o *Objects) put(id ID, at place) {
	if _, known := o.at[id]; known {
		return
	}
	o.at[id] = at
	o.fresh = append(o.fresh, id)
}

// baseOf returns the object that a difference is to. In a pack it stands before the
// difference, as git writes it.
func (o *Objects) baseOf(next object, byOffset map[int64]place) (place, error) {
	if next.kind == byName {
		if base, found := o.at[next.baseID]; found {
			return base, nil
		}
		return place{}, problem.Conflict("The push builds on objects that Berth has not kept.", "Push again: Berth has forgotten them now, and git sends them.").Because(ErrMissing)
	}
	base, found := byOffset[next.offset-next.base]
	if !found {
		return place{}, damaged("a difference has no base", nil)
	}
	return base, nil
}
