package archive

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// openedApp is opened, for the archive of an app.
func openedApp(tb testing.TB, data []byte) *Tree {
	tb.Helper()
	tree, err := OpenApp(saved(tb, data), DefaultLimits())
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	tb.Cleanup(func() { _ = tree.Close() })
	return tree
}

// ignoredFaults are entries that no archive may keep, all below the folder old.
func ignoredFaults(format string) []item {
	link := func(name, target string) item { return item{name: name, text: target, mode: fs.ModeSymlink | 0o777} }
	items := []item{
		link("old/bin/python3", "/usr/bin/python3"), link("old/out", "../../x"), link("old/a", "b"), link("old/b", "a"),
		{name: "old/a\\b"},
		{name: "old/line\nbreak/file"},
		{name: "old/\xff"},
		{name: "old/Case"},
		{name: "old/case"},
		{name: "old/" + strings.Repeat("deep/", 40) + "file"},
		{name: "old/" + strings.Repeat("long", 70)},
		{name: "old/twice"},
		{name: "old/twice"},
		{name: "old/a/below-a-link"},
	}
	if format == "zip" {
		return append(items, item{name: "old/pipe", mode: fs.ModeNamedPipe | 0o600})
	}
	return append(items, item{name: "old/hard", text: "Dockerfile", kind: tar.TypeLink}, item{name: "old/device", kind: tar.TypeChar})
}

func TestOpenApp_JudgesOnlyWhatIsKept(t *testing.T) {
	for format, make := range formats {
		for _, top := range []string{"", "app/"} {
			t.Run(format+" "+top, func(t *testing.T) {
				items := []item{{name: "Dockerfile", text: "x"}, {name: "kept", text: "x"}}
				items = append(items, ignoredFaults(format)...)
				for i := range items {
					items[i].name = top + items[i].name
				}
				tree := openedApp(t, make(t, items...))
				names := contextNames(t, tree, Layout{Keep: parsedIgnore(t, "old").Keep})
				if want := []string{"Dockerfile", "kept"}; !slices.Equal(names, want) {
					t.Errorf("got %q, want %q", names, want)
				}
				if tree.Check(Layout{}) == nil {
					t.Error("nothing was refused though everything is kept")
				}
			})
		}
	}
}

func TestOpenApp_RefusesEachFaultThatIsKept(t *testing.T) {
	for format, make := range formats {
		for _, bad := range ignoredFaults(format) {
			if bad.name == "old/a" || bad.name == "old/Case" || bad.name == "old/twice" {
				continue // without fault alone
			}
			items := []item{{name: "Dockerfile", text: "x"}, {name: "old/a", text: "b", mode: fs.ModeSymlink | 0o777}, {name: "old/Case"}, bad}
			if bad.name == "old/b" {
				items[2].name = "old/c"
			}
			tree := openedApp(t, make(t, items...))
			err := tree.Check(Layout{})
			if err == nil {
				t.Errorf("%s: %q was not refused", format, bad.name)
				continue
			}
			if written := tree.WriteContext(t.Context(), io.Discard, Layout{}); written == nil {
				t.Errorf("%s: %q was written", format, bad.name)
			}
			if files, err := tree.LayoutFS(t.Context(), Layout{}); err == nil && files != nil {
				t.Errorf("%s: %q was offered", format, bad.name)
			}
			if _, found := tree.Entry(bad.name); found {
				t.Errorf("%s: %q is in the tree", format, bad.name)
			}
			if _, err := tree.ReadFile(t.Context(), bad.name, 1<<20); err == nil {
				t.Errorf("%s: %q was read", format, bad.name)
			}
		}
	}
}

func TestOpenApp_RefusesWhatHasNoPlaceThoughItIsIgnored(t *testing.T) {
	for format, make := range formats {
		for name, reason := range map[string]string{"old/../../x": "leads out", "/old/x": "absolute", "C:/old/x": "drive letter", "old//x": "empty part"} {
			_, err := OpenApp(saved(t, make(t, item{name: "Dockerfile"}, item{name: name})), DefaultLimits())
			if err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%s: %q: got %v", format, name, err)
			}
		}
	}
}

func TestOpenApp_CountsWhatIsIgnored(t *testing.T) {
	limits := DefaultLimits()
	limits.Entries = 3
	for _, make := range formats {
		_, err := OpenApp(saved(t, make(t, item{name: "a"}, item{name: "b\n"}, item{name: "c\n"}, item{name: "d\n"})), limits)
		mustRefuse(t, err, "", "more than 3 entries")
		limits := DefaultLimits()
		limits.NameBytes = 20
		_, err = OpenApp(saved(t, make(t, item{name: "a"}, item{name: "0123456789\n"}, item{name: "012345678\n"})), limits)
		mustRefuse(t, err, "", "20 bytes together")
	}
}

func TestOpenApp_SetsAsideOnlySoManyEntries(t *testing.T) {
	items := []item{{name: "a"}}
	for i := range mostFaults + 1 {
		items = append(items, item{name: fmt.Sprintf("x%d\n", i)})
	}
	_, err := OpenApp(saved(t, zipOf(t, items...)), DefaultLimits())
	mustRefuse(t, err, fmt.Sprintf("%q", items[len(items)-1].name), "control character")
}

func TestOpenApp_RefusesAnArchiveOfFaultsAlone(t *testing.T) {
	_, err := OpenApp(saved(t, zipOf(t, item{name: "a\n"})), DefaultLimits())
	mustRefuse(t, err, `"a\n"`, "control character")
}
