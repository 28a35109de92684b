package sources

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/archive/archivetest"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
)

type fakeLedger map[int64][]app.Variable

func (f fakeLedger) FindEnvironmentOf(_ context.Context, id app.ReleaseID) ([]app.Variable, error) {
	return f[id.Number], nil
}

// kept is a server that keeps archives, by the names of their files.
func kept(t *testing.T, files map[string]string) *Sources {
	t.Helper()
	key, err := secret.DeriveKey("a key of the tests")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, uploadsFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, uploadsFolder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return New(fakeLedger{2: {{Name: "MODE", Value: "fast"}}}, folder, key)
}

func release(number int64, file, name string) app.Release {
	return app.Release{
		ReleaseID: app.ReleaseID{App: "shop", Number: number}, Archive: file, ArchiveName: name, ArchiveSHA256: fmt.Sprint(number),
		Settings: app.DefaultSettings(), State: app.ReleaseSuperseded,
	}
}

func TestArchive_IsTheFileThatWasReceivedUnderANameThatFits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ content, name, want string }{
		{"PK\x03\x04zip", "my site.ZIP", "my site.ZIP"},
		{"PK\x03\x04zip", "../../etc/site.zip", "site.zip"},
		{"\x1f\x8bgzip", "site.tgz", "site.tgz"},
		{"\x1f\x8bgzip", "site.zip", "shop-r3.tar.gz"},
		{"a tar", "compose.yaml", "shop-r3.tar"},
		{"", "", "shop-r3.tar"},
	} {
		found, err := kept(t, map[string]string{"A.upload": c.content}).Archive(release(3, "A.upload", c.name))
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(found)
		if found.Name != c.want || string(content) != c.content || found.Bytes != int64(len(c.content)) || err != nil {
			t.Errorf("%q is %q with %d bytes: %q, %v", c.name, found.Name, found.Bytes, content, err)
		}
		_ = found.Close()
	}
}

func TestArchive_SaysWhyThereIsNone(t *testing.T) {
	t.Parallel()
	sources := kept(t, nil)
	pulled := release(3, "", "")
	pulled.Reference = "nginx:1"
	for want, of := range map[string]app.Release{
		"The archive of r3 is no longer kept.":                  release(3, "", "site.zip"),
		"The archive of r4 is no longer kept.":                  release(4, "GONE.upload", "site.zip"),
		"r3 was made from the image nginx:1 and has no archive": pulled,
	} {
		_, err := sources.Archive(of)
		if problem.KindOf(err) != problem.KindNotFound || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestArchive_LeavesTheFolderForNoName(t *testing.T) {
	t.Parallel()
	sources := kept(t, nil)
	if err := os.WriteFile(filepath.Join(sources.folder, "..", "secret.key"), []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := sources.Archive(release(3, "../secret.key", "site.zip")); err == nil {
		t.Errorf("opened %s", found.Name)
	}
}

func TestCompare_ReadsArchivesVariablesAndSealedFiles(t *testing.T) {
	t.Parallel()
	sources := kept(t, map[string]string{
		"A.upload": archivetest.Zip(t, map[string]string{"a.txt": "1", "b.txt": "2"}),
		"B.upload": archivetest.Zip(t, map[string]string{"a.txt": "1", "b.txt": "3"}),
	})
	from, to := release(1, "A.upload", "site.zip"), release(2, "B.upload", "site.zip")
	for _, side := range []*app.Release{&from, &to} {
		spec := plan.Service{Name: "web", Files: []plan.File{{Path: "/run/secrets/key", Private: true, Content: []byte("hush")}}}
		side.Services = []app.ServiceRun{{Spec: environment.SealFiles(sources.key, "shop", spec), Main: true}}
	}
	found, err := sources.Compare(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Files.List) != 1 || found.Files.List[0].Path != "b.txt" || len(found.Variables) != 1 || found.Variables[0].Name != "MODE" {
		t.Errorf("found %+v", found)
	}
	if len(found.Settings) > 0 {
		t.Errorf("two seals of one file differ: %v", found.Settings)
	}
}

func TestCompareLines_HidesTheSecretsOfBothReleases(t *testing.T) {
	t.Parallel()
	sources := kept(t, map[string]string{
		"A.upload": archivetest.Zip(t, map[string]string{"a.txt": "key=hush-hush\nold\n"}),
		"B.upload": archivetest.Zip(t, map[string]string{"a.txt": "key=hush-hush\nnew file-secret\n"}),
	})
	from, to := release(1, "A.upload", "site.zip"), release(2, "B.upload", "site.zip")
	spec := plan.Service{Name: "web", Files: []plan.File{{Path: "/run/secrets/key", Private: true, Content: []byte("file-secret")}}}
	to.Services = []app.ServiceRun{{Spec: environment.SealFiles(sources.key, "shop", spec), Main: true}}
	sources.ledger.(fakeLedger)[1] = []app.Variable{{Name: "TOKEN", Sealed: sources.key.Seal([]byte("hush-hush"), app.EnvironmentPlace("shop", "TOKEN"))}}
	found, err := sources.CompareLines(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(found.Files.Texts["a.txt"].Lines[1:], "|"); got != " key=[secret TOKEN]|-old|+new [secret key]" {
		t.Errorf("shows %s", got)
	}
	if found, err := sources.Compare(t.Context(), from, to); err != nil || found.Files.Texts != nil {
		t.Errorf("lines that nobody asked for: %+v, %v", found.Files, err)
	}
	sources.ledger.(fakeLedger)[1][0].Sealed = []byte("broken")
	found, err = sources.CompareLines(t.Context(), from, to)
	if err != nil || found.Files.Texts != nil || len(found.Notes) == 0 || !strings.Contains(found.Notes[len(found.Notes)-1], "cannot be opened") {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestCompare_SaysThatAnArchiveIsGone(t *testing.T) {
	t.Parallel()
	sources := kept(t, map[string]string{"B.upload": archivetest.Zip(t, map[string]string{"a.txt": "1"})})
	for _, gone := range []string{"", "GONE.upload"} {
		found, err := sources.Compare(t.Context(), release(1, gone, "site.zip"), release(2, "B.upload", "site.zip"))
		if err != nil || !strings.Contains(found.Files.Note, "The archive of r1 is no longer kept") || len(found.Variables) != 1 {
			t.Errorf("found %+v, %v", found, err)
		}
	}
}

func TestCompare_WaitsForItsTurnAndGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	sources := kept(t, nil)
	for range readAtOnce {
		sources.reading <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sources.Compare(ctx, release(1, "", ""), release(2, "", "")); err == nil {
		t.Error("more comparisons run than may")
	}
}
