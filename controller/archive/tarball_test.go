package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// deepFiles are so far down that a tar.gz keeps none of them when it is opened.
func deepFiles(count int, text string) []item {
	var items []item
	for i := range count {
		items = append(items, item{name: fmt.Sprintf("a/b/c/%d", i), text: text}, item{name: fmt.Sprintf("d/%d", i)})
	}
	return items
}

func noise(size int) string {
	text := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(text) // never fails
	return string(text)
}

func TestTarGZ_ExpandsTheArchiveOnceForAFile(t *testing.T) {
	tree := opened(t, tarGZOf(t, deepFiles(2, "text")...))
	for range 3 * readPasses {
		text, err := tree.ReadFile(t.Context(), "a/b/c/1", 10)
		if err != nil || string(text) != "text" {
			t.Fatalf("got %q, %v", text, err)
		}
		text[0] = 'x' // it is the reader's own
	}
	if passes := tree.source.(*tarSource).passed; passes != 1 {
		t.Errorf("it took %d passes", passes)
	}
}

func TestTarGZ_RefusesToBeExpandedForEachOfManyFiles(t *testing.T) {
	tree := opened(t, tarGZOf(t, deepFiles(readPasses+1, "text")...))
	for i := range readPasses {
		if _, err := tree.ReadFile(t.Context(), fmt.Sprintf("a/b/c/%d", i), 10); err != nil {
			t.Fatal(err)
		}
	}
	last := fmt.Sprintf("a/b/c/%d", readPasses)
	_, err := tree.ReadFile(t.Context(), last, 10)
	mustRefuse(t, err, last, "32 times already")
	if _, err := tree.ReadFile(t.Context(), "a/b/c/0", 10); err != nil {
		t.Errorf("what was read before: %v", err)
	}
	if texts, err := tree.ReadFiles(t.Context(), []string{last}, 10); err != nil || len(texts) != 1 {
		t.Errorf("many in one pass: got %d, %v", len(texts), err)
	}
}

func TestTarGZ_KeepsLittleOfWhatWasRead(t *testing.T) {
	tree := opened(t, tarGZOf(t, deepFiles(5, noise(1<<20))...))
	for range 2 {
		for i := range 5 {
			if _, err := tree.ReadFile(t.Context(), fmt.Sprintf("a/b/c/%d", i), 1<<20); err != nil {
				t.Fatal(err)
			}
		}
	}
	source, kept := tree.source.(*tarSource), 0
	for _, text := range source.kept {
		kept += cap(text)
	}
	if kept > readBytes+keptBytes || source.passed != 6 {
		t.Errorf("%d bytes are kept after %d passes", kept, source.passed)
	}
}

func TestTarGZ_EndsWithTheContextWithinAFile(t *testing.T) {
	tree := opened(t, tarGZOf(t, item{name: "large", text: noise(1 << 20)}, item{name: "a/b/c"}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for item, err := range tree.source.(*tarSource).walk(ctx) {
		if err == nil && item.place == 0 {
			cancel()
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		return
	}
	t.Error("it went on")
}

func TestArchive_ReadsNothingAfterTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for format, make := range formats {
		tree := opened(t, make(t, item{name: "a", text: "a"}))
		if _, err := tree.ReadFile(ctx, "a", 10); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", format, err)
		}
	}
}

func TestTar_SaysThatExpandingTakesTooMuchMemory(t *testing.T) {
	data := compressed(t, func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false), zstd.WithEncoderConcurrency(1))
	}, item{name: "x", text: noise(3 << 20)})
	refusedAtOpen(t, data, DefaultLimits(), "", "takes more memory")
}
