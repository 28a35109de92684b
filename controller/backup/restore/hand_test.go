package restore_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBackup_IsReadByHand does what docs/backups.md says, with age and tar alone.
func TestBackup_IsReadByHand(t *testing.T) {
	for _, program := range []string{"age", "tar", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	s := newServer(t)
	run := s.wantDone()
	work := t.TempDir()
	if err := os.WriteFile(filepath.Join(work, "key.txt"), []byte(s.private.Reveal()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const script = `set -e
cd "$PLACE"
mkdir "$WORK/manifest" "$WORK/data"
age --decrypt --identity "$WORK/key.txt" "sets/$SET/manifest.age" | tar --extract --directory "$WORK/manifest"
while read -r object rest; do age --decrypt --identity "$WORK/key.txt" "$object"; done < "$WORK/manifest/parts/volume-shop-data" |
	tar --extract --preserve-permissions --numeric-owner --directory "$WORK/data"
`
	command := exec.Command("sh", "-c", script)
	command.Env = append(os.Environ(), "PLACE="+s.place, "WORK="+work, "SET="+string(run.Set))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if was, is := sums(t, s.keeper.Folder("shop-data")), sums(t, filepath.Join(work, "data")); !same(was, is) {
		t.Errorf("it was %v, and is %v", was, is)
	}
}
