//go:build integration

package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"berth/test/patience"
)

// say opens a page of an app in the browser and waits until it shows the words.
func (b *browser) say(app, words string) {
	b.t.Helper()
	b.visitUntil(app+" to show "+words, berth.Apps+"/"+app+"/", func() bool { return strings.Contains(b.text("body"), words) })
	b.shoot("60-" + app)
}

// send posts a form to an app and returns its answer.
func send(t *testing.T, path string, form url.Values) string {
	t.Helper()
	answer, err := http.PostForm(berth.Apps+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d, %v: %s", path, answer.StatusCode, err, text)
	}
	return string(text)
}

func visitSlowStart(_ *testing.T, b *browser) { b.say("slow-start", "It takes its time, and is here") }

func visitSite(_ *testing.T, b *browser) {
	b.say("vite-site", "built for production, prices from https://api.example.com")
}

func visitDatabase(t *testing.T, b *browser) {
	if page := send(t, "/flask-database/", url.Values{"name": {"Ada of the harbour"}}); !strings.Contains(page, "Ada of the harbour") {
		t.Errorf("the page after the entry: %s", page)
	}
	b.say("flask-database", "Ada of the harbour")
}

func visitBlog(t *testing.T, b *browser) {
	send(t, "/step-down/", url.Values{"post": {"Fog until noon"}})
	b.say("step-down", "Fog until noon")
	b.say("step-down", "Blog of user 33")
}

func visitFront(t *testing.T, b *browser) {
	b.say("nginx-front", "A front with a configuration of its own")
	answers(t, time.Second, "/nginx-front/api/time", "from behind /time")
}

// addRepository gives the git server a repository with one commit.
func addRepository(t *testing.T, folder string) {
	t.Helper()
	work, bare := t.TempDir(), filepath.Join(folder, "repositories", "notes.git")
	if err := os.WriteFile(filepath.Join(work, "tide.txt"), []byte("high at noon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, work, "init", "--quiet")
	git(t, work, "add", "tide.txt")
	git(t, work, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "--message", "The tide")
	git(t, work, "clone", "--quiet", "--bare", work, bare)
	git(t, bare, "update-server-info")
}

func git(t *testing.T, folder string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
}

// visitForge clones over HTTP, and greets the other port from this machine alone.
func visitForge(t *testing.T, b *browser) {
	work := t.TempDir()
	git(t, work, "clone", "--quiet", berth.Apps+"/git-server/notes.git", "notes")
	if text, err := os.ReadFile(filepath.Join(work, "notes", "tide.txt")); err != nil || string(text) != "high at noon\n" {
		t.Errorf("cloned %q, %v", text, err)
	}
	inside := net.JoinHostPort(address(t, instancesOf(t, "git-server")[0], networksOf(t, "git-server")[0]), "22")
	connection, err := net.DialTimeout("tcp", inside, patience.Of(3*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience.Of(3 * time.Second)))
	if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || line != "SSH-2.0-forge\r\n" {
		t.Errorf("the port of SSH says %q, %v", line, err)
	}
	b.say("git-server", "notes.git")
}

func visitQueue(t *testing.T, b *browser) {
	send(t, "/worker-queue/job?word=harbour", nil)
	answers(t, 10*time.Second, "/worker-queue/job?word=harbour", "ruobrah")
	b.say("worker-queue", "A word, please")
}

// visitChat has a second visitor in the page, who must hear what the first one says.
func visitChat(t *testing.T, b *browser) {
	b.visitUntil("the chat to connect", berth.Apps+"/websocket-chat/", func() bool { return eval[string](b, "document.title") == "Chat, connected" })
	eval[bool](b, `(() => { window.heard = ""; window.other = new WebSocket(socket.url); other.onmessage = (e) => { heard = e.data; }; return true; })()`)
	eventually(t, 10*time.Second, "the second visitor to connect", func() bool { return eval[int](b, "other.readyState") == 1 })
	b.run("say a word", chromedp.SendKeys("#word", "ahoy"), chromedp.Click("#say button"))
	eventually(t, 10*time.Second, "both to hear it", func() bool {
		return b.text("#said") == "ahoy" && eval[string](b, "heard") == "ahoy"
	})
	b.shoot("60-websocket-chat")
}

// visitFiles sends a file in the browser, and reads it again after the container was restarted.
func visitFiles(t *testing.T, b *browser) {
	b.say("file-upload", "Files")
	sent := write(t, "log.txt", []byte("a light in the fog"))
	b.run("send a file", chromedp.SetUploadFiles("input[name=file]", []string{sent}), chromedp.Click("button"))
	eventually(t, 10*time.Second, "the file to be there", func() bool { return strings.Contains(b.text("body"), "log.txt") })
	docker(t, "restart", "--time", "2", instancesOf(t, "file-upload")[0])
	answers(t, converge, "/file-upload/files/log.txt", "a light in the fog")
	b.say("file-upload", "log.txt")
}

func visitCron(t *testing.T, b *browser) {
	_, first := visit(t, "/cron-inside/")
	if !strings.HasPrefix(first, "runs: ") {
		t.Errorf("it says %q", first)
	}
	eventually(t, 10*time.Second, "the job to run again", func() bool {
		status, now := visit(t, "/cron-inside/")
		return status == http.StatusOK && now != first
	})
	b.say("cron-inside", "runs: ")
}

// visitGRPC calls one method, as a client of gRPC does: a frame over HTTP/2, and the status in
// the trailer.
func visitGRPC(t *testing.T, _ *browser) {
	message := []byte("\x00\x00\x00\x00\x04ahoy")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, berth.Secure+"/grpc-echo/echo.Echo/Say", bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("TE", "trailers")
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	}}
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.ProtoMajor != 2 || !bytes.Equal(said, message) || answer.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("%s, %v: says %q with the trailer %v", answer.Status, err, said, answer.Trailer)
	}
}

func visitBoth(t *testing.T, b *browser) {
	b.say("multi-route", "The front of two")
	answers(t, time.Second, "/multi-route-api/hello", "the other of two, at /hello")
}
