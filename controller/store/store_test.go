package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/store"
	"berth/traefik"
)

// noon is when everything in these tests begins.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 123_456_000, time.UTC)

// crashVariable makes the test binary the child of the crash test.
const crashVariable = "BERTH_STORE_TEST_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		createAppsUntilKilled(path)
	}
	os.Exit(m.Run())
}

func TestOpen_MakesFilesThatOnlyTheirOwnerReads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	ledger := open(t, path)
	createApp(t, ledger, "hello", "/hello")

	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		wantMode(t, name, 0o600)
	}
}

func TestOpen_NarrowsTheModeOfWhatACopyLeft(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, restored := filepath.Join(folder, "berth.db"), filepath.Join(folder, "restored.db")
	createApp(t, open(t, path), "hello", "/hello")
	for _, end := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + end)
		must(t, err)
		must(t, os.WriteFile(restored+end, content, 0o600))
		must(t, os.Chmod(restored+end, 0o644))
	}

	ledger := open(t, restored)

	wantMode(t, restored, 0o600)
	wantMode(t, restored+"-wal", 0o600)
	if _, err := ledger.FindApp(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_TakesAPathThatIsNoURL(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a folder?mode=memory&x#y%20z.db")
	open(t, path)
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Fatalf("the ledger is not at its path: %v, %v", info, err)
	}
}

func TestOpen_RefusesAMissingFolder(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "missing", "berth.db"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("want the missing folder, got %v", err)
	}
}

func TestOpen_RefusesAFileThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	must(t, os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600))
	if _, err := store.Open(t.Context(), path); err == nil {
		t.Fatal("a text file was opened as a ledger")
	}
}

func TestOpen_KeepsWhatIsThereWhenRepeated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	first := open(t, path)
	createApp(t, first, "hello", "/hello")
	must(t, first.Close())

	for range 3 {
		ledger := open(t, path)
		if _, err := ledger.FindApp(t.Context(), "hello"); err != nil {
			t.Fatal(err)
		}
		must(t, ledger.Close())
	}
}

func TestOpen_MigratesOnceWhenManyOpenAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			ledger, err := store.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := ledger.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	var versions int
	row := raw(t, path).QueryRow(`SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version`)
	must(t, row.Scan(&versions))
	if versions != 0 {
		t.Fatalf("%d migrations ran twice", versions)
	}
}

func TestOpen_RefusesALedgerOfALaterBerth(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	must(t, open(t, path).Close())
	execute(t, raw(t, path), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)

	_, err := store.Open(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), "9999") {
		t.Fatalf("want a refusal that names the version, got %v", err)
	}
}

func TestOpen_MakesOnlyStrictTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	must(t, open(t, path).Close())
	rows, err := raw(t, path).Query(`
SELECT name FROM pragma_table_list
WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		t.Errorf("table %s is not strict", name)
	}
	must(t, rows.Err())
}

func TestClose_LeavesOneFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ledger := open(t, filepath.Join(folder, "berth.db"))
	createApp(t, ledger, "hello", "/hello")
	if _, err := ledger.ListApps(t.Context()); err != nil {
		t.Fatal(err)
	}
	must(t, ledger.Close())

	entries, err := os.ReadDir(folder)
	must(t, err)
	if len(entries) != 1 {
		t.Fatalf("want the ledger alone, got %v", entries)
	}
}

func TestStore_LosesNothingCommittedWhenKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "berth.db")
	reported := 0
	for range 3 {
		reported += len(killAfter(t, path, 20))
		ledger := open(t, path)
		apps, err := ledger.ListApps(t.Context())
		must(t, err)
		// One more may have been committed and not yet reported, at each kill.
		if len(apps) < reported {
			t.Fatalf("%d apps were reported as created, %d are there", reported, len(apps))
		}
		reported = len(apps)
		wantWhole(t, ledger, apps)
		must(t, ledger.Close())
	}
}

func TestStore_LosesOnlyWholeTransactionsWhenTheWALIsTorn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "berth.db")
	must(t, open(t, path).Close()) // the schema is in the file itself
	ledger := open(t, path)
	for i := range 10 {
		createApp(t, ledger, app.Name(fmt.Sprintf("app-%d", i)), fmt.Sprintf("/%d", i))
	}
	database, err := os.ReadFile(path)
	must(t, err)
	wal, err := os.ReadFile(path + "-wal")
	must(t, err)

	before := 0
	for tenth := range 11 {
		torn := filepath.Join(folder, fmt.Sprintf("torn-%d.db", tenth))
		must(t, os.WriteFile(torn, database, 0o600))
		must(t, os.WriteFile(torn+"-wal", wal[:len(wal)*tenth/10], 0o600))
		reopened := open(t, torn)
		apps, err := reopened.ListApps(t.Context())
		must(t, err)
		if len(apps) < before {
			t.Fatalf("a longer WAL holds fewer apps: %d after %d", len(apps), before)
		}
		before = len(apps)
		wantWhole(t, reopened, apps)
	}
	if before != 10 {
		t.Fatalf("the whole WAL holds %d apps of 10", before)
	}
}

// killAfter starts a process that creates apps, kills it after so many of them, and
// returns those that it reported.
func killAfter(t *testing.T, path string, count int) []string {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashVariable+"="+path)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	var created []string
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		created = append(created, lines.Text())
		if len(created) == count {
			must(t, child.Process.Kill())
		}
	}
	if err := child.Wait(); err == nil || len(created) < count {
		t.Fatalf("the child ended by itself after %d apps: %v", len(created), err)
	}
	return created
}

func createAppsUntilKilled(path string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	ledger, err := store.Open(ctx, path)
	fail(err)
	there, err := ledger.ListApps(ctx)
	fail(err)
	for i := len(there); ; i++ {
		name := app.Name(fmt.Sprintf("app-%d", i))
		release, err := ledger.CreateApp(ctx, newApp(name, "/"+string(name)), newRelease())
		fail(err)
		fail(updateInstances(ctx, ledger, release.ReleaseID, []string{"a", "b"}, "a:8000"))
		_, err = ledger.Promote(ctx, release.ReleaseID, noon)
		fail(err)
		fmt.Println(name)
	}
}

// wantWhole proves that no app is there by half.
func wantWhole(t *testing.T, ledger *store.Store, apps []app.App) {
	t.Helper()
	for _, app := range apps {
		releases, err := ledger.ListReleases(t.Context(), app.Name)
		must(t, err)
		if len(app.Routes) != 1 || len(releases) != 1 || len(releases[0].Steps) == 0 {
			t.Fatalf("half an app: %+v with %+v", app, releases)
		}
	}
}

// open opens the ledger until the end of the test.
func open(t testing.TB, path string) *store.Store {
	t.Helper()
	ledger, err := store.Open(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { _ = ledger.Close() }) // some tests have closed it already
	return ledger
}

// fresh opens an empty ledger.
func fresh(t testing.TB) *store.Store {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "berth.db"))
}

// raw is a connection around the store, as a person with the sqlite3 tool has it.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	database, err := sql.Open("sqlite3", path+"?_foreign_keys=on")
	must(t, err)
	t.Cleanup(func() { must(t, database.Close()) })
	return database
}

func execute(t *testing.T, database *sql.DB, statement string, arguments ...any) {
	t.Helper()
	_, err := database.Exec(statement, arguments...)
	must(t, err)
}

func newApp(name app.Name, routes ...string) app.App {
	app := app.App{Name: name, Settings: app.DefaultSettings(), Wanted: app.WantedRunning, CreatedAt: noon}
	for _, text := range routes {
		route, err := traefik.ParseRoute(text)
		if err != nil {
			panic(err)
		}
		app.Routes = append(app.Routes, route)
	}
	return app
}

func newRelease() app.Release {
	return app.Release{
		Cause: app.CauseUpload, Archive: "f00.zip", ArchiveName: "hello.zip", ArchiveBytes: 1234, ArchiveSHA256: "abc",
		CreatedBy: "admin", CreatedAt: noon,
	}
}

func createApp(t testing.TB, ledger *store.Store, name app.Name, routes ...string) app.Release {
	t.Helper()
	release, err := ledger.CreateApp(t.Context(), newApp(name, routes...), newRelease())
	must(t, err)
	return release
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("want %v, got %v", want, got)
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != want {
		t.Errorf("%s has mode %v, want %v", filepath.Base(path), info.Mode().Perm(), want)
	}
}
