//go:build integration

package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/docker/dockertest"
	"berth/controller/docker/images"
	"berth/controller/docker/link"
)

func TestBuild_HostileOnesEndInWordsWhileAnAppAnswers(t *testing.T) {
	const small = 256 << 20
	for name, test := range map[string]struct {
		needs, attack, words string
	}{
		"memory":    {"budgets", `"hoard"`, "memory was used up"},
		"fork bomb": {"budgets", `"fork"`, "limit of processes"},
		"output":    {"", `"babble"`, "output clipped"},
		"disk":      {"", `"fill", "/big"`, "lost more than"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.needs != "" {
				needFence(t, test.needs)
			}
			engine := openTest(t)
			app, beside := serveIn(t, engine, appsGroup), serveIn(t, engine, "")
			usual, usualBeside := answerTimes(t, app, beside, time.After(2*time.Second))
			options := buildOptions("hostile", 1, dockertest.App(t, "FROM scratch\nCOPY app /app\nENV ONLY="+engine.link.Stack+"\nRUN [\"/app\", "+test.attack+"]\n"))
			free := freeSpace(t)
			if name == "disk" {
				options.Disk = images.Disk{Most: small, Free: func() (uint64, error) { return freeSpace(t), nil }}
			}
			ended := make(chan time.Time, 1)
			var err error
			book := &logbook{}
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				_, err = engine.Build(ctx, options, book.line)
				ended <- time.Now()
			}()
			during, duringBeside := answerTimes(t, app, beside, ended)
			failed, ok := errors.AsType[*images.BuildError](err)
			if name == "output" { // its end takes longer than a test may
				ok, failed = errors.Is(err, context.DeadlineExceeded), &images.BuildError{Message: book.String()}
			}
			if !ok || !strings.Contains(failed.Message, test.words) {
				t.Fatalf("Build() = %v, want words with %q\n%s", err, test.words, strings.Join(book.lines[max(0, len(book.lines)-10):], "\n"))
			}
			if bytes := len(book.String()); bytes > images.OutputBytes {
				t.Errorf("the log holds %d bytes", bytes)
			}
			t.Logf("95 of 100 answers: usually within %v, during the build %v (%d asked); in one cgroup with builds %v, then %v",
				percentile(usual), percentile(during), len(during), percentile(usualBeside), percentile(duringBeside))
			if late := percentile(during); late > 500*time.Millisecond {
				t.Errorf("95 of 100 answers of a live app took up to %v, usually %v", late, percentile(usual))
			}
			if name == "disk" {
				eventually(t, "what it wrote is gone", func() bool { return freeSpace(t)+small > free })
			}
		})
	}
}

// appsGroup is where scripts/budgets has apps.
const appsGroup = "/berth"

// serveIn runs an app on the default bridge with its cgroup below the parent.
func serveIn(t *testing.T, engine *Engine, parent string) (address string) {
	t.Helper()
	image, api := mustBuild(t, engine, "neighbour", dockertest.ServeDockerfile), engine.link.API(t.Context())
	made, err := api.ContainerCreate(t.Context(),
		&container.Config{Image: image.ID, Labels: map[string]string{link.LabelStack: engine.link.Stack}},
		&container.HostConfig{Resources: container.Resources{CgroupParent: parent}}, nil, nil, "")
	if err == nil {
		err = api.ContainerStart(t.Context(), made.ID, container.StartOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	found, err := api.ContainerInspect(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", found.State.Pid)); err == nil && !strings.Contains(string(groups), parent+"/"+made.ID) {
		t.Errorf("it is not below %q but in\n%s", parent, groups)
	}
	address = found.NetworkSettings.Networks["bridge"].IPAddress
	eventually(t, "the app answers", func() bool { return answers(t, "http://"+address+":8000/") })
	return address
}

// answerTimes asks both apps by turns, every few milliseconds until the end comes, and
// returns how long each answer took.
func answerTimes(t *testing.T, app, beside string, end <-chan time.Time) (took, tookBeside []time.Duration) {
	t.Helper()
	ask := func(address string) time.Duration {
		began := time.Now()
		if !answers(t, "http://"+address+":8000/") {
			t.Error("the app does not answer")
		}
		return time.Since(began)
	}
	for first := true; ; first = !first { // whoever is asked after the pause takes longer
		if first {
			took = append(took, ask(app))
		}
		tookBeside = append(tookBeside, ask(beside))
		if !first {
			took = append(took, ask(app))
		}
		select {
		case <-end:
			return took, tookBeside
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// percentile is the time within which 95 of 100 answers came.
func percentile(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*95/100]
}

// freeSpace is what the disk has left that the engine and the test share.
func freeSpace(t *testing.T) uint64 {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs("/var/lib", &disk); err != nil {
		t.Fatal(err)
	}
	return disk.Bavail * uint64(disk.Bsize)
}
