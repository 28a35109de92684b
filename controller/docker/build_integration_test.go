//go:build integration

package docker

import (
	"archive/zip"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	imagetypes "github.com/docker/docker/api/types/image"

	"berth/controller/archive"
	"berth/controller/archive/archivetest"
	"berth/controller/docker/dockertest"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/plan"
	"berth/controller/planner"
	"berth/test/patience"
)

func TestBuild_ReturnsWhatTheImageDeclares(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "hello", `FROM scratch
COPY app /app
USER 1234:1234
EXPOSE 9000/tcp 8080 53/udp
VOLUME /data
ENV PORT=9000
HEALTHCHECK CMD ["/app", "health"]
CMD ["/app"]
`)
	if image.User != "1234:1234" || !image.HasHealthcheck || !image.SetsPort {
		t.Errorf("image = %+v", image)
	}
	if !slices.Equal(image.Exposed, []uint16{8080, 9000}) || !slices.Equal(image.Volumes, []string{"/data"}) {
		t.Errorf("exposed %v, volumes %v", image.Exposed, image.Volumes)
	}
	found, err := engine.link.API(t.Context()).ImageInspect(t.Context(), image.ID)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range engine.link.OwnLabels(link.RoleBuild, "hello", 1) {
		if got := found.Config.Labels[key]; got != want {
			t.Errorf("label %s = %q, want %q", key, got, want)
		}
	}
}

func TestBuild_LogHoldsEveryLine(t *testing.T) {
	engine := openTest(t)
	book := &logbook{}
	_, err := engine.Build(t.Context(), buildOptions("hello", 1, dockertest.App(t,
		"FROM scratch\nCOPY app /app\nRUN [\"/app\", \"count\", \"3000\", \""+engine.link.Stack+"\"]\nRUN [\"/app\", \"long\", \"100000\"]\n")), book.line)
	if err != nil {
		t.Fatalf("%v\n%s", err, book)
	}
	printed, longest := 0, 0
	pattern := regexp.MustCompile(`^#\d+ \d+\.\d{3} line \d+$`)
	for _, line := range book.lines {
		if strings.Contains(line, "\n") || !strings.HasPrefix(line, "#") {
			t.Errorf("not a line of the log: %.80q", line)
		}
		if pattern.MatchString(line) {
			printed++
		}
		longest += strings.Count(line, "x") / 1000
	}
	if printed != 3000 || longest < 99 {
		t.Errorf("log holds %d of 3000 lines and %d of 100 kB", printed, longest)
	}
	for _, want := range []string{"COPY app /app", "RUN [\"/app\", \"count\", \"3000\"", " DONE ", "exporting to image"} {
		if !strings.Contains(book.String(), want) {
			t.Errorf("log lacks %q", want)
		}
	}
}

func TestBuild_FailedCommandIsABuildErrorWithItsLastLines(t *testing.T) {
	engine := openTest(t)
	book := &logbook{}
	_, err := engine.Build(t.Context(), buildOptions("hello", 1,
		dockertest.App(t, "FROM scratch\nCOPY app /app\nRUN [\"/app\", \"exit\", \"3\"]\n")), book.line)
	failed, ok := errors.AsType[*images.BuildError](err)
	if !ok {
		t.Fatalf("Build() = %v, want a *BuildError", err)
	}
	if !strings.Contains(failed.Message, "exit code 3") {
		t.Errorf("message %q", failed.Message)
	}
	if !strings.Contains(strings.Join(failed.Lines, "\n"), "ending on purpose") {
		t.Errorf("last lines %q", failed.Lines)
	}
	assertNoImage(t, engine)
}

func TestBuild_MissingFileIsNamed(t *testing.T) {
	engine := openTest(t)
	_, err := engine.Build(t.Context(), buildOptions("hello", 1,
		dockertest.App(t, "FROM scratch\nCOPY absent.txt /\n")), func(string) {})
	failed, ok := errors.AsType[*images.BuildError](err)
	if !ok || !strings.Contains(failed.Message, "absent.txt") || !strings.Contains(failed.Message, "not in the archive") {
		t.Fatalf("Build() = %v", err)
	}
}

func TestBuild_DockerfileErrorNamesTheLine(t *testing.T) {
	engine := openTest(t)
	_, err := engine.Build(t.Context(), buildOptions("hello", 1,
		dockertest.App(t, "FROM scratch\nCOPPY app /\n")), func(string) {})
	failed, ok := errors.AsType[*images.BuildError](err)
	if !ok || !strings.Contains(failed.Message, "COPPY") {
		t.Fatalf("Build() = %v", err)
	}
}

func TestBuild_UsesABaseImageThatIsThere(t *testing.T) {
	engine := openTest(t)
	imported(t, engine, engine.link.Stack+"/base:1")
	image := mustBuild(t, engine, "hello", "FROM "+engine.link.Stack+"/base:1\nEXPOSE 7000\nCMD [\"/app\"]\n")
	if !slices.Equal(image.Exposed, []uint16{7000}) {
		t.Errorf("image = %+v", image)
	}
}

func TestBuild_OtherAppsImageHasNoNameToCopyFrom(t *testing.T) {
	engine := openTest(t)
	victim := mustBuild(t, engine, "victim", "FROM scratch\nCOPY app /secret\n")
	for _, name := range []string{engine.link.Stack + "/victim:r1", engine.link.Stack + "/victim", victim.ID, strings.TrimPrefix(victim.ID, "sha256:")} {
		_, err := engine.Build(t.Context(), buildOptions("attacker", 1,
			dockertest.App(t, "FROM scratch\nCOPY --from="+name+" / /loot\n")), func(string) {})
		if _, ok := errors.AsType[*images.BuildError](err); !ok {
			t.Errorf("a build copied from %s: %v", name, err)
		}
	}
	if _, err := engine.FindImage(t.Context(), victim.ID); err != nil {
		t.Errorf("the victim's image: %v", err)
	}
}

func TestBuild_SaysThatTheRegistryCannotBeReached(t *testing.T) {
	engine := openTest(t)
	_, err := engine.Build(t.Context(), buildOptions("hello", 1,
		dockertest.App(t, "FROM 127.0.0.1:9/no/such:image\nCOPY app /app\n")), func(string) {})
	failed, ok := errors.AsType[*images.BuildError](err)
	if !ok || !strings.Contains(failed.Message, "127.0.0.1:9 cannot be reached") || !strings.Contains(failed.Message, "no/such:image") {
		t.Fatalf("Build() = %v", err)
	}
}

func TestBuild_ErrorOfTheContextIsTheError(t *testing.T) {
	engine := openTest(t)
	broken := errors.New("archive is broken")
	options := buildOptions("hello", 1, dockertest.App(t, dockertest.ServeDockerfile))
	options.Files = nil
	whole := options.Context
	options.Context = func(ctx context.Context, w io.Writer) error {
		if err := whole(ctx, w); err != nil {
			return err
		}
		return broken
	}
	if _, err := engine.Build(t.Context(), options, func(string) {}); !errors.Is(err, broken) {
		t.Fatalf("Build() = %v, want %v", err, broken)
	}
	assertNoImage(t, engine)
}

func TestBuild_TakesATarWhereThereAreNoFiles(t *testing.T) {
	engine := openTest(t)
	options := buildOptions("hello", 1, dockertest.App(t, "FROM scratch\nCOPY app /app\nRUN [\"/app\", \"count\", \"3\", \""+engine.link.Stack+"\"]\n"))
	options.Files = nil
	book := &logbook{}
	if _, err := engine.Build(t.Context(), options, book.line); err != nil {
		t.Fatalf("%v\n%s", err, book)
	}
	if !strings.Contains(book.String(), "line 2") {
		t.Errorf("the log lacks what ran:\n%s", book)
	}
}

// Two files of the same path, size and time are what the builder takes for the same.
func TestBuild_TakesNoFileOfAnotherBuild(t *testing.T) {
	engine := openTest(t)
	layers := map[string]bool{}
	for i, text := range []string{"one", "two"} {
		files := dockertest.Files{"Dockerfile": "FROM scratch\nCOPY text /\n", "text": engine.link.Stack + text}
		image, err := engine.Build(t.Context(), buildOptions("hello", int64(i+1), files), func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		found, err := engine.link.API(t.Context()).ImageInspect(t.Context(), image.ID)
		if err != nil {
			t.Fatal(err)
		}
		layers[found.RootFS.Layers[0]] = true
	}
	if len(layers) != 2 {
		t.Error("the second build got the file of the first")
	}
}

func TestBuild_RefusesADamagedFileAndReadsOnlyWhatIsCopied(t *testing.T) {
	engine := openTest(t)
	tree := damagedTree(t, engine.link.Stack)
	for name, damaged := range map[string]bool{"good": false, "damaged": true} {
		layout := archive.Layout{Extras: []archive.Extra{{Path: "Dockerfile", Text: "FROM scratch\nCOPY " + name + " /\n"}}}
		options := buildOptions("hello", 1, nil)
		files, err := tree.LayoutFS(t.Context(), layout)
		if err != nil {
			t.Fatal(err)
		}
		options.Context, options.Files = tree.LayoutWriter(layout), files
		_, err = engine.Build(t.Context(), options, func(string) {})
		if _, refused := errors.AsType[*archive.Refusal](err); refused != damaged || !damaged && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// damagedTree is an archive in which the file damaged does not match its checksum.
func damagedTree(t *testing.T, text string) *archive.Tree {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.zip")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	for _, name := range []string{"good", "damaged"} {
		header := &zip.FileHeader{Name: name, CompressedSize64: uint64(len(text)), UncompressedSize64: uint64(len(text)), CRC32: crc32.ChecksumIEEE([]byte(text))}
		if name == "damaged" {
			header.CRC32++
		}
		entry, err := w.CreateRaw(header)
		if err == nil {
			_, err = io.WriteString(entry, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	tree, err := archive.Open(path, archive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	return tree
}

func TestBuild_CancelStopsItInTheEngine(t *testing.T) {
	engine := openTest(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by a person")
	result := make(chan error, 1)
	go func() {
		_, err := engine.Build(ctx, buildOptions("hello", 1,
			dockertest.App(t, "FROM scratch\nCOPY app /app\nRUN [\"/app\", \"sleep\", \"98765\"]\n")), func(string) {})
		result <- err
	}()
	eventually(t, "the build runs its command", func() bool { return isRunning("98765") })
	cancel(stopped)
	select {
	case err := <-result:
		if !errors.Is(err, stopped) {
			t.Errorf("Build() = %v, want %v", err, stopped)
		}
	case <-time.After(patience.Of(10 * time.Second)):
		t.Fatal("Build does not return")
	}
	eventually(t, "the command is gone", func() bool { return !isRunning("98765") })
	assertNoImage(t, engine)
}

func TestBuild_RefusesForgedLabels(t *testing.T) {
	for name, label := range map[string]string{
		"route":             "traefik.http.routers.victim.rule",
		"route, other case": "Traefik.enable",
		"ownership":         "berth.port",
		"namespace":         "berth",
	} {
		t.Run(name, func(t *testing.T) {
			engine := openTest(t)
			_, err := engine.Build(t.Context(), buildOptions("hello", 1,
				dockertest.App(t, "FROM scratch\nLABEL \""+label+"\"=forged\nCOPY app /app\n")), func(string) {})
			forged, ok := errors.AsType[*images.ForgedLabelError](err)
			if !ok || forged.Label != label {
				t.Fatalf("Build() = %v, want a *ForgedLabelError of %s", err, label)
			}
			assertNoImage(t, engine)
		})
	}
}

func TestBuild_RefusesLabelsForgedInTheBaseImage(t *testing.T) {
	engine := openTest(t)
	_, err := engine.Build(t.Context(), buildOptions("hello", 1, dockertest.App(t,
		"FROM scratch AS base\nLABEL traefik.enable=true\nCOPY app /app\nFROM base\nCMD [\"/app\"]\n")), func(string) {})
	if _, ok := errors.AsType[*images.ForgedLabelError](err); !ok {
		t.Fatalf("Build() = %v", err)
	}
}

func TestBuild_OwnLabelsWinOverTheDockerfile(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "hello", "FROM scratch\nLABEL berth.app=victim berth.release=99\nCOPY app /app\n")
	found, err := engine.link.API(t.Context()).ImageInspect(t.Context(), image.ID)
	if err != nil {
		t.Fatal(err)
	}
	if found.Config.Labels[link.LabelApp] != "hello" || found.Config.Labels[link.LabelRelease] != "1" {
		t.Errorf("labels %v", found.Config.Labels)
	}
}

func TestBuild_RefusesTheHostsNetwork(t *testing.T) {
	engine := openTest(t)
	_, err := engine.Build(t.Context(), buildOptions("hello", 1,
		dockertest.App(t, "FROM scratch\nCOPY app /app\nRUN --network=host [\"/app\", \"sleep\", \"0\"]\n")), func(string) {})
	if err == nil {
		t.Fatal("a build ran in the host's network")
	}
}

func TestRemoveImage_IsIdempotentAndLeavesOthersAlone(t *testing.T) {
	engine, other := openTest(t), openTest(t)
	image := mustBuild(t, engine, "hello", dockertest.ServeDockerfile)
	if err := other.RemoveImage(t.Context(), image.ID); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("another stack removed the image: %v", err)
	}
	for range 2 {
		if err := engine.RemoveImage(t.Context(), image.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := engine.FindImage(t.Context(), image.ID); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("FindImage() = %v, want ErrNotFound", err)
	}
}

func assertNoImage(t *testing.T, engine *Engine) {
	t.Helper()
	images, err := engine.link.API(t.Context()).ImageList(t.Context(), imagetypes.ListOptions{All: true, Filters: engine.link.Owned()})
	if err != nil {
		t.Fatal(err)
	}
	if len(images) > 0 {
		t.Errorf("%d images are left behind", len(images))
	}
}

// isRunning reports whether a process on this machine has the argument.
func isRunning(argument string) bool {
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	return slices.ContainsFunc(commands, func(path string) bool {
		command, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(command), "sleep\x00"+argument)
	})
}

func TestBuild_StepOfOneAppIsNeverAnotherApps(t *testing.T) {
	engine := openTest(t)
	cached := func(app string, release int64) bool {
		lines := &logbook{}
		image, err := engine.Build(t.Context(), buildOptions(app, release, dockertest.App(t,
			"FROM scratch\nCOPY app /app\nRUN [\"/app\", \"count\", \"3\", \"key-"+engine.link.Stack+"\"]\n")), lines.line)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = engine.RemoveImage(context.WithoutCancel(t.Context()), image.ID) })
		return !strings.Contains(lines.String(), " line 3")
	}
	if cached("one", 1) || cached("two", 1) {
		t.Error("the step of another app is taken")
	}
	if !cached("one", 2) {
		t.Error("an app's own step is not kept")
	}
}

func TestBuild_BaseThatFetchesAnAddressIsRefusedBeforeItsBuild(t *testing.T) {
	engine := openTest(t)
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	defer server.Close()
	base := mustBuild(t, engine, "base", "FROM scratch\nCOPY app /app\nONBUILD ADD "+server.URL+"/secret /x\n")
	name := "localhost.example.com/" + engine.link.Stack + ":1"
	if err := engine.link.API(t.Context()).ImageTag(t.Context(), base.ID, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.RemoveImage(context.WithoutCancel(t.Context()), base.ID) })
	options := buildOptions("hello", 1, dockertest.App(t, "FROM "+name+"\n"))
	planned, err := planner.From(t.Context(), archivetest.Tree(t, "Dockerfile", "FROM "+name+"\n"), plan.Options{Limits: plan.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	options.Build = planned.Services[0].Build
	_, err = engine.Build(t.Context(), options, func(string) {})
	if refusal, ok := errors.AsType[*plan.Refusal](err); !ok || !strings.Contains(refusal.Reason, "/secret") {
		t.Errorf("got %v", err)
	}
	if len(asked) > 0 {
		t.Errorf("the host was asked for %s", <-asked)
	}
}
