//go:build linux

package aside_test

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"berth/controller/aside"
)

// processors are those that the calling thread may use.
func processors(t *testing.T) (found []int) {
	t.Helper()
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		t.Fatal(err)
	}
	for at := range 1024 {
		if may.IsSet(at) {
			found = append(found, at)
		}
	}
	return found
}

func TestDo_WorksOnHalfOfTheProcessorsAndLeavesOtherWorkAlone(t *testing.T) {
	all := processors(t)
	var half []int
	aside.Do(func() { half = processors(t) })
	if want := all[len(all)/2:]; len(half) != len(want) || half[0] != want[0] {
		t.Errorf("of %v it has %v", all, half)
	}
	for range 100 { // whatever thread this is
		runtime.Gosched()
		if now := processors(t); len(now) != len(all) {
			t.Fatalf("other work has %v of %v", now, all)
		}
	}
}

func TestProcess_KeepsEachThreadToHalfOfTheProcessors(t *testing.T) {
	if os.Getenv("BERTH_TEST_ASIDE") != "" {
		aside.Process()
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, thread := range threads {
			status, err := os.ReadFile("/proc/self/task/" + thread.Name() + "/status")
			if err == nil {
				_, list, _ := strings.Cut(string(status), "Cpus_allowed_list:")
				list, _, _ = strings.Cut(list, "\n")
				t.Logf("thread has %s", strings.TrimSpace(list))
			}
		}
		return
	}
	all := processors(t)
	if len(all) < 2 {
		t.Skip("there is one processor")
	}
	command := exec.Command(os.Args[0], "-test.v", "-test.run", "^TestProcess_KeepsEachThread")
	command.Env = append(os.Environ(), "BERTH_TEST_ASIDE=1")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var first string
	for line := range strings.Lines(string(out)) {
		_, list, told := strings.Cut(line, "thread has ")
		if !told {
			continue
		}
		if first == "" {
			first = list
		}
		if list != first || strings.HasPrefix(list, "0") {
			t.Errorf("a thread has %s", list)
		}
	}
	if first == "" {
		t.Errorf("no thread: %s", out)
	}
}
