package wholefile_test

import (
	"os"
	"path/filepath"
	"testing"

	"berth/controller/wholefile"
)

func TestWrite_ReplacesAFileAndWhatAKilledProcessHasLeft(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name+wholefile.PartSuffix, []byte("longer than what is written now"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		if err := wholefile.Write(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if content, err := os.ReadFile(name); err != nil || string(content) != text {
			t.Errorf("the file holds %q, %v", content, err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(name)); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestWrite_LeavesTheFileWhereItCannotWrite(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.MkdirAll(filepath.Join(name, "held"), 0o700); err != nil { // no file can take its place
		t.Fatal(err)
	}
	if err := wholefile.Write(name, []byte("text"), 0o600); err == nil {
		t.Error("it was written")
	}
	if left, err := os.ReadDir(filepath.Dir(name)); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}
