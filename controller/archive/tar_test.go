package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWriteTar_KeepsContentModeAndTimeAndNothingOfTheOwner(t *testing.T) {
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t,
				item{name: "z.sh", text: "#!/bin/sh", mode: 0o4750},
				item{name: "a/b", text: "hello", mode: 0o600},
				item{name: "link", text: "a/b", mode: fs.ModeSymlink | 0o777},
			))
			headers, contents := readTar(t, tarOf(t, tree, nil))
			var got []string
			for _, h := range headers {
				if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
					t.Errorf("%s belongs to %d:%d %q:%q", h.Name, h.Uid, h.Gid, h.Uname, h.Gname)
				}
				if want := noon.Unix(); h.Typeflag != tar.TypeDir && h.ModTime.Unix() != want {
					t.Errorf("%s is of %v", h.Name, h.ModTime)
				}
				got = append(got, fmt.Sprintf("%s %c %o %s%s", h.Name, h.Typeflag, h.Mode, contents[h.Name], h.Linkname))
			}
			slices.Sort(got[1:])
			want := []string{"a/ 5 755 ", "a/b 0 644 hello", "link 2 777 a/b", "z.sh 0 755 #!/bin/sh"}
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestWriteTar_IsTheSameEachTime(t *testing.T) {
	for format, make := range formats {
		tree := opened(t, make(t, item{name: "b", text: "1"}, item{name: "a/c", text: "2"}))
		if !bytes.Equal(tarOf(t, tree, nil), tarOf(t, tree, nil)) {
			t.Errorf("the two tars of one %s differ", format)
		}
	}
}

func TestWriteTar_WritesFoldersAboveWhatIsKept(t *testing.T) {
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			tree := opened(t, make(t, item{name: "a/b/c"}, item{name: "a/b/d"}, item{name: "e/f"}))
			headers, _ := readTar(t, tarOf(t, tree, func(e Entry) bool { return e.Path == "a/b/c" }))
			var got []string
			for _, h := range headers {
				got = append(got, h.Name)
			}
			if want := []string{"a/", "a/b/", "a/b/c"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestWriteTar_KeepsOrderAndContentOfManyFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var items []item
	want := map[string]string{}
	for i := range 300 {
		size := random.IntN(5000)
		if i%100 == 0 {
			size = aheadBytes + random.IntN(aheadBytes) // too large to expand ahead
		}
		noise := make([]byte, size)
		for j := range noise {
			noise[j] = byte(random.IntN(60))
		}
		name := fmt.Sprintf("f%03d", i)
		items, want[name] = append(items, item{name: name, text: string(noise)}), string(noise)
	}
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			headers, contents := readTar(t, tarOf(t, opened(t, make(t, items...)), nil))
			if len(headers) != len(items) {
				t.Fatalf("got %d entries", len(headers))
			}
			for i, h := range headers {
				if h.Name != items[i].name || contents[h.Name] != want[h.Name] {
					t.Errorf("entry %d, %s, is not what it was", i, h.Name)
				}
			}
		})
	}
}

func TestWriteTar_EndsWithTheContext(t *testing.T) {
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			tree := opened(t, make(t, item{name: "a", text: "x"}))
			if err := tree.WriteTar(ctx, io.Discard, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// deaf is a destination that takes no more.
type deaf struct{ err error }

func (d deaf) Write([]byte) (int, error) { return 0, d.err }

func TestWriteTar_ReturnsTheErrorOfTheDestination(t *testing.T) {
	broken := errors.New("the engine went away")
	noise := make([]byte, 3*tarBuffer)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	for format, make := range formats {
		t.Run(format, func(t *testing.T) {
			before := runtime.NumGoroutine()
			tree := opened(t, make(t, item{name: "a", text: string(noise)}, item{name: "b", text: string(noise)}))
			if err := tree.WriteTar(context.Background(), deaf{broken}, nil); !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
			// A goroutine that is done still counts until it is gone.
			for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("goroutines were left behind")
				}
			}
		})
	}
}

func TestWriteTar_NeedsLittleMemoryForALargeArchive(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 1<<16) // 1 MB
	noise := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	var items []item
	for i := range 8 {
		items = append(items, item{name: fmt.Sprintf("f%d", i), text: text + string(noise)})
	}
	most := map[string]uint64{"zip": 4 << 20, "tar.gz": 4 << 20, "tar": 4 << 20, "tar.zst": 12 << 20, "tar.xz": 8 << 20}
	for format, make := range formats {
		if format == "tar.xz" {
			make = func(tb testing.TB, items ...item) []byte { tb.Helper(); return tarXZOf(tb, items[:2]...) } // it is slow
		}
		tree := opened(t, make(t, items...))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := tree.WriteTar(context.Background(), io.Discard, nil); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > most[format] {
			t.Errorf("%s: 16 MB of content took %d bytes of memory", format, used)
		}
	}
}

// gzipped compresses what is no ordinary tar.
func gzipped(tb testing.TB, write func(io.Writer)) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		tb.Fatal(err)
	}
	write(w)
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestTarGZ_CutsOffBombWhileItExpands(t *testing.T) {
	data := gzipped(t, func(w io.Writer) {
		out := tar.NewWriter(w)
		if err := out.WriteHeader(&tar.Header{Name: "bomb", Typeflag: tar.TypeReg, Size: 5 << 20}); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := out.Write(make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
		}
	})
	refusedAtOpen(t, data, DefaultLimits(), "", "200 times")
}

func TestTarGZ_CutsOffBombBehindTheEnd(t *testing.T) {
	data := tarGZOf(t, item{name: "a", text: "x"})
	data = append(data, gzipped(t, func(w io.Writer) { _, _ = w.Write(make([]byte, 5<<20)) })...)
	refusedAtOpen(t, data, DefaultLimits(), "", "200 times")
}

func TestTarGZ_RefusesSparseFile(t *testing.T) {
	// A file of 1 TB that is one hole, in the way of GNU tar's version 1.0.
	data := gzipped(t, func(w io.Writer) {
		var out bytes.Buffer
		records := tar.NewWriter(&out)
		header := &tar.Header{
			Name: "hole", Typeflag: tar.TypeReg, Size: 512, Format: tar.FormatPAX,
			PAXRecords: map[string]string{"XYZ.sparse.major": "1", "XYZ.sparse.minor": "0", "XYZ.sparse.name": "hole", "XYZ.sparse.realsize": "1099511627776"},
		}
		if err := records.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		block := make([]byte, 512)
		copy(block, "0\n")
		if _, err := records.Write(block); err != nil {
			t.Fatal(err)
		}
		if err := records.Close(); err != nil {
			t.Fatal(err)
		}
		// The writer does not take these names, so it writes others of their length.
		_, _ = w.Write(bytes.ReplaceAll(out.Bytes(), []byte("XYZ.sparse"), []byte("GNU.sparse")))
	})
	refusedAtOpen(t, data, DefaultLimits(), "hole", "a sparse file")
}

func TestTarGZ_RefusesSparseFileOfOldTar(t *testing.T) {
	_, err := tarMember(tarItem{header: &tar.Header{Name: "hole", Typeflag: tar.TypeGNUSparse}}, DefaultLimits())
	mustRefuse(t, err, "hole", "a sparse file")
}

func TestTarGZ_PassesOverTheHeaderThatGitWrites(t *testing.T) {
	data := gzipped(t, func(w io.Writer) {
		out := tar.NewWriter(w)
		global := &tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "52b1b2"}}
		if err := errors.Join(out.WriteHeader(global),
			out.WriteHeader(&tar.Header{Name: "app/", Typeflag: tar.TypeDir, ModTime: time.Unix(-5, 0), Format: tar.FormatPAX}),
			out.WriteHeader(&tar.Header{Name: "app/Dockerfile", Typeflag: tar.TypeReg}), out.Close()); err != nil {
			t.Fatal(err)
		}
	})
	if got, want := paths(opened(t, data)), []string{"Dockerfile"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTarGZ_KeepsOfAHeaderItsNameAlone(t *testing.T) {
	const entries = 32
	padding := map[string]string{"BERTH.padding": strings.Repeat("x", 1<<20-4096)}
	data := gzipped(t, func(w io.Writer) {
		out := tar.NewWriter(w)
		noise := make([]byte, 512<<10) // so that it is no bomb
		_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
		header := tar.Header{Name: "noise", Typeflag: tar.TypeReg, Size: int64(len(noise)), Mode: 0o644}
		for i := range entries {
			err := out.WriteHeader(&header)
			if err == nil && header.Size > 0 {
				_, err = out.Write(noise)
			}
			if err != nil {
				t.Fatal(err)
			}
			header = tar.Header{Name: fmt.Sprintf("ünïcode%d", i), Typeflag: tar.TypeReg, PAXRecords: padding}
			if i%2 == 0 {
				header = tar.Header{Name: fmt.Sprintf("link%d", i), Typeflag: tar.TypeSymlink, Linkname: "ünïcode", PAXRecords: padding}
			}
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	})
	path := saved(t, data)
	before := held()
	tree, err := Open(path, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	used := int64(held()) - int64(before)
	if got := len(tree.Entries()); got != entries {
		t.Errorf("got %d entries", got)
	}
	if err := tree.Close(); err != nil {
		t.Fatal(err)
	}
	if used > 4<<20 {
		t.Errorf("%d short names are held in %d bytes", entries, used)
	}
}

// held returns how many bytes of memory something still refers to.
func held() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestTarGZ_RefusesWrongChecksum(t *testing.T) {
	data := tarGZOf(t, item{name: "a", text: "x"})
	data[len(data)-8] ^= 1
	refusedAtOpen(t, data, DefaultLimits(), "", "damaged or cut off")
}
