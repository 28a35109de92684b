package set

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"berth/controller/aside"
	"berth/controller/backup/chunk"
	"berth/controller/backup/target"
)

// putsAtOnce bounds what is encrypted and sent side by side. Each holds a piece twice:
// some 10 MB in all for pieces of the usual size, 40 MB at most.
const putsAtOnce = 4

// Options are what a Writer needs. Every field is required unless it says otherwise.
type Options struct {
	Target     target.Target
	Recipients string   // public keys, separated by space
	Seed       [32]byte // of the cuts: the same for all sets of a server
	Folder     string   // of this server, for what the target has already
	Repository string   // of this server; another one's sets are refused
	// Moved is told the bytes that were read and those that were sent, now and then; may be nil.
	Moved func(read, sent int64)
	Now   func() time.Time
}

// Writer writes one set. It is for one goroutine.
type Writer struct {
	options    Options
	recipients []age.Recipient
	cutter     *chunk.Cutter
	known      *known
	share      share
	manifest   Manifest
	sent       int64
	read       int64
	mu         sync.Mutex // of the counts and the journal
}

// ErrForeign says that the target holds the sets of another server.
var ErrForeign = errors.New("the target holds the backups of another server")

// Begin begins a set. The caller must call Finish or Abort.
func Begin(ctx context.Context, o Options) (*Writer, error) {
	recipients, err := ParseRecipients(o.Recipients)
	if err != nil {
		return nil, err
	}
	if err := claim(ctx, o.Target, o.Repository); err != nil {
		return nil, err
	}
	present, err := listObjects(ctx, o.Target)
	if err != nil {
		return nil, err
	}
	known, err := openKnown(o.Folder, o.Repository, o.Recipients, present)
	if err != nil {
		return nil, fmt.Errorf("open what the last backup left: %w", err)
	}
	if o.Moved == nil {
		o.Moved = func(int64, int64) {}
	}
	now := o.Now()
	return &Writer{
		options: o, recipients: recipients, cutter: chunk.New(o.Seed), known: known, share: halfOfCores(),
		manifest: Manifest{Format: Format, Set: NewID(now), Repository: o.Repository, MadeAt: now.UTC()},
	}, nil
}

// claim makes the target this repository's, or refuses another's.
func claim(ctx context.Context, to target.Target, repository string) error {
	const most = 1 << 10
	text := fmt.Sprintf("Berth backups, format %d\n%s\n", Format, repository)
	found, err := target.Read(ctx, to, repositoryFile, most)
	if errors.Is(err, target.ErrMissing) {
		return to.Put(ctx, repositoryFile, []byte(text))
	}
	if err != nil {
		return fmt.Errorf("look at the target: %w", err)
	}
	if string(found) != text {
		return ErrForeign
	}
	return nil
}

func listObjects(ctx context.Context, from target.Target) (map[string]int64, error) {
	present := make(map[string]int64)
	err := from.List(ctx, objectsFolder, func(o target.Object) error { present[o.Name] = o.Bytes; return nil })
	if err != nil {
		return nil, fmt.Errorf("list objects: %w", err)
	}
	return present, nil
}

// ID is the set's.
func (w *Writer) ID() ID { return w.manifest.Set }

// Describe says of which server the set is.
func (w *Writer) Describe(stack, version string, images []Image) {
	w.manifest.Stack, w.manifest.Version, w.manifest.Images = stack, version, images
}

// Add adds a part, which write writes. Content that the target has is not sent again.
func (w *Writer) Add(ctx context.Context, part Part, write func(context.Context, io.Writer) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(putsAtOnce)
	reader, pipe := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		aside.Do(func() { _ = pipe.CloseWithError(write(ctx, pipe)) })
	}()
	whole := sha256.New()
	var claimed []*piece
	var err error
	aside.Do(func() {
		w.share.take()
		defer w.share.give()
		err = w.cutter.Cut(w.share.aside(reader), func(content []byte) error {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			_, _ = whole.Write(content)
			part.Bytes += int64(len(content))
			claimed = append(claimed, w.take(ctx, group, content))
			return nil
		})
	})
	_ = reader.CloseWithError(err) // a writer that is still there ends
	<-written
	if err = errors.Join(err, group.Wait()); err != nil {
		return fmt.Errorf("back up %s: %w", part.Name, err)
	}
	for _, one := range claimed {
		part.pieces = append(part.pieces, *one)
	}
	part.SHA256 = hex.EncodeToString(whole.Sum(nil))
	w.manifest.Parts = append(w.manifest.Parts, part)
	return nil
}

// take returns the piece of the content, which is complete once the group has ended.
func (w *Writer) take(ctx context.Context, group *errgroup.Group, content []byte) *piece {
	plain := sum(sha256.Sum256(content))
	w.mu.Lock()
	w.read += int64(len(content))
	found, there := w.known.pieces[plain]
	w.mu.Unlock()
	if there {
		w.tell()
		return &found
	}
	one := &piece{object: newObject(), bytes: int32(len(content)), plain: plain}
	copied := append(takeBuffer(len(content)), content...)
	w.share.give() // Go waits for one of those that put, and each of them needs the share
	group.Go(func() (err error) {
		aside.Do(func() { err = w.put(ctx, one, copied) })
		return err
	})
	w.share.take()
	return one
}

// put encrypts and sends a piece, and gives the buffer of its content back.
func (w *Writer) put(ctx context.Context, one *piece, content []byte) error {
	sealed, err := w.seal(one, content)
	giveBuffer(content)
	if err != nil {
		return err
	}
	if err := w.options.Target.Put(ctx, one.object, sealed); err != nil {
		return err
	}
	w.mu.Lock()
	w.sent += int64(len(sealed))
	w.known.pieces[one.plain] = *one
	err = w.known.note(*one)
	w.mu.Unlock()
	w.tell()
	return err
}

func (w *Writer) seal(one *piece, content []byte) ([]byte, error) {
	w.share.take()
	defer w.share.give()
	sealed, err := sealBytes(w.recipients, content)
	one.sealed, one.cipher = int32(len(sealed)), sha256.Sum256(sealed)
	return sealed, err
}

func (w *Writer) tell() {
	w.mu.Lock()
	read, sent := w.read, w.sent
	w.mu.Unlock()
	w.options.Moved(read, sent)
}

// Sent is how many bytes were sent.
func (w *Writer) Sent() int64 { return w.sent }

// Abort gives the set up. What was sent is used by the next one.
func (w *Writer) Abort() error { return w.known.close(false, w.manifest) }

// Finish makes the set one: the target has every object, and the manifest comes last.
func (w *Writer) Finish(ctx context.Context) (Manifest, error) {
	err := w.check(ctx)
	if err == nil {
		err = w.writeManifest(ctx)
	}
	if err != nil {
		return Manifest{}, errors.Join(err, w.Abort())
	}
	return w.manifest, w.known.close(true, w.manifest)
}

// check asks the target for what it has in the end.
func (w *Writer) check(ctx context.Context) error {
	present, err := listObjects(ctx, w.options.Target)
	if err != nil {
		return err
	}
	for _, part := range w.manifest.Parts {
		for _, one := range part.pieces {
			if present[one.object] != int64(one.sealed) {
				return fmt.Errorf("the target does not have %s as it was sent", one.object)
			}
		}
	}
	return nil
}

func (w *Writer) writeManifest(ctx context.Context) error {
	sealed, err := seal(w.recipients, 0, w.manifest.write)
	if err != nil {
		return err
	}
	references := referencesOf(w.manifest.objects())
	if err := w.options.Target.Put(ctx, w.ID().references(), references); err != nil {
		return fmt.Errorf("write references: %w", err)
	}
	if err := w.options.Target.Put(ctx, w.ID().manifest(), sealed); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	w.sent += int64(len(sealed) + len(references))
	return nil
}

// referencesOf is a list of objects, with its own hash in the last line: a list that is
// not whole must not make objects look as if nobody needed them.
func referencesOf(objects []string) []byte {
	text := strings.Join(objects, "\n") + "\n"
	return fmt.Appendf([]byte(text), "sha256 %x\n", sha256.Sum256([]byte(text)))
}
