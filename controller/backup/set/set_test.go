package set

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"berth/controller/backup/target"
)

// house is a server with a folder of backups.
type house struct {
	t        *testing.T
	at       string
	target   target.Target
	identity *age.X25519Identity
	options  Options
	sent     int64
	now      time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	at := t.TempDir()
	folder, err := target.OpenFolder(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, at: at, target: folder, identity: identity, now: time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)}
	h.options = Options{
		Target: folder, Recipients: identity.Recipient().String(), Seed: [32]byte{7}, Folder: t.TempDir(), Repository: "mine",
		Now: func() time.Time { h.now = h.now.Add(time.Hour); return h.now },
	}
	return h
}

func (h *house) begin() *Writer {
	h.t.Helper()
	w, err := Begin(h.t.Context(), h.options)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

// backUp makes a set of one part for each content, named a, b, c.
func (h *house) backUp(contents ...[]byte) ID {
	h.t.Helper()
	w := h.begin()
	for at, content := range contents {
		h.add(w, string(rune('a'+at)), content)
	}
	m, err := w.Finish(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	h.sent = w.Sent()
	return m.Set
}

func (h *house) add(w *Writer, name string, content []byte) {
	h.t.Helper()
	err := w.Add(h.t.Context(), Part{Name: name, Kind: Volume, Volume: name}, func(_ context.Context, to io.Writer) error {
		_, err := to.Write(content)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// restore returns the parts of a set, or why they cannot be had.
func (h *house) restore(id ID) (contents [][]byte, err error) {
	reader, err := Open(h.t.Context(), h.target, id, []age.Identity{h.identity})
	if err != nil {
		return nil, err
	}
	for _, part := range reader.Parts {
		var content bytes.Buffer
		if err := reader.Read(h.t.Context(), part, &content, func(int64) {}); err != nil {
			return nil, err
		}
		contents = append(contents, content.Bytes())
	}
	return contents, nil
}

func (h *house) objects() (names []string) {
	h.t.Helper()
	if err := h.target.List(h.t.Context(), "objects/", func(o target.Object) error { names = append(names, o.Name); return nil }); err != nil {
		h.t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func noise(seed byte, bytes int) []byte {
	data := make([]byte, bytes)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
	return data
}

func TestSet_ComesBackAsItWas(t *testing.T) {
	h := newHouse(t)
	parts := [][]byte{noise(1, 9<<20), []byte("small"), nil}
	id := h.backUp(parts...)
	got, err := h.restore(id)
	if err != nil || len(got) != 3 {
		t.Fatal(len(got), err)
	}
	for at := range parts {
		if !bytes.Equal(got[at], parts[at]) {
			t.Errorf("part %d differs", at)
		}
	}
	if all, err := List(t.Context(), h.target); err != nil || !slices.Equal(all, []ID{id}) {
		t.Errorf("listed %v, %v", all, err)
	}
}

func TestSet_MovesOnlyWhatChanged(t *testing.T) {
	h := newHouse(t)
	content := noise(2, 60<<20)
	h.backUp(content)
	copy(content[30<<20:], "changed")
	h.backUp(content)
	if h.sent > 6<<20 {
		t.Errorf("a change of 7 bytes in 60 MB sent %d bytes", h.sent)
	}
	first := h.objects()
	h.backUp(content)
	if h.sent > 64<<10 || len(h.objects()) != len(first) {
		t.Errorf("an unchanged backup sent %d bytes", h.sent)
	}
}

func TestSet_IsNotListedBeforeItsManifest(t *testing.T) {
	h := newHouse(t)
	w := h.begin()
	h.add(w, "a", noise(3, 5<<20))
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if all, err := List(t.Context(), h.target); err != nil || len(all) != 0 {
		t.Errorf("listed %v, %v", all, err)
	}
	h.backUp(noise(3, 5<<20))
	if h.sent > 64<<10 {
		t.Errorf("what the interrupted backup had sent was sent again: %d bytes", h.sent)
	}
}

func TestSet_IsRefusedWhereAnObjectWasChanged(t *testing.T) {
	for name, attack := range map[string]func(t *testing.T, h *house, object string){
		"one byte": func(t *testing.T, h *house, object string) {
			h.rewrite(object, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		"first byte": func(t *testing.T, h *house, object string) {
			h.rewrite(object, func(b []byte) []byte { b[0] ^= 1; return b })
		},
		"cut short": func(t *testing.T, h *house, object string) {
			h.rewrite(object, func(b []byte) []byte { return b[:len(b)-1] })
		},
		"longer": func(t *testing.T, h *house, object string) {
			h.rewrite(object, func(b []byte) []byte { return append(b, 0) })
		},
		"empty":   func(t *testing.T, h *house, object string) { h.rewrite(object, func([]byte) []byte { return nil }) },
		"missing": func(t *testing.T, h *house, object string) { _ = h.target.Remove(t.Context(), object) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.backUp(noise(4, 3<<20), noise(5, 100))
			for _, object := range append(h.objects(), id.manifest()) {
				before, err := target.Read(t.Context(), h.target, object, 1<<30)
				if err != nil {
					t.Fatal(err)
				}
				attack(t, h, object)
				if _, err := h.restore(id); err == nil {
					t.Errorf("%s: restored", object)
				} else if !errors.Is(err, ErrDamaged) && !errors.Is(err, target.ErrMissing) && !strings.Contains(err.Error(), "larger") {
					t.Errorf("%s: %v", object, err)
				}
				if err := h.target.Put(t.Context(), object, before); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := h.restore(id); err != nil {
				t.Errorf("as it was: %v", err)
			}
		})
	}
}

func (h *house) rewrite(object string, change func([]byte) []byte) {
	h.t.Helper()
	path := filepath.Join(h.at, object)
	content, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(content), 0o600)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestSet_IsRefusedWhereObjectsAreSwapped(t *testing.T) {
	h := newHouse(t)
	one := h.backUp(noise(6, 1000))
	other := h.backUp(noise(7, 1000))
	swap := func(a, b string) {
		t.Helper()
		a, b = filepath.Join(h.at, a), filepath.Join(h.at, b)
		if err := errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b)); err != nil {
			t.Fatal(err)
		}
	}
	objects := h.objects()
	for _, pair := range [][2]string{{objects[0], objects[1]}, {one.manifest(), other.manifest()}} {
		swap(pair[0], pair[1])
		for _, id := range []ID{one, other} {
			if _, err := h.restore(id); !errors.Is(err, ErrDamaged) {
				t.Errorf("%v swapped: %v", pair, err)
			}
		}
		swap(pair[0], pair[1])
	}
	if _, err := h.restore(one); err != nil {
		t.Error(err)
	}
}

func TestRead_ComparesThePartWithItsHash(t *testing.T) {
	h := newHouse(t)
	reader, err := Open(t.Context(), h.target, h.backUp(noise(6, 9<<20)), []age.Identity{h.identity})
	if err != nil {
		t.Fatal(err)
	}
	part := reader.Parts[0]
	part.pieces = slices.Clone(part.pieces[1:]) // each of them is whole
	if err := reader.Read(t.Context(), part, io.Discard, func(int64) {}); !errors.Is(err, ErrDamaged) {
		t.Errorf("without a piece: %v", err)
	}
}

// What Verify has read is read from the file, and compared again.
func TestKeep_ReadsEachObjectOnceFromTheTarget(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	content := noise(1, 3<<20)
	id := h.backUp(content)
	reader, err := Open(t.Context(), h.target, id, []age.Identity{h.identity})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "kept"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader.Keep(file)
	if err := reader.Verify(t.Context(), reader.Parts, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	for _, name := range h.objects() {
		if err := h.target.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	var got bytes.Buffer
	if err := reader.Read(t.Context(), reader.Parts[0], &got, func(int64) {}); err != nil || !bytes.Equal(got.Bytes(), content) {
		t.Fatalf("%d bytes came back, %v", got.Len(), err)
	}
	if _, err := file.WriteAt([]byte("something else"), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := reader.Read(t.Context(), reader.Parts[0], io.Discard, func(int64) {}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file that was changed: %v", err)
	}
}

func TestSet_OpensWithNoOtherKey(t *testing.T) {
	h := newHouse(t)
	id := h.backUp([]byte("x"))
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), h.target, id, []age.Identity{other}); !errors.Is(err, ErrWrongKey) {
		t.Errorf("opened with %v", err)
	}
}

func TestSet_ForNewKeysIsWhole(t *testing.T) {
	h := newHouse(t)
	h.backUp(noise(8, 1000))
	next, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	h.options.Recipients, h.identity = next.Recipient().String(), next
	if _, err := h.restore(h.backUp(noise(8, 1000))); err != nil {
		t.Errorf("the new key does not open the new set: %v", err)
	}
}

func TestSet_OfAnotherServerIsLeftAlone(t *testing.T) {
	h := newHouse(t)
	h.backUp([]byte("x"))
	h.options.Repository = "other"
	if _, err := Begin(t.Context(), h.options); !errors.Is(err, ErrForeign) {
		t.Errorf("began with %v", err)
	}
}

func TestSet_ShowsNothingWithoutTheKey(t *testing.T) {
	h := newHouse(t)
	const canary = "canary-in-a-volume"
	h.backUp([]byte(canary + strings.Repeat("x", 5000)))
	for _, at := range []string{h.at, h.options.Folder} {
		err := filepath.WalkDir(at, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if bytes.Contains(content, []byte("canary")) || strings.Contains(path, "canary") {
				t.Errorf("%s shows it", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPrune_RemovesWhatNoSetNeeds(t *testing.T) {
	h := newHouse(t)
	shared := noise(9, 5000)
	first := h.backUp(shared, noise(10, 5000))
	second := h.backUp(shared, noise(11, 5000))
	third := h.backUp(shared, noise(12, 5000))
	if err := Prune(t.Context(), h.target, []ID{second}); err != nil {
		t.Fatal(err)
	}
	if all, err := List(t.Context(), h.target); err != nil || !slices.Equal(all, []ID{third, second}) {
		t.Errorf("listed %v, %v", all, err)
	}
	if got := len(h.objects()); got != 3 {
		t.Errorf("%d objects are left", got)
	}
	for _, id := range []ID{second, third} {
		if _, err := h.restore(id); err != nil {
			t.Error(err)
		}
	}
	if _, err := h.restore(first); err == nil {
		t.Error("the removed set is there")
	}
}

func TestPrune_NeverRemovesTheNewestSet(t *testing.T) {
	h := newHouse(t)
	id := h.backUp(noise(13, 10))
	if err := Prune(t.Context(), h.target, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.restore(id); err != nil {
		t.Error(err)
	}
}

func TestPrune_RemovesNothingWhereReferencesAreDamaged(t *testing.T) {
	h := newHouse(t)
	first, second := h.backUp(noise(14, 10)), h.backUp(noise(15, 10))
	h.rewrite(second.references(), func(b []byte) []byte { return b[:len(b)/2] })
	if err := Prune(t.Context(), h.target, nil); err == nil {
		t.Error("it says nothing")
	}
	for _, id := range []ID{first, second} {
		if _, err := h.restore(id); err != nil {
			t.Error(err)
		}
	}
}

// failing refuses the nth object that is put.
type failing struct {
	target.Target
	left atomic.Int64
}

func (f *failing) Put(ctx context.Context, name string, content []byte) error {
	if f.left.Add(-1) < 0 {
		return errors.New("no room")
	}
	return f.Target.Put(ctx, name, content)
}

func TestSet_IsNeverHalf(t *testing.T) {
	h := newHouse(t)
	whole := h.backUp([]byte("first"))
	for left := range 5 {
		refusing := &failing{Target: h.target}
		refusing.left.Store(int64(left))
		h.options.Target = refusing
		w, err := Begin(t.Context(), h.options)
		if err != nil {
			continue
		}
		err = w.Add(t.Context(), Part{Name: "a"}, func(_ context.Context, to io.Writer) error {
			_, err := to.Write(noise(byte(20+left), 1<<20))
			return err
		})
		if err != nil {
			_ = w.Abort()
		} else {
			_, err = w.Finish(t.Context())
		}
		all, listErr := List(t.Context(), h.target)
		if listErr != nil || err != nil && !slices.Equal(all, []ID{whole}) {
			t.Errorf("after %d objects: %v, listed %v, %v", left, err, all, listErr)
		}
		if err == nil {
			return
		}
	}
	t.Error("no backup was whole")
}

func TestReadManifest_RefusesWhatNobodyWrote(t *testing.T) {
	good := piece{object: newObject(), bytes: 10, sealed: 300}
	for _, line := range []string{
		"", "x", strings.Replace(good.line(), "objects/", "../", 1), strings.Replace(good.line(), " 10 ", " -1 ", 1),
		strings.Replace(good.line(), " 300 ", " 999999999 ", 1), strings.TrimSuffix(good.line(), "\n") + "0",
	} {
		if _, err := parsePiece(strings.TrimSuffix(line, "\n")); err == nil {
			t.Errorf("%q was read", line)
		}
	}
	if _, err := parsePiece(strings.TrimSuffix(good.line(), "\n")); err != nil {
		t.Error(err)
	}
}

func FuzzReadManifest(f *testing.F) {
	var written bytes.Buffer
	m := Manifest{Format: Format, Set: NewID(time.Now()), Parts: []Part{{Name: "a", Bytes: 10, pieces: []piece{{object: newObject(), bytes: 10, sealed: 300}}}}}
	if err := m.write(&written); err != nil {
		f.Fatal(err)
	}
	f.Add(written.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := readManifest(bytes.NewReader(data))
		if err == nil && read.Format != Format {
			t.Error(fmt.Sprint("read ", read.Format))
		}
	})
}

func TestNewID_OfALaterSetIsGreaterAlsoWithinOneSecond(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	before := NewID(at)
	for range 2000 {
		at = at.Add(700 * time.Microsecond)
		id := NewID(at)
		if _, ok := ParseID(string(id)); !ok || id <= before || !id.Time().Equal(at.Truncate(time.Second)) {
			t.Fatalf("at %s it is %s, after %s", at, id, before)
		}
		before = id
	}
}
