//go:build integration

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// confined is what the engine says of a container's confinement.
type confined struct {
	Name   string
	Config struct{ User string }
	Mounts []struct{ Type, Name, Source string }

	HostConfig struct {
		Memory, MemorySwap, NanoCpus, PidsLimit int64
		CapDrop, CapAdd, SecurityOpt            []string
		ReadonlyRootfs, Privileged, Init        bool
		PublishAllPorts                         bool
		Binds                                   []string
		Devices                                 []any
		PortBindings                            map[string]any
		PidMode, IpcMode, UTSMode, NetworkMode  string
		RestartPolicy                           struct{ Name string }
	}
	NetworkSettings struct {
		Networks map[string]any
		Ports    map[string][]any
	}
}

// mustBeHardened holds every container of the project's app against the table.
func mustBeHardened(t *testing.T, p project) {
	t.Helper()
	instances := instancesOf(t, p.name)
	if len(instances) == 0 {
		t.Fatal("no container is there")
	}
	var inspected []confined
	if err := json.Unmarshal([]byte(docker(t, append([]string{"inspect"}, instances...)...)), &inspected); err != nil {
		t.Fatal(err)
	}
	for _, c := range inspected {
		steps := p.stepsDown != "" && (len(instances) == 1 || strings.HasSuffix(c.Name, "."+p.stepsDown))
		c.mustBeLimited(t)
		if !c.HostConfig.ReadonlyRootfs && !steps { // what steps down may have a writable layer of its own
			t.Errorf("%s can write to its image", c.Name)
		}
		c.mustBeAlone(t, p.name)
		c.mustRunAs(t, p, steps)
	}
	mustHaveANetworkOfItsOwn(t, p.name, instances)
}

// mustBeLimited: what it takes and what it may, beside its user.
func (c confined) mustBeLimited(t *testing.T) {
	t.Helper()
	host := c.HostConfig
	for what, pair := range map[string][2]any{
		"memory":       {host.Memory, int64(512 << 20)},
		"swap":         {host.MemorySwap, int64(512 << 20)},
		"CPU":          {host.NanoCpus, int64(500_000_000)},
		"processes":    {host.PidsLimit, int64(100)},
		"privileged":   {host.Privileged, false},
		"init":         {host.Init, true},
		"caps dropped": {fmt.Sprint(host.CapDrop), "[ALL]"},
		"restart":      {host.RestartPolicy.Name, "unless-stopped"},
		"host pids":    {host.PidMode, ""},
		"host names":   {host.UTSMode, ""},
		"ipc":          {host.IpcMode, "private"},
		"devices":      {len(host.Devices), 0},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %s is %v, want %v", c.Name, what, pair[0], pair[1])
		}
	}
	security := fmt.Sprint(host.SecurityOpt)
	if !strings.Contains(security, "no-new-privileges") || strings.Contains(security, "unconfined") {
		t.Errorf("%s: security options are %s", c.Name, security)
	}
}

// mustBeAlone: no port of the host, nothing of the host, one network.
func (c confined) mustBeAlone(t *testing.T, app string) {
	t.Helper()
	if c.HostConfig.PublishAllPorts || len(c.HostConfig.PortBindings) > 0 {
		t.Errorf("%s publishes %v", c.Name, c.HostConfig.PortBindings)
	}
	for port, published := range c.NetworkSettings.Ports {
		if len(published) > 0 {
			t.Errorf("%s publishes %s at %v", c.Name, port, published)
		}
	}
	if len(c.HostConfig.Binds) > 0 {
		t.Errorf("%s binds %q", c.Name, c.HostConfig.Binds)
	}
	for _, mount := range c.Mounts {
		if mount.Type == "bind" || mount.Type == "volume" && !strings.HasPrefix(mount.Name, berth.Name+"-vol-"+app+"_") {
			t.Errorf("%s mounts %+v", c.Name, mount)
		}
	}
	if networks := slices.Collect(maps.Keys(c.NetworkSettings.Networks)); len(networks) != 1 || !strings.HasPrefix(networks[0], berth.Name+"-app-"+app) {
		t.Errorf("%s is on the networks %q", c.Name, networks)
	}
}

// mustRunAs: nobody is root, but for the first moment of what steps down.
func (c confined) mustRunAs(t *testing.T, p project, steps bool) {
	t.Helper()
	user, _, _ := strings.Cut(c.Config.User, ":")
	added := strings.ReplaceAll(strings.Join(c.HostConfig.CapAdd, " "), "CAP_", "")
	running := usersOf(t, c.Name)
	if steps {
		if running[len(running)-1] != p.asUser {
			t.Errorf("%s runs as %q in the end, want %s", c.Name, running, p.asUser)
		}
		for _, capability := range strings.Fields(added) {
			if !slices.Contains([]string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "NET_BIND_SERVICE"}, capability) {
				t.Errorf("%s may %s", c.Name, capability)
			}
		}
		return
	}
	if user == "" || user == "0" || user == "root" || added != "NET_BIND_SERVICE" {
		t.Errorf("%s runs as %q with the capabilities %q", c.Name, user, added)
	}
	if slices.Contains(running, "0") {
		t.Errorf("%s has processes of the users %q", c.Name, running)
	}
}

// usersOf are the users, by number, of the processes of a container, in the order of their ids.
func usersOf(t *testing.T, name string) []string {
	t.Helper()
	fields := strings.Fields(docker(t, "top", strings.TrimPrefix(name, "/"), "-o", "pid,uid"))
	if len(fields) < 4 {
		t.Fatalf("%s: no process is shown: %q", name, fields)
	}
	var users []string
	for i := 3; i < len(fields); i += 2 { // after the heads of both columns
		users = append(users, fields[i])
	}
	return users
}

// mustHaveANetworkOfItsOwn: beside the app's containers, the proxy alone is on it.
func mustHaveANetworkOfItsOwn(t *testing.T, app string, instances []string) {
	t.Helper()
	networks := networksOf(t, app)
	if len(networks) != 1 {
		t.Fatalf("networks are %q", networks)
	}
	members := strings.Fields(docker(t, "network", "inspect", "--format", `{{range .Containers}}{{.Name}} {{end}}`, networks[0]))
	for _, member := range members {
		if !slices.Contains(instances, member) && member != berth.Proxy() {
			t.Errorf("%s is on the network of %s", member, app)
		}
	}
}
