package broker_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"berth/controller/broker"
)

const createInstance = "/v1.41/containers/create?name=berth-hello-r1"

// instance is what the controller asks for a service.
func instance() *container.CreateRequest {
	processes := int64(100)
	yes := true
	return &container.CreateRequest{
		Config: &container.Config{
			Image: "berth/hello:r1", User: "65534:65534", Env: []string{"PORT=8000"}, Labels: labels("berth", "app"), Cmd: []string{"/app"}, StopSignal: "SIGTERM",
		},
		HostConfig: &container.HostConfig{
			NetworkMode: "berth-app-hello", RestartPolicy: container.RestartPolicy{Name: "unless-stopped"},
			LogConfig: container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}},
			CapDrop:   []string{"ALL"}, CapAdd: []string{"CAP_NET_BIND_SERVICE"}, SecurityOpt: []string{"no-new-privileges:true"},
			ReadonlyRootfs: true, Tmpfs: map[string]string{"/tmp": "rw,noexec,nosuid,nodev,size=100m"}, Init: &yes,
			IpcMode: container.IPCModePrivate, CgroupnsMode: container.CgroupnsModePrivate, OomScoreAdj: 500,
			Mounts: []mount.Mount{
				{Type: mount.TypeVolume, Source: "berth-vol-data", Target: "/data", VolumeOptions: &mount.VolumeOptions{NoCopy: true}},
				{Type: mount.TypeVolume, Source: "berth-hello-r1.secrets", Target: "/run/secrets", ReadOnly: true, VolumeOptions: &mount.VolumeOptions{NoCopy: true}},
				{Type: mount.TypeVolume, Target: "/declared"},
				{Type: mount.TypeTmpfs, Target: "/cache", TmpfsOptions: &mount.TmpfsOptions{SizeBytes: 1 << 20}},
			},
			Resources: container.Resources{
				Memory: 512 << 20, MemorySwap: 512 << 20, NanoCPUs: 500_000_000, PidsLimit: &processes,
				Ulimits: []*container.Ulimit{{Name: "nofile", Soft: 16384, Hard: 16384}, {Name: "core"}},
			},
		},
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{"berth-app-hello": {Aliases: []string{"web"}}}},
	}
}

// helperOf is what the controller asks to work in a volume.
func helperOf(volume string) *container.CreateRequest {
	processes := int64(32)
	own := labels("berth", "helper")
	own["berth.volume"] = volume
	return &container.CreateRequest{
		Config: &container.Config{Image: "berth/helper:1", User: "0:0", Labels: own, OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true, NetworkDisabled: true},
		HostConfig: &container.HostConfig{
			NetworkMode: "none", AutoRemove: true, ReadonlyRootfs: true, CapDrop: []string{"ALL"}, CapAdd: []string{"CAP_DAC_OVERRIDE"},
			SecurityOpt: []string{"no-new-privileges:true"}, IpcMode: "private", CgroupnsMode: "private", OomScoreAdj: 500,
			LogConfig: container.LogConfig{Type: "none"},
			Mounts:    []mount.Mount{{Type: mount.TypeVolume, Source: "berth-vol-data", Target: "/volume", VolumeOptions: &mount.VolumeOptions{NoCopy: true}}},
			Resources: container.Resources{Memory: 128 << 20, MemorySwap: 128 << 20, NanoCPUs: 1_000_000_000, PidsLimit: &processes},
		},
	}
}

// transferMount is the folder of sockets, as a helper that works in a volume has it.
func transferMount() mount.Mount {
	return mount.Mount{Type: mount.TypeVolume, Source: "berth-transfer", Target: "/transfer", ReadOnly: true, VolumeOptions: &mount.VolumeOptions{NoCopy: true}}
}

// keeper is what the controller asks to keep secrets in memory.
func keeper() *container.CreateRequest {
	processes := int64(1)
	return &container.CreateRequest{
		Config: &container.Config{Image: "berth/pause:1", User: "65534:65534", Labels: labels("berth", "secrets")},
		HostConfig: &container.HostConfig{
			NetworkMode: "none", ReadonlyRootfs: true, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
			Binds: []string{"berth-hello-r1.secrets:/run/secrets:nocopy"}, LogConfig: container.LogConfig{Type: "none"}, IpcMode: "private", CgroupnsMode: "private",
			Resources: container.Resources{Memory: 6 << 20, MemorySwap: 6 << 20, PidsLimit: &processes},
		},
	}
}

func TestBroker_PassesOnWhatTheControllerMakes(t *testing.T) {
	t.Parallel()
	e := newEngine()
	volume := e.objects["/volumes/berth-vol-data"].(map[string]any)
	volume["Labels"].(map[string]string)["berth.volume"] = "data"
	client, _, _ := serve(t, e)
	nameless := helperOf("data")
	nameless.HostConfig.Mounts[0].Source = strings.Repeat("ef", 32) // only an app of this stack uses it
	moved := helperOf("data")
	moved.HostConfig.Mounts = append(moved.HostConfig.Mounts, transferMount())
	still := helperOf("data") // files are put into it, and it is never started
	still.User, still.Image, still.HostConfig.CapAdd, still.HostConfig.ReadonlyRootfs = "", "berth/hello:r1", nil, false
	for name, request := range map[string]*container.CreateRequest{
		"berth-helper-ghi": still, "berth-hello-r1": instance(), "berth-helper-abc": helperOf("data"), "berth-helper-def": nameless, "berth-helper-jkl": moved, "berth-hello-r1.secrets": keeper(),
	} {
		status, message := ask(t, client, "POST", "/v1.41/containers/create?name="+name, request)
		taken := e.taken()
		if status != http.StatusOK || len(taken) != 1 {
			t.Errorf("%s: %d %s, passed on: %v", name, status, message, taken)
			continue
		}
		var sent container.CreateRequest
		if err := json.Unmarshal([]byte(taken[0].body), &sent); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(sent.Image, "sha256:") {
			t.Errorf("%s: the image is passed on as %q, not by its ID", name, sent.Image)
		}
		sent.Image = request.Image
		want, _ := json.Marshal(request)
		got, _ := json.Marshal(sent)
		if string(got) != string(want) {
			t.Errorf("%s: passed on was\n%s\nnot\n%s", name, got, want)
		}
	}
}

// hostile is one body that must not reach the engine.
type hostile struct {
	name  string
	field string // that the refusal names
	body  func() any
}

// changed is an instance with one change.
func changed(change func(*container.CreateRequest)) func() any {
	return func() any {
		request := instance()
		change(request)
		return request
	}
}

// raw is an instance's text with a part of it replaced.
func raw(part, by string) func() any {
	return func() any {
		text, _ := json.Marshal(instance())
		return strings.Replace(string(text), part, by, 1)
	}
}

func host(change func(*container.HostConfig)) func() any {
	return changed(func(r *container.CreateRequest) { change(r.HostConfig) })
}

// mounted is an instance with one mount.
func mounted(m mount.Mount) func() any {
	return host(func(h *container.HostConfig) { h.Mounts = []mount.Mount{m} })
}

var hostileBodies = []hostile{
	{"privileged", "Privileged", host(func(h *container.HostConfig) { h.Privileged = true })},
	{"keys in lower case", "Privileged", raw(`"Privileged":false`, `"privileged":true`)},
	{"keys in upper case", "Privileged", raw(`"Privileged":false`, `"PRIVILEGED":true`)},
	{"doubled key, danger last", "Privileged", raw(`"Privileged":false`, `"Privileged":false,"Privileged":true`)},
	{"doubled key, in another case", "Privileged", raw(`"Privileged":false`, `"Privileged":false,"priVileged":true`)},
	{"merged objects", "PidMode", raw(`"NetworkingConfig"`, `"HostConfig":{"PidMode":"host"},"NetworkingConfig"`)},
	{"merged objects in lower case", "PidMode", raw(`"NetworkingConfig"`, `"hostconfig":{"pidmode":"host"},"NetworkingConfig"`)},
	{"long s", "PidMode", raw(`"NetworkingConfig"`, `"HoſtConfig":{"PidMode":"host"},"NetworkingConfig"`)},
	{"Kelvin sign", "NetworkMode", raw(`"NetworkMode":"berth-app-hello"`, `"NetworKMode":"host"`)},
	{"unknown field", "body", raw(`"NetworkingConfig"`, `"Surprise":1,"NetworkingConfig"`)},
	{"two documents", "body", func() any {
		text, _ := json.Marshal(instance())
		return string(text) + `{"HostConfig":{"Privileged":true}}`
	}},
	{"an array", "body", func() any { return "[]" }},
	{"null", "body", func() any { return "null" }},
	{"nothing", "body", func() any { return "" }},
	{"half a document", "body", func() any { return `{"Image":"x","HostConfig":{` }},
	{"no host configuration", "body", changed(func(r *container.CreateRequest) { r.HostConfig = nil })},

	{"bind of the root", "Binds", host(func(h *container.HostConfig) { h.Binds = []string{"/:/host"} })},
	{"bind of the socket", "Binds", host(func(h *container.HostConfig) { h.Binds = []string{"/var/run/docker.sock:/s"} })},
	{"bind of a volume", "Binds", host(func(h *container.HostConfig) { h.Binds = []string{"other-vol-data:/data"} })},
	{"volumes of another container", "VolumesFrom", host(func(h *container.HostConfig) { h.VolumesFrom = []string{"berth-berth"} })},
	{"bind mount", "Type", mounted(mount.Mount{Type: mount.TypeBind, Source: "/etc", Target: "/data"})},
	{"named pipe", "Type", mounted(mount.Mount{Type: mount.TypeNamedPipe, Source: "x", Target: "/data"})},
	{"cluster volume", "Type", mounted(mount.Mount{Type: mount.TypeCluster, Source: "x", Target: "/data"})},
	{"image as a mount", "Type", mounted(mount.Mount{Type: mount.TypeImage, Source: "postgres:17", Target: "/data"})},
	{"mount of no type", "Type", mounted(mount.Mount{Source: "/etc", Target: "/data"})},
	{"volume with a driver's options", "VolumeOptions", mounted(mount.Mount{Type: mount.TypeVolume, Source: "berth-vol-data", Target: "/data", VolumeOptions: &mount.VolumeOptions{DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{"type": "none", "o": "bind", "device": "/"}}}})},
	{"volume with labels", "VolumeOptions", mounted(mount.Mount{Type: mount.TypeVolume, Source: "berth-vol-data", Target: "/data", VolumeOptions: &mount.VolumeOptions{Labels: map[string]string{"a": "b"}}})},
	{"part of a volume", "VolumeOptions", mounted(mount.Mount{Type: mount.TypeVolume, Source: "berth-vol-data", Target: "/data", VolumeOptions: &mount.VolumeOptions{Subpath: "../../.."}})},
	{"volume with options of a bind", "BindOptions", mounted(mount.Mount{Type: mount.TypeVolume, Source: "berth-vol-data", Target: "/data", BindOptions: &mount.BindOptions{Propagation: "shared"}})},
	{"volume without a name that is filled from a driver", "VolumeOptions", mounted(mount.Mount{Type: mount.TypeVolume, Target: "/data", VolumeOptions: &mount.VolumeOptions{DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{"o": "bind", "device": "/"}}}})},
	{"volume without a name of another stack", "Source", mounted(mount.Mount{Type: mount.TypeVolume, Source: strings.Repeat("ab", 32), Target: "/data"})},
	{"volume without a name that nobody uses", "Source", mounted(mount.Mount{Type: mount.TypeVolume, Source: strings.Repeat("cd", 32), Target: "/data"})},
	{"file system on another disk", "StorageOpt", host(func(h *container.HostConfig) { h.StorageOpt = map[string]string{"dm.basesize": "1"} })},
	{"file system without a bound", "StorageOpt", host(func(h *container.HostConfig) { h.StorageOpt = map[string]string{"size": "1t,x"} })},
	{"memory of another user and a word more", "Tmpfs", host(func(h *container.HostConfig) {
		h.Tmpfs = map[string]string{"/tmp": "rw,noexec,nosuid,nodev,size=1m,uid=1,gid=1,exec"}
	})},
	{"volume of another stack", "Source", mounted(mount.Mount{Type: mount.TypeVolume, Source: "other-vol-data", Target: "/data"})},
	{"volume of the ledger", "Source", mounted(mount.Mount{Type: mount.TypeVolume, Source: "berth-data", Target: "/data"})},
	{"volume that is a path", "Source", mounted(mount.Mount{Type: mount.TypeVolume, Source: "../../data", Target: "/data"})},
	{"secrets of another instance", "Source", mounted(mount.Mount{Type: mount.TypeVolume, Source: "berth-other-r1.secrets", Target: "/run/secrets", ReadOnly: true})},
	{"own secrets to be written", "Source", mounted(mount.Mount{Type: mount.TypeVolume, Source: "berth-hello-r1.secrets", Target: "/run/secrets"})},
	{"memory without a bound", "TmpfsOptions", mounted(mount.Mount{Type: mount.TypeTmpfs, Target: "/data"})},
	{"memory with options", "TmpfsOptions", mounted(mount.Mount{Type: mount.TypeTmpfs, Target: "/data", TmpfsOptions: &mount.TmpfsOptions{SizeBytes: 1, Options: [][]string{{"exec"}}}})},
	{"memory that runs programs", "Tmpfs", host(func(h *container.HostConfig) { h.Tmpfs = map[string]string{"/tmp": "rw,exec,size=1m"} })},
	{"memory without a size", "Tmpfs", host(func(h *container.HostConfig) { h.Tmpfs = map[string]string{"/tmp": "rw,noexec,nosuid,nodev"} })},
	{"memory with a second word", "Tmpfs", host(func(h *container.HostConfig) {
		h.Tmpfs = map[string]string{"/tmp": "rw,noexec,nosuid,nodev,size=1m,exec"}
	})},

	{"host network", "NetworkMode", host(func(h *container.HostConfig) { h.NetworkMode = "host" })},
	{"no network of its own", "NetworkMode", host(func(h *container.HostConfig) { h.NetworkMode = "none" })},
	{"default bridge", "NetworkMode", host(func(h *container.HostConfig) { h.NetworkMode = "bridge" })},
	{"network of another container", "NetworkMode", host(func(h *container.HostConfig) { h.NetworkMode = "container:berth-berth" })},
	{"network of another stack", "NetworkMode", changed(func(r *container.CreateRequest) {
		r.HostConfig.NetworkMode = "other-app-hello"
		r.NetworkingConfig.EndpointsConfig = map[string]*network.EndpointSettings{"other-app-hello": {}}
	})},
	{"network of the stack itself", "NetworkMode", changed(func(r *container.CreateRequest) {
		r.HostConfig.NetworkMode = "berth-0-edge"
		r.NetworkingConfig.EndpointsConfig = map[string]*network.EndpointSettings{"berth-0-edge": {}}
	})},
	{"two networks", "EndpointsConfig", changed(func(r *container.CreateRequest) {
		r.NetworkingConfig.EndpointsConfig["berth-0-edge"] = &network.EndpointSettings{}
	})},
	{"a fixed address", "IPAMConfig", changed(func(r *container.CreateRequest) {
		r.NetworkingConfig.EndpointsConfig["berth-app-hello"].IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: "10.201.0.2"}
	})},
	{"links", "Links", changed(func(r *container.CreateRequest) {
		r.NetworkingConfig.EndpointsConfig["berth-app-hello"].Links = []string{"a:b"}
	})},
	{"options of the network's driver", "DriverOpts", changed(func(r *container.CreateRequest) {
		r.NetworkingConfig.EndpointsConfig["berth-app-hello"].DriverOpts = map[string]string{"a": "b"}
	})},
	{"published port", "PortBindings", host(func(h *container.HostConfig) {
		h.PortBindings = nat.PortMap{"80/tcp": []nat.PortBinding{{HostPort: "80"}}}
	})},
	{"all ports published", "PublishAllPorts", host(func(h *container.HostConfig) { h.PublishAllPorts = true })},
	{"exposed port", "ExposedPorts", changed(func(r *container.CreateRequest) { r.ExposedPorts = nat.PortSet{"80/tcp": {}} })},

	{"all capabilities", "CapAdd", host(func(h *container.HostConfig) { h.CapAdd = []string{"ALL"} })},
	{"administrator's capability", "CapAdd", host(func(h *container.HostConfig) { h.CapAdd = []string{"CAP_SYS_ADMIN"} })},
	{"raw sockets", "CapAdd", host(func(h *container.HostConfig) { h.CapAdd = []string{"NET_RAW"} })},
	{"nothing dropped", "CapDrop", host(func(h *container.HostConfig) { h.CapDrop = nil })},
	{"one dropped", "CapDrop", host(func(h *container.HostConfig) { h.CapDrop = []string{"CAP_CHOWN"} })},
	{"seccomp unconfined", "SecurityOpt", host(func(h *container.HostConfig) { h.SecurityOpt = append(h.SecurityOpt, "seccomp=unconfined") })},
	{"apparmor unconfined", "SecurityOpt", host(func(h *container.HostConfig) { h.SecurityOpt = []string{"apparmor=unconfined"} })},
	{"new privileges", "SecurityOpt", host(func(h *container.HostConfig) { h.SecurityOpt = nil })},
	{"new privileges by another spelling", "SecurityOpt", host(func(h *container.HostConfig) { h.SecurityOpt = []string{"no-new-privileges:false"} })},
	{"unmasked /proc", "SecurityOpt", host(func(h *container.HostConfig) { h.SecurityOpt = append(h.SecurityOpt, "systempaths=unconfined") })},
	{"host processes", "PidMode", host(func(h *container.HostConfig) { h.PidMode = "host" })},
	{"processes of another", "PidMode", host(func(h *container.HostConfig) { h.PidMode = "container:berth-broker" })},
	{"host memory", "IpcMode", host(func(h *container.HostConfig) { h.IpcMode = "host" })},
	{"memory of another", "IpcMode", host(func(h *container.HostConfig) { h.IpcMode = "container:x" })},
	{"shareable memory", "IpcMode", host(func(h *container.HostConfig) { h.IpcMode = "shareable" })},
	{"host's names", "UTSMode", host(func(h *container.HostConfig) { h.UTSMode = "host" })},
	{"host's users", "UsernsMode", host(func(h *container.HostConfig) { h.UsernsMode = "host" })},
	{"host's cgroups", "CgroupnsMode", host(func(h *container.HostConfig) { h.CgroupnsMode = "host" })},
	{"cgroup of another", "CgroupParent", host(func(h *container.HostConfig) { h.CgroupParent = "/" })},
	{"device", "Devices", host(func(h *container.HostConfig) {
		h.Devices = []container.DeviceMapping{{PathOnHost: "/dev/sda", PathInContainer: "/dev/sda", CgroupPermissions: "rwm"}}
	})},
	{"device rule", "DeviceCgroupRules", host(func(h *container.HostConfig) { h.DeviceCgroupRules = []string{"a *:* rwm"} })},
	{"device request", "DeviceRequests", host(func(h *container.HostConfig) { h.DeviceRequests = []container.DeviceRequest{{Count: -1}} })},
	{"another runtime", "Runtime", host(func(h *container.HostConfig) { h.Runtime = "evil" })},
	{"nothing masked", "MaskedPaths", raw(`"MaskedPaths":null`, `"MaskedPaths":["/x"]`)},
	{"an empty list of masked paths", "MaskedPaths", raw(`"MaskedPaths":null`, `"MaskedPaths":[]`)},
	{"an empty list of read-only paths", "ReadonlyPaths", raw(`"ReadonlyPaths":null`, `"ReadonlyPaths":[]`)},
	{"container ID file", "ContainerIDFile", host(func(h *container.HostConfig) { h.ContainerIDFile = "/etc/cron.d/x" })},
	{"log driver", "LogConfig", host(func(h *container.HostConfig) { h.LogConfig.Type = "syslog" })},
	{"log address", "LogConfig", host(func(h *container.HostConfig) { h.LogConfig.Config["gelf-address"] = "udp://10.0.0.1" })},
	{"log without a bound", "LogConfig", host(func(h *container.HostConfig) { h.LogConfig.Config = nil })},

	{"no memory limit", "Memory", host(func(h *container.HostConfig) { h.Memory, h.MemorySwap = 0, 0 })},
	{"too much memory", "Memory", host(func(h *container.HostConfig) { h.Memory, h.MemorySwap = 4<<30, 4<<30 })},
	{"swap without a limit", "MemorySwap", host(func(h *container.HostConfig) { h.MemorySwap = -1 })},
	{"no limit of processors", "NanoCpus", host(func(h *container.HostConfig) { h.NanoCPUs = 0 })},
	{"too many processors", "NanoCpus", host(func(h *container.HostConfig) { h.NanoCPUs = 64e9 })},
	{"no limit of processes", "PidsLimit", host(func(h *container.HostConfig) { h.PidsLimit = nil })},
	{"processes without an end", "PidsLimit", host(func(h *container.HostConfig) { *h.PidsLimit = -1 })},
	{"shared memory", "ShmSize", host(func(h *container.HostConfig) { h.ShmSize = 1 << 40 })},
	{"never killed", "OomKillDisable", host(func(h *container.HostConfig) { yes := true; h.OomKillDisable = &yes })},
	{"killed last", "OomScoreAdj", host(func(h *container.HostConfig) { h.OomScoreAdj = -1000 })},
	{"open files without a bound", "Ulimits", host(func(h *container.HostConfig) { h.Ulimits[0].Hard = 1 << 40 })},
	{"a limit of none", "Ulimits", host(func(h *container.HostConfig) { h.Ulimits[0].Name = "rtprio" })},
	{"kernel setting", "Sysctls", host(func(h *container.HostConfig) { h.Sysctls = map[string]string{"kernel.core_pattern": "|/x"} })},
	{"kernel setting with text", "Sysctls", host(func(h *container.HostConfig) { h.Sysctls = map[string]string{"net.core.somaxconn": "1;2"} })},

	{"a user by name", "User", changed(func(r *container.CreateRequest) { r.User = "root" })},
	{"no user", "User", changed(func(r *container.CreateRequest) { r.User = "" })},
	{"a group by name", "GroupAdd", host(func(h *container.HostConfig) { h.GroupAdd = []string{"docker"} })},
	{"image of another stack", "Image", changed(func(r *container.CreateRequest) { r.Image = "other/hello:r1" })},
	{"no image", "Image", changed(func(r *container.CreateRequest) { r.Image = "" })},
	{"image by a path", "Image", changed(func(r *container.CreateRequest) { r.Image = "../containers/json?x=" })},
	{"a terminal", "Tty", changed(func(r *container.CreateRequest) { r.Tty = true })},
	{"anonymous volumes", "Volumes", changed(func(r *container.CreateRequest) { r.Volumes = map[string]struct{}{"/x": {}} })},
	{"a hardware address", "MacAddress", raw(`"Hostname":""`, `"Hostname":"","MacAddress":"02:42:ac:11:00:02"`)},
	{"labels of another stack", "Labels", changed(func(r *container.CreateRequest) { r.Labels["berth.stack"] = "other" })},
	{"role of the proxy", "Labels", changed(func(r *container.CreateRequest) { r.Labels["berth.role"] = "proxy" })},
	{"role of the controller", "Labels", changed(func(r *container.CreateRequest) { r.Labels["berth.role"] = "controller" })},
	{"no labels", "Labels", changed(func(r *container.CreateRequest) { r.Labels = nil })},
	{"a helper by its label", "query name", changed(func(r *container.CreateRequest) { r.Labels["berth.role"] = "helper" })},
	{"a keeper by its label", "query name", changed(func(r *container.CreateRequest) { r.Labels["berth.role"] = "secrets" })},
}

func TestBroker_RefusesHostileBodiesByTheirField(t *testing.T) {
	t.Parallel()
	if len(hostileBodies) < 80 {
		t.Errorf("there are only %d", len(hostileBodies))
	}
	e := newEngine()
	client, door, _ := serve(t, e)
	for _, test := range hostileBodies {
		before := door.Refused()
		status, message := ask(t, client, "POST", createInstance, test.body())
		if status != http.StatusForbidden || !strings.Contains(message, test.field) {
			t.Errorf("%s: %d %s, want a refusal of %s", test.name, status, message, test.field)
		}
		if passed := e.taken(); len(passed) != 0 {
			t.Errorf("%s: passed on was %v", test.name, passed)
		}
		if door.Refused() != before+1 {
			t.Errorf("%s: it is not counted", test.name)
		}
	}
}

// judged are the fields that the policy knows a right value of. Every other one must be
// empty. A field that is new in the engine's types is in neither list: think about it, and
// put it into one.
var (
	judgedHost = []string{
		"Binds", "LogConfig", "NetworkMode", "RestartPolicy", "AutoRemove", "CapAdd", "CapDrop", "CgroupnsMode", "DNS", "ExtraHosts", "GroupAdd", "IpcMode",
		"OomScoreAdj", "ReadonlyRootfs", "SecurityOpt", "Tmpfs", "ShmSize", "StorageOpt", "Sysctls", "Mounts", "Init",
		"Memory", "NanoCPUs", "CgroupParent", "MemoryReservation", "MemorySwap", "PidsLimit", "Ulimits",
	}
	emptyHost = []string{
		"ContainerIDFile", "PortBindings", "VolumeDriver", "VolumesFrom", "ConsoleSize", "Annotations", "DNSOptions", "DNSSearch", "Cgroup", "Links",
		"PidMode", "Privileged", "PublishAllPorts", "UTSMode", "UsernsMode", "Runtime", "Isolation", "MaskedPaths", "ReadonlyPaths",
		"CPUShares", "BlkioWeight", "BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps",
		"CPUPeriod", "CPUQuota", "CPURealtimePeriod", "CPURealtimeRuntime", "CpusetCpus", "CpusetMems", "Devices", "DeviceCgroupRules", "DeviceRequests",
		"KernelMemory", "KernelMemoryTCP", "MemorySwappiness", "OomKillDisable", "CPUCount", "CPUPercent", "IOMaximumIOps", "IOMaximumBandwidth",
	}
	judgedConfig = []string{
		"Hostname", "User", "AttachStdin", "AttachStdout", "AttachStderr", "OpenStdin", "StdinOnce", "Env", "Cmd", "Healthcheck", "Image", "WorkingDir",
		"Entrypoint", "NetworkDisabled", "Labels", "StopSignal", "StopTimeout",
	}
	emptyConfig = []string{"Domainname", "ExposedPorts", "Tty", "ArgsEscaped", "Volumes", "MacAddress", "OnBuild", "Shell"}
)

func TestBroker_JudgesEveryFieldOfTheEngine(t *testing.T) {
	t.Parallel()
	for _, of := range []struct {
		name          string
		value         any
		judged, empty []string
	}{
		{"HostConfig", container.HostConfig{}, judgedHost, emptyHost},
		{"Config", container.Config{}, judgedConfig, emptyConfig},
		{"CreateRequest", container.CreateRequest{}, append([]string{"HostConfig", "NetworkingConfig"}, judgedConfig...), emptyConfig},
		{"NetworkingConfig", network.NetworkingConfig{}, []string{"EndpointsConfig"}, nil},
		{"EndpointSettings", network.EndpointSettings{}, []string{"Aliases", "GwPriority"}, []string{
			"IPAMConfig", "Links", "MacAddress", "DriverOpts", "NetworkID", "EndpointID", "Gateway", "IPAddress", "IPPrefixLen", "IPv6Gateway",
			"GlobalIPv6Address", "GlobalIPv6PrefixLen", "DNSNames",
		}},
		{"Mount", mount.Mount{}, []string{"Type", "Source", "Target", "ReadOnly", "VolumeOptions", "TmpfsOptions"}, []string{"Consistency", "BindOptions", "ImageOptions", "ClusterOptions"}},
	} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(of.value)) {
			if field.Anonymous || slices.Contains(of.judged, field.Name) != slices.Contains(of.empty, field.Name) {
				continue
			}
			t.Errorf("nothing is decided about %s.%s", of.name, field.Name)
		}
	}
}

// TestBroker_RefusesEveryOtherFieldAlone sets each field that must be empty.
func TestBroker_RefusesEveryOtherFieldAlone(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	for _, name := range append(slices.Clone(emptyHost), emptyConfig...) {
		request := instance()
		target := reflect.ValueOf(request.HostConfig).Elem().FieldByName(name)
		if !target.IsValid() {
			target = reflect.ValueOf(request.Config).Elem().FieldByName(name)
		}
		fill(target)
		status, message := ask(t, client, "POST", createInstance, request)
		if passed := e.taken(); status != http.StatusForbidden || len(passed) != 0 {
			t.Errorf("%s: %d %s, passed on: %v", name, status, message, passed)
		}
	}
}

// fill sets a value to something that is not its zero.
func fill(value reflect.Value) {
	switch value.Kind() {
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		fill(value.Elem())
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		fill(value.Index(0))
	case reflect.Array:
		fill(value.Index(0))
	case reflect.Map:
		key, entry := reflect.New(value.Type().Key()).Elem(), reflect.New(value.Type().Elem()).Elem()
		fill(key)
		value.Set(reflect.MakeMap(value.Type()))
		value.SetMapIndex(key, entry)
	case reflect.Struct:
		fill(value.Field(0))
	case reflect.String:
		value.SetString("80")
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Uint, reflect.Uint16, reflect.Uint64:
		value.SetUint(7)
	default:
		value.SetInt(7)
	}
}

func TestBroker_TheOperatorsListIsTheBrokersOwn(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e, func(p *broker.Policy) { p.ForbidRoot, p.ForbidWritableRoot = true, true })
	for field, body := range map[string]func() any{
		"User":           changed(func(r *container.CreateRequest) { r.User = "0:0" }),
		"CapAdd":         host(func(h *container.HostConfig) { h.CapAdd = []string{"CAP_CHOWN"} }),
		"ReadonlyRootfs": host(func(h *container.HostConfig) { h.ReadonlyRootfs = false }),
	} {
		if status, message := ask(t, client, "POST", createInstance, body()); status != http.StatusForbidden || !strings.Contains(message, field) {
			t.Errorf("%s: %d %s", field, status, message)
		}
	}
	if passed := e.taken(); len(passed) != 0 {
		t.Errorf("passed on was %v", passed)
	}
}

// endless is a body without an end.
type endless struct{ given int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.given += len(p)
	return len(p), nil
}

func TestBroker_RefusesWhatIsTooLargeToBeLookedAt(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	for name, body := range map[string]any{
		"one byte over": strings.Repeat(" ", 256<<10+1), "chunked, without an end": &endless{},
	} {
		if status, message := ask(t, client, "POST", createInstance, body); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %s", name, status, message)
		}
	}
	if status, message := ask(t, client, "POST", "/v1.41/networks/create", strings.Repeat(" ", 1<<20+1)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a network: %d %s", status, message)
	}
	if status, message := ask(t, client, "POST", "/v1.41/containers/berth-hello-r1/start", "{}"); status != http.StatusForbidden {
		t.Errorf("a body where there is none: %d %s", status, message)
	}
	if passed := e.taken(); len(passed) != 0 {
		t.Errorf("passed on was %v", passed)
	}
}

func ExampleRefusal() {
	fmt.Println((&broker.Refusal{Field: "HostConfig.Privileged", Reason: "it is set"}).Error())
	// Output: berth broker: HostConfig.Privileged: it is set
}

// The folder of sockets leads to the controller: only a helper has it, read-only, and beside
// one volume.
func TestBroker_RefusesTheFolderOfSocketsElsewhere(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	with := func(change func(*container.CreateRequest)) *container.CreateRequest {
		request := helperOf("data")
		request.HostConfig.Mounts = append(request.HostConfig.Mounts, transferMount())
		change(request)
		return request
	}
	mounted := func(change func(*mount.Mount)) *container.CreateRequest {
		return with(func(r *container.CreateRequest) { change(&r.HostConfig.Mounts[1]) })
	}
	for name, request := range map[string]*container.CreateRequest{
		"it can be written to":       mounted(func(m *mount.Mount) { m.ReadOnly = false }),
		"it is another stack's":      mounted(func(m *mount.Mount) { m.Source = "other-transfer" }),
		"it is elsewhere":            mounted(func(m *mount.Mount) { m.Target = "/volume/transfer" }),
		"it is a folder of the host": mounted(func(m *mount.Mount) { m.Type = mount.TypeBind }),
		"it is filled":               mounted(func(m *mount.Mount) { m.VolumeOptions = nil }),
		"it has options":             mounted(func(m *mount.Mount) { m.VolumeOptions.Subpath = ".." }),
		"it is what is worked in":    with(func(r *container.CreateRequest) { r.HostConfig.Mounts = r.HostConfig.Mounts[1:] }),
		"it is there twice":          with(func(r *container.CreateRequest) { r.HostConfig.Mounts = append(r.HostConfig.Mounts, transferMount()) }),
		"another volume is beside it": with(func(r *container.CreateRequest) {
			r.HostConfig.Mounts = append(r.HostConfig.Mounts, r.HostConfig.Mounts[0])
		}),
		"the image is an app's": with(func(r *container.CreateRequest) { r.Image, r.HostConfig.CapAdd = "berth/hello:r1", nil }),
	} {
		status, message := ask(t, client, "POST", "/v1.41/containers/create?name=berth-helper-abc", request)
		if status != http.StatusForbidden || !strings.Contains(message, "HostConfig.Mounts") {
			t.Errorf("%s: %d %s", name, status, message)
		}
		if passed := e.taken(); len(passed) != 0 {
			t.Errorf("%s: passed on was %v", name, passed)
		}
	}
	hello := instance()
	hello.HostConfig.Mounts = append(hello.HostConfig.Mounts, transferMount())
	if status, message := ask(t, client, "POST", createInstance, hello); status != http.StatusForbidden || !strings.Contains(message, "HostConfig.Mounts") {
		t.Errorf("an app: %d %s", status, message)
	}
}
