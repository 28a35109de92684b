package difference

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"berth/controller/archive"
	"berth/controller/printable"
)

// The bounds of what a difference shows of the content of files.
const (
	MostLines     = 2000     // of all files together
	MostFileBytes = 64 << 10 // of a file, before and after
	mostRead      = 4 << 20  // of all files of both archives
	mostLineBytes = 500      // of one line; the rest is left out
	carriage      = "\u240d" // is shown for a carriage return, or a change of line ends would show nothing
)

// Text is how the content of a file differs.
type Text struct {
	Lines []string // of a unified difference, from its first @@ on, masked and printable
	Note  string   // a whole sentence on what is not shown
}

// addLines compares the content of the listed files. Secrets are masked before that, so a
// secret of several lines is masked too.
func (f *Files) addLines(ctx context.Context, before, after *archive.Tree, hide func(string) string) error {
	f.Texts = make(map[string]Text, len(f.List))
	var paths []string
	left := int64(mostRead)
	for _, file := range f.List {
		note := ""
		switch {
		case isLink(before, file.Path) || isLink(after, file.Path):
			note = "A symbolic link."
		case max(file.From, file.To) > MostFileBytes:
			note = fmt.Sprintf("Larger than %s, so its lines are not compared.", printable.Size(MostFileBytes))
		case file.From+file.To > left:
			note = "Too much differs to compare the lines of this file too."
		}
		if note != "" {
			f.Texts[file.Path] = Text{Note: note}
			continue
		}
		left -= file.From + file.To
		paths = append(paths, file.Path)
	}
	was, err := readListed(ctx, before, paths)
	if err != nil {
		return err
	}
	now, err := readListed(ctx, after, paths)
	if err != nil {
		return err
	}
	rest := MostLines
	for _, path := range paths {
		text := compareText(was[path], now[path], rest, hide)
		rest -= len(text.Lines)
		f.Texts[path] = text
	}
	return nil
}

func isLink(tree *archive.Tree, path string) bool {
	entry, ok := tree.Entry(path)
	return ok && entry.Kind == archive.Symlink
}

// readListed reads those of the files that the archive has.
func readListed(ctx context.Context, tree *archive.Tree, paths []string) (map[string][]byte, error) {
	var there []string
	for _, path := range paths {
		if _, ok := tree.Entry(path); ok {
			there = append(there, path)
		}
	}
	if len(there) == 0 {
		return nil, nil
	}
	return tree.ReadFiles(ctx, there, MostFileBytes)
}

// compareText compares two contents, and gives at most so many lines.
func compareText(was, now []byte, most int, hide func(string) string) Text {
	if isBinary(was) || isBinary(now) {
		return Text{Note: "A binary file."}
	}
	found := diff.Diff("", []byte(hide(string(was))), "", []byte(hide(string(now))))
	_, hunks, ok := bytes.Cut(found, []byte("\n@@ "))
	switch {
	case !ok && bytes.Equal(was, now):
		return Text{}
	case !ok:
		return Text{Note: "Only secrets differ, and they are hidden."}
	case most <= 0:
		return Text{Note: fmt.Sprintf("A comparison shows %d lines, so those of this file are left out.", MostLines)}
	}
	var text Text
	for line := range strings.Lines("@@ " + string(hunks)) {
		if len(text.Lines) == most {
			text.Note = fmt.Sprintf("A comparison shows %d lines, so the rest is left out.", MostLines)
			break
		}
		text.Lines = append(text.Lines, shownLine(line))
	}
	return text
}

// isBinary judges as git does, and takes what is not UTF-8 for binary too.
func isBinary(content []byte) bool {
	return bytes.IndexByte(content, 0) >= 0 || !utf8.Valid(content)
}

func shownLine(line string) string {
	line = printable.Plain(strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\r", carriage))
	if len(line) > mostLineBytes {
		return strings.ToValidUTF8(line[:mostLineBytes], "") + "…"
	}
	return line
}
