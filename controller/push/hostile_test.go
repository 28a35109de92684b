package push

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"berth/controller/push/pack"
)

// raw writes an object that git itself would not make, and returns its name.
func (c clone) raw(kind string, content []byte) string {
	c.t.Helper()
	command := exec.Command("git", "hash-object", "-t", kind, "-w", "--literally", "--stdin")
	command.Dir, command.Stdin = c.folder, bytes.NewReader(content)
	out, err := command.CombinedOutput()
	if err != nil {
		c.t.Fatalf("write %s: %v\n%s", kind, err, out)
	}
	return strings.TrimSpace(string(out))
}

// line is one of a tree.
type line struct{ mode, name, id string }

func (c clone) tree(lines ...line) string {
	c.t.Helper()
	var text bytes.Buffer
	for _, line := range lines {
		id, err := pack.ParseID(line.id)
		if err != nil {
			c.t.Fatal(err)
		}
		_, _ = fmt.Fprintf(&text, "%s %s\x00%s", line.mode, line.name, id[:])
	}
	return c.raw("tree", text.Bytes())
}

// commitOf makes the tree what the branch main holds.
func (c clone) commitOf(tree string) {
	c.t.Helper()
	commit := c.raw("commit", []byte("tree "+tree+"\nauthor a <a@example.com> 1700000000 +0000\ncommitter a <a@example.com> 1700000000 +0000\n\nx\n"))
	c.run("update-ref", "refs/heads/main", commit)
}

func TestPush_RefusesHostileTrees(t *testing.T) {
	cases := map[string]struct {
		lines func(c clone, blob string) []line
		words string
	}{
		"a folder of git itself": {func(c clone, blob string) []line {
			return []line{{"40000", ".git", c.tree(line{"100644", "config", blob})}}
		}, ".git: This name is not allowed"},
		"a folder of git itself in capitals, deep": {func(c clone, blob string) []line {
			return []line{{"40000", "a", c.tree(line{"40000", ".GIT", c.tree(line{"100644", "config", blob})})}}
		}, "a/.GIT: This name is not allowed"},
		"a name that leads up": {func(c clone, blob string) []line {
			return []line{{"40000", "..", c.tree(line{"100644", "passwd", blob})}}
		}, "..: This name is not allowed"},
		"a name with a slash": {func(_ clone, blob string) []line {
			return []line{{"100644", "../../etc/passwd", blob}}
		}, "This name is not allowed"},
		"an absolute name": {func(_ clone, blob string) []line { return []line{{"100644", "/etc/passwd", blob}} }, "This name is not allowed"},
		"a name that steers a terminal": {func(_ clone, blob string) []line {
			return []line{{"100644", "a\x1b[2Jb", blob}}
		}, ""},
		"a backslash":       {func(_ clone, blob string) []line { return []line{{"100644", `..\x`, blob}} }, ""},
		"names twice":       {func(_ clone, blob string) []line { return []line{{"100644", "a", blob}, {"100644", "a", blob}} }, ""},
		"case twins":        {func(_ clone, blob string) []line { return []line{{"100644", "A", blob}, {"100644", "a", blob}} }, ""},
		"a mode of no file": {func(_ clone, blob string) []line { return []line{{"60000", "disk", blob}} }, "The mode 60000"},
		"a link out of the tree": {func(c clone, _ string) []line {
			return []line{{"120000", "link", c.raw("blob", []byte("../../etc/passwd"))}}
		}, "link"},
		"a link to an absolute path": {func(c clone, _ string) []line {
			return []line{{"120000", "link", c.raw("blob", []byte("/etc/passwd"))}}
		}, "link"},
		"a link of a megabyte": {func(c clone, _ string) []line {
			return []line{{"120000", "link", c.raw("blob", bytes.Repeat([]byte("a"), 1<<20))}}
		}, "The link is longer"},
		"a million files of one": {func(c clone, blob string) []line {
			below := line{"100644", "", blob}
			for range 3 {
				var lines []line
				for i := range 100 {
					lines = append(lines, line{below.mode, fmt.Sprint("f", i), below.id})
				}
				below = line{"40000", "", c.tree(lines...)}
			}
			return []line{{"40000", "top", below.id}}
		}, "more than 50000 files and folders"},
		"folders without end": {func(c clone, blob string) []line {
			below := line{"100644", "f", blob}
			for range 200 {
				below = line{"40000", "d", c.tree(below)}
			}
			return []line{below}
		}, "more than 32 folders deep"},
		"a terabyte of one file": {func(c clone, _ string) []line {
			blob := c.raw("blob", make([]byte, 1<<20))
			var lines []line
			for i := range 3000 {
				lines = append(lines, line{"100644", fmt.Sprint("f", i), blob})
			}
			return lines
		}, "holds more than 2 GB"},
		"a blob for a tree": {func(_ clone, blob string) []line { return []line{{"40000", "a", blob}} }, ""},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newServer(t), newClone(t)
			c.commitOf(c.tree(test.lines(c, c.raw("blob", []byte("x")))...))
			out := c.refused(s, test.words, "main")
			if strings.Contains(out, "\x1b[2J") || strings.Contains(out, "Something went wrong") {
				t.Errorf("git shows:\n%q", out)
			}
		})
	}
}
