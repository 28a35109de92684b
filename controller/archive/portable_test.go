package archive

import (
	"archive/zip"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// windowsZIP holds entries as a program for Windows writes them: with its system, and
// names of bytes of a code page. A name that ends with a backslash is a folder.
func windowsZIP(tb testing.TB, system byte, names ...string) []byte {
	tb.Helper()
	return rawZIP(tb, func(w *zip.Writer) {
		for _, name := range names {
			header := &zip.FileHeader{Name: name, Method: zip.Store, NonUTF8: true, CreatorVersion: uint16(system)<<8 | 20}
			entry, err := w.CreateRaw(header)
			if err == nil {
				_, err = io.WriteString(entry, "")
			}
			if err != nil {
				tb.Fatal(err)
			}
		}
	})
}

func TestZIP_ReadsNamesOfWindows(t *testing.T) {
	for _, system := range []byte{systemDOS, systemNTFS, systemVFAT} {
		tree := opened(t, windowsZIP(t, system, `index.html`, `assets\`, `assets\app.js`, `new\deep\x`, "gr\x94\xe1e.html"))
		want := []string{"assets", "assets/app.js", "größe.html", "index.html", "new", "new/deep", "new/deep/x"}
		got := paths(tree)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("system %d: got %q, want %q", system, got, want)
		}
	}
}

func TestZIP_RefusesAttacksInNamesOfWindows(t *testing.T) {
	for name, reason := range map[string]string{
		`..\up`: "leads out", `a\..\..\up`: "leads out", `\etc\passwd`: "absolute", `\\host\share`: "absolute",
		`C:\x`: "drive letter", `a\\b`: "empty part", `a\.\b`: "empty part", "a\nb": "control character",
	} {
		_, err := OpenApp(saved(t, windowsZIP(t, systemDOS, "ok", name)), DefaultLimits())
		if name == "a\nb" {
			_, err = Open(saved(t, windowsZIP(t, systemDOS, "ok", name)), DefaultLimits())
		}
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: got %v", name, err)
		}
	}
	for _, twice := range []string{"a/b", "A/b"} {
		if _, err := Open(saved(t, windowsZIP(t, systemDOS, `a\b`, twice)), DefaultLimits()); err == nil {
			t.Errorf("%q collides and was accepted", twice)
		}
	}
}

func TestArchive_LeavesOutWhatMacOSAdds(t *testing.T) {
	for format, make := range formats {
		tree := openedApp(t, make(t,
			item{name: "app/index.html"}, item{name: "app/Icon\r"}, item{name: "app/._index.html"}, item{name: "app/css/._x.css"},
			item{name: "app/.DS_Store"}, item{name: "__MACOSX/app/._index.html"},
			item{name: "app/css/x.css"}, item{name: "app/._link", text: "/etc/passwd", mode: fs.ModeSymlink | 0o777},
		))
		if got, want := paths(tree), []string{"css", "css/x.css", "index.html"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
		if err := tree.Check(Layout{}); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if got, want := tree.LeftOut(), "6 entries that macOS adds for itself are left out: Icon, ._*, .DS_Store, __MACOSX."; got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
	if note := opened(t, zipOf(t, item{name: "a"})).LeftOut(); note != "" {
		t.Errorf("got %q for nothing", note)
	}
}

func TestOpenWhole_KeepsTheFilesOfAttributes(t *testing.T) {
	tree, err := OpenWhole(saved(t, zipOf(t, item{name: "a"}, item{name: "._a"})), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if got := paths(tree); len(got) != 2 {
		t.Errorf("got %q", got)
	}
}

func TestWriteContext_BeginsWithAShortEntry(t *testing.T) {
	for format, make := range formats {
		for _, first := range []item{
			{name: "Übungen/x", text: "x"},
			{name: "Äpfel", text: "x"},
			{name: strings.Repeat("a", 101) + "/x", text: "x"},
			{name: strings.Repeat("b", 120), text: "x"},
			{name: "a", text: strings.Repeat("c", 120), mode: fs.ModeSymlink | 0o777},
		} {
			names := contextNames(t, opened(t, make(t, first, item{name: "Ž", text: "x"})), Layout{})
			if names[0] != "./" {
				t.Errorf("%s: begins with %q", format, names[0])
			}
		}
		names := contextNames(t, opened(t, make(t, item{name: "Dockerfile", text: "x"}, item{name: "Ü", text: "x"})), Layout{})
		if names[0] != "Dockerfile" {
			t.Errorf("%s: begins with %q", format, names[0])
		}
	}
}
