package remote

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"berth/controller/address"
	"berth/controller/archive"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/push/wire"
	"berth/controller/secret"
)

const token = secret.Text("glpat-0123456789abcdef")

// host is a git host: git's own server behind HTTPS, which wants the token.
type host struct {
	t       *testing.T
	folder  string // of the bare repository
	web     *httptest.Server
	old     bool                                          // it speaks no version 2
	instead func(http.ResponseWriter, *http.Request) bool // answers in place of git
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, folder: t.TempDir()}
	where, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal("this test needs git: apt-get install git")
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(where)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + h.folder, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"},
	}
	h.web = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != token.Reveal() {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if h.instead != nil && h.instead(w, r) {
			return
		}
		if h.old {
			r.Header.Del("Git-Protocol")
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(h.web.Close)
	h.git("init", "-q", "-b", "main", "work")
	h.git("init", "-q", "--bare", "-b", "main", "shop.git")
	return h
}

func (h *host) git(args ...string) string {
	h.t.Helper()
	command := exec.Command("git", args...)
	command.Dir = h.folder
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := command.CombinedOutput()
	if err != nil {
		h.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (h *host) write(name, content string) {
	h.t.Helper()
	file := filepath.Join(h.folder, "work", name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
		h.t.Fatal(err)
	}
}

// push commits what was written, and pushes it to a branch of the git host.
func (h *host) push(branch string) string {
	h.t.Helper()
	h.git("-C", "work", "add", "-A")
	h.git("-C", "work", "commit", "-q", "-m", "x", "--allow-empty")
	h.git("-C", "work", "push", "-q", "-f", "../shop.git", "HEAD:refs/heads/"+branch)
	return h.git("-C", "work", "rev-parse", "HEAD")
}

func (h *host) source(branch, folder string) Source {
	h.t.Helper()
	source, err := ParseSource(h.web.URL+"/shop.git", branch, folder, token)
	if err != nil {
		h.t.Fatal(err)
	}
	return source
}

func (h *host) remotes() *Remotes {
	h.t.Helper()
	return newRemotes(h.t, h, new(net.Dialer).DialContext)
}

func newRemotes(t *testing.T, h *host, dial Dial) *Remotes {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(h.web.Certificate())
	remotes, err := New(Options{DataFolder: t.TempDir(), Dial: dial, Roots: roots, NoRoom: func() error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return remotes
}

// fetched returns the small files of the tip, as an app's archive has them.
func fetched(t *testing.T, remotes *Remotes, source Source) (commit string, files map[string]string, err error) {
	t.Helper()
	tip, err := remotes.Tip(t.Context(), source)
	if err != nil {
		return "", nil, err
	}
	files = map[string]string{}
	err = tip.Fetch(t.Context(), func(ctx context.Context, checkout Checkout) error {
		file := filepath.Join(t.TempDir(), "archive")
		text, err := io.ReadAll(checkout.Archive)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
		tree, err := archive.Open(file, archive.DefaultLimits())
		if err != nil {
			return err
		}
		defer tree.Close()
		for _, entry := range tree.Entries() {
			if entry.Kind == archive.File && entry.Size < 1<<10 {
				text, err := tree.ReadFile(ctx, entry.Path, 1<<10)
				if err != nil {
					return err
				}
				files[entry.Path] = string(text)
			} else {
				files[entry.Path] = fmt.Sprint(entry.Size)
			}
		}
		return nil
	})
	left, leftErr := fs.ReadDir(remotes.root.FS(), ".")
	if leftErr != nil || len(left) != 0 {
		t.Errorf("the fetch leaves %v, %v", left, leftErr)
	}
	return tip.Commit.String(), files, err
}

func each(t *testing.T, run func(t *testing.T, h *host)) {
	for name, old := range map[string]bool{"version 2": false, "version 0": true} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.old = old
			run(t, h)
		})
	}
}

func TestFetch_BringsTheFilesOfTheTip(t *testing.T) {
	each(t, func(t *testing.T, h *host) {
		for i := range 40 { // a history, and files that git sends as differences
			h.write(fmt.Sprintf("src/%d.txt", i), strings.Repeat(fmt.Sprintf("line %d\n", i%3), 3000))
			if i%10 == 0 {
				h.push("main")
			}
		}
		h.write("Dockerfile", "FROM scratch\n")
		want := h.push("main")
		h.write("Dockerfile", "FROM other\n")
		h.push("main-2")
		h.git("-C", "shop.git", "gc", "-q", "--aggressive")
		commit, files, err := fetched(t, h.remotes(), h.source("main", ""))
		if err != nil || commit != want {
			t.Fatalf("got %s, %v", commit, err)
		}
		if files["Dockerfile"] != "FROM scratch\n" || files["src/39.txt"] != "21000" || len(files) < 41 {
			t.Errorf("got %v", files)
		}
		if _, files, err = fetched(t, h.remotes(), h.source("main-2", "")); err != nil || files["Dockerfile"] != "FROM other\n" {
			t.Errorf("the other branch has %v, %v", files["Dockerfile"], err)
		}
		if _, files, err = fetched(t, h.remotes(), h.source("main", "src")); err != nil || files["39.txt"] == "" || files["Dockerfile"] != "" {
			t.Errorf("the folder has %v, %v", files, err)
		}
	})
}

func TestFetch_BringsOneCommitOfALongHistory(t *testing.T) {
	each(t, func(t *testing.T, h *host) {
		h.write("big.bin", randomText(3<<20))
		h.push("main")
		h.git("-C", "work", "rm", "-q", "big.bin")
		h.write("a.txt", "a")
		h.push("main")
		remotes := h.remotes()
		remotes.limits.PackBytes = 1 << 20
		if _, files, err := fetched(t, remotes, h.source("main", "")); err != nil || files["a.txt"] != "a" {
			t.Errorf("got %v, %v", files, err)
		}
	})
}

func TestFetch_FetchesNothingThatIsKnown(t *testing.T) {
	h := newHost(t)
	h.write("a.txt", "a")
	want := h.push("main")
	taken := 0
	take := func(_ context.Context, checkout Checkout) error {
		taken++
		if checkout.Commit.String() != want || checkout.Files != 1 || checkout.Bytes != 1 {
			t.Errorf("got %+v", checkout)
		}
		return nil
	}
	remotes := h.remotes()
	commit, err := remotes.Fetch(t.Context(), h.source("main", ""), pack.ID{}, take)
	if err != nil || commit.String() != want || taken != 1 {
		t.Fatalf("got %s, %v", commit, err)
	}
	if _, err := remotes.Fetch(t.Context(), h.source("main", ""), commit, take); err != nil || taken != 1 {
		t.Errorf("it was fetched %d times, %v", taken, err)
	}
}

func randomText(size int) string {
	random := make([]byte, size)
	state := uint64(1)
	for i := range random {
		state = state*6364136223846793005 + 1442695040888963407
		random[i] = byte(state >> 56)
	}
	return string(random)
}

func TestFetch_RefusesMoreThanItsBounds(t *testing.T) {
	h := newHost(t)
	h.write("big.bin", randomText(3<<20))
	h.push("main")
	for name, change := range map[string]func(*Remotes){
		"bytes":         func(r *Remotes) { r.limits.PackBytes = 1 << 20 },
		"objects":       func(r *Remotes) { r.limits.Objects = 2 },
		"a file":        func(r *Remotes) { r.limits.ObjectBytes = 1 << 20 },
		"expanded":      func(r *Remotes) { r.limits.WorkBytes = 1 << 20 },
		"files":         func(r *Remotes) { r.most.Entries = 0 },
		"bytes of them": func(r *Remotes) { r.most.ExpandedBytes = 1 << 20 },
	} {
		remotes := h.remotes()
		change(remotes)
		if _, _, err := fetched(t, remotes, h.source("main", "")); problem.KindOf(err) != problem.KindTooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	remotes := h.remotes()
	full := problem.Full("The disk is full.", "Make room.")
	remotes.noRoom = func() error { return full }
	if _, _, err := fetched(t, remotes, h.source("main", "")); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
}

func TestTip_SaysWhatIsMissing(t *testing.T) {
	each(t, func(t *testing.T, h *host) {
		remotes := h.remotes()
		wants(t, remotes, h.source("main", ""), "has no branch main") // an empty repository
		h.write("a.txt", "a")
		h.push("main-2")
		h.git("-C", "work", "push", "-q", "../shop.git", "HEAD:refs/tags/main", "HEAD:refs/heads/x/main")
		wants(t, remotes, h.source("main", ""), "has no branch main")
		source := h.source("main-2", "")
		source.Token = "wrong"
		wants(t, remotes, source, "does not show the repository (it answers 401")
		source = h.source("main-2", "web")
		wants(t, remotes, source, "no folder web")
		source.Address = h.web.URL + "/other.git"
		wants(t, remotes, source, "does not show the repository (it answers 404")
	})
}

// wants tries a fetch that has to fail with some words, and without the token.
func wants(t *testing.T, remotes *Remotes, source Source, words string) {
	t.Helper()
	_, _, err := fetched(t, remotes, source)
	fault, worded := errors.AsType[*problem.Problem](err)
	if !worded || !strings.Contains(fault.Message, words) || fault.Hint == "" {
		t.Errorf("got %v, want %q", err, words)
	}
	if err != nil && strings.Contains(err.Error(), token.Reveal()) {
		t.Errorf("the error tells the token: %v", err)
	}
}

// The guard is the one of alerts: this machine is never reached, by no name of it.
func TestTip_ReachesNoClosedAddress(t *testing.T) {
	h := newHost(t)
	asked := false
	h.instead = func(http.ResponseWriter, *http.Request) bool { asked = true; return false }
	remotes := newRemotes(t, h, address.Dialer(address.Guard{}.Allows).DialContext)
	port := h.web.Listener.Addr().(*net.TCPAddr).Port
	for _, name := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"} {
		source := h.source("main", "")
		source.Address = fmt.Sprintf("https://%s:%d/shop.git", name, port)
		if _, err := remotes.Tip(t.Context(), source); problem.KindOf(err) != problem.KindForbidden && problem.KindOf(err) != problem.KindInvalid && problem.KindOf(err) != problem.KindUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked {
		t.Error("this machine was asked")
	}
	source := h.source("main", "")
	if _, err := remotes.Tip(t.Context(), source); problem.KindOf(err) != problem.KindForbidden {
		t.Errorf("got %v", err)
	}
	if private := (address.Guard{Private: true}); private.Allows(netip.MustParseAddr("127.0.0.1")) {
		t.Error("private networks open this machine")
	}
}

func TestTip_FollowsNoRedirect(t *testing.T) {
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed, with the authorization %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	h := newHost(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		h.instead = func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, elsewhere.URL+"/new.git/info/refs?service=git-upload-pack", status)
			return true
		}
		wants(t, h.remotes(), h.source("main", ""), "has moved to "+elsewhere.URL+"/new.git.")
	}
}

func TestTip_TrustsNoStrangersCertificate(t *testing.T) {
	h := newHost(t)
	remotes := h.remotes()
	remotes.client.roots = x509.NewCertPool()
	wants(t, remotes, h.source("main", ""), "certificate of the git host is not trusted")
}

func TestTip_EndsWithItsContext(t *testing.T) {
	h := newHost(t)
	h.instead = func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.remotes().Tip(ctx, h.source("main", "")); problem.KindOf(err) != problem.KindUnavailable {
		t.Errorf("got %v", err)
	}
}

func lines(texts ...string) string {
	var out bytes.Buffer
	for _, text := range texts {
		if len(text) == 4 && strings.HasPrefix(text, "000") {
			out.WriteString(text)
			continue
		}
		_ = wire.WriteLine(&out, "%s", text)
	}
	return out.String()
}

func TestFetch_RefusesHostileAnswers(t *testing.T) {
	id := strings.Repeat("1", 40)
	good := lines("# service=git-upload-pack\n", "0000", "version 2\n", "0000")
	ref := lines(id+" refs/heads/main\n", "0000")
	empty := "PACK\x00\x00\x00\x02\x00\x00\x00\x00\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e"
	for name, c := range map[string]struct {
		refs, list, fetch string
		words             string
	}{
		"a page":                     {"<html>", "", "", "cut off, or is not one of git's"},
		"nothing":                    {"", "", "", "cut off"},
		"a length without end":       {"fff0abc", "", "", "cut off"},
		"a length that is no number": {"zzzz", "", "", "cut off"},
		"a refusal":                  {lines("ERR \x1b[2Jgo away"), "", "", "refuses"},
		"an old host":                {lines(id + " refs/heads/main\x00multi_ack"), "", "", "too old"},
		"a long name of a commit":    {good, lines(strings.Repeat("1", 64)+" refs/heads/main\n", "0000"), "", "in a form that Berth does not read"},
		"a list without end":         {good, lines(id + " refs/heads/other\n"), "", "cut off"},
		"no pack":                    {good, ref, lines("0000"), "sends no files"},
		"sections without end":       {good, ref, strings.Repeat(lines("shallow "+id+"\n"), mostSections+1), "sends no files"},
		"a pack that is cut off":     {good, ref, lines("packfile\n", "\x01PACK\x00\x00\x00\x02"), "cut off"},
		"an end in the pack":         {good, ref, lines("packfile\n", "\x01PACK\x00\x00\x00\x02", "0000"), "ends before its end"},
		"a band of its own":          {good, ref, lines("packfile\n", "\x07PACK", "0000"), "cut off, or is not"},
		"an empty packet":            {good, ref, lines("packfile\n") + "0004", "cut off, or is not"},
		"an error in the middle":     {good, ref, lines("packfile\n", "\x01PACK", "\x03out of memory\n", "0000"), "refuses: out of memory"},
		"no pack of git":             {good, ref, lines("packfile\n", "\x01GIF89a, and some more bytes", "0000"), "no pack of version 2"},
		"a million objects":          {good, ref, lines("packfile\n", "\x01PACK\x00\x00\x00\x02\x00\x0f\x42\x40", "0000"), "more than 200000 objects"},
		"a pack without the commit":  {good, ref, lines("packfile\n", "\x01"+empty, "0000"), "lacks objects"},
		"more behind the pack":       {good, ref, lines("packfile\n", "\x01"+empty+"more", "0000"), "something follows it"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.instead = func(w http.ResponseWriter, r *http.Request) bool {
				text, _ := io.ReadAll(r.Body)
				switch {
				case r.Method == http.MethodGet:
					w.Header().Set("Content-Type", typeRefs)
					_, _ = io.WriteString(w, c.refs)
				case bytes.Contains(text, []byte("command=ls-refs")):
					w.Header().Set("Content-Type", typeAnswer)
					_, _ = io.WriteString(w, c.list)
				default:
					w.Header().Set("Content-Type", typeAnswer)
					_, _ = io.WriteString(w, c.fetch)
				}
				return true
			}
			wants(t, h.remotes(), h.source("main", ""), c.words)
		})
	}
}

func TestTip_ReadsNoAnswersOfAnotherType(t *testing.T) {
	h := newHost(t)
	h.instead = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		return true
	}
	wants(t, h.remotes(), h.source("main", ""), "The server answers with text/html")
	h.instead = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
	wants(t, h.remotes(), h.source("main", ""), "answers 502 Bad Gateway")
}

func TestParseSource(t *testing.T) {
	source, err := ParseSource(" https://ann@git.example.com:8443/ann/shop.git/ ", "", "./web/", "")
	if err != nil || source.Address != "https://ann@git.example.com:8443/ann/shop.git" || source.Branch != "main" || source.Folder != "web" {
		t.Errorf("got %+v, %v", source, err)
	}
	for _, bad := range []string{
		"", "shop", "http://git.example.com/shop.git",
		"file:///etc", "https://", "https://git.example.com", "https://git.example.com/", "https://git.example.com/shop?x=1", "https://git.example.com/shop?",
		"https://git.example.com/shop#x", "https://ann:password@git.example.com/shop", "https://git.example.com/a\nb", "https://git.example.com/" + strings.Repeat("a", 500),
	} {
		if _, err := ParseSource(bad, "", "", ""); problem.KindOf(err) != problem.KindInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	var faults problem.Problems
	if _, err := ParseSource("", "a..b", "../x", "a b"); !errors.As(err, &faults) || len(faults) != 4 {
		t.Errorf("got %v", err)
	}
}

func TestNew_RemovesWhatAnEarlierRunLeft(t *testing.T) {
	folder := t.TempDir()
	left := filepath.Join(folder, Folder, "left")
	if err := errors.Join(os.MkdirAll(left, 0o700), os.WriteFile(filepath.Join(left, "incoming"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{DataFolder: folder}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
