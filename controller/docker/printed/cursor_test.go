package printed

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// printed are lines of two outputs: some share a stamp, and some come late.
func printed(count int) []Line {
	begin := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	lines := make([]Line, 0, count)
	for i := range count {
		at := begin.Add(time.Duration(i/3) * time.Microsecond)
		if i%7 == 0 {
			at = at.Add(-2 * time.Microsecond) // the other output, written late
		}
		lines = append(lines, Line{At: at, Stderr: i%7 == 0, Text: fmt.Sprint(i), Instance: "app-1"})
	}
	return lines
}

func TestCursor_GoesOnBehindEveryLineWithNoneLostAndNoneTwice(t *testing.T) {
	lines := printed(200)
	for read := 1; read < len(lines); read++ {
		var cursor Cursor
		for _, line := range lines[max(0, read-50):read] {
			cursor.Note(line)
		}
		again, ok := ParseCursor(cursor.String())
		if !ok || !again.Knows("app-1") || again.Knows("app-2") {
			t.Fatalf("%q was not read", cursor)
		}
		var rest []Line
		pass := again.Rest("app-1", func(line Line) error {
			rest = append(rest, line)
			return nil
		})
		for _, line := range lines {
			if line.At.Before(again.Since("app-1")) {
				continue // the engine leaves it out
			}
			if err := pass(line); err != nil {
				t.Fatal(err)
			}
		}
		if read > 50 && !slices.Equal(rest, lines[read:]) {
			t.Fatalf("behind line %d it goes on with %v", read, rest)
		}
	}
}

func TestCursor_RefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{"", "x", "a,o,1", "a,o,1,1,1", "a,x,1,1", "a,o,-1,1", "a,o,1,-1", "a,o,y,1", "a,o,1,z", "a,o,1,1;"} {
		if cursor, ok := ParseCursor(text); ok {
			t.Errorf("%q was read as %q", text, cursor)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("berth-hello-r1,o,1764400000000000001,2;berth-hello-r1,e,5,1")
	f.Fuzz(func(t *testing.T, text string) {
		cursor, ok := ParseCursor(text)
		if !ok {
			return
		}
		if again, ok := ParseCursor(cursor.String()); !ok || again.String() != cursor.String() {
			t.Errorf("%q is written as %q", text, cursor)
		}
	})
}
