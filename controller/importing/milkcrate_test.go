//go:build linux && cgo

package importing

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3"
)

// milkcrateFolder is the sample with its database, which is made of the rows.
func milkcrateFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/milkcrate")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "instance"), 0o700); err != nil {
		t.Fatal(err)
	}
	pool, err := sql.Open("sqlite3", filepath.Join(folder, "instance", "milkcrate.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	rows, err := os.ReadFile("testdata/milkcrate/rows.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.ExecContext(t.Context(), string(rows)); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestMilkcrate_IsReadFromItsDatabase(t *testing.T) {
	folder := milkcrateFolder(t)
	made := read(t, Wish{Form: Milkcrate, Path: folder})
	made.Path = "testdata/milkcrate"
	for _, one := range made.Apps {
		if one.Source.Folder != "" {
			one.Source.Folder = filepath.Base(one.Source.Folder)
		}
	}
	golden(t, "milkcrate", made)
}

func TestMilkcrate_IsReadFromRowsAsJSON(t *testing.T) {
	folder := milkcrateFolder(t)
	if err := os.Remove(filepath.Join(folder, "instance", "milkcrate.sqlite")); err != nil {
		t.Fatal(err)
	}
	rows := `[{"app_id":1,"app_name":"hello","public_route":"/hello","internal_port":8000,"deployment_type":"dockerfile","main_service":null,"volume_mounts":null,"status":"running"}]`
	if err := os.WriteFile(filepath.Join(folder, "apps.json"), []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	made := read(t, Wish{Form: Milkcrate, Path: folder}).Apps
	if len(made) != 1 || made[0].Port != 8000 || filepath.Base(made[0].Source.Folder) != "hello_update_20260201_120000" {
		t.Errorf("got %+v", made)
	}
}
