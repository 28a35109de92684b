//go:build integration

package docker

import (
	"strings"
	"testing"

	"berth/controller/plan"
)

// rootStart is a service with the tier between hardened and waived.
func rootStart() plan.Service {
	service := testService()
	service.Waivers.RootStart = true
	return service
}

func TestRootStart_GivesNothingBeyondItsCapabilities(t *testing.T) {
	engine := openTest(t)
	image := mustBuild(t, engine, "hello", "FROM scratch\nCOPY app /app\nCMD [\"/app\"]\n")
	instance, err := engine.Start(t.Context(), StartOptions{App: "hello", Release: 1, Service: rootStart(), Image: image, Network: mustNetwork(t, engine, "hello")})
	if err != nil {
		t.Fatal(err)
	}
	status := ask(t, engine, instance, "/read", "path", "/proc/1/status")
	// CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, SETGID 6, SETUID 7, NET_BIND_SERVICE 10
	for _, want := range []string{"Uid:\t0\t0\t0\t0", "CapBnd:\t00000000000004cb", "CapEff:\t00000000000004cb", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want) {
			t.Errorf("no %q in:\n%s", want, status)
		}
	}
	hardened, err := engine.Start(t.Context(), StartOptions{App: "strict", Release: 1, Service: testService(), Image: image, Network: mustNetwork(t, engine, "strict")})
	if err != nil {
		t.Fatal(err)
	}
	for _, attack := range []string{
		"mount", "mknod", "ptrace", "raw", "packet", "setns", "unshare", "chroot", "sysctl", "core-pattern", "cgroup", "module", "reboot", "settime", "keyring", "bpf", "device",
	} {
		got := ask(t, engine, instance, "/attack", "kind", attack)
		// Any app may trace the processes of its own container.
		if strict := ask(t, engine, hardened, "/attack", "kind", attack); attack == "ptrace" && got == strict {
			continue
		}
		if !strings.HasPrefix(got, "refused") {
			t.Errorf("%s: %s", attack, got)
		}
	}
	for _, path := range []string{"/made", "/etc/thing"} {
		if got := ask(t, engine, instance, "/write", "path", path); path == "/made" && got != "written" {
			t.Errorf("write %s: %s", path, got)
		}
	}
	if got := ask(t, engine, instance, "/attack", "kind", "step-down"); got != "worked" {
		t.Errorf("it cannot drop root: %s", got)
	}
	if size, err := engine.LayerSize(t.Context(), instance.Name); err != nil || size == 0 {
		t.Errorf("what it writes is not seen: %d, %v", size, err)
	}
	host := mustInspect(t, engine, instance.ID).HostConfig
	if host.Privileged || len(host.Binds)+len(host.Devices)+len(host.PortBindings) > 0 || host.PidMode != "" || host.UsernsMode != "" || *host.PidsLimit == 0 || host.Memory == 0 {
		t.Errorf("host configuration %+v", host)
	}
}
