package uploads

import (
	"os"
	"strings"
	"testing"

	"berth/controller/archive"
	"berth/controller/archive/archivetest"
)

func testFolder(t *testing.T) Folder {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return New(root, archive.DefaultLimits())
}

func TestChoose_StaysWithTheArchive(t *testing.T) {
	folder := testFolder(t)
	received, err := folder.Receive(strings.NewReader(archivetest.Zip(t, map[string]string{"docker/Dockerfile.prod": "FROM scratch", "a": "x"})))
	if err != nil {
		t.Fatal(err)
	}
	if err := received.Choose("docker/Dockerfile.prod"); err != nil {
		t.Fatal(err)
	}
	taken := received.Take()
	if err := folder.Sweep(map[string]bool{}); err != nil {
		t.Fatal(err)
	}
	tree, err := folder.Open(taken.File())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if got := tree.Dockerfile(); got != "docker/Dockerfile.prod" {
		t.Errorf("got %q", got)
	}
	taken.Discard()
	if _, err := folder.Open(taken.File()); err == nil {
		t.Error("it is still there")
	}
}

func TestChoose_NothingChangesNothing(t *testing.T) {
	folder := testFolder(t)
	received, err := folder.Receive(strings.NewReader(archivetest.Zip(t, map[string]string{"a": "x"})))
	if err != nil {
		t.Fatal(err)
	}
	before := received.File()
	if err := received.Choose(""); err != nil || received.File() != before {
		t.Errorf("got %q, %v", received.File(), err)
	}
	tree, err := folder.Open(before)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if got := tree.Dockerfile(); got != "" {
		t.Errorf("got %q", got)
	}
	if err := (*Archive)(nil).Choose("x"); err != nil {
		t.Error(err)
	}
}

func TestParseDockerfile_RefusesWhatIsNoPathInTheArchive(t *testing.T) {
	for _, text := range []string{"/etc/passwd", "../Dockerfile", "a/../b", "a//b", ".", "..", strings.Repeat("a", 151)} {
		if path, err := ParseDockerfile(text); err == nil {
			t.Errorf("%q became %q", text, path)
		}
	}
	for text, want := range map[string]string{"": "", "  ": "", "docker/Dockerfile": "docker/Dockerfile", " ./Dockerfile.prod ": "Dockerfile.prod"} {
		if path, err := ParseDockerfile(text); err != nil || path != want {
			t.Errorf("%q became %q, %v", text, path, err)
		}
	}
}
