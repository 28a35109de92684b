package broker_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"

	"berth/controller/broker"
)

const createExit = "/v1.41/containers/create?name=berth-egress"

// exitOf is what the controller asks for the exit of closed networks.
func exitOf(change func(*container.CreateRequest)) *container.CreateRequest {
	processes := int64(32)
	request := &container.CreateRequest{
		Config: &container.Config{
			Image: "berth/helper:1", User: "65534:65534", Entrypoint: []string{"/berth", "egress-proxy"}, Cmd: []string{"--pool", "10.201.0.0/16"},
			Env: []string{"GOMEMLIMIT=100MiB"}, OpenStdin: true, Labels: labels("berth", "egress"),
		},
		HostConfig: &container.HostConfig{
			NetworkMode: "berth-0-egress", ReadonlyRootfs: true, CapDrop: []string{"ALL"}, SecurityOpt: []string{"no-new-privileges:true"},
			IpcMode: "private", CgroupnsMode: "private", RestartPolicy: container.RestartPolicy{Name: "unless-stopped"},
			LogConfig: container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}},
			Resources: container.Resources{Memory: 128 << 20, MemorySwap: 128 << 20, PidsLimit: &processes, Ulimits: []*container.Ulimit{{Name: "nofile", Soft: 4096, Hard: 4096}}},
		},
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{"berth-0-egress": {}}},
	}
	if change != nil {
		change(request)
	}
	return request
}

func TestBroker_MakesTheExitAsItIsAndNoOther(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	if status, message := ask(t, client, "POST", createExit, exitOf(nil)); status != http.StatusOK || len(e.taken()) != 1 {
		t.Fatalf("the exit: %d %s", status, message)
	}
	for name, test := range map[string]struct {
		field  string
		change func(*container.CreateRequest)
	}{
		"another program":    {"Entrypoint", func(r *container.CreateRequest) { r.Entrypoint = []string{"/berth", "helper"} }},
		"no program of ours": {"Entrypoint", func(r *container.CreateRequest) { r.Entrypoint = nil }},
		"an app's image":     {"Image", func(r *container.CreateRequest) { r.Image = "berth/hello:r1" }},
		"nobody's image":     {"Image", func(r *container.CreateRequest) { r.Image = "postgres:17" }},
		"private by itself":  {"Cmd", func(r *container.CreateRequest) { r.Cmd = append(r.Cmd, "--private") }},
		"another pool":       {"Cmd", func(r *container.CreateRequest) { r.Cmd[1] = "192.0.2.0/24" }},
		"root":               {"HostConfig.ReadonlyRootfs", func(r *container.CreateRequest) { r.User = "0:0" }},
		"the image's user":   {"HostConfig.ReadonlyRootfs", func(r *container.CreateRequest) { r.User = "" }},
		"a writable root":    {"HostConfig.ReadonlyRootfs", func(r *container.CreateRequest) { r.HostConfig.ReadonlyRootfs = false }},
		"NET_ADMIN":          {"HostConfig.CapAdd", func(r *container.CreateRequest) { r.HostConfig.CapAdd = []string{"NET_ADMIN"} }},
		"NET_BIND_SERVICE":   {"HostConfig.CapAdd", func(r *container.CreateRequest) { r.HostConfig.CapAdd = []string{"CAP_NET_BIND_SERVICE"} }},
		"privileged":         {"HostConfig.Privileged", func(r *container.CreateRequest) { r.HostConfig.Privileged = true }},
		"the host's network": {"HostConfig.NetworkMode", func(r *container.CreateRequest) { r.HostConfig.NetworkMode = "host" }},
		"the edge": {"HostConfig.NetworkMode", func(r *container.CreateRequest) {
			r.HostConfig.NetworkMode = "berth-0-edge"
			r.NetworkingConfig.EndpointsConfig = map[string]*network.EndpointSettings{"berth-0-edge": {}}
		}},
		"an app's network": {"HostConfig.NetworkMode", func(r *container.CreateRequest) {
			r.HostConfig.NetworkMode = "berth-app-hello"
			r.NetworkingConfig.EndpointsConfig = map[string]*network.EndpointSettings{"berth-app-hello": {}}
		}},
		"an alias": {"NetworkingConfig.EndpointsConfig.Aliases", func(r *container.CreateRequest) {
			r.NetworkingConfig.EndpointsConfig["berth-0-egress"].Aliases = []string{"x"}
		}},
		"a volume": {"HostConfig.Mounts", func(r *container.CreateRequest) {
			r.HostConfig.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: "berth-vol-data", Target: "/x"}}
		}},
		"a bind":             {"HostConfig.Binds", func(r *container.CreateRequest) { r.HostConfig.Binds = []string{"/:/x"} }},
		"sysctls":            {"HostConfig.Sysctls", func(r *container.CreateRequest) { r.HostConfig.Sysctls = map[string]string{"net.ipv4.ip_forward": "1"} }},
		"a log without end":  {"HostConfig.LogConfig", func(r *container.CreateRequest) { r.HostConfig.LogConfig = container.LogConfig{} }},
		"hosts of its own":   {"HostConfig.ExtraHosts", func(r *container.CreateRequest) { r.HostConfig.ExtraHosts = []string{"api.example.com:10.201.0.9"} }},
		"another's resolver": {"HostConfig.DNS", func(r *container.CreateRequest) { r.HostConfig.DNS = []string{"10.201.0.9"} }},
		"much memory":        {"HostConfig.Memory", func(r *container.CreateRequest) { r.HostConfig.Memory = 1 << 30 }},
		"a terminal":         {"Tty", func(r *container.CreateRequest) { r.Tty = true }},
	} {
		if status, message := ask(t, client, "POST", createExit, exitOf(test.change)); status != http.StatusForbidden || !strings.Contains(message, test.field) {
			t.Errorf("%s: %d %s, want a refusal of %s", name, status, message, test.field)
		}
	}
	if status, _ := ask(t, client, "POST", "/v1.41/containers/create?name=berth-egress2", exitOf(nil)); status != http.StatusForbidden {
		t.Errorf("a second exit: %d", status)
	}
	if passed := e.taken(); len(passed) != 0 {
		t.Errorf("passed on was %v", passed)
	}
}

func TestBroker_LetsTheExitReachPrivateAddressesOnlyByTheOperatorsWord(t *testing.T) {
	t.Parallel()
	client, _, _ := serve(t, newEngine(), func(p *broker.Policy) { p.PrivateEgress = true })
	lax := exitOf(func(r *container.CreateRequest) { r.Cmd = append(r.Cmd, "--private") })
	if status, message := ask(t, client, "POST", createExit, lax); status != http.StatusOK {
		t.Errorf("with the operator's word: %d %s", status, message)
	}
}

func TestBroker_ClosedNetworksAreClosedAndTheExitIsOnThemAlone(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	closed := func(change string) string {
		text := `{"Name":"berth-app-shop.r2","Driver":"bridge","EnableIPv6":false,"Internal":true,"Options":{"com.docker.network.bridge.inhibit_ipv4":"true"},` +
			`"IPAM":{"Config":[{"Subnet":"10.201.4.0/27"}]},"Labels":{"berth.stack":"berth","berth.role":"network","berth.egress":"list"}}`
		part, by, _ := strings.Cut(change, " => ")
		return strings.Replace(text, part, by, 1)
	}
	outside := func(change string) string {
		text := `{"Name":"berth-0-egress","Driver":"bridge","IPAM":{"Config":[{"Subnet":"10.201.4.0/27"}]},"Labels":{"berth.stack":"berth","berth.role":"egress"}}`
		part, by, _ := strings.Cut(change, " => ")
		return strings.Replace(text, part, by, 1)
	}
	for name, test := range map[string]struct {
		uri, body string
		want      int
	}{
		"a closed network":                {"/networks/create", closed(""), 200},
		"closed by its label alone":       {"/networks/create", closed(`"Internal":true, => `), 403},
		"with the machine's address":      {"/networks/create", closed(`inhibit_ipv4":"true" => inhibit_ipv4":"false"`), 403},
		"without the option":              {"/networks/create", closed(`"Options":{"com.docker.network.bridge.inhibit_ipv4":"true"}, => `), 403},
		"one more option":                 {"/networks/create", closed(`"Options":{ => "Options":{"com.docker.network.bridge.name":"docker0",`), 403},
		"internal without the label":      {"/networks/create", closed(`,"berth.egress":"list" => `), 403},
		"the way outside":                 {"/networks/create", outside(""), 200},
		"the way outside by another name": {"/networks/create", outside(`berth-0-egress => berth-app-x`), 403},
		"the way outside called closed":   {"/networks/create", outside(`"berth.role":"egress" => "berth.role":"egress","berth.egress":"list"`), 403},
		"the way outside of others":       {"/networks/create", outside("10.201.4.0/27 => 192.168.0.0/24"), 403},

		"the exit on a closed network":   {"/networks/berth-app-shop.r2/connect", `{"Container":"berth-egress","EndpointConfig":{"IPAMConfig":{"IPv4Address":"10.201.4.30"}}}`, 200},
		"the exit leaves it":             {"/networks/berth-app-shop.r2/disconnect", `{"Container":"berth-egress","Force":true}`, 200},
		"an address outside the pool":    {"/networks/berth-app-shop.r2/connect", `{"Container":"berth-egress","EndpointConfig":{"IPAMConfig":{"IPv4Address":"192.168.0.1"}}}`, 403},
		"more of the address":            {"/networks/berth-app-shop.r2/connect", `{"Container":"berth-egress","EndpointConfig":{"IPAMConfig":{"IPv4Address":"10.201.4.30","LinkLocalIPs":["169.254.169.254"]}}}`, 403},
		"an alias of the exit":           {"/networks/berth-app-shop.r2/connect", `{"Container":"berth-egress","EndpointConfig":{"Aliases":["api.example.com"]}}`, 403},
		"an address of an app":           {"/networks/berth-app-shop.r2/connect", `{"Container":"berth-hello-r1","EndpointConfig":{"IPAMConfig":{"IPv4Address":"10.201.4.30"}}}`, 403},
		"the exit on an open network":    {"/networks/berth-app-hello/connect", `{"Container":"berth-egress"}`, 403},
		"the exit on the edge":           {"/networks/berth-0-edge/connect", `{"Container":"berth-egress"}`, 403},
		"an app on the way outside":      {"/networks/berth-0-egress/connect", `{"Container":"berth-hello-r1"}`, 403},
		"the controller on a closed one": {"/networks/berth-app-shop.r2/connect", `{"Container":"berth-berth"}`, 403},
		"the exit stopped":               {"/containers/berth-egress/stop?t=1", "", 403},
		"the exit restarted":             {"/containers/berth-egress/restart?t=1", "", 403},
		"the exit started":               {"/containers/berth-egress/start", "", 200},
	} {
		var body any
		if test.body != "" {
			body = test.body
		}
		if status, message := ask(t, client, "POST", "/v1.41"+test.uri, body); status != test.want {
			t.Errorf("%s: %d %s, want %d", name, status, message, test.want)
		}
	}
	if status, message := ask(t, client, "PUT", "/v1.41/containers/berth-egress/archive?path=/", nil); status != http.StatusForbidden {
		t.Errorf("files in the exit: %d %s", status, message)
	}
}

func TestBroker_AnAppOnAClosedNetworkAsksTheExitAlone(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	on := func(name string, servers ...string) *container.CreateRequest {
		request := instance()
		request.HostConfig.NetworkMode = container.NetworkMode(name)
		request.NetworkingConfig.EndpointsConfig = map[string]*network.EndpointSettings{name: {}}
		request.HostConfig.DNS = servers
		return request
	}
	for name, test := range map[string]struct {
		request *container.CreateRequest
		want    int
	}{
		"the exit":           {on("berth-app-shop.r2", "10.201.4.30"), 200},
		"nobody":             {on("berth-app-shop.r2"), 403},
		"somebody else":      {on("berth-app-shop.r2", "9.9.9.9"), 403},
		"somebody else too":  {on("berth-app-shop.r2", "10.201.4.30", "9.9.9.9"), 403},
		"on an open network": {on("berth-app-hello", "10.201.4.30"), 403},
		"no address":         {on("berth-app-shop.r2", "exit"), 403},
	} {
		status, message := ask(t, client, "POST", createInstance, test.request)
		if status != test.want {
			t.Errorf("%s: %d %s", name, status, message)
		}
		for _, passed := range e.taken() {
			var sent container.CreateRequest
			if err := json.Unmarshal([]byte(passed.body), &sent); err != nil || len(sent.HostConfig.DNS) != 1 {
				t.Errorf("%s: passed on was %s", name, passed.body)
			}
		}
	}
}
