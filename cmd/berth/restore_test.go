package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"berth/controller/backup/set"
	"berth/controller/backup/target"
)

// aSet is a folder of one backup, and the file of its key.
func aSet(t *testing.T) (place, key string, id set.ID) {
	t.Helper()
	place, key = t.TempDir(), filepath.Join(t.TempDir(), "key.txt")
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte("# of the backups\n"+identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := target.OpenFolder(place)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = folder.Close() }()
	w, err := set.Begin(t.Context(), set.Options{Target: folder, Recipients: identity.Recipient().String(), Folder: t.TempDir(), Repository: "r", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.Describe("berth", "test", []set.Image{{App: "shop", Release: 3, Service: "main", Archive: true, Volumes: []string{"data"}}})
	err = w.Add(t.Context(), set.Part{Name: "volume-data", Kind: set.Volume, Volume: "data"}, func(_ context.Context, to io.Writer) error {
		_, err := io.WriteString(to, strings.Repeat("x", 3000))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return place, key, m.Set
}

func TestRestore_ListsBackupsAndWhatIsInOne(t *testing.T) {
	t.Parallel()
	place, key, id := aSet(t)
	for _, test := range []struct {
		words []string
		wants []string
	}{
		{[]string{"--list"}, []string{string(id)}},
		{[]string{"--list", "--set", string(id), "--key", key}, []string{"volume data", "3kB", "shop r3"}},
	} {
		var out strings.Builder
		if err := run(t.Context(), append([]string{"restore", "--from", place}, test.words...), nil, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, want := range test.wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v wrote %s", test.words, out.String())
			}
		}
	}
}

func TestRestore_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	place, key, _ := aSet(t)
	notKey := filepath.Join(t.TempDir(), "not a key")
	if err := os.WriteFile(notKey, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		words []string
		says  string
	}{
		{nil, "--from is missing"},
		{[]string{"--from", place}, "--key is missing"},
		{[]string{"--from", place, "--key", notKey}, "holds no private key"},
		{[]string{"--from", place + "/other", "--list"}, "cannot be opened"},
		{[]string{"--from", place, "--key", key, "--set", "yesterday"}, "is not a backup"},
		{[]string{"--from", "https://s3.example.com", "--list"}, "not the address of a bucket"},
	} {
		err := run(t.Context(), append([]string{"restore"}, test.words...), []string{"BERTH_DATA_FOLDER=" + t.TempDir()}, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v: %v", test.words, err)
		}
	}
}
