package stream

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/docker"
	"berth/controller/logs"
)

var begin = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

func openStream(t *testing.T, root *os.Root) *Stream {
	t.Helper()
	s, err := Open(root, "hello/web")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func makeLines(from, count int) []logs.Line {
	lines := make([]logs.Line, 0, count)
	for i := from; i < from+count; i++ {
		lines = append(lines, logs.Line{
			At: begin.Add(time.Duration(i) * time.Millisecond), Stderr: i%5 == 0, Level: logs.Level(i % 5), Release: 3, Instance: "0123456789ab",
			Text: fmt.Sprintf("line %d %s", i, strings.Repeat("x", i%300)),
		})
	}
	return lines
}

func mustAppend(t *testing.T, s *Stream, lines []logs.Line) {
	t.Helper()
	if kept, err := s.Append(lines); err != nil || kept != len(lines) {
		t.Fatal(kept, err)
	}
}

func readAll(t *testing.T, s *Stream) (lines []logs.Line) {
	t.Helper()
	chunks, next, err := s.Chunks()
	if err != nil {
		t.Fatal(err)
	}
	for _, chunk := range chunks {
		raw, err := chunk.Load()
		if err != nil {
			t.Fatal(err)
		}
		if lines, err = chunk.Read("web", raw, lines); err != nil {
			t.Fatal(err)
		}
	}
	if len(lines) > 0 && lines[len(lines)-1].Number+1 != next {
		t.Errorf("the last line is %d, and the next one %d", lines[len(lines)-1].Number, next)
	}
	return lines
}

func wantLines(t *testing.T, got, want []logs.Line) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d lines, want %d", len(got), len(want))
	}
	for at := range want {
		want[at].Stream, want[at].Number = "web", uint64(at+1)
		if !got[at].At.Equal(want[at].At) {
			t.Fatalf("line %d is of %s, want %s", at, got[at].At, want[at].At)
		}
		got[at].At = want[at].At
		if got[at] != want[at] {
			t.Fatalf("line %d is %+v, want %+v", at, got[at], want[at])
		}
	}
}

func TestStream_KeepsEveryLineOverManyFramesAndOpens(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	want := makeLines(0, 8400)
	for from := 0; from < len(want); from += 1400 {
		s := openStream(t, root)
		mustAppend(t, s, want[from:from+1400])
		wantLines(t, readAll(t, s), slices.Clone(want[:from+1400]))
	}
	s := openStream(t, root)
	wantLines(t, readAll(t, s), want)
	if len(s.segments) == 0 || len(s.segments[0].frames) < 3 || s.tail.Lines == 0 {
		t.Errorf("%d segments and a tail of %d lines test nothing", len(s.segments), s.tail.Lines)
	}
	if size := s.Size(); size.Lines != 8400 || !size.Oldest.Equal(begin) || size.Bytes == 0 {
		t.Errorf("the size is %+v", size)
	}
}

func TestStream_MarksGoOnOverOpensBehindTheLastLineWithItsStamp(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	for range 3 {
		s := openStream(t, root)
		mustAppend(t, s, makeLines(0, 4000)) // frames and a tail
	}
	s := openStream(t, root)
	twice := logs.Line{At: begin.Add(time.Hour), Instance: "0123456789ab", Text: "same moment"}
	mustAppend(t, s, []logs.Line{twice, twice, {At: begin.Add(2 * time.Hour), Lost: true, Text: "lines are missing"}})
	mark := openStream(t, root).Mark("0123456789ab")
	passed := 0
	rest := mark.Rest("0123456789ab", func(docker.Line) error { passed++; return nil })
	for range 5 {
		if err := rest(docker.Line{At: twice.At, Instance: "0123456789ab"}); err != nil {
			t.Fatal(err)
		}
	}
	if passed != 3 {
		t.Errorf("of 5 lines with the last stamp, 2 of them kept, %d are new", passed)
	}
	s.Forget(func(string) bool { return true })
	if s.Mark("0123456789ab").Knows("0123456789ab") {
		t.Error("the mark of a container that is gone stays")
	}
}

func TestStream_CutsATornEndOffAndGoesOn(t *testing.T) {
	t.Parallel()
	for name, tear := range map[string]func(t *testing.T, root *os.Root, s *Stream){
		"a frame without its end": func(t *testing.T, root *os.Root, s *Stream) {
			truncate(t, root, s.segments[0].path, s.segments[0].size-7)
			truncate(t, root, s.tail.path, 0)
		},
		"a frame without its head": func(t *testing.T, root *os.Root, s *Stream) {
			last := s.segments[0].frames[len(s.segments[0].frames)-2]
			truncate(t, root, s.segments[0].path, last.end()+5)
			truncate(t, root, s.tail.path, 0)
		},
		"zeros in a frame": func(t *testing.T, root *os.Root, s *Stream) {
			overwrite(t, root, s.segments[0].path, s.segments[0].size-100, make([]byte, 100))
			truncate(t, root, s.tail.path, 0)
		},
		"a line without its end": func(t *testing.T, root *os.Root, s *Stream) {
			truncate(t, root, s.tail.path, int64(tailHead+s.tail.Raw-3))
		},
		"zeros in the tail": func(t *testing.T, root *os.Root, s *Stream) {
			overwrite(t, root, s.tail.path, int64(tailHead+s.tail.Raw), make([]byte, 4096))
		},
		"a tail without its head": func(t *testing.T, root *os.Root, s *Stream) { truncate(t, root, s.tail.path, 5) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := openRoot(t)
			s := openStream(t, root)
			whole := makeLines(0, 8950)
			mustAppend(t, s, whole)
			tear(t, root, s)
			s = openStream(t, root)
			left := readAll(t, s)
			if len(left) == 0 || len(left) > 8950 {
				t.Fatalf("%d lines are left", len(left))
			}
			wantLines(t, left, slices.Clone(whole[:len(left)]))
			more := makeLines(8950, 3000)
			mustAppend(t, s, more)
			wantLines(t, readAll(t, openStream(t, root)), append(slices.Clone(whole[:len(left)]), more...))
		})
	}
}

func truncate(t *testing.T, root *os.Root, name string, size int64) {
	t.Helper()
	file, err := root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := file.Truncate(size); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, root *os.Root, name string, at int64, with []byte) {
	t.Helper()
	file, err := root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.WriteAt(with, at); err != nil {
		t.Fatal(err)
	}
}

func TestStream_PassesOverATailThatIsInAFrameAlready(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	s := openStream(t, root)
	want := makeLines(0, 1000)
	mustAppend(t, s, want)
	text, err := root.ReadFile(s.tail.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	if err := root.WriteFile(s.tail.path, text, 0o600); err != nil { // as before the crash
		t.Fatal(err)
	}
	wantLines(t, readAll(t, openStream(t, root)), want)
}

func TestStream_RemovesTheOldestAndKeepsItsNumbers(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	s := openStream(t, root)
	mustAppend(t, s, makeLines(0, 2000))
	late := makeLines(0, 10)
	for at := range late {
		late[at].At = late[at].At.Add(48 * time.Hour)
	}
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, late)
	if err := s.CutBefore(begin.Add(24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	s = openStream(t, root)
	left := readAll(t, s)
	if len(left) != 10 || left[0].Number != 2001 {
		t.Fatalf("%d lines are left", len(left))
	}
	for range 3 {
		if _, err := s.Cut(); err != nil {
			t.Fatal(err)
		}
	}
	s = openStream(t, root)
	mustAppend(t, s, makeLines(0, 1))
	if left = readAll(t, s); len(left) != 1 || left[0].Number != 2011 {
		t.Errorf("it goes on with %+v", left)
	}
}

func TestStream_FilesAreForItsUserAlone(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	s := openStream(t, root)
	mustAppend(t, s, makeLines(0, 5000))
	for name, want := range map[string]os.FileMode{"hello": 0o700, "hello/web": 0o700, s.tail.path: 0o600, s.segments[0].path: 0o600} {
		info, err := root.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v: %v", name, info.Mode(), err)
		}
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add(string(appendRecord(nil, logs.Line{At: begin, Instance: "a", Text: "text", Release: 1})))
	f.Fuzz(func(t *testing.T, raw string) {
		line, took, err := readRecord(raw)
		if err != nil {
			return
		}
		if again, _, err := readRecord(string(appendRecord(nil, line))); err != nil || again != line || took > len(raw) {
			t.Errorf("%q is %+v, and then %+v", raw, line, again)
		}
	})
}
