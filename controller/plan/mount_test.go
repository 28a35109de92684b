package plan

import (
	"errors"
	"path"
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
