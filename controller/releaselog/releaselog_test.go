package releaselog

import (
	"io"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/problem"
)

func id(name string) app.ReleaseID { return app.ReleaseID{App: app.Name(name), Number: 1} }

func TestReleaseLog_KeepsEachEntryOnOneLineWithoutControlCharacters(t *testing.T) {
	t.Parallel()
	logs, err := Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.AppendTo(id("app"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	log.Line("one\ntwo\r\x1b[31mred\x00")
	log.Line("broken \xff bytes")
	log.Close()
	file, err := logs.Open(id("app"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, _ := io.ReadAll(file)
	if want := "onetwo[31mred\nbroken \uFFFD bytes\n"; string(text) != want {
		t.Errorf("log is %q, want %q", text, want)
	}
}

func TestReleaseLog_IsCutWithALineThatSaysSo(t *testing.T) {
	t.Parallel()
	logs, err := Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.AppendTo(id("app"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1<<20)
	for range 40 {
		log.Line(long)
	}
	log.Close()
	if log.size > logLimit+200 {
		t.Errorf("log took %d bytes, want at most about %d", log.size, logLimit)
	}
	if !log.full {
		t.Error("the log does not know that it is full")
	}
}

func TestReleaseLog_MissingIsAProblem(t *testing.T) {
	t.Parallel()
	logs, err := Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := logs.Open(id("none")); problem.KindOf(err) != problem.KindNotFound {
		t.Errorf("missing log: %v", err)
	}
}
