package disks

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLookPushes_CountsARepositoryForEachApp(t *testing.T) {
	folder := t.TempDir()
	d := &Disks{Options: Options{DataFolder: folder}}
	var none Item
	if err := d.lookPushes(t.Context(), &none); err != nil || none.Used.Count != 0 {
		t.Errorf("without any: %+v, %v", none, err)
	}
	for name, bytes := range map[string]int{"shop/a.pack": 1000, "shop/a.index": 10, "blog/b.pack": 2000} {
		file := filepath.Join(folder, "git", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, make([]byte, bytes), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var item Item
	if err := d.lookPushes(t.Context(), &item); err != nil {
		t.Fatal(err)
	}
	if item.Used != (Amount{Count: 2, Bytes: 3010}) || item.Apps[0].App != "blog" {
		t.Errorf("counted %+v", item)
	}
}
