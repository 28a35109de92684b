package set

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"berth/controller/backup/target"
)

// ErrDamaged says that a set is not as it was written.
var ErrDamaged = errors.New("the backup is damaged")

// getsAtOnce bounds what is read side by side.
const getsAtOnce = 4

// List returns the sets that are whole, the newest first. A set without its manifest was
// never finished and is not listed.
func List(ctx context.Context, from target.Target) ([]ID, error) {
	var all []ID
	err := from.List(ctx, setsFolder, func(o target.Object) error {
		if id, file, ok := setOf(o.Name); ok && file == manifestName {
			all = append(all, id)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	slices.SortFunc(all, func(a, b ID) int { return -compareIDs(a, b) })
	return all, nil
}

func compareIDs(a, b ID) int { return bytes.Compare([]byte(a), []byte(b)) }

// Reader reads one set.
type Reader struct {
	Manifest

	from       target.Target
	identities []age.Identity
	kept       *kept
}

// Open reads the manifest of a set. ErrWrongKey is for another set's identities.
func Open(ctx context.Context, from target.Target, id ID, identities []age.Identity) (*Reader, error) {
	sealed, err := target.Read(ctx, from, id.manifest(), mostText)
	if err != nil {
		return nil, fmt.Errorf("read manifest of %s: %w", id, err)
	}
	plain, err := unseal(identities, sealed)
	if err != nil {
		return nil, damagedUnlessKey(err)
	}
	manifest, err := readManifest(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: manifest of %s: %w", ErrDamaged, id, err)
	}
	if manifest.Set != id {
		return nil, fmt.Errorf("%w: the manifest of %s is that of %s", ErrDamaged, id, manifest.Set)
	}
	return &Reader{Manifest: manifest, from: from, identities: identities}, nil
}

func damagedUnlessKey(err error) error {
	if errors.Is(err, ErrWrongKey) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// Verify reads every object of the parts and compares it with the manifest, which only the
// key opens and which has the hash of each. Nothing is opened. told hears the bytes
// of each piece.
func (r *Reader) Verify(ctx context.Context, parts []Part, told func(bytes int64)) error {
	var mu sync.Mutex // of told
	for _, part := range parts {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(getsAtOnce)
		for _, one := range part.pieces {
			group.Go(func() error {
				sealed, err := r.get(ctx, one)
				if err == nil && sha256.Sum256(sealed) != one.cipher {
					err = fmt.Errorf("%w: %s is not what was written", ErrDamaged, one.object)
				}
				if err != nil {
					return err
				}
				r.kept.put(one.object, sealed)
				giveBuffer(sealed)
				mu.Lock()
				defer mu.Unlock()
				told(int64(one.bytes))
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("read %s: %w", part.Name, err)
		}
	}
	return nil
}

// Read writes a part to w. Each piece is compared with the manifest before any of it is
// written. told hears the bytes of each piece.
func (r *Reader) Read(ctx context.Context, part Part, w io.Writer, told func(bytes int64)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan []byte, getsAtOnce-1) // in the order of the part
	group.Go(func() error {
		defer close(queue)
		return r.fetch(ctx, group, part, queue)
	})
	whole := sha256.New()
	var writeErr error
	for next := range queue {
		content, ok := <-next
		if !ok {
			break
		}
		hashed := make(chan struct{})
		go func() {
			_, _ = whole.Write(content)
			close(hashed)
		}()
		_, writeErr = w.Write(content)
		<-hashed
		read := int64(len(content))
		giveBuffer(content)
		if writeErr != nil {
			break
		}
		told(read)
	}
	if writeErr != nil {
		cancel()
	}
	if err := group.Wait(); writeErr == nil && err != nil {
		return fmt.Errorf("read %s: %w", part.Name, err)
	}
	if writeErr != nil {
		return writeErr
	}
	if hex.EncodeToString(whole.Sum(nil)) != part.SHA256 {
		return fmt.Errorf("read %s: %w: the pieces do not make the part", part.Name, ErrDamaged)
	}
	return nil
}

// fetch gets the pieces side by side, and queues each where its content comes out.
func (r *Reader) fetch(ctx context.Context, group *errgroup.Group, part Part, queue chan<- chan []byte) error {
	for _, one := range part.pieces {
		next := make(chan []byte, 1)
		select {
		case queue <- next:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		group.Go(func() error {
			defer close(next)
			content, err := r.open(ctx, one)
			if err == nil {
				next <- content
			}
			return err
		})
	}
	return nil
}

// get returns a piece as it is kept, in a buffer that the caller gives back, or ErrDamaged where it has not the size that it should.
func (r *Reader) get(ctx context.Context, one piece) ([]byte, error) {
	if sealed := r.kept.get(one); sealed != nil {
		return sealed, nil
	}
	sealed, err := target.ReadInto(ctx, r.from, one.object, int64(one.sealed), takeBuffer(int(one.sealed)+bytes.MinRead))
	if errors.Is(err, target.ErrMissing) {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", one.object, err)
	}
	if len(sealed) != int(one.sealed) {
		return nil, fmt.Errorf("%w: %s has %d bytes instead of %d", ErrDamaged, one.object, len(sealed), one.sealed)
	}
	return sealed, nil
}

// open returns the content of a piece, which is what was encrypted, or ErrDamaged. The
// caller gives the buffer back.
func (r *Reader) open(ctx context.Context, one piece) ([]byte, error) {
	sealed, err := r.get(ctx, one)
	if err != nil {
		return nil, err
	}
	plain, err := unseal(r.identities, sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, one.object, err)
	}
	content := takeBuffer(int(one.bytes) + 1)[:one.bytes+1]
	n, err := io.ReadFull(plain, content)
	giveBuffer(sealed)
	if !errors.Is(err, io.ErrUnexpectedEOF) && err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, one.object, err)
	}
	if n != int(one.bytes) || sha256.Sum256(content[:n]) != one.plain {
		return nil, fmt.Errorf("%w: %s holds something else", ErrDamaged, one.object)
	}
	return content[:n], nil
}
