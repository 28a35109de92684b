package volume

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"
)

// self owns what tests make: only root may give files away.
var self = Owner{User: os.Getuid(), Group: os.Getgid()}

// open returns a session on a volume in a folder of its own, and that folder. A
// file beside it must never be reached.
func open(t testing.TB) (*Session, string) {
	t.Helper()
	outside := t.TempDir()
	folder := filepath.Join(outside, "volume")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	place(t, outside, "secret", "not yours")
	return serve(t, folder), folder
}

// serve returns another session on the same folder.
func serve(t testing.TB, folder string) *Session {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	requests, ask := io.Pipe()
	answers, reply := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = reply.CloseWithError(Serve(root, "", requests, reply))
	}()
	session := NewSession(answers, ask, func() error {
		_ = answers.Close()
		return ask.Close()
	})
	t.Cleanup(func() {
		_ = session.Close()
		<-ended
		_ = root.Close()
	})
	return session
}

func place(t testing.TB, folder, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, path), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, folder, path, target string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(folder, path)); err != nil {
		t.Fatal(err)
	}
}

func textOf(t testing.TB, folder, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func names(entries []Entry) string {
	found := make([]string, 0, len(entries))
	for _, entry := range entries {
		found = append(found, entry.Name)
	}
	return strings.Join(found, " ")
}

func wantRefusal(t testing.TB, err error, code Code) {
	t.Helper()
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || refusal.Code != code || refusal.Reason == "" || refusal.Hint == "" {
		t.Errorf("got %v (%+v), want a refusal of code %q with reason and hint", err, refusal, code)
	}
}

func write(t testing.TB, session *Session, path Path, text string) error {
	t.Helper()
	_, err := session.Write(WriteOptions{Path: path, Owner: self, Limit: 1 << 20}, strings.NewReader(text))
	return err
}

func read(session *Session, path Path) (string, error) {
	_, from, err := session.Read(path)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(from)
	return string(text), err
}

// wantClean fails where an upload left something of its own behind.
func wantClean(t testing.TB, folder string) {
	t.Helper()
	left, _ := filepath.Glob(filepath.Join(folder, stagePrefix+"*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSession_WritesListsReadsAndRemoves(t *testing.T) {
	session, folder := open(t)
	if err := write(t, session, "a/b/c.txt", "hello"); err != nil {
		t.Fatal(err)
	}
	if err := write(t, session, "a/b/c.txt", "hello again"); err != nil {
		t.Fatal(err)
	}
	if text, err := read(session, "a/b/c.txt"); text != "hello again" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if err := session.MakeFolder("a/z", self); err != nil {
		t.Error(err)
	}
	place(t, folder, "a/first", "1")
	listing, err := session.List("a", 10)
	if err != nil || names(listing.Entries) != "b z first" || listing.More {
		t.Errorf("listed %+v, %v", listing, err)
	}
	usage, err := session.Count("", time.Minute)
	if err != nil || usage.Files != 2 || usage.Folders != 3 || usage.Bytes != 12 || usage.Partial || usage.FreeBytes == 0 {
		t.Errorf("counted %+v, %v", usage, err)
	}
	if below, err := session.Count("a/b", time.Minute); err != nil || below.Files != 1 || below.Folders != 0 || below.Bytes != 11 {
		t.Errorf("counted %+v in a/b, %v", below, err)
	}
	_, err = session.Count("a/missing", time.Minute)
	wantRefusal(t, err, Missing)
	if err := session.Remove("a/b"); err != nil {
		t.Error(err)
	}
	if err := session.Remove("a/first"); err != nil {
		t.Error(err)
	}
	wantRefusal(t, session.Remove("a/first"), Missing)
	wantRefusal(t, session.Remove(""), Invalid)
	wantClean(t, folder)
}

func TestSession_ListIsBounded(t *testing.T) {
	session, folder := open(t)
	for _, name := range []string{"1", "2", "3"} {
		place(t, folder, name, "")
	}
	listing, err := session.List("", 2)
	if err != nil || len(listing.Entries) != 2 || !listing.More {
		t.Errorf("listed %+v, %v", listing, err)
	}
}

func TestSession_CountsUntilItsTimeIsOver(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "a", "")
	place(t, folder, "b", "")
	if usage, err := session.Count("", 0); err != nil || !usage.Partial {
		t.Errorf("counted %+v, %v", usage, err)
	}
}

func TestSession_NamesThatAreNotTextCanBeSeenAndRemoved(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "bad\xffname\n", "x")
	listing, err := session.List("", 10)
	if err != nil || len(listing.Entries) != 1 || listing.Entries[0].Name != "bad\xffname\n" {
		t.Fatalf("listed %+v, %v", listing, err)
	}
	path := Path("").Join(listing.Entries[0].Name)
	if shown := path.String(); strings.ContainsAny(shown, "\n") || !utf8.ValidString(shown) {
		t.Errorf("shown as %q", shown)
	}
	if err := session.Remove(path); err != nil {
		t.Error(err)
	}
}

func TestSession_LinkOutOfTheVolumeIsShownAndNeverFollowed(t *testing.T) {
	for name, target := range map[string]string{"relative": "..", "absolute": "/etc", "through itself": "../volume/.."} {
		t.Run(name, func(t *testing.T) {
			session, folder := open(t)
			link(t, folder, "out", target)
			listing, err := session.List("", 10)
			if err != nil || len(listing.Entries) != 1 || listing.Entries[0].Kind != Symlink || listing.Entries[0].Link != target {
				t.Errorf("listed %+v, %v", listing, err)
			}
			_, err = session.List("out", 10)
			wantRefusal(t, err, Invalid)
			for _, file := range []Path{"out/secret", "out/passwd"} {
				_, err = read(session, file)
				wantRefusal(t, err, Invalid)
				wantRefusal(t, session.Remove(file), Invalid)
				wantRefusal(t, write(t, session, file, "mine now"), Invalid)
			}
			_, err = session.Pack("out")
			wantRefusal(t, err, Invalid)
			wantRefusal(t, session.MakeFolder("out/new", self), Conflict)
			if text := textOf(t, folder, "../secret"); text != "not yours" {
				t.Errorf("the file outside holds %q", text)
			}
			if err := session.Remove("out"); err != nil {
				t.Errorf("remove the link itself: %v", err)
			}
			wantClean(t, folder)
		})
	}
}

func TestSession_LinkToFileOutsideIsNeitherReadNorWrittenThrough(t *testing.T) {
	session, folder := open(t)
	link(t, folder, "passwd", "../secret")
	_, err := read(session, "passwd")
	wantRefusal(t, err, Invalid)
	wantRefusal(t, write(t, session, "passwd", "mine now"), Conflict)
	if err := session.Remove("passwd"); err != nil {
		t.Error(err)
	}
	if text := textOf(t, folder, "../secret"); text != "not yours" {
		t.Errorf("the file outside holds %q", text)
	}
}

func TestSession_RemovingAFolderStopsAtLinks(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "dir/file", "")
	link(t, folder, "dir/up", "../..")
	if err := session.Remove("dir"); err != nil {
		t.Error(err)
	}
	_ = textOf(t, folder, "../secret")
}

func TestSession_PipesSocketsAndFoldersAreNotOpened(t *testing.T) {
	session, folder := open(t)
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(socket) }()
	if err := syscall.Bind(socket, &syscall.SockaddrUnix{Name: filepath.Join(folder, "socket")}); err != nil {
		t.Fatal(err)
	}
	place(t, folder, "folder/file", "")
	listing, err := session.List("", 10)
	if err != nil || names(listing.Entries) != "folder pipe socket" || listing.Entries[1].Kind != Pipe || listing.Entries[2].Kind != Socket {
		t.Errorf("listed %+v, %v", listing, err)
	}
	for _, path := range []Path{"pipe", "socket", "folder"} {
		_, err := read(session, path)
		wantRefusal(t, err, Invalid)
		wantRefusal(t, write(t, session, path, ""), Conflict)
	}
	if packed := packed(t, session); strings.Join(packed, " ") != "folder/ folder/file" {
		t.Errorf("packed %v", packed)
	}
}

func packed(t testing.TB, session *Session) []string {
	t.Helper()
	from, err := session.Pack("")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for entries := tar.NewReader(from); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, header.Name)
	}
	if rest, err := io.ReadAll(from); err != nil {
		t.Errorf("behind the tar: %q, %v", rest, err)
	}
	return found
}

func TestSession_PathsThatClimbAreRefusedByTheKeeperToo(t *testing.T) {
	session, _ := open(t)
	for _, path := range []Path{"..", "../secret", "a/../../secret", "/../secret", "a//b", ".", "a\x00b"} {
		_, err := read(session, path)
		wantRefusal(t, err, Invalid)
		wantRefusal(t, session.Remove(path), Invalid)
		wantRefusal(t, write(t, session, path, "x"), Invalid)
	}
}

func TestSession_UploadOverItsLimitLeavesWhatWasThere(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "file", "before")
	_, err := session.Write(WriteOptions{Path: "file", Owner: self, Limit: 10}, strings.NewReader(strings.Repeat("x", 11)))
	wantRefusal(t, err, TooLarge)
	_, err = session.Write(WriteOptions{Path: "new", Owner: self}, strings.NewReader("x"))
	wantRefusal(t, err, TooLarge)
	if text := textOf(t, folder, "file"); text != "before" {
		t.Errorf("the file holds %q", text)
	}
	wantClean(t, folder)
}

// endless never ends; reading it to its end would.
type endless struct{ read int64 }

func (e *endless) Read(buffer []byte) (int, error) {
	e.read += int64(len(buffer))
	return len(buffer), nil
}

func TestSession_RefusedUploadIsNotReadToItsEnd(t *testing.T) {
	session, folder := open(t)
	link(t, folder, "link", "elsewhere")
	source := &endless{}
	_, err := session.Write(WriteOptions{Path: "link", Owner: self, Limit: 1 << 40}, source)
	wantRefusal(t, err, Conflict)
	if source.read > 100<<20 {
		t.Errorf("read %d bytes of it", source.read)
	}
	if err := write(t, session, "file", "the session goes on"); err != nil {
		t.Error(err)
	}
}

func TestSession_UploadThatBreaksOffLeavesWhatWasThere(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "file", "before")
	broken := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, err := session.Write(WriteOptions{Path: "file", Owner: self, Limit: 100}, broken)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if text := textOf(t, folder, "file"); text != "before" {
		t.Errorf("the file holds %q", text)
	}
	if err := write(t, session, "file", "after"); err != nil {
		t.Errorf("the session does not go on: %v", err)
	}
	wantClean(t, folder)
}

func TestServe_EndOfItsCallerInTheMiddleLeavesNothing(t *testing.T) {
	session, folder := open(t)
	if err := session.wire.sendMessage(request{Verb: verbWrite, Path: []byte("file"), Limit: 100}); err != nil {
		t.Fatal(err)
	}
	if err := session.wire.send(frameData, []byte("half")); err != nil {
		t.Fatal(err)
	}
	_ = session.Close()
	deadline := time.Now().Add(5 * time.Second)
	for {
		left, err := os.ReadDir(folder)
		if err == nil && len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %v", left)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestCount_TellsOfWhatAnUploadLeftAndSweepRemovesIt(t *testing.T) {
	session, folder := open(t)
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	living, err := newStage(root)
	if err != nil {
		t.Fatal(err)
	}
	place(t, folder, "mine", "text")
	left := func() bool {
		t.Helper()
		usage, err := session.Count("", time.Minute)
		if err != nil || usage.Files != 1 {
			t.Fatalf("counted %+v, %v", usage, err)
		}
		return usage.Leftovers
	}
	if left() {
		t.Error("what comes in now is taken for left over")
	}
	for _, plant := range []func(){
		func() { place(t, folder, stagePrefix+"dead/file", "half") },
		func() { link(t, folder, stagePrefix+"link", "../secret") },
	} {
		plant()
		if !left() {
			t.Error("what was left is not told")
		}
		if err := session.Sweep(); err != nil {
			t.Fatal(err)
		}
		if left() {
			t.Error("what was left is still there")
		}
	}
	if _, err := os.Stat(filepath.Join(folder, living.name)); err != nil {
		t.Error(err)
	}
}

func TestStage_SweepsThoseOfTheDeadAndNoOther(t *testing.T) {
	session, folder := open(t)
	place(t, folder, stagePrefix+"dead/file", "half")
	link(t, folder, stagePrefix+"link", "../secret")
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	living, err := newStage(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(t, session, "file", "text"); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(folder, stagePrefix+"*"))
	if len(left) != 1 || filepath.Base(left[0]) != living.name {
		t.Errorf("left are %v, want %s alone", left, living.name)
	}
	listing, err := session.List("", 10)
	if err != nil || names(listing.Entries) != "file" {
		t.Errorf("listed %+v, %v", listing, err)
	}
	wantRefusal(t, write(t, session, Path(living.name+"/file"), "x"), Invalid)
	if err := living.remove(); err != nil {
		t.Error(err)
	}
	_ = textOf(t, folder, "../secret")
}

func TestSession_TwoUploadsToOnePathEndAsOneOfThem(t *testing.T) {
	first, folder := open(t)
	second := serve(t, folder)
	texts := map[*Session]string{first: strings.Repeat("1", 500_000), second: strings.Repeat("2", 500_000)}
	results := make(chan error)
	for session, text := range texts {
		go func() { results <- write(t, session, "file", text) }()
	}
	if err := errors.Join(<-results, <-results); err != nil {
		t.Fatal(err)
	}
	if text := textOf(t, folder, "file"); text != texts[first] && text != texts[second] {
		t.Error("the file is a mixture")
	}
	wantClean(t, folder)
}

func TestSession_FoldersDeeperThanAWalkGoesCanBeRemoved(t *testing.T) {
	session, folder := open(t)
	place(t, folder, strings.Repeat("d/", deepest+10)+"file", "x")
	if usage, err := session.Count("", time.Minute); err != nil || !usage.Partial {
		t.Errorf("counted %+v, %v", usage, err)
	}
	from, err := session.Pack("")
	if err == nil {
		_, err = io.Copy(io.Discard, from)
	}
	wantRefusal(t, err, TooLarge)
	if err := session.Remove("d"); err != nil {
		t.Error(err)
	}
}

func TestSession_AdoptsOnlyAnEmptyVolume(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives folders away")
	}
	session, folder := open(t)
	owner := Owner{User: 1234, Group: 2345}
	for _, want := range []bool{true, false} {
		if done, err := session.Adopt(owner); done != want || err != nil {
			t.Errorf("Adopt() = %v, %v, want %v", done, err, want)
		}
	}
	if entry, err := session.Find(""); err != nil || entry.Owner != owner {
		t.Errorf("found %+v, %v", entry, err)
	}
	place(t, folder, "file", "")
	if done, err := session.Adopt(self); done || err != nil {
		t.Errorf("Adopt() = %v, %v of a volume with a file", done, err)
	}
}

func TestSession_FilesAndFoldersBelongToTheOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	session, _ := open(t)
	owner := Owner{User: 1234, Group: 2345}
	if _, err := session.Write(WriteOptions{Path: "a/b", Owner: owner, Mode: 0o600, Limit: 10}, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	unpackTar(t, session, "a", owner, &tar.Header{Name: "dir/", Typeflag: tar.TypeDir}, &tar.Header{Name: "dir/link", Typeflag: tar.TypeSymlink, Linkname: "file"})
	for _, path := range []Path{"a", "a/b", "a/dir", "a/dir/link"} {
		if entry, err := session.Find(path); err != nil || entry.Owner != owner {
			t.Errorf("%s: %+v, %v", path, entry, err)
		}
	}
	if entry, _ := session.Find("a/b"); entry.Mode != 0o600 {
		t.Errorf("mode %o", entry.Mode)
	}
}

func tryTar(session *Session, folder Path, owner Owner, headers ...*tar.Header) error {
	return session.Unpack(WriteOptions{Path: folder, Owner: owner, Limit: 1 << 20}, func(w io.Writer) error {
		out := tar.NewWriter(w)
		for _, header := range headers {
			header.Mode = 0o644
			if err := out.WriteHeader(header); err != nil {
				return err
			}
			if _, err := out.Write(bytes.Repeat([]byte("x"), int(header.Size))); err != nil {
				return err
			}
		}
		return out.Close()
	})
}

func unpackTar(t testing.TB, session *Session, folder Path, owner Owner, headers ...*tar.Header) {
	t.Helper()
	if err := tryTar(session, folder, owner, headers...); err != nil {
		t.Fatal(err)
	}
}

func TestSession_UnpackMergesFoldersAndReplacesFiles(t *testing.T) {
	session, folder := open(t)
	place(t, folder, "in/dir/old", "old")
	place(t, folder, "in/dir/both", "old")
	unpackTar(t, session, "in", self,
		&tar.Header{Name: "dir/", Typeflag: tar.TypeDir},
		&tar.Header{Name: "dir/both", Size: 3}, &tar.Header{Name: "dir/new", Size: 1}, &tar.Header{Name: "top", Size: 2})
	if textOf(t, folder, "in/dir/old") != "old" || textOf(t, folder, "in/dir/both") != "xxx" || textOf(t, folder, "in/dir/new") != "x" || textOf(t, folder, "in/top") != "xx" {
		t.Error("not merged")
	}
	wantClean(t, folder)
}

func TestSession_UnpackIsAllOrNothing(t *testing.T) {
	file := func(name string) *tar.Header { return &tar.Header{Name: name, Size: 1} }
	for name, attack := range map[string][]*tar.Header{
		"link and a file through it":        {file("a"), {Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."}, file("l/secret")},
		"link to the top and a file there":  {file("a"), {Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/"}, file("l/etc")},
		"climbing name":                     {file("a"), file("../secret")},
		"name of Berth's own":               {file("a"), file(stagePrefix + "x")},
		"device":                            {file("a"), {Name: "d", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}},
		"pipe":                              {file("a"), {Name: "p", Typeflag: tar.TypeFifo}},
		"hard link":                         {file("a"), {Name: "h", Typeflag: tar.TypeLink, Linkname: "../../secret"}},
		"file of the same name":             {file("a"), file("a")},
		"file where a folder is":            {file("a"), file("folder")},
		"folder where a link out is":        {file("a"), {Name: "out", Typeflag: tar.TypeDir}, file("out/secret")},
		"more than the limit":               {file("a"), {Name: "big", Size: 2 << 20}},
		"file where a link within is":       {file("a"), file("within")},
		"name that shows in another order":  {file("a"), file("a\u202egpj.exe")},
		"name with a backslash":             {file("a"), file(`..\secret`)},
		"folder in a file's place":          {file("a"), {Name: "file/", Typeflag: tar.TypeDir}},
		"deeper than a path may be":         {file("a"), file(strings.Repeat("d/", 40) + "f")},
		"longer than a name on disk may be": {file("a"), file(strings.Repeat("n", 256))},
	} {
		t.Run(name, func(t *testing.T) {
			session, folder := open(t)
			place(t, folder, "folder/kept", "kept")
			place(t, folder, "file", "kept")
			link(t, folder, "out", "..")
			link(t, folder, "within", "file")
			if err := tryTar(session, "", self, attack...); err == nil {
				t.Error("it is accepted")
			}
			listing, err := session.List("", 10)
			if err != nil || names(listing.Entries) != "folder file out within" {
				t.Errorf("the volume holds %q, %v", names(listing.Entries), err)
			}
			if textOf(t, folder, "../secret") != "not yours" || textOf(t, folder, "file") != "kept" {
				t.Error("something else was changed")
			}
			wantClean(t, folder)
		})
	}
}

func TestSession_UnpackThatBreaksOffLeavesNothing(t *testing.T) {
	session, folder := open(t)
	broken := errors.New("damaged")
	err := session.Unpack(WriteOptions{Owner: self, Limit: 1 << 20}, func(w io.Writer) error {
		out := tar.NewWriter(w)
		_ = out.WriteHeader(&tar.Header{Name: "whole", Size: 1})
		_, _ = out.Write([]byte("x"))
		_ = out.Close() // all of a tar, and yet void
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("the volume holds %v", left)
	}
}

func TestParsePath_KeepsToTheVolume(t *testing.T) {
	for text, want := range map[string]Path{"": "", "/": "", "a": "a", "/a/b/": "a/b", "a b/ü.txt": "a b/ü.txt", "..a": "..a"} {
		if path, err := ParsePath(text); path != want || err != nil {
			t.Errorf("ParsePath(%q) = %q, %v", text, path, err)
		}
	}
	for _, text := range []string{"..", "/..", "a/..", "a/../b", "./a", "a/./b", "a//b", "//a", "a\x00", strings.Repeat("a/", 32) + "b", strings.Repeat("a", 256), strings.Repeat("a/", 600)} {
		if path, err := ParsePath(text); err == nil {
			t.Errorf("ParsePath(%q) = %q", text, path)
		}
	}
}

func TestParseNewPath_RefusesWhatCannotBeShown(t *testing.T) {
	for _, text := range []string{"", "/", "a\nb", "a\xff", "a\u202eb", `a\b`, "\x1b[31m", stagePrefix + "x", "/" + stagePrefix + "x/y"} {
		_, err := ParseNewPath(text)
		wantRefusal(t, err, Invalid)
	}
	for _, text := range []string{"Bildschirmfoto um\u202f3.00.png", "👩\u200d🚀.txt", ".env", "-rf"} {
		if _, err := ParseNewPath(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseName_IsThatOfAnApp(t *testing.T) {
	for _, text := range []string{"a", "my-data", strings.Repeat("a", 40), "my-app_DB.data_2"} {
		if _, err := ParseName(text); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"", "-a", "a-", "A", "_b", "a_", "a__b", "a-_b", "a_b/c", "a/b", "..", "a\n", strings.Repeat("a", 41)} {
		_, err := ParseName(text)
		wantRefusal(t, err, Invalid)
	}
}

func TestParseOwner_TakesNumbersAlone(t *testing.T) {
	if owner, ok := ParseOwner("65534:1000"); !ok || owner != (Owner{User: 65534, Group: 1000}) {
		t.Errorf("got %v, %v", owner, ok)
	}
	for _, text := range []string{"", "1000", "app", "app:app", "1:app", "-1:1", "1:2:3", "99999999999:1"} {
		if owner, ok := ParseOwner(text); ok {
			t.Errorf("ParseOwner(%q) = %v", text, owner)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"a/b", "/..", "a\x00", "\xff", ".berth-upload-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := ParseNewPath(text)
		if err != nil {
			return
		}
		if !filepath.IsLocal(path.local()) || filepath.Clean(string(path)) != string(path) {
			t.Errorf("ParseNewPath(%q) = %q", text, path)
		}
		if again, err := ParsePath(string(path)); again != path || err != nil {
			t.Errorf("ParsePath(%q) = %q, %v", path, again, err)
		}
	})
}

// FuzzServe speaks to a keeper as no session does. Whatever is said, nothing
// beside the volume changes.
func FuzzServe(f *testing.F) {
	frame := func(kind frameKind, text string) string {
		var out bytes.Buffer
		_ = newWire(nil, &out).send(kind, []byte(text))
		return out.String()
	}
	f.Add([]byte(frame(frameMessage, `{"Verb":"list","Limit":10}`)))
	f.Add([]byte(frame(frameMessage, `{"Verb":"write","Path":"Lg==","Limit":9}`) + frame(frameData, "x") + frame(frameEnd, "")))
	f.Add([]byte(frame(frameMessage, `{"Verb":"unpack","Limit":9}`) + frame(frameAbort, "")))
	f.Add([]byte(frame(frameMessage, `{"Verb":"remove","Path":"Li4vc2VjcmV0"}`)))
	f.Fuzz(func(t *testing.T, said []byte) {
		outside := t.TempDir()
		place(t, outside, "secret", "not yours")
		place(t, outside, "volume/file", "text")
		link(t, outside, "volume/out", "..")
		root, err := os.OpenRoot(filepath.Join(outside, "volume"))
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		_ = Serve(root, "", bytes.NewReader(said), io.Discard)
		if left, _ := os.ReadDir(outside); len(left) != 2 || textOf(t, outside, "secret") != "not yours" {
			t.Error("something beside the volume changed")
		}
		wantClean(t, filepath.Join(outside, "volume"))
	})
}
