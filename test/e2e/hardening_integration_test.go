//go:build integration

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestInstance_IsHardenedAsTheTableSays(t *testing.T) {
	o := newOperator(t)
	if release := o.deploy("jail", "", "v1"); release.State != "live" {
		t.Fatalf("release is %+v", release)
	}
	var inspected []struct {
		Config     struct{ User string }
		HostConfig struct {
			Memory, MemorySwap, NanoCpus int64
			PidsLimit                    int64
			CapDrop, CapAdd, SecurityOpt []string
			ReadonlyRootfs, Privileged   bool
			Init                         bool
			Tmpfs                        map[string]string
			Binds                        []string
			NetworkMode, PidMode         string
			IpcMode                      string
			RestartPolicy                struct{ Name string }
			LogConfig                    struct {
				Type   string
				Config map[string]string
			}
		}
		NetworkSettings struct{ Networks map[string]any }
	}
	if err := json.Unmarshal([]byte(docker(t, "inspect", container("jail", 1))), &inspected); err != nil {
		t.Fatal(err)
	}
	host := inspected[0].HostConfig
	for what, pair := range map[string][2]string{
		"memory":       {fmt.Sprint(host.Memory), fmt.Sprint(512 << 20)},
		"swap":         {fmt.Sprint(host.MemorySwap), fmt.Sprint(512 << 20)},
		"cpu":          {fmt.Sprint(host.NanoCpus), "500000000"},
		"processes":    {fmt.Sprint(host.PidsLimit), "100"},
		"caps dropped": {fmt.Sprint(host.CapDrop), "[ALL]"},
		"caps added":   {strings.ReplaceAll(fmt.Sprint(host.CapAdd), "CAP_", ""), "[NET_BIND_SERVICE]"},
		"user":         {inspected[0].Config.User, "65534:65534"},
		"read-only":    {fmt.Sprint(host.ReadonlyRootfs), "true"},
		"privileged":   {fmt.Sprint(host.Privileged), "false"},
		"init":         {fmt.Sprint(host.Init), "true"},
		"restart":      {host.RestartPolicy.Name, "unless-stopped"},
		"binds":        {fmt.Sprint(len(host.Binds)), "0"},
		"networks":     {fmt.Sprint(len(inspected[0].NetworkSettings.Networks)), "1"},
		"log driver":   {host.LogConfig.Type, "json-file"},
		"log size":     {host.LogConfig.Config["max-size"] + " x " + host.LogConfig.Config["max-file"], "10m x 3"},
		"host pids":    {host.PidMode, ""},
		"ipc":          {host.IpcMode, "private"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: docker inspect says %q, want %q", what, pair[0], pair[1])
		}
	}
	if !strings.Contains(fmt.Sprint(host.SecurityOpt), "no-new-privileges") || strings.Contains(fmt.Sprint(host.SecurityOpt), "unconfined") {
		t.Errorf("security options are %v", host.SecurityOpt)
	}

	_, status := visit(t, "/jail/status/self")
	for _, want := range []string{
		"Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534", "NoNewPrivs:\t1", "Seccomp:\t2",
		"CapEff:\t0000000000000000", "CapBnd:\t0000000000000400",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("/proc/self/status inside lacks %q:\n%s", want, status)
		}
	}
	_, mounts := visit(t, "/jail/mounts")
	for _, option := range []string{"noexec", "nosuid", "nodev", "size=102400k"} {
		if !strings.Contains(lineWith(mounts, " /tmp "), option) {
			t.Errorf("/tmp is mounted as %q, which lacks %s", lineWith(mounts, " /tmp "), option)
		}
	}
	if status, body := visit(t, "/jail/write?path=/tmp/x"); status != http.StatusOK {
		t.Errorf("/tmp cannot be written: %d %s", status, body)
	}
	for _, path := range []string{"/x", "/etc/x", "/proc/sys/kernel/hostname", "/sys/x"} {
		if status, _ := visit(t, "/jail/write?path="+path); status == http.StatusOK {
			t.Errorf("%s can be written from inside", path)
		}
	}
}

func TestInstance_ReachesNeitherBerthNorDashboardNorOtherApps(t *testing.T) {
	o := newOperator(t)
	o.deploy("prisoner", "", "v1")
	o.deploy("neighbour", "", "v1")
	proxy := address(t, berth.Proxy(), berth.Name+"-0-edge")
	proxyInside := address(t, berth.Proxy(), berth.Name+"-app-prisoner")
	controller := address(t, berth.Controller(), berth.Name+"-0-edge")
	neighbour := address(t, container("neighbour", 1), berth.Name+"-app-neighbour")
	gateway := docker(t, "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", berth.Name+"-app-prisoner")
	listener, err := net.Listen("tcp4", "0.0.0.0:0") // a service of this machine
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, service, _ := net.SplitHostPort(listener.Addr().String())
	edge := docker(t, "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", berth.Name+"-0-edge")
	port := func(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }
	for what, target := range map[string]string{
		"the dashboard by the proxy's edge address":   proxy + ":8080",
		"the dashboard by the proxy's own address":    proxyInside + ":8080",
		"the verify route by the edge address":        proxy + ":8081",
		"the verify route by the proxy's own address": proxyInside + ":8081",
		"the admin app":                                      controller + ":8001",
		"another app":                                        neighbour + ":8000",
		"another app by its name":                            container("neighbour", 1) + ":8000",
		"the dashboard's port of the host":                   gateway + ":" + port(berth.Dashboard),
		"the admin app's port of the host":                   gateway + ":" + port(berth.Admin),
		"the controller's name":                              "berth:8001",
		"a service of this machine by its network's gateway": gateway + ":" + service,
		"a service of this machine by another address":       edge + ":" + service,
	} {
		if status, body := visit(t, "/prisoner/dial?address="+target); status == http.StatusOK {
			t.Errorf("an app reaches %s at %s: %s", what, target, body)
		}
	}
	if status, body := visit(t, "/prisoner/dial?address=127.0.0.1:8000"); status != http.StatusOK {
		t.Errorf("the test itself is wrong: an app cannot reach itself: %d %s", status, body)
	}
	if response, err := http.Get(berth.Dashboard + "/dashboard/"); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the proxy's dashboard does not answer on the host: %v", err)
	} else {
		response.Body.Close()
	}
}

func address(t *testing.T, container, network string) string {
	t.Helper()
	found := docker(t, "inspect", "--format", fmt.Sprintf(`{{(index .NetworkSettings.Networks %q).IPAddress}}`, network), container)
	if found == "" {
		t.Fatalf("%s has no address on %s", container, network)
	}
	return found
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
