package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/pkg/stdcopy"

	"berth/controller/docker/images"
	"berth/controller/docker/link"
	"berth/controller/docker/printed"
	"berth/controller/plan"
)

var somePool = netip.MustParsePrefix("10.213.0.0/16")

func TestOpen_RefusesWhatItCannotUse(t *testing.T) {
	for name, options := range map[string]Options{
		"no pool":       {},
		"ssh":           {Host: "ssh://server", SubnetPool: somePool},
		"a path":        {Host: "/var/run/docker.sock", SubnetPool: somePool},
		"stack as path": {Stack: "../berth", SubnetPool: somePool},
		"stack in caps": {Stack: "Berth", SubnetPool: somePool},
	} {
		if engine, err := Open(options); err == nil {
			t.Errorf("%s is accepted", name)
			_ = engine.Close()
		}
	}
}

func TestEngine_SilenceIsUnavailable(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no engine behind", http.StatusServiceUnavailable)
	}))
	defer refusing.Close()
	for name, host := range map[string]string{
		"no socket":            "unix://" + filepath.Join(t.TempDir(), "absent.sock"),
		"no listener":          "tcp://127.0.0.1:1",
		"proxy without engine": "tcp://" + refusing.Listener.Addr().String(),
	} {
		engine, err := Open(Options{Host: host, SubnetPool: somePool})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := engine.Inspect(t.Context(), "any"); !errors.Is(err, link.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
		if _, err := engine.Build(t.Context(), images.BuildOptions{Context: func(context.Context, io.Writer) error { return nil }}, func(string) {}); !errors.Is(err, link.ErrUnavailable) {
			t.Errorf("%s: build: %v, want ErrUnavailable", name, err)
		}
		_ = engine.Close()
	}
}

func TestEngine_HangingIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	engine, err := Open(Options{Host: "tcp://" + listener.Addr().String(), SubnetPool: somePool})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	ctx, cancel := link.Within(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = engine.link.API(ctx).ServerVersion(ctx)
	if err := link.Failure(ctx, "read version", err); !errors.Is(err, link.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestMayBeRoot_ReadsAsTheRuntimeDoes(t *testing.T) {
	for passwd, want := range map[string]bool{
		"app:x:1000:1000::/:/sh\n":            false,
		"app:x:0:0::/:/sh":                    true,
		"root:x:0:0::/:/sh\napp:x:5:5::/:/sh": false,
		"app:x:1000:1:::\napp:x:0:0:::\n":     true,
		"app:x:abc:1:::":                      true,
		"app":                                 true,
		"app:x":                               true,
		"  app:x:+0:1:::":                     true,
		"app:x:-5:1:::":                       true,
		"":                                    false,
		"apps:x:0:0:::\n":                     false,
		strings.Repeat("#", 100_000) + "\napp:x:0:0:::\n": true,
	} {
		found := accounts{passwd: accountFile{there: true, text: passwd}}
		if got := found.mayBeRoot("app"); got != want {
			t.Errorf("mayBeRoot(%.40q) = %v, want %v", passwd, got, want)
		}
	}
	if !(accounts{}).mayBeRoot("app") {
		t.Error("a name without a file that says whose it is passes")
	}
}

func TestIsUserName_TellsNamesFromNumbers(t *testing.T) {
	for user, want := range map[string]bool{"app": true, "app:1000": true, "1000": false, "1000:app": false, plan.Nobody: false, "0x0": true} {
		if got := isUserName(user); got != want {
			t.Errorf("isUserName(%q) = %v", user, got)
		}
	}
}

func TestVolumeMounts_TakesEachPathOnceAndNoVolumeWhereNoneMayBe(t *testing.T) {
	mounts := volumeMounts(nil, []string{"/data", "/data/", "/tmp", "/var//lib", "/etc", "/run/x"}, map[string]string{"/tmp": ""})
	var targets []string
	for _, m := range mounts {
		targets = append(targets, m.Target)
		inMemory := m.Target == "/etc" || m.Target == "/run/x"
		if m.Source != "" || inMemory != (m.Type == "tmpfs") || inMemory && m.TmpfsOptions.SizeBytes != volumeBytes || !inMemory && m.Type != "volume" {
			t.Errorf("mount %+v", m)
		}
	}
	if !slices.Equal(targets, []string{"/data", "/var/lib", "/etc", "/run/x"}) {
		t.Errorf("targets %v", targets)
	}
}

func TestWithMounts_MountsOnlyTheStacksVolumesAndEachPathOnce(t *testing.T) {
	engine := &Engine{link: &link.Link{Stack: "berth"}}
	policy, err := plan.Options{Limits: plan.DefaultLimits()}.Service().Policy("")
	if err != nil {
		t.Fatal(err)
	}
	options := engine.withMounts(StartOptions{
		Image:  images.Image{Volumes: []string{"/data", "/cache"}},
		Mounts: []Mount{{Volume: "logbook", Target: "/data"}, {Volume: "logbook", Target: "/old", ReadOnly: true}},
	})
	mounts, err := options.mounts(policy)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range mounts {
		found = append(found, fmt.Sprintf("%s %s %s %v", m.Type, m.Source, m.Target, m.ReadOnly))
		if m.Source != "" && !m.VolumeOptions.NoCopy {
			t.Errorf("the image's files are copied into %s", m.Target)
		}
	}
	want := []string{"volume berth-vol-logbook /data false", "volume berth-vol-logbook /old true", "volume  /cache false"}
	if !slices.Equal(found, want) {
		t.Errorf("mounts %q, want %q", found, want)
	}
	if _, changed := policy.TemporaryFolders["/data"]; changed {
		t.Error("the policy was changed")
	}
}

func TestWorkingSet_LeavesThePageCacheOut(t *testing.T) {
	for name, test := range map[string]struct {
		memory container.MemoryStats
		want   uint64
	}{
		"version 1":  {container.MemoryStats{Usage: 100, Stats: map[string]uint64{"total_inactive_file": 30, "inactive_file": 1}}, 70},
		"version 2":  {container.MemoryStats{Usage: 100, Stats: map[string]uint64{"inactive_file": 40}}, 60},
		"more cache": {container.MemoryStats{Usage: 10, Stats: map[string]uint64{"inactive_file": 40}}, 0},
		"stopped":    {container.MemoryStats{}, 0},
	} {
		if got := workingSet(test.memory); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestSplit_JoinsTheEnginesPartsOfALine(t *testing.T) {
	var stream bytes.Buffer
	stdout, stderr := stdcopy.NewStdWriter(&stream, stdcopy.Stdout), stdcopy.NewStdWriter(&stream, stdcopy.Stderr)
	const stamp = "2026-11-22T06:00:00.000000000Z "
	for _, message := range []struct {
		to   io.Writer
		text string
	}{
		{stdout, "first half, "}, {stderr, "an error\n"}, {stdout, "second half\n"}, {stdout, "\n"}, {stdout, "\x1b[1mno end"},
	} {
		if _, err := io.WriteString(message.to, stamp+message.text); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err := printed.Split(&stream, func(line Line) error {
		if line.At.Year() != 2026 {
			t.Errorf("line at %s", line.At)
		}
		got = append(got, map[bool]string{true: "2>", false: "1>"}[line.Stderr]+line.Text)
		return nil
	})
	if want := []string{"2>an error", "1>first half, second half", "1>", "1>no end"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("lines %q, %v; want %q", got, err, want)
	}
}

func TestEventOf_LeavesOutWhatWasNotAskedFor(t *testing.T) {
	engine, _ := openFake(t, nil)
	for action, want := range map[events.Action]string{"health_status: healthy": "health_status healthy", "die": "die ", "exec_die": "", "kill": "", "start": "start "} {
		event, ok := engine.eventOf(events.Message{Action: action})
		if got := event.Action + " " + event.Health; ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v", action, got, ok)
		}
	}
}

func TestStart_InstancesAreInTheCgroupThatWasAskedFor(t *testing.T) {
	var sent struct{ HostConfig container.HostConfig }
	engine, _ := openFake(t, map[string]http.HandlerFunc{"POST /containers/create": func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		_, _ = w.Write([]byte(`{"Id": "made"}`))
	}})
	for _, cgroup := range []string{"", "/berth"} {
		engine.cgroup = cgroup
		if _, err := engine.createOnce(t.Context(), StartOptions{App: "hello", Name: "hello"}, plan.Policy{}); err != nil {
			t.Fatal(err)
		}
		if sent.HostConfig.CgroupParent != cgroup {
			t.Errorf("asked for %q, got %q", cgroup, sent.HostConfig.CgroupParent)
		}
	}
}
