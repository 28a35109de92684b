package plan

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestParseMountTarget_AcceptsFoldersOfTheApp(t *testing.T) {
	for _, target := range []string{
		"/data", "/app/data", "/var/lib/postgresql/data", "/etc/nginx/conf.d", "/usr/share/nginx/html",
		"/usr/src/app/uploads", "/home/app", "/opt/app", "/srv", "/library", "/processed", "/running", "/var/runner", "/with space", "/ü",
	} {
		if parsed, err := ParseMountTarget(target); err != nil || string(parsed) != target {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestParseMountTarget_RefusesWhatHidesTheSystem(t *testing.T) {
	for _, target := range []string{
		"", "/", "data", "./data", "../data", "/data/", "//data", "/data/../etc", "/data/./x", "/..", "//", "/.",
		"/proc", "/proc/1/mem", "/sys", "/sys/fs/cgroup", "/dev", "/dev/shm", "/run", "/run/secrets", "/var/run", "/var/run/docker.sock",
		"/etc", "/etc/passwd", "/etc/shadow", "/etc/sudoers.d/x", "/etc/ld.so.preload", "/etc/hosts",
		"/bin", "/bin/sh", "/sbin", "/lib", "/lib/x86_64-linux-gnu", "/lib64", "/usr", "/usr/bin", "/usr/local/bin/python3",
		"/tmp", "/boot", "/var", "/data:ro", `/data\x`, "/data\x00", "/data\n", "/\xff", "/a\u202eb", "/" + strings.Repeat("a", 255),
	} {
		_, err := ParseMountTarget(target)
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok || refusal.Reason == "" || refusal.Hint == "" {
			t.Errorf("%q: %v, want a refusal", target, err)
		}
	}
}

func FuzzParseMountTarget(f *testing.F) {
	f.Add("/data")
	f.Add("/proc/../data")
	f.Fuzz(func(t *testing.T, text string) {
		target, err := ParseMountTarget(text)
		if err != nil {
			return
		}
		if string(target) != text || !path.IsAbs(text) || path.Clean(text) != text || text == "/" {
			t.Errorf("ParseMountTarget(%q) = %q", text, target)
		}
	})
}

func TestDeclare_KeepsWhatImagesDeclareOnlyWhereAPersonChoseIt(t *testing.T) {
	service := Service{Name: "db", Mounts: []Mount{{Volume: "x", Target: "/data"}}, Tmpfs: []Tmpfs{{Target: "/cache"}}}
	declared := []string{"/var/lib/Data/", "/data", "/cache", "/etc", "/var/lib/data", "/run/x"}
	left := service.Declare(declared, false, nil)
	if !slices.Equal(left.Scratch, []string{"/var/lib/Data", "/var/lib/data"}) || len(left.Mounts) != 1 {
		t.Errorf("got %+v", left)
	}
	kept := service.Declare(declared, true, []string{"db-var-lib-data"})
	if len(kept.Scratch) != 0 || len(kept.Mounts) != 3 || kept.Mounts[1].Volume != "db-var-lib-data-2" || kept.Mounts[2].Volume != "db-var-lib-data-3" || len(service.Mounts) != 1 {
		t.Errorf("got %+v", kept)
	}
	if again := kept.Declare(declared, true, nil); len(again.Mounts) != 3 {
		t.Errorf("once more: %+v", again)
	}
	if kept.Fingerprint() == service.Fingerprint() || left.Fingerprint() != service.Fingerprint() {
		t.Error("what comes from the image alone needs no new container")
	}
	if sole := (Service{Name: MainService}).Declare([]string{"/data"}, true, nil); sole.Mounts[0].Volume != "data" {
		t.Errorf("got %+v", sole)
	}
}
