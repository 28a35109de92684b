package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// mixedTree is about 100 MB as an app has it: thousands of source files, some
// larger text, some libraries, and pictures that do not compress.
func mixedTree(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	bytesOf := rand.NewChaCha8([32]byte{3})
	words := make([]string, 3000)
	for i := range words {
		words[i] = fmt.Sprintf("%x", random.Uint64())[:2+random.IntN(9)]
	}
	text := func(size int) []byte {
		var b bytes.Buffer
		for b.Len() < size {
			b.WriteString(words[int(random.ExpFloat64()*300)%len(words)])
			b.WriteByte(" \n\t.,"[random.IntN(5)])
		}
		return b.Bytes()[:size]
	}
	noise := func(size int) []byte {
		b := make([]byte, size)
		_, _ = bytesOf.Read(b) // never fails
		return b
	}
	write := func(folder string, count, size int, make func(int) []byte) {
		for i := range count {
			path := filepath.Join(dir, folder, fmt.Sprintf("part%d", i%40), fmt.Sprintf("file%d", i))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				tb.Fatal(err)
			}
			if err := os.WriteFile(path, make(size/2+random.IntN(size)), 0o644); err != nil {
				tb.Fatal(err)
			}
		}
	}
	write("src", 5000, 6<<10, text)
	write("data", 30, 1<<20, text)
	write("lib", 10, 2<<20, func(n int) []byte { return append(text(n/2), noise(n/2)...) })
	write("pictures", 200, 100<<10, noise)
	return dir
}

func packedTree(tb testing.TB, dir string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "app.zip")
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := Pack(context.Background(), dir, file, nil); err != nil {
		tb.Fatal(err)
	}
	if err := file.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}

func expandedBytes(tree *Tree) (total int64) {
	for _, entry := range tree.Entries() {
		total += entry.Size
	}
	return total
}

// BenchmarkWriteTar streams a ZIP of a 100 MB tree into a tar, in turn with
// unzip: "x-unzip" is the speed over that of `unzip -p`, which expands the same
// content into a pipe, and "x-unzip-disk" over that of `unzip` into a folder.
// The median of each counts, as taking turns lets both feel what else runs.
func BenchmarkWriteTar(b *testing.B) {
	path := packedTree(b, mixedTree(b))
	folder := b.TempDir()
	tree, err := Open(path, DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	defer tree.Close()
	var pipe, disk, ours []time.Duration
	b.SetBytes(expandedBytes(tree))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		pipe = append(pipe, clock(func() { unzip(b, "-qq", "-p", path) }))
		disk = append(disk, clock(func() { unzip(b, "-qq", "-o", path, "-d", folder) }))
		b.StartTimer()
		ours = append(ours, clock(func() {
			if err := tree.WriteTar(context.Background(), io.Discard, nil); err != nil {
				b.Fatal(err)
			}
		}))
	}
	b.ReportMetric(median(pipe)/median(ours), "x-unzip")
	b.ReportMetric(median(disk)/median(ours), "x-unzip-disk")
}

// BenchmarkOpen checks the same archive, as the form does while the person waits.
func BenchmarkOpen(b *testing.B) {
	path := packedTree(b, mixedTree(b))
	for b.Loop() {
		tree, err := Open(path, DefaultLimits())
		if err != nil {
			b.Fatal(err)
		}
		if err := tree.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func clock(run func()) time.Duration {
	start := time.Now()
	run()
	return time.Since(start)
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}

func unzip(b *testing.B, arguments ...string) {
	b.Helper()
	command := exec.Command("unzip", arguments...)
	command.Stdout = io.Discard // a pipe, so that the bytes are really passed on
	if err := command.Run(); err != nil {
		b.Fatal(err)
	}
}
