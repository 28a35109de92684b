package push

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"berth/controller/app"
	"berth/test/patience"
)

// folderVariable makes the test below a server of its own that is killed.
const folderVariable = "BERTH_TEST_PUSH_FOLDER"

func TestServeUntilKilled(t *testing.T) {
	folder := os.Getenv(folderVariable)
	if folder == "" {
		t.Skip("TestPush_AKillInTheMiddleLeavesNothingHalf runs it")
	}
	s := newServerIn(t, folder)
	fmt.Println("url " + s.url)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the other process ends too
}

func TestPush_AKillInTheMiddleLeavesNothingHalf(t *testing.T) {
	folder, c := t.TempDir(), newClone(t)
	c.sources(0, 50)
	c.write("a.txt", "1")
	first := c.commit("first")
	s := newServerIn(t, folder)
	c.pushed(s, "main")

	url, kill := serveApart(t, folder)
	c.write("a.txt", "2")
	c.write("noise", noise(200<<10))
	second := c.commit("second")
	var sent bytes.Buffer
	text := first + " " + second + " refs/heads/main\x00report-status side-band-64k"
	whole := c.pack(second, "^"+first)
	_, _ = fmt.Fprintf(&sent, "%04x%s0000%s", len(text)+4, text, whole[:len(whole)/2])
	body, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		response, err := http.Post(url+"/git-receive-pack", "application/x-git-receive-pack-request", body)
		if err == nil {
			err = response.Body.Close()
		}
		done <- err
	}()
	if _, err := writer.Write(sent.Bytes()); err != nil {
		t.Fatal(err)
	}
	incoming := filepath.Join(folder, Folder, "shop", "incoming")
	for end := time.Now().Add(patience.Of(20 * time.Second)); ; time.Sleep(10 * time.Millisecond) {
		if info, err := os.Stat(incoming); err == nil && info.Size() > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the push did not begin")
		}
	}
	kill()
	_ = writer.Close()
	if err := <-done; err == nil {
		t.Error("the push was answered")
	}

	again := newServerIn(t, folder)
	c.pushed(again, "main")
	if again.door.names["a.txt"] != "2" {
		t.Errorf("deployed %v", again.door.names)
	}
	if _, err := os.Stat(incoming); err == nil {
		t.Error("the half push is still there")
	}
}

// pack returns what git would push.
func (c clone) pack(revisions ...string) []byte {
	c.t.Helper()
	command := exec.Command("git", "pack-objects", "--revs", "--stdout", "-q")
	command.Dir, command.Stdin = c.folder, strings.NewReader(strings.Join(revisions, "\n")+"\n")
	out, err := command.Output()
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// noise is text that does not compress, the same each time.
func noise(size int) string {
	text, state := make([]byte, size), uint64(1)
	for at := range text {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		text[at] = byte(state >> 24)
	}
	return string(text)
}

// serveApart runs a server in a process of its own, which kill ends with SIGKILL.
func serveApart(t *testing.T, folder string) (url string, kill func()) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestServeUntilKilled$", "-test.v")
	command.Env = append(os.Environ(), folderVariable+"="+folder)
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		_ = in.Close()
	}
	t.Cleanup(kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found, ok := strings.CutPrefix(lines.Text(), "url "); ok {
			return found, kill
		}
	}
	t.Fatal("the server did not begin")
	return "", nil
}

// A push of 200 MB that do not compress takes little memory.
func TestPush_TakesTwoHundredMegabytesWithLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	const most = 100 << 20
	s, c := newServer(t), newClone(t)
	text := noise(50 << 20)
	for file := range 4 {
		c.write(fmt.Sprint(file, ".bin"), fmt.Sprint(file)+text)
	}
	c.run("config", "core.compression", "0")
	c.run("config", "core.bigFileThreshold", "10m")
	c.commit("large")
	runtime.GC()
	var peak atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			peak.Store(max(peak.Load(), now.HeapInuse))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	c.pushed(s, "main")
	close(stop)
	<-stopped
	if peak.Load() > most {
		t.Errorf("the push took %d MB", peak.Load()>>20)
	}
	t.Logf("at most %d MB in use", peak.Load()>>20)
}

func TestSweep_ForgetsWhatIsOldAndWhatHasNoApp(t *testing.T) {
	s, c := newServer(t), newClone(t)
	c.write("a.txt", "1")
	c.commit("first")
	c.pushed(s, "main")
	folder := filepath.Join(s.folder, Folder)
	if err := os.MkdirAll(filepath.Join(folder, "gone"), 0o700); err != nil {
		t.Fatal(err)
	}
	sweep := func(there bool) {
		t.Helper()
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(folder, "shop")); (err == nil) != there {
			t.Errorf("the repository: %v", err)
		}
	}
	sweep(true)
	if _, err := os.Stat(filepath.Join(folder, "gone")); err == nil {
		t.Error("a repository without an app is still there")
	}
	s.now = func() time.Time { return time.Now().AddDate(0, 0, KeepDays+1) }
	done, _ := s.take("shop")
	sweep(true) // a push is under way
	done()
	sweep(false)
	c.write("a.txt", "2")
	c.commit("second")
	c.pushed(s, "main")
	s.now, s.ledger.apps = time.Now, []app.App{}
	sweep(false)
}

func TestParseSettings_RefusesWhatGitWouldNotTake(t *testing.T) {
	for _, branch := range []string{"a b", "a..b", "-x", "a/", "/a", ".a", "a.lock", "a~1", "a^", "a:b", "a?", "a*", "a[", `a\b`, "@", "a@{1}", "a.", "a\x01", strings.Repeat("a", 201)} {
		if got, err := ParseSettings(branch, ""); err == nil {
			t.Errorf("%q became %+v", branch, got)
		}
	}
	for _, folder := range []string{"../a", "a/../b", "..", ".", "a//b", "a\x1b"} {
		if got, err := ParseSettings("main", folder); err == nil {
			t.Errorf("%q became %+v", folder, got)
		}
	}
	got, err := ParseSettings(" refs/heads/feature/x ", "./web/app/")
	if err != nil || got != (Settings{Branch: "feature/x", Folder: "web/app"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}
