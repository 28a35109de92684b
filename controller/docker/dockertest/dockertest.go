// Package dockertest gives tests that need the real engine something to build and a stack of their own to build it in.
package dockertest

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
)

// cleanupTimeout bounds the removal of what a test made.
const cleanupTimeout = time.Minute

// Host returns the address of the engine to test against.
func Host() string {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return host
	}
	return client.DefaultDockerHost
}

// Client returns a client of the engine, for what a test must see or prepare by
// itself. The test fails where the engine does not answer.
func Client(t testing.TB) *client.Client {
	t.Helper()
	connection, err := client.NewClientWithOpts(client.WithHost(Host()), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatalf("open engine: %v", err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if _, err := connection.Ping(context.Background()); err != nil {
		t.Fatalf("this test needs the engine: %v", err)
	}
	return connection
}

// Stack returns the name of a stack that no other test has. When the test ends,
// everything that carries its label is removed from the engine, and every image named after it.
func Stack(t testing.TB) string {
	t.Helper()
	connection := Client(t)
	stack := "test-" + strings.ToLower(rand.Text()[:10])
	t.Cleanup(func() { remove(t, connection, stack) })
	return stack
}

// Files is a build context: paths and what they hold. Every file is executable.
type Files map[string]string

// WriteTar writes the files as a tar, in order of their paths.
func (f Files) WriteTar(_ context.Context, w io.Writer) error {
	archive := tar.NewWriter(w)
	for _, path := range slices.Sorted(maps.Keys(f)) {
		header := &tar.Header{Name: path, Mode: 0o755, Size: int64(len(f[path])), Typeflag: tar.TypeReg}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.WriteString(archive, f[path]); err != nil {
			return err
		}
	}
	return archive.Close()
}

// FS returns the files as a file system.
func (f Files) FS() fs.FS {
	files := fstest.MapFS{}
	for path, text := range f {
		files[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o755, ModTime: time.Unix(0, 0)}
	}
	return files
}

// App returns a build context of the test app's static binary, as "app", and
// the given Dockerfile.
func App(t testing.TB, dockerfile string) Files {
	t.Helper()
	return Files{"Dockerfile": dockerfile, "app": Binary(t)}
}

// ServeDockerfile runs the test app's server on the port that it is told.
const ServeDockerfile = "FROM scratch\nCOPY app /app\nCMD [\"/app\"]\n"

var buildBinary = sync.OnceValues(func() (string, error) { return build("app") })

var buildHelper = sync.OnceValues(func() (string, error) { return build("helper") })

// build builds the program of a folder beside this file as a static binary.
func build(program string) (string, error) {
	_, file, _, _ := runtime.Caller(0)
	folder, err := os.MkdirTemp("", "dockertest")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	target := filepath.Join(folder, "app")
	command := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", target, "./"+program)
	command.Dir = filepath.Dir(file)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return "", err
	}
	content, err := os.ReadFile(target)
	return string(content), err
}

// Binary returns the test app as a static binary, built once per test process.
func Binary(t testing.TB) string {
	t.Helper()
	binary, err := buildBinary()
	if err != nil {
		t.Fatalf("build test app: %v", err)
	}
	return binary
}

// Helper returns the path of a static program that works in volumes.
func Helper(t testing.TB) string {
	t.Helper()
	binary, err := buildHelper()
	if err != nil {
		t.Fatalf("build volume helper: %v", err)
	}
	target := filepath.Join(t.TempDir(), "helper")
	if err := os.WriteFile(target, []byte(binary), 0o755); err != nil {
		t.Fatal(err)
	}
	return target
}

// remove takes everything of the stack out of the engine. Errors fail the test:
// what stays would disturb the next one.
func remove(t testing.TB, connection *client.Client, stack string) {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	selection := filters.NewArgs(filters.Arg("label", "berth.stack="+stack))
	containers, err := connection.ContainerList(ctx, container.ListOptions{All: true, Filters: selection})
	report(t, err)
	for _, found := range containers {
		err := connection.ContainerRemove(ctx, found.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
		if !errdefs.IsNotFound(err) {
			report(t, err)
		}
	}
	volumes, err := connection.VolumeList(ctx, volume.ListOptions{Filters: selection})
	report(t, err)
	for _, found := range volumes.Volumes {
		report(t, connection.VolumeRemove(ctx, found.Name, true))
	}
	networks, err := connection.NetworkList(ctx, network.ListOptions{Filters: selection})
	report(t, err)
	for _, found := range networks {
		report(t, connection.NetworkRemove(ctx, found.ID))
	}
	// Some tests make images that claim to be somebody else's: those have the stack in their name.
	for _, chosen := range []filters.Args{selection, filters.NewArgs(filters.Arg("reference", stack+"/*"))} {
		images, err := connection.ImageList(ctx, image.ListOptions{All: true, Filters: chosen})
		report(t, err)
		for _, found := range images {
			_, err := connection.ImageRemove(ctx, found.ID, image.RemoveOptions{Force: true, PruneChildren: true})
			if !errdefs.IsNotFound(err) {
				report(t, err)
			}
		}
	}
}

func report(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("clean up the engine: %v", err)
	}
}
