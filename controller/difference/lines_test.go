package difference

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"berth/controller/archive"
)

// texts compares two archives of names and contents; hide masks their text.
func texts(t *testing.T, hide func(string) string, before, after []string) map[string]Text {
	t.Helper()
	open := func(files []string) func() (*archive.Tree, error) {
		return opens(t, append(files, "same.txt", "same")...)
	}
	from, to := Side{Release: ran(1, "x"), Open: open(before), Hide: hide}, Side{Release: ran(2, "y"), Open: open(after), Hide: hide}
	return between(t, from, to).Files.Texts
}

func plainly(text string) string { return text }

func TestLines_OfFilesThatWereChangedAddedAndRemoved(t *testing.T) {
	t.Parallel()
	found := texts(t, plainly, []string{"a.txt", "one\ntwo\nthree\n", "gone.txt", "bye\n", "end.txt", "x"}, []string{"a.txt", "one\n2\nthree\n", "new.txt", "hello\n", "end.txt", "x\n"})
	want := map[string][]string{
		"a.txt":    {"@@ -1,3 +1,3 @@", " one", "-two", "+2", " three"},
		"gone.txt": {"@@ -1,1 +0,0 @@", "-bye"},
		"new.txt":  {"@@ -0,0 +1,1 @@", "+hello"},
		"end.txt":  {"@@ -1,1 +1,1 @@", "-x", `\ No newline at end of file`, "+x"},
	}
	for path, lines := range want {
		if !slices.Equal(found[path].Lines, lines) || found[path].Note != "" {
			t.Errorf("%s: %+v", path, found[path])
		}
	}
	if len(found) != len(want) {
		t.Errorf("found %v", found)
	}
}

func TestLines_HideSecretsAlsoThoseOfSeveralLines(t *testing.T) {
	t.Parallel()
	const key = "first-of-key\nsecond-of-key"
	hide := func(text string) string {
		return strings.NewReplacer(key, "[secret KEY]", "hush-1", "[secret PASS]", "hush-2", "[secret PASS]").Replace(text)
	}
	found := texts(t, hide, []string{"key.pem", "a\n", "pass", "hush-1\n"}, []string{"key.pem", "a\n" + key + "\n", "pass", "hush-2\n"})
	if text := fmt.Sprint(found); strings.Contains(text, "of-key") || strings.Contains(text, "hush") || !strings.Contains(text, "+[secret KEY]") {
		t.Errorf("found %s", text)
	}
	if found["pass"].Note != "Only secrets differ, and they are hidden." {
		t.Errorf("found %+v", found["pass"])
	}
}

func TestLines_AreNotShownWithoutAMask(t *testing.T) {
	t.Parallel()
	if found := texts(t, nil, []string{"a", "1"}, []string{"a", "2"}); found != nil {
		t.Errorf("found %v", found)
	}
}

func TestLines_SayWhatIsNotCompared(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", MostFileBytes+1)
	found := texts(t, plainly,
		[]string{"binary", "a", "latin", "\xe4", "large", "1", "link@", "same.txt", "empty", ""},
		[]string{"binary", "a\x00", "latin", "\xe5", "large", large, "link@", "binary", "new", ""})
	for path, want := range map[string]string{
		"binary": "A binary file.", "latin": "A binary file.", "large": "Larger than 64 KB, so its lines are not compared.", "link": "A symbolic link.", "empty": "", "new": "",
	} {
		if text, ok := found[path]; !ok || text.Note != want || len(text.Lines) > 0 {
			t.Errorf("%s: %+v", path, text)
		}
	}
}

func TestLines_AreBoundedInAllAndEach(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("line\n", MostLines-10)
	found := texts(t, plainly, nil, []string{"a", many, "b", many, "c", "1", "d", "2"})
	if len(found["a"].Lines) != MostLines-9 || len(found["b"].Lines) != 9 || len(found["c"].Lines) > 0 {
		t.Errorf("%d, %d and %d lines", len(found["a"].Lines), len(found["b"].Lines), len(found["c"].Lines))
	}
	for path, want := range map[string]string{"b": "A comparison shows 2000 lines, so the rest is left out.", "c": "A comparison shows 2000 lines, so those of this file are left out."} {
		if found[path].Note != want {
			t.Errorf("%s: %q", path, found[path].Note)
		}
	}
	found = texts(t, plainly, nil, []string{"wide", strings.Repeat("é", 20000)})
	if line := found["wide"].Lines[1]; len(line) > mostLineBytes+len("…") || !strings.HasSuffix(line, "é…") {
		t.Errorf("a line of %d bytes", len(line))
	}
	var files []string
	for n := range mostRead/MostFileBytes + 1 {
		content := make([]byte, MostFileBytes/2)
		_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(content)
		files = append(files, fmt.Sprintf("f%02d", n), hex.EncodeToString(content))
	}
	if found := texts(t, plainly, nil, files); !strings.HasPrefix(found["f64"].Note, "Too much differs") || len(found["f00"].Lines) == 0 {
		t.Errorf("the last is %+v", found["f64"])
	}
}

func TestLines_CannotSteerATerminalAndShowOtherEndsOfLines(t *testing.T) {
	t.Parallel()
	found := texts(t, plainly, []string{"a", "one\n"}, []string{"a", "one\r\n\x1b[2Jtwo\u202ethree\n"})
	if want := []string{"@@ -1,1 +1,2 @@", "-one", "+one␍", "+twothree"}; !slices.Equal(found["a"].Lines, want) {
		t.Errorf("%q", found["a"].Lines)
	}
}
