//go:build integration

package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	volumetypes "github.com/docker/docker/api/types/volume"

	"berth/controller/archive"
	"berth/controller/docker/dockertest"
	"berth/controller/docker/helper"
	"berth/controller/docker/link"
	"berth/controller/volume"
)

var appUser = volume.Owner{User: 65534, Group: 65534}

func mustVolume(t *testing.T, engine *Engine, name volume.Name) volume.Name {
	t.Helper()
	if err := engine.CreateVolume(t.Context(), name, "for a test"); err != nil {
		t.Fatal(err)
	}
	return name
}

// mustOpen returns a session that is closed when the test ends.
func mustOpen(t *testing.T, engine *Engine, name volume.Name, access helper.Access) *volume.Session {
	t.Helper()
	session, err := engine.OpenVolume(t.Context(), name, access)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func mustWrite(t *testing.T, session *volume.Session, path volume.Path, text string) {
	t.Helper()
	if _, err := session.Write(volume.WriteOptions{Path: path, Owner: appUser, Limit: 1 << 20}, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

// createWith creates a container of the stack that has the volume, and does not start it.
func createWith(t *testing.T, engine *Engine, role string, mounted mount.Mount) string {
	t.Helper()
	image, err := engine.HelperImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	created, err := engine.link.API(t.Context()).ContainerCreate(t.Context(),
		&container.Config{Image: image, Labels: map[string]string{link.LabelStack: engine.link.Stack, link.LabelRole: role}},
		&container.HostConfig{NetworkMode: "none", Mounts: []mount.Mount{mounted}}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return created.ID
}

func helpersOf(t *testing.T, engine *Engine) []container.Summary {
	t.Helper()
	found, err := engine.link.API(context.Background()).ContainerList(context.Background(), container.ListOptions{All: true, Filters: engine.link.Owned(link.LabelRole + "=" + link.RoleHelper)})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantRefused(t *testing.T, err error, code volume.Code) {
	t.Helper()
	refusal, ok := errors.AsType[*volume.Refusal](err)
	if !ok || refusal.Code != code {
		t.Errorf("got %v, want a refusal of code %q", err, code)
	}
}

func TestVolume_IsCreatedFoundListedAndRemoved(t *testing.T) {
	engine := openTest(t)
	mustVolume(t, engine, "b")
	mustVolume(t, engine, "a")
	if err := engine.CreateVolume(t.Context(), "a", ""); !errors.Is(err, helper.ErrVolumeExists) {
		t.Errorf("create again: %v", err)
	}
	found, err := engine.FindVolume(t.Context(), "a")
	if err != nil || found.Name != "a" || found.Description != "for a test" || found.CreatedAt.IsZero() || len(found.Users) != 0 {
		t.Errorf("found %+v, %v", found, err)
	}
	all, err := engine.ListVolumes(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[1].Name != "b" {
		t.Errorf("listed %+v, %v", all, err)
	}
	for range 2 {
		if err := engine.RemoveVolume(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	}
	if _, err := engine.FindVolume(t.Context(), "a"); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("found after its removal: %v", err)
	}
	if _, err := engine.OpenVolume(t.Context(), "a", helper.ReadWrite); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("opened after its removal: %v", err)
	}
}

func TestVolume_IsKeptWhileAContainerHasIt(t *testing.T) {
	engine := openTest(t)
	name := mustVolume(t, engine, "data")
	id := createWith(t, engine, link.RoleApp, mount.Mount{Type: mount.TypeVolume, Source: engine.VolumeName(name), Target: "/data"})
	if err := engine.RemoveVolume(t.Context(), name); !errors.Is(err, helper.ErrVolumeInUse) {
		t.Errorf("remove: %v, want ErrVolumeInUse", err)
	}
	found, err := engine.FindVolume(t.Context(), name)
	if err != nil || len(found.Users) != 1 {
		t.Errorf("found %+v, %v", found, err)
	}
	if err := engine.link.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := engine.RemoveVolume(t.Context(), name); err != nil {
		t.Error(err)
	}
}

func TestVolume_ForeignOneOfTheSameNameIsNeverTouched(t *testing.T) {
	engine := openTest(t)
	host := t.TempDir()
	for name, foreign := range map[volume.Name]volumetypes.CreateOptions{
		"unlabelled": {Labels: map[string]string{"for": engine.link.Stack}},
		"of-another": {Labels: map[string]string{link.LabelStack: engine.link.Stack + "x", link.LabelRole: link.RoleVolume, link.LabelVolume: "of-another"}},
		"misnamed":   {Labels: map[string]string{link.LabelStack: engine.link.Stack, link.LabelRole: link.RoleVolume, link.LabelVolume: "other"}},
		"of-the-host": {
			Labels:     map[string]string{link.LabelStack: engine.link.Stack, link.LabelRole: link.RoleVolume, link.LabelVolume: "of-the-host"},
			Driver:     "local",
			DriverOpts: map[string]string{"type": "none", "o": "bind", "device": host},
		},
	} {
		t.Run(string(name), func(t *testing.T) {
			foreign.Name = engine.VolumeName(name)
			if _, err := engine.link.API(t.Context()).VolumeCreate(t.Context(), foreign); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = engine.link.API(context.Background()).VolumeRemove(context.Background(), foreign.Name, true)
			}()
			if err := engine.CreateVolume(t.Context(), name, ""); !errors.Is(err, helper.ErrForeignVolume) {
				t.Errorf("create: %v", err)
			}
			if _, err := engine.OpenVolume(t.Context(), name, helper.ReadOnly); !errors.Is(err, helper.ErrForeignVolume) {
				t.Errorf("open: %v", err)
			}
			if err := engine.RemoveVolume(t.Context(), name); !errors.Is(err, helper.ErrForeignVolume) {
				t.Errorf("remove: %v", err)
			}
			if all, err := engine.ListVolumes(t.Context()); err != nil || len(all) != 0 {
				t.Errorf("listed %+v, %v", all, err)
			}
			if _, err := engine.link.API(t.Context()).VolumeInspect(t.Context(), foreign.Name); err != nil {
				t.Errorf("it is gone: %v", err)
			}
		})
	}
}

func TestOpenVolume_FilesGoInAndOut(t *testing.T) {
	engine := openTest(t)
	name := mustVolume(t, engine, "data")
	session := mustOpen(t, engine, name, helper.ReadWrite)
	if done, err := session.Adopt(appUser); !done || err != nil {
		t.Errorf("Adopt() = %v, %v", done, err)
	}
	mustWrite(t, session, "a/b.txt", "hello")
	entry, from, err := session.Read("a/b.txt")
	if err != nil || entry.Owner != appUser || entry.Size != 5 {
		t.Fatalf("%+v, %v", entry, err)
	}
	if text, err := io.ReadAll(from); string(text) != "hello" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if err := session.Remove("a"); err != nil {
		t.Error(err)
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	if left := helpersOf(t, engine); len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
	if err := engine.RemoveVolume(t.Context(), name); err != nil {
		t.Errorf("remove right after: %v", err)
	}
}

func TestOpenVolume_HelperHasNothingButTheVolume(t *testing.T) {
	engine := openTest(t)
	name := mustVolume(t, engine, "data")
	for access, want := range map[helper.Access]string{helper.ReadOnly: "DAC_OVERRIDE", helper.ReadWrite: "CHOWN DAC_OVERRIDE FOWNER"} {
		session := mustOpen(t, engine, name, access)
		found := helpersOf(t, engine)
		if len(found) != 1 {
			t.Fatalf("helpers: %+v", found)
		}
		seen := mustInspect(t, engine, found[0].ID)
		host := seen.HostConfig
		slices.Sort(host.CapAdd)
		if strings.ReplaceAll(strings.Join(host.CapAdd, " "), "CAP_", "") != want || !slices.Equal(host.CapDrop, []string{"ALL"}) || host.Privileged || !host.ReadonlyRootfs ||
			host.NetworkMode != "none" || !slices.Contains(host.SecurityOpt, "no-new-privileges:true") || host.Memory == 0 || len(host.Binds) > 0 {
			t.Errorf("host configuration %+v", host)
		}
		if len(seen.Mounts) != 1 || seen.Mounts[0].Name != engine.VolumeName(name) || seen.Mounts[0].RW != (access == helper.ReadWrite) {
			t.Errorf("mounts %+v", seen.Mounts)
		}
		_ = session.Close()
	}
}

func TestOpenVolume_ReadOnlySessionCannotWrite(t *testing.T) {
	engine := openTest(t)
	session := mustOpen(t, engine, mustVolume(t, engine, "data"), helper.ReadOnly)
	if _, err := session.Write(volume.WriteOptions{Path: "file", Owner: appUser, Limit: 10}, strings.NewReader("x")); err == nil {
		t.Error("it can write")
	}
	if err := session.MakeFolder("folder", appUser); err == nil {
		t.Error("it can make folders")
	}
	if listing, err := session.List("", 10); err != nil || len(listing.Entries) != 0 {
		t.Errorf("listed %+v, %v", listing, err)
	}
}

// plantLinks puts symbolic links into the volume as an app could.
func plantLinks(t *testing.T, engine *Engine, name volume.Name) {
	t.Helper()
	image := mustBuild(t, engine, "planter", "FROM python:3.11-slim\nUSER 65534:65534\n")
	const plant = "ln -s /etc/passwd /data/passwd && ln -s / /data/top && ln -s ../../../../../.. /data/up && ln -s /volume/../etc /data/out && mkfifo /data/pipe && mkdir /data/real && ln -s real /data/within && echo inside > /data/real/file"
	created, err := engine.link.API(t.Context()).ContainerCreate(t.Context(),
		&container.Config{Image: image.ID, Cmd: []string{"sh", "-c", plant}, Labels: map[string]string{link.LabelStack: engine.link.Stack}},
		&container.HostConfig{NetworkMode: "none", Mounts: []mount.Mount{{Type: mount.TypeVolume, Source: engine.VolumeName(name), Target: "/data"}}}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.link.API(t.Context()).ContainerStart(t.Context(), created.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	ended, failed := engine.link.API(t.Context()).ContainerWait(t.Context(), created.ID, container.WaitConditionNotRunning)
	select {
	case status := <-ended:
		if status.StatusCode != 0 {
			t.Fatalf("planting ended with %d", status.StatusCode)
		}
	case err := <-failed:
		t.Fatal(err)
	}
}

func TestOpenVolume_LinksOfAnAppLeadNowhere(t *testing.T) {
	engine := openTest(t)
	name := mustVolume(t, engine, "data")
	session := mustOpen(t, engine, name, helper.ReadWrite)
	if _, err := session.Adopt(appUser); err != nil {
		t.Fatal(err)
	}
	plantLinks(t, engine, name)
	listing, err := session.List("", 100)
	if err != nil || len(listing.Entries) != 7 {
		t.Fatalf("listed %+v, %v", listing, err)
	}
	for _, path := range []volume.Path{"passwd", "top/etc/passwd", "up/etc/passwd", "out/passwd", "pipe"} {
		if _, _, err := session.Read(path); err == nil {
			t.Fatalf("%s is read", path)
		} else {
			wantRefused(t, err, volume.Invalid)
		}
		if _, err := session.Write(volume.WriteOptions{Path: path, Owner: appUser, Limit: 10}, strings.NewReader("x")); err == nil {
			t.Errorf("%s is written", path)
		}
	}
	for _, path := range []volume.Path{"top", "up", "out", "top/etc", "up/proc"} {
		if _, err := session.List(path, 10); err == nil {
			t.Errorf("%s is listed", path)
		}
	}
	for _, path := range []volume.Path{"top/berth", "up/berth", "out/passwd"} {
		wantRefused(t, session.Remove(path), volume.Invalid)
	}
	if listing, err := session.List("within", 10); err != nil || len(listing.Entries) != 1 {
		t.Errorf("a link that stays inside: %+v, %v", listing, err)
	}
	for _, path := range []volume.Path{"passwd", "top", "up", "out", "pipe"} {
		if err := session.Remove(path); err != nil {
			t.Errorf("remove %s itself: %v", path, err)
		}
	}
}

// packedTree is an accepted archive of a folder with the files.
func packedTree(t *testing.T, files map[string]string) *archive.Tree {
	t.Helper()
	folder := t.TempDir()
	for path, text := range files {
		target := filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	packed := filepath.Join(t.TempDir(), "packed.zip")
	out, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(archive.Pack(t.Context(), folder, out, nil), out.Close()); err != nil {
		t.Fatal(err)
	}
	tree, err := archive.Open(packed, archive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	return tree
}

func TestOpenVolume_UnpacksAnAcceptedArchive(t *testing.T) {
	engine := openTest(t)
	session := mustOpen(t, engine, mustVolume(t, engine, "data"), helper.ReadWrite)
	tree := packedTree(t, map[string]string{"index.html": "hello", "css/site.css": "body{}"})
	err := session.Unpack(volume.WriteOptions{Path: "site", Owner: appUser, Limit: 1 << 20}, func(w io.Writer) error {
		return tree.WriteTar(t.Context(), w, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []volume.Path{"site", "site/css", "site/css/site.css", "site/index.html"} {
		if entry, err := session.Find(path); err != nil || entry.Owner != appUser {
			t.Errorf("%s: %+v, %v", path, entry, err)
		}
	}
	if usage, err := session.Count("", time.Minute); err != nil || usage.Files != 2 || usage.Folders != 2 || usage.Bytes != 11 {
		t.Errorf("counted %+v, %v", usage, err)
	}
}

func TestOpenVolume_TwoUploadsAtOnce(t *testing.T) {
	engine := openTest(t)
	name := mustVolume(t, engine, "data")
	results := make(chan error)
	for _, letter := range []string{"a", "b"} {
		session := mustOpen(t, engine, name, helper.ReadWrite)
		go func() {
			_, own := session.Write(volume.WriteOptions{Path: volume.Path(letter), Owner: appUser, Limit: 8 << 20}, strings.NewReader(strings.Repeat(letter, 8<<20)))
			_, shared := session.Write(volume.WriteOptions{Path: "both", Owner: appUser, Limit: 8 << 20}, strings.NewReader(strings.Repeat(letter, 8<<20)))
			results <- errors.Join(own, shared)
		}()
	}
	if err := errors.Join(<-results, <-results); err != nil {
		t.Fatal(err)
	}
	session := mustOpen(t, engine, name, helper.ReadOnly)
	_, from, err := session.Read("both")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(from)
	if err != nil || len(bytes.Trim(text, "a")) != 0 && len(bytes.Trim(text, "b")) != 0 {
		t.Errorf("the file is a mixture, %v", err)
	}
	if usage, err := session.Count("", time.Minute); err != nil || usage.Files != 3 {
		t.Errorf("counted %+v, %v", usage, err)
	}
}

func TestOpenVolume_EndOfTheContextEndsWhatIsUnderWay(t *testing.T) {
	engine := openTest(t)
	name := mustVolume(t, engine, "data")
	ctx, cancel := context.WithCancel(t.Context())
	session, err := engine.OpenVolume(ctx, name, helper.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err = session.Write(volume.WriteOptions{Path: "file", Owner: appUser, Limit: 1 << 40}, slow{})
	if err == nil {
		t.Error("an endless upload ended well")
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	again := mustOpen(t, engine, name, helper.ReadOnly)
	if usage, err := again.Count("", time.Minute); err != nil || usage.Files != 0 || usage.Folders != 0 {
		t.Errorf("left behind: %+v, %v", usage, err)
	}
}

// slow is content without end.
type slow struct{}

func (slow) Read(buffer []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return min(len(buffer), 1000), nil
}

func TestOpenVolume_KilledHelperLeavesWhatTheNextOneSweeps(t *testing.T) {
	engine := openTest(t)
	name := mustVolume(t, engine, "data")
	session := mustOpen(t, engine, name, helper.ReadWrite)
	time.AfterFunc(300*time.Millisecond, func() { _ = engine.RemoveHelpers(context.Background()) })
	if _, err := session.Write(volume.WriteOptions{Path: "file", Owner: appUser, Limit: 1 << 40}, slow{}); err == nil {
		t.Error("the upload ended well")
	}
	_ = session.Close()
	again := mustOpen(t, engine, name, helper.ReadWrite)
	mustWrite(t, again, "next", "text")
	if usage, err := again.Count("", time.Minute); err != nil || usage.Files != 1 || usage.Folders != 0 {
		t.Errorf("left behind: %+v, %v", usage, err)
	}
}

func TestOpenVolume_ImageOfTheHelperIsMadeOnceAndAgainWhenItIsGone(t *testing.T) {
	engine := openTest(t)
	name := mustVolume(t, engine, "data")
	_ = mustOpen(t, engine, name, helper.ReadOnly).Close()
	first, err := engine.HelperImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.link.RemoveImages(t.Context(), link.LabelRole+"="+link.RoleHelper); err != nil {
		t.Fatal(err)
	}
	_ = mustOpen(t, engine, name, helper.ReadOnly).Close()
	second, err := engine.HelperImage(t.Context())
	if err != nil || second == first {
		t.Errorf("image %s after %s, %v", second, first, err)
	}
	if _, err := engine.FindImage(t.Context(), second); err == nil {
		t.Error("the helper's image passes for an app's")
	}
}

func TestFindOwner_ReadsTheImageAsTheEngineDoes(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "users", "FROM python:3.11-slim\nRUN echo 'app:x:1500:1600::/:/bin/sh' >> /etc/passwd && echo 'team:x:1700:' >> /etc/group\n")
	for user, want := range map[string]volume.Owner{
		"app": {User: 1500, Group: 1600}, "app:team": {User: 1500, Group: 1700}, "1500": {User: 1500, Group: 1600},
		"1500:team": {User: 1500, Group: 1700}, "app:9": {User: 1500, Group: 9}, "4242": {User: 4242}, "65534:65534": appUser, "": {}, "root": {},
	} {
		if owner, err := engine.FindOwner(t.Context(), image.ID, user); err != nil || owner != want {
			t.Errorf("%q: %+v, %v, want %+v", user, owner, err, want)
		}
	}
	for _, user := range []string{"nosuch", "app:nosuch"} {
		_, err := engine.FindOwner(t.Context(), image.ID, user)
		if _, ok := errors.AsType[*StartError](err); !ok {
			t.Errorf("%q: %v, want a StartError", user, err)
		}
	}
	if left := helpersOf(t, engine); len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
}

// streamBytes is small by default; BERTH_STREAM_BYTES=2147483648 is the real thing.
func streamBytes(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("BERTH_STREAM_BYTES")
	if text == "" {
		return 64 << 20
	}
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func TestOpenVolume_StreamsAtConstantMemory(t *testing.T) {
	engine := openTest(t)
	size := streamBytes(t)
	session := mustOpen(t, engine, mustVolume(t, engine, "data"), helper.ReadWrite)
	if _, err := session.List("", 1); err != nil { // everything is loaded
		t.Fatal(err)
	}
	peak := watchHeap(t)
	at := time.Now()
	if _, err := session.Write(volume.WriteOptions{Path: "big", Owner: appUser, Limit: size}, io.LimitReader(filler{}, size)); err != nil {
		t.Fatal(err)
	}
	written := time.Since(at)
	at = time.Now()
	_, from, err := session.Read("big")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, from); n != size || err != nil {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	t.Logf("%d MB in %s in and %s out, heap at most %d kB more", size>>20, written, time.Since(at), peak()>>10)
	if most := peak(); most > 16<<20 {
		t.Errorf("it took %d kB", most>>10)
	}
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "VmHWM") {
				t.Log("this process: " + strings.TrimSpace(line))
			}
		}
	}
	helper := helpersOf(t, engine)[0].ID
	stats, err := engine.link.API(t.Context()).ContainerStatsOneShot(t.Context(), helper)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(stats.Body)
	_ = stats.Body.Close()
	if at := bytes.Index(text, []byte(`"total_rss"`)); at > 0 {
		t.Logf("the helper: %.40s", text[at:])
	}
}

// filler is text without end.
type filler struct{}

func (filler) Read(buffer []byte) (int, error) {
	for i := range buffer {
		buffer[i] = byte(i)
	}
	return len(buffer), nil
}

// watchHeap returns how much the heap has grown at most since it was called.
func watchHeap(t *testing.T) func() int64 {
	t.Helper()
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	most := int64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most = max(most, int64(now.HeapInuse)-int64(before.HeapInuse))
			}
		}
	}()
	once := false
	return func() int64 {
		if !once {
			close(stop)
			<-stopped
			once = true
		}
		return most
	}
}

// TestVolume_HelperOfAnotherProcessIsNoLeftover has a second engine of the stack, as a server
// beside a restore: it leaves what works for the other one, also for longer than one pass.
func TestVolume_HelperOfAnotherProcessIsNoLeftover(t *testing.T) {
	engine := openTest(t)
	mustVolume(t, engine, "data")
	session := mustOpen(t, engine, "data", helper.ReadWrite)
	beside, err := Open(Options{Host: dockertest.Host(), Stack: engine.link.Stack, SubnetPool: testPool, Helper: dockertest.Helper(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = beside.Close() }()
	found, err := beside.Accessories(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range found {
		if one.Kind == KindHelper {
			t.Errorf("it would remove %+v", one)
		}
	}
	mustWrite(t, session, "file", "text")
	never := createWith(t, engine, link.RoleHelper, mount.Mount{Type: mount.TypeVolume, Source: engine.link.VolumeName("data"), Target: "/volume"})
	if found, err = beside.Accessories(t.Context()); err != nil || !slices.ContainsFunc(found, func(a Accessory) bool { return a.ID == never }) {
		t.Errorf("one that was never started is left: %+v, %v", found, err)
	}
	if err := engine.link.Remove(t.Context(), never); err != nil {
		t.Error(err)
	}
}
