package pack

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"

	"berth/controller/problem"
)

// made is a pack that a test writes by hand.
type made struct {
	bytes.Buffer
	offsets []int64
}

func newPack(objects int) *made {
	m := &made{}
	m.WriteString("PACK")
	_ = binary.Write(m, binary.BigEndian, uint32(packVersion))
	_ = binary.Write(m, binary.BigEndian, uint32(objects))
	return m
}

func (m *made) head(kind Kind, size int64) {
	m.offsets = append(m.offsets, int64(m.Len()))
	first := byte(kind)<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		m.WriteByte(first | more)
		first = byte(size & 127)
	}
	m.WriteByte(first)
}

func (m *made) content(text []byte) {
	w := zlib.NewWriter(m)
	_, _ = w.Write(text)
	_ = w.Close()
}

func (m *made) object(kind Kind, text []byte) ID {
	m.head(kind, int64(len(text)))
	m.content(text)
	sum := newHash(kind, int64(len(text)))
	_, _ = sum.Write(text)
	return ID(sum.Sum(nil))
}

// difference to the object at a position.
func (m *made) difference(to int, delta []byte) {
	m.head(byOffset, int64(len(delta)))
	back := m.offsets[len(m.offsets)-1] - m.offsets[to]
	digits := []byte{byte(back & 127)}
	for back >>= 7; back > 0; back >>= 7 {
		back--
		digits = append([]byte{byte(back&127) | more}, digits...)
	}
	m.Write(digits)
	m.content(delta)
}

func (m *made) named(base ID, delta []byte) {
	m.head(byName, int64(len(delta)))
	m.Write(base[:])
	m.content(delta)
}

func (m *made) bytes() []byte {
	sum := sha1.Sum(m.Bytes())
	return append(bytes.Clone(m.Bytes()), sum[:]...)
}

func number(size int64) (text []byte) {
	for ; size > 127; size >>= 7 {
		text = append(text, byte(size&127)|more)
	}
	return append(text, byte(size))
}

// repeats is a difference that takes the whole base a number of times.
func repeats(base int64, times int) []byte {
	delta := append(number(base), number(base*int64(times))...)
	for range times {
		delta = append(delta, 0x80|0x10|0x20|0x40, byte(base), byte(base>>8), byte(base>>16))
	}
	return delta
}

func open(t *testing.T, limits Limits) *Objects {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o, err := Open(root, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(o.Close(), root.Close()) })
	return o
}

func TestAdd_ReadsWholeObjectsAndDifferences(t *testing.T) {
	o := open(t, DefaultLimits())
	m := newPack(3)
	text := bytes.Repeat([]byte("0123456789"), 20)
	whole := m.object(Blob, text)
	m.difference(0, append(append(number(200), number(13)...), 0x90, 10, 3, 'a', 'b', 'c'))
	m.difference(1, repeats(13, 3))
	if err := o.Add(context.Background(), bytes.NewReader(m.bytes())); err != nil {
		t.Fatal(err)
	}
	for text, id := range map[string]ID{string(text): whole, "0123456789abc": nameOf("0123456789abc"), strings.Repeat("0123456789abc", 3): nameOf(strings.Repeat("0123456789abc", 3))} {
		got, err := o.Read(id, Blob, 1<<10)
		if err != nil || string(got) != text {
			t.Errorf("read %q, %v", got, err)
		}
		var copied bytes.Buffer
		if err := o.Copy(&copied, id, Blob); err != nil || copied.String() != text {
			t.Errorf("copied %q, %v", copied.String(), err)
		}
	}
}

func nameOf(text string) ID {
	sum := newHash(Blob, int64(len(text)))
	_, _ = sum.Write([]byte(text))
	return ID(sum.Sum(nil))
}

// Each of these is refused in words, and costs no more than its limits.
func TestAdd_RefusesHostilePacks(t *testing.T) {
	small := DefaultLimits()
	small.PackBytes, small.Objects, small.ObjectBytes, small.DeltaBytes, small.WorkBytes, small.Depth = 1<<20, 1000, 1<<20, 64<<10, 4<<20, 50
	cases := map[string]struct {
		make  func() []byte
		words string
	}{
		"no pack": {func() []byte { return []byte("hello, this is no pack at all") }, "it is no pack"},
		"nothing": {func() []byte { return nil }, "ends before its end"},
		"another version": {func() []byte {
			m := newPack(0)
			m.Bytes()[7] = 9
			return m.bytes()
		}, "it is no pack"},
		"more objects than allowed": {func() []byte { return newPack(1001).bytes() }, "more than 1000 objects"},
		"four billion objects announced": {func() []byte {
			m := newPack(0)
			copy(m.Bytes()[8:], "\xff\xff\xff\xff")
			return m.bytes()
		}, "more than 1000 objects"},
		"fewer objects than announced": {func() []byte {
			m := newPack(2)
			m.object(Blob, []byte("x"))
			return m.bytes()
		}, "damaged"},
		"more objects than announced": {func() []byte {
			m := newPack(1)
			m.object(Blob, []byte("x"))
			m.object(Blob, []byte("y"))
			return m.bytes()
		}, "something follows"},
		"a wrong sum": {func() []byte {
			m := newPack(1)
			m.object(Blob, []byte("x"))
			all := m.bytes()
			all[len(all)-1] ^= 1
			return all
		}, "its sum is wrong"},
		"a large object": {func() []byte {
			m := newPack(1)
			m.head(Blob, 1<<20+1)
			return m.bytes()
		}, "larger than 1 MB"},
		"a size beyond all numbers": {func() []byte {
			m := newPack(1)
			m.Write(append(bytes.Repeat([]byte{0xbf}, 20), 0x3f))
			return m.bytes()
		}, "damaged"},
		"a bomb of zeros that says less": {func() []byte {
			m := newPack(1)
			m.head(Blob, 10)
			m.content(make([]byte, 4<<20))
			return m.bytes()
		}, "damaged"},
		"many bombs of zeros": {func() []byte {
			m := newPack(10)
			for range 10 {
				m.object(Blob, make([]byte, 1<<20))
			}
			return m.bytes()
		}, "larger than 4 MB when expanded"},
		"a bomb of differences": {func() []byte {
			m := newPack(20)
			m.object(Blob, make([]byte, 1000))
			for i, size := 0, int64(1000); i < 19; i, size = i+1, size*16 {
				m.difference(i, repeats(size, 16))
			}
			return m.bytes()
		}, "difference"},
		"many large differences": {func() []byte {
			m := newPack(200)
			m.object(Blob, make([]byte, 6000))
			for range 199 {
				m.difference(0, repeats(6000, 10))
			}
			return m.bytes()
		}, "larger than 4 MB when expanded"},
		"a deep chain": {func() []byte {
			m := newPack(100)
			m.object(Blob, []byte("0123456789"))
			for i := range 99 {
				m.difference(i, repeats(10, 1))
			}
			return m.bytes()
		}, "chains of more than 50"},
		"a difference to nothing": {func() []byte {
			m := newPack(1)
			m.head(byOffset, 3)
			m.Write([]byte{5})
			m.content([]byte{1, 1, 1})
			return m.bytes()
		}, "damaged"},
		"a difference to itself": {func() []byte {
			m := newPack(1)
			m.head(byOffset, 3)
			m.Write([]byte{0})
			m.content([]byte{1, 1, 1})
			return m.bytes()
		}, "damaged"},
		"a difference to the middle of an object": {func() []byte {
			m := newPack(2)
			m.object(Blob, []byte("0123456789"))
			m.head(byOffset, 3)
			m.Write([]byte{3})
			m.content([]byte{1, 1, 1})
			return m.bytes()
		}, "damaged"},
		"a difference to an object that nobody has": {func() []byte {
			m := newPack(1)
			m.named(ID{1, 2, 3}, repeats(10, 1))
			return m.bytes()
		}, "has not kept"},
		"a difference that reads beyond its base": {func() []byte {
			m := newPack(2)
			m.object(Blob, []byte("0123456789"))
			m.difference(0, []byte{10, 20, 0x91, 5, 20})
			return m.bytes()
		}, "damaged"},
		"a difference that writes beyond its size": {func() []byte {
			m := newPack(2)
			m.object(Blob, []byte("0123456789"))
			m.difference(0, []byte{10, 2, 4, 'a', 'b', 'c', 'd'})
			return m.bytes()
		}, "damaged"},
		"a difference that ends in a step": {func() []byte {
			m := newPack(2)
			m.object(Blob, []byte("0123456789"))
			m.difference(0, []byte{10, 2, 0xff})
			return m.bytes()
		}, "damaged"},
		"a difference with a step of nothing": {func() []byte {
			m := newPack(2)
			m.object(Blob, []byte("0123456789"))
			m.difference(0, []byte{10, 2, 0})
			return m.bytes()
		}, "damaged"},
		"a kind that is none": {func() []byte {
			m := newPack(1)
			m.head(5, 1)
			m.content([]byte("x"))
			return m.bytes()
		}, "damaged"},
		"more bytes than allowed": {func() []byte { return make2MB() }, "larger than 1 MB"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			o := open(t, small)
			err := o.Add(context.Background(), bytes.NewReader(test.make()))
			fault, ok := errors.AsType[*problem.Problem](err)
			if !ok || !strings.Contains(fault.Message, test.words) || fault.Hint == "" {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// make2MB is a pack of objects that do not compress.
func make2MB() []byte {
	m := newPack(40)
	state := sha1.Sum(nil)
	for range 40 {
		var text []byte
		for len(text) < 50<<10 {
			state = sha1.Sum(state[:])
			text = append(text, state[:]...)
		}
		m.object(Blob, text)
	}
	return m.bytes()
}

func TestAdd_RefusesEveryTruncatedPack(t *testing.T) {
	m := newPack(2)
	m.object(Blob, bytes.Repeat([]byte("0123456789"), 20))
	m.difference(0, repeats(200, 2))
	all := m.bytes()
	for end := range all {
		o := open(t, DefaultLimits())
		if err := o.Add(context.Background(), bytes.NewReader(all[:end])); problem.KindOf(err) != problem.KindInvalid {
			t.Fatalf("%d of %d bytes: %v", end, len(all), err)
		}
	}
}

func TestAdd_WaitsForNoEndOfASenderThatWaitsItself(t *testing.T) {
	m := newPack(1)
	id := m.object(Blob, []byte("0123456789"))
	read, write := io.Pipe()
	go func() { _, _ = write.Write(m.bytes()) }() // and it stays open
	o := open(t, DefaultLimits())
	if err := o.Add(context.Background(), Unended{read}); err != nil || !o.Has(id) {
		t.Errorf("%v", err)
	}
	longer := Unended{bytes.NewReader(append(m.bytes(), 'x'))}
	if err := open(t, DefaultLimits()).Add(context.Background(), longer); problem.KindOf(err) != problem.KindInvalid {
		t.Errorf("a byte behind the pack: %v", err)
	}
}

func TestKeep_KeepsWhatCanBeReadAgainAndCloseRemovesTheRest(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var ids []ID
	for _, keep := range []bool{true, false, true} {
		o, err := Open(root, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		m := newPack(1)
		if len(ids) == 0 {
			ids = append(ids, m.object(Blob, []byte("0123456789")))
		} else {
			m.named(ids[0], repeats(10, len(ids)+1))
			ids = append(ids, nameOf(strings.Repeat("0123456789", len(ids)+1)))
		}
		if err := o.Add(context.Background(), bytes.NewReader(m.bytes())); err != nil {
			t.Fatal(err)
		}
		if keep {
			if err := o.Keep(); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	o, err := Open(root, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for i, want := range []bool{true, false, true} {
		if o.Has(ids[i]) != want {
			t.Errorf("object %d: %v", i, o.Has(ids[i]))
		}
	}
	if got, err := o.Read(ids[2], Blob, 100); err != nil || string(got) != strings.Repeat("0123456789", 3) {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestOpen_RefusesADamagedIndex(t *testing.T) {
	folder := t.TempDir()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, text := range map[string]string{"a.pack": "x", "a.index": strings.Repeat("x", 2*recordBytes+4)} {
		if err := os.WriteFile(folder+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(root, DefaultLimits()); !errors.Is(err, errIndex) {
		t.Errorf("got %v", err)
	}
}

func FuzzAdd(f *testing.F) {
	m := newPack(2)
	m.object(Blob, bytes.Repeat([]byte("0123456789"), 20))
	m.difference(0, repeats(200, 2))
	f.Add(m.bytes())
	limits := DefaultLimits()
	limits.WorkBytes, limits.ObjectBytes, limits.DeltaBytes = 1<<20, 1<<20, 1<<20
	f.Fuzz(func(t *testing.T, text []byte) {
		o := open(t, limits)
		err := o.Add(context.Background(), bytes.NewReader(text))
		if _, ok := errors.AsType[*problem.Problem](err); err != nil && !ok {
			t.Errorf("no words for %v", err)
		}
	})
}

func FuzzApply(f *testing.F) {
	f.Add([]byte("0123456789"), []byte{10, 2, 0x90, 2})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		if got, err := apply(base, delta, 1<<16); err == nil && len(got) > 1<<16 {
			t.Errorf("%d bytes came out", len(got))
		}
	})
}

func TestEntries_RefusesATreeThatIsNone(t *testing.T) {
	id := strings.Repeat("x", 20)
	for name, text := range map[string]string{
		"no end": "40000 no end", "half a name of an object": "40000 a\x00xxx", "no mode": " a\x00" + id + "more",
		"a mode of letters": "4000x a\x00" + id, "a mode without end": strings.Repeat("4", 100) + " a\x00" + id, "rest": "40000 a\x00" + id + "1",
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t, DefaultLimits())
			m := newPack(1)
			tree := m.object(Tree, []byte(text))
			if err := o.Add(context.Background(), bytes.NewReader(m.bytes())); err != nil {
				t.Fatal(err)
			}
			if entries, err := o.Entries(tree); !errors.Is(err, errTree) && name != "no mode" || err == nil {
				t.Errorf("got %v, %v", entries, err)
			}
		})
	}
}
