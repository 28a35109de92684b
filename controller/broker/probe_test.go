package broker_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

const createProbe = "/v1.41/containers/create?name=berth-helper-probe"

// prober is what the controller asks to try connections.
func prober() *container.CreateRequest {
	processes := int64(16)
	return &container.CreateRequest{
		Config: &container.Config{
			Image: "berth/helper:1", User: "65534:65534", Cmd: []string{"probe"}, Env: []string{"GOMEMLIMIT=32MiB"}, Labels: labels("berth", "helper"),
			OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
		},
		HostConfig: &container.HostConfig{
			NetworkMode: "berth-probe-x", AutoRemove: true, ReadonlyRootfs: true, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
			IpcMode: "private", CgroupnsMode: "private", OomScoreAdj: 500, LogConfig: container.LogConfig{Type: "none"},
			Resources: container.Resources{Memory: 128 << 20, MemorySwap: 128 << 20, NanoCPUs: 250_000_000, PidsLimit: &processes},
		},
	}
}

func TestBroker_PutsAProbeOnItsNetworkByID(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	status, message := ask(t, client, "POST", createProbe, prober())
	taken := e.taken()
	if status != http.StatusOK || len(taken) != 1 {
		t.Fatalf("%d %s, passed on: %v", status, message, taken)
	}
	var sent container.CreateRequest
	if err := json.Unmarshal([]byte(taken[0].body), &sent); err != nil {
		t.Fatal(err)
	}
	if sent.HostConfig.NetworkMode != probeNetID {
		t.Errorf("it is put on %s", sent.HostConfig.NetworkMode)
	}
}

func TestBroker_RefusesAProbeThatIsAnythingElse(t *testing.T) {
	t.Parallel()
	on := func(name string) func(*container.CreateRequest) {
		return func(r *container.CreateRequest) { r.HostConfig.NetworkMode = container.NetworkMode(name) }
	}
	for name, change := range map[string]func(*container.CreateRequest){
		"on the network of an app":       on("berth-app-hello"),
		"on the stack's own network":     on("berth-0-edge"),
		"on the host's network":          on("host"),
		"on the probe network of others": on("other-probe-x"),
		"on two networks":                func(r *container.CreateRequest) { r.NetworkingConfig = endpoints("berth-app-hello") },
		"on its network with an address": func(r *container.CreateRequest) { r.NetworkingConfig = endpoints("berth-probe-x") },
		"another command":                func(r *container.CreateRequest) { r.Cmd = []string{"serve"} },
		"a command more":                 func(r *container.CreateRequest) { r.Cmd = []string{"probe", "x"} },
		"no command":                     func(r *container.CreateRequest) { r.Cmd = nil },
		"another program":                func(r *container.CreateRequest) { r.Entrypoint = []string{"/sh"} },
		"an image of an app":             func(r *container.CreateRequest) { r.Image = "berth/hello:r1" },
		"as root":                        func(r *container.CreateRequest) { r.User = "0:0" },
		"without a user":                 func(r *container.CreateRequest) { r.User = "" },
		"with a writable root":           func(r *container.CreateRequest) { r.HostConfig.ReadonlyRootfs = false },
		"with a capability":              func(r *container.CreateRequest) { r.HostConfig.CapAdd = []string{"CAP_DAC_OVERRIDE"} },
		"with NET_RAW":                   func(r *container.CreateRequest) { r.HostConfig.CapAdd = []string{"CAP_NET_RAW"} },
		"with a volume": func(r *container.CreateRequest) {
			r.HostConfig.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: "berth-vol-data", Target: "/x"}}
		},
		"with a folder of the host": func(r *container.CreateRequest) { r.HostConfig.Binds = []string{"/:/host"} },
		"with a published port": func(r *container.CreateRequest) {
			r.HostConfig.PortBindings = nat.PortMap{"80/tcp": {{HostPort: "80"}}}
		},
		"with names of its own":              func(r *container.CreateRequest) { r.HostConfig.ExtraHosts = []string{"a:1.2.3.4"} },
		"with a DNS server of its own":       func(r *container.CreateRequest) { r.HostConfig.DNS = []string{"1.2.3.4"} },
		"with more memory than a helper has": func(r *container.CreateRequest) { r.HostConfig.Memory, r.HostConfig.MemorySwap = 1<<30, 1<<30 },
	} {
		e := newEngine()
		client, _, _ := serve(t, e)
		request := prober()
		change(request)
		if status, message := ask(t, client, "POST", createProbe, request); status != http.StatusForbidden || len(e.taken()) != 0 {
			t.Errorf("%s: %d %s", name, status, message)
		}
	}
	e := newEngine()
	client, _, _ := serve(t, e)
	request := instance()
	request.HostConfig.NetworkMode, request.NetworkingConfig = "berth-probe-x", endpoints("berth-probe-x")
	if status, message := ask(t, client, "POST", createInstance, request); status != http.StatusForbidden || !strings.Contains(message, "NetworkMode") {
		t.Errorf("an instance on the network of a probe: %d %s", status, message)
	}
}

func endpoints(name string) *network.NetworkingConfig {
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{name: {IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: "10.201.4.9"}}}}
}

func TestBroker_KnowsTheNetworkOfAProbe(t *testing.T) {
	t.Parallel()
	create := func(name, role string) string {
		return `{"Name":"` + name + `","Driver":"bridge","EnableIPv6":false,"IPAM":{"Config":[{"Subnet":"10.201.4.0/27"}]},"Labels":{"berth.stack":"berth","berth.role":"` + role + `"}}`
	}
	for _, test := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"made", "POST", "/networks/create", create("berth-probe-abc", "probe"), 200},
		{"made under the name of an app's", "POST", "/networks/create", create("berth-app-abc", "probe"), 403},
		{"an app's under its name", "POST", "/networks/create", create("berth-probe-abc", "network"), 403},
		{"removed", "DELETE", "/networks/berth-probe-x", "", 200},
		{"of others removed", "DELETE", "/networks/other-probe-x", "", 403},
		{"joined by the proxy", "POST", "/networks/berth-probe-x/connect", `{"Container":"berth-traefik"}`, 200},
		{"left by the proxy", "POST", "/networks/berth-probe-x/disconnect", `{"Container":"berth-traefik","Force":true}`, 200},
		{"joined by an instance", "POST", "/networks/berth-probe-x/connect", `{"Container":"berth-hello-r1"}`, 403},
		{"joined by the controller", "POST", "/networks/berth-probe-x/connect", `{"Container":"berth-berth"}`, 403},
	} {
		e := newEngine()
		client, _, _ := serve(t, e)
		var body any
		if test.body != "" {
			body = test.body
		}
		if status, message := ask(t, client, test.method, "/v1.41"+test.path, body); status != test.want {
			t.Errorf("%s: %d %s, want %d", test.name, status, message, test.want)
		}
	}
}
