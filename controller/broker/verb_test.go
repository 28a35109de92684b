package broker_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
)

// published are the calls of the engine's API, of 1.41 and later: each path with a name
// that is one of this stack's, so that only the call itself decides.
var published = strings.Fields(`
	/auth /info /version /_ping /events /system/df /grpc /session /build /build/prune /build/cancel /commit
	/containers/json /containers/create /containers/prune
	/containers/berth-hello-r1 /containers/berth-hello-r1/json /containers/berth-hello-r1/top /containers/berth-hello-r1/logs
	/containers/berth-hello-r1/changes /containers/berth-hello-r1/export /containers/berth-hello-r1/stats /containers/berth-hello-r1/resize
	/containers/berth-hello-r1/start /containers/berth-hello-r1/stop /containers/berth-hello-r1/restart /containers/berth-hello-r1/kill
	/containers/berth-hello-r1/update /containers/berth-hello-r1/rename /containers/berth-hello-r1/pause /containers/berth-hello-r1/unpause
	/containers/berth-hello-r1/attach /containers/berth-hello-r1/attach/ws /containers/berth-hello-r1/wait /containers/berth-hello-r1/archive
	/containers/berth-hello-r1/exec /containers/berth-hello-r1/checkpoints /containers/berth-hello-r1/checkpoints/x /containers/berth-hello-r1/copy
	/exec/x/start /exec/x/resize /exec/x/json
	/images/json /images/create /images/search /images/prune /images/get /images/load
	/images/berth/hello:r1 /images/berth/hello:r1/json /images/berth/hello:r1/history /images/berth/hello:r1/push /images/berth/hello:r1/tag
	/images/berth/hello:r1/get /images/berth/hello:r1/attestations
	/networks /networks/create /networks/prune /networks/berth-app-hello /networks/berth-app-hello/connect /networks/berth-app-hello/disconnect
	/volumes /volumes/create /volumes/prune /volumes/berth-vol-data
	/swarm /swarm/init /swarm/join /swarm/leave /swarm/update /swarm/unlockkey /swarm/unlock
	/nodes /nodes/x /nodes/x/update /services /services/create /services/x /services/x/update /services/x/logs
	/tasks /tasks/x /tasks/x/logs /secrets /secrets/create /secrets/x /secrets/x/update /configs /configs/create /configs/x /configs/x/update
	/plugins /plugins/privileges /plugins/pull /plugins/create /plugins/x /plugins/x/json /plugins/x/enable /plugins/x/disable
	/plugins/x/upgrade /plugins/x/push /plugins/x/set /distribution/x/json /libpod/containers/json /debug/pprof/ /metrics
`)

// allowed are the calls that pass as they are asked here, without query or body.
var allowed = map[string]bool{
	"GET /_ping": true, "HEAD /_ping": true, "GET /version": true, "GET /info": true, "GET /networks": true,
	"GET /containers/berth-hello-r1/json": true, "GET /containers/berth-hello-r1/top": true, "GET /containers/berth-hello-r1/stats": true,
	"GET /containers/berth-hello-r1/logs": true, "POST /containers/berth-hello-r1/start": true, "POST /containers/berth-hello-r1/stop": true,
	"POST /containers/berth-hello-r1/restart": true, "DELETE /containers/berth-hello-r1": true,
	"GET /images/berth/hello:r1/json": true, "DELETE /images/berth/hello:r1": true,
	"DELETE /networks/berth-app-hello": true, "GET /volumes/berth-vol-data": true, "DELETE /volumes/berth-vol-data": true,
}

func TestBroker_KnowsTheControllersCallsAndNoOther(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	passed := map[string]bool{}
	for _, path := range published {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"} {
			status, _ := ask(t, client, method, "/v1.41"+path, nil)
			taken := e.taken()
			call := method + " " + path
			switch {
			case allowed[call]:
				passed[call] = true
				if status != http.StatusOK || len(taken) != 1 {
					t.Errorf("%s: %d, passed on: %v", call, status, taken)
				}
			case status != http.StatusForbidden && status != http.StatusNotFound || len(taken) != 0: // such as a container called json
				t.Errorf("%s: %d, passed on: %v", call, status, taken)
			}
		}
	}
	if len(passed) != len(allowed) {
		t.Errorf("only %d of %d calls passed", len(passed), len(allowed))
	}
}

func TestBroker_TakesOneSpellingOfEachPath(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	upper := strings.ToUpper
	for call := range allowed {
		method, path, _ := strings.Cut(call, " ")
		for name, spelling := range map[string]string{
			"a letter as %":           "/v1.41/%" + "63ontainers" + path,
			"an escaped letter":       "/v1.41" + strings.Replace(path, "e", "%65", 1),
			"an escaped slash":        "/v1.41" + path[:1] + strings.Replace(path[1:], "/", "%2F", 1) + "%2F",
			"a doubled slash":         "/v1.41" + strings.Replace(path, "/", "//", 1),
			"a slash at its end":      "/v1.41" + path + "/",
			"upper case":              "/v1.41" + upper(path),
			"a dot":                   "/v1.41/." + path,
			"two dots":                "/v1.41/x/.." + path,
			"another version":         "/v9999.1" + path,
			"an old version":          "/v1.9" + path,
			"a version in upper case": "/V1.41" + path,
			"two versions":            "/v1.41/v1.41" + path,
			"a semicolon":             "/v1.41" + path + ";x",
			"a backslash":             "/v1.41" + strings.Replace(path, "/", `\`, 1),
			"a byte above ASCII":      "/v1.41" + path + "\u017f",
			"an unknown query":        "/v1.41" + path + "?evil=1",
			"a fragment":              "/v1.41" + path + "#x",
		} {
			if spelling == "/v1.41"+path {
				continue
			}
			status, _ := ask(t, client, method, spelling, nil)
			if taken := e.taken(); status != http.StatusForbidden && status != http.StatusBadRequest || len(taken) != 0 {
				t.Errorf("%s with %s: %d, passed on: %v", call, name, status, taken)
			}
		}
	}
}

func TestBroker_TakesNoPathWithoutAVersionButToAgreeOnOne(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	for call := range allowed {
		method, path, _ := strings.Cut(call, " ")
		status, _ := ask(t, client, method, path, nil)
		want := path == "/_ping" || path == "/version"
		if taken := e.taken(); (status == http.StatusOK) != want || (len(taken) == 1) != want {
			t.Errorf("%s: %d, passed on: %v", call, status, taken)
		}
	}
}

// TestBroker_TouchesOnlyWhatItsStackHasMade asks for what is not an app's.
func TestBroker_TouchesOnlyWhatItsStackHasMade(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	for _, name := range []string{"berth-berth", "berth-broker", "other-hello-r1", "nobodys"} {
		for _, call := range []string{
			"GET /X/json", "GET /X/json?size=1", "GET /X/logs?stdout=1", "GET /X/top", "GET /X/stats?stream=0&one-shot=1", "POST /X/start", "POST /X/stop?t=0",
			"POST /X/restart", "DELETE /X?force=1&v=1", "HEAD /X/archive?path=/", "GET /X/archive?path=/etc/shadow", "PUT /X/archive?path=/",
		} {
			method, path, _ := strings.Cut(call, " ")
			status, _ := ask(t, client, method, "/v1.41/containers"+strings.Replace(path, "X", name, 1), nil)
			if taken := e.taken(); status != http.StatusForbidden || len(taken) != 0 {
				t.Errorf("%s of %s: %d, passed on: %v", call, name, status, taken)
			}
		}
	}
	for call, body := range map[string]any{
		"POST /containers/berth-traefik/stop":                                                     nil, // it is restarted, and looked at
		"POST /containers/berth-traefik/start":                                                    nil,
		"DELETE /containers/berth-traefik":                                                        nil,
		"GET /containers/berth-traefik/archive?path=/proxy":                                       nil,
		"GET /containers/berth-hello-r1/archive?path=/etc":                                        nil, // it runs
		"PUT /containers/berth-helper-ran/archive?path=/":                                         "x",
		"GET /containers/berth-helper-ran/archive?path=/":                                         nil,
		"POST /commit?container=berth-hello-r1":                                                   map[string]any{"Labels": labels("berth", "files")},
		"POST /commit?container=berth-helper-ran":                                                 map[string]any{"Labels": labels("berth", "files")},
		"POST /commit?container=berth-helper-x":                                                   map[string]any{"Labels": labels("other", "files")},
		"POST /commit?container=berth-helper-x&repo=traefik":                                      map[string]any{"Labels": labels("berth", "files")},
		"GET /images/other/hello:r1/json":                                                         nil,
		"DELETE /images/other/hello:r1":                                                           nil,
		"DELETE /images/postgres:17":                                                              nil,
		"DELETE /networks/berth-0-edge":                                                           nil,
		"DELETE /networks/other-app-hello":                                                        nil,
		"DELETE /volumes/berth-data":                                                              nil,
		"GET /volumes/other-vol-data":                                                             nil,
		"DELETE /volumes/other-vol-data":                                                          nil,
		"POST /networks/berth-0-edge/connect":                                                     map[string]any{"Container": "berth-hello-r1"},
		"POST /networks/berth-app-hello/connect":                                                  map[string]any{"Container": "berth-berth"},
		"POST /networks/other-app-hello/connect":                                                  map[string]any{"Container": "berth-traefik"},
		"POST /networks/berth-0-edge/disconnect":                                                  map[string]any{"Container": "berth-traefik"},
		"GET /containers/json?all=1":                                                              nil,
		"GET /containers/json?all=1&filters={}":                                                   nil,
		`GET /containers/json?filters=%7B%22label%22%3A%7B%22berth.stack%3Dother%22%3Atrue%7D%7D`: nil,
		`GET /containers/json?filters=%7B%22volume%22%3A%7B%22other-vol-data%22%3Atrue%7D%7D`:     nil,
		`GET /containers/json?filters=%7B%22volume%22%3A%7B%22other-vol-data%22%3Atrue%2C%22berth-vol-data%22%3Atrue%7D%7D`: nil,
		"GET /containers/berth-hello-r1/top?ps_args=-eo%20args":                                                             nil,
		`GET /events?filters=%7B%22type%22%3A%7B%22container%22%3Atrue%7D%7D`:                                               nil,
		"GET /volumes":     nil,
		"GET /images/json": nil,
	} {
		method, path, _ := strings.Cut(call, " ")
		status, message := ask(t, client, method, "/v1.41"+path, body)
		if taken := e.taken(); status != http.StatusForbidden || len(taken) != 0 {
			t.Errorf("%s: %d %s, passed on: %v", call, status, message, taken)
		}
	}
}

// TestBroker_WorksOnTheObjectThatItLookedAt passes IDs on in place of names.
func TestBroker_WorksOnTheObjectThatItLookedAt(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	for call, want := range map[string]string{
		"GET /containers/berth-hello-r1/top?ps_args=-eo%20pid,uid": "/v1.41/containers/" + appID + "/top",
		"POST /containers/berth-hello-r1/start":                    "/v1.41/containers/" + appID + "/start",
		"POST /containers/berth-traefik/restart?t=5":               "/v1.41/containers/" + proxyID + "/restart",
		"DELETE /networks/berth-app-hello":                         "/v1.41/networks/" + networkID,
		"GET /containers/berth-helper-x/archive?path=/":            "/v1.41/containers/" + helperID + "/archive",
	} {
		method, path, _ := strings.Cut(call, " ")
		status, message := ask(t, client, method, "/v1.41"+path, nil)
		taken := e.taken()
		if status != http.StatusOK || len(taken) != 1 || taken[0].path != want {
			t.Errorf("%s: %d %s, passed on: %v", call, status, message, taken)
		}
	}
	status, message := ask(t, client, "POST", "/v1.41/networks/berth-app-hello/connect", map[string]any{"Container": "berth-traefik"})
	taken := e.taken()
	if status != http.StatusOK || len(taken) != 1 || !strings.Contains(taken[0].body, proxyID) || !strings.Contains(taken[0].path, networkID) {
		t.Errorf("connect: %d %s, passed on: %v", status, message, taken)
	}
	if status, _ := ask(t, client, "POST", "/v1.41/containers/berth-gone-r1/start", nil); status != http.StatusNotFound {
		t.Errorf("what is gone: %d", status)
	}
}

// TestBroker_RefusesOtherWaysToTheHost are networks, volumes, images and builds.
func TestBroker_RefusesOtherWaysToTheHost(t *testing.T) {
	t.Parallel()
	e := newEngine()
	client, _, _ := serve(t, e)
	network := func(change string) string {
		text := `{"Name":"berth-app-x","Driver":"bridge","EnableIPv6":false,"IPAM":{"Config":[{"Subnet":"10.201.4.0/27"}]},"Labels":{"berth.stack":"berth","berth.role":"network"}}`
		part, by, _ := strings.Cut(change, " => ")
		if part == "" {
			return text
		}
		return strings.Replace(text, part, by, 1)
	}
	volume := func(name, role, rest string) string {
		return `{"Name":"` + name + `","Driver":"local","Labels":{"berth.stack":"berth","berth.role":"` + role + `"}` + rest + `}`
	}
	memory := func(options string) string {
		return volume("berth-x-r1.secrets", "secrets", `,"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"`+options+`"}`)
	}
	const (
		right = "size=5m,mode=0755,noexec,nosuid,nodev"
		own   = "&labels=%7B%22berth.stack%22%3A%22berth%22%2C%22berth.role%22%3A%22build%22%7D"
		build = "/build?version=2&t=berth/x:r1" + own
	)
	for _, test := range []struct {
		name, path, body string
		want             int
	}{
		{"network", "/networks/create", network(""), 200},
		{"host driver", "/networks/create", network(`"bridge" => "host"`), 403},
		{"macvlan", "/networks/create", network(`"bridge" => "macvlan"`), 403},
		{"bridge of the host", "/networks/create", network(`"Driver" => "Options":{"com.docker.network.bridge.name":"docker0"},"Driver"`), 403},
		{"subnet of others", "/networks/create", network("10.201.4.0/27 => 192.168.0.0/24"), 403},
		{"a pool larger than the stack's", "/networks/create", network("10.201.4.0/27 => 10.201.0.0/8"), 403},
		{"a gateway", "/networks/create", network(`"Subnet" => "Gateway":"10.201.0.1","Subnet"`), 403},
		{"IPv6", "/networks/create", network(`"EnableIPv6":false => "EnableIPv6":true`), 403},
		{"name of the stack's own", "/networks/create", network("berth-app-x => berth-0-edge"), 403},
		{"network of another stack", "/networks/create", network(`"berth.stack":"berth" => "berth.stack":"other"`), 403},
		{"network from another", "/networks/create", network(`"Driver" => "ConfigFrom":{"Network":"host"},"Driver"`), 403},

		{"volume", "/volumes/create", volume("berth-vol-x", "volume", ""), 200},
		{"folder of the host", "/volumes/create", volume("berth-vol-x", "volume", `,"DriverOpts":{"type":"none","o":"bind","device":"/"}`), 403},
		{"network file system", "/volumes/create", volume("berth-vol-x", "volume", `,"DriverOpts":{"type":"nfs","o":"addr=10.0.0.1"}`), 403},
		{"volume of another driver", "/volumes/create", strings.Replace(volume("berth-vol-x", "volume", ""), "local", "sshfs", 1), 403},
		{"volume of the ledger", "/volumes/create", volume("berth-data", "volume", ""), 403},
		{"cluster volume", "/volumes/create", volume("berth-vol-x", "volume", `,"ClusterVolumeSpec":{"Group":"x"}`), 403},
		{"memory", "/volumes/create", memory(right), 200},
		{"memory that is a bind", "/volumes/create", memory("bind"), 403},
		{"memory that runs programs", "/volumes/create", memory("size=5m,mode=0755"), 403},
		{"more memory", "/volumes/create", memory("size=50g,mode=0755,noexec,nosuid,nodev"), 403},
		{"memory from a device", "/volumes/create", strings.Replace(memory(right), `"device":"tmpfs"`, `"device":"/dev/sda"`, 1), 403},

		{"pull", "/images/create?fromImage=docker.io/library/postgres&tag=17", "", 200},
		{"pull of this machine", "/images/create?fromImage=127.0.0.1:5000/x&tag=1", "", 403},
		{"pull of a private address", "/images/create?fromImage=192.168.1.1/x&tag=1", "", 403},
		{"import", "/images/create?fromSrc=-&repo=berth/helper:1&changes=LABEL%20a=b", "x", 200},
		{"import from an address", "/images/create?fromSrc=http://127.0.0.1/x&repo=berth/helper:1", "", 403},
		{"import over the proxy's image", "/images/create?fromSrc=-&repo=traefik:v3", "x", 403},
		{"import with a user", "/images/create?fromSrc=-&repo=berth/x:1&changes=USER%200", "x", 403},
		{"neither", "/images/create", "", 403},

		{"build", build, "x", 200},
		{"build of the old builder", strings.Replace(build, "version=2", "version=1", 1), "x", 403},
		{"build in the host's network", build + "&networkmode=host", "x", 403},
		{"build from an address", build + "&remote=http://127.0.0.1/", "", 403},
		{"build with a name for the host", build + "&extrahosts=x:10.0.0.1", "x", 403},
		{"build with a frontend", build + "&buildargs=%7B%22BUILDKIT_SYNTAX%22%3A%22evil%22%7D", "x", 403},
		{"build with another context", build + "&buildargs=%7B%22buildkit_context_keep_git_dir%22%3A%221%22%7D", "x", 403},
		{"build to a folder", build + "&outputs=%5B%7B%22type%22%3A%22local%22%7D%5D", "x", 403},
		{"build over the proxy's image", strings.Replace(build, "t=berth/x:r1", "t=traefik:v3", 1), "x", 403},
		{"build over it besides", build + "&t=traefik:v3", "x", 403},
		{"build without a name", "/build?version=2" + own, "x", 403},
		{"build of nobody", "/build?version=2&t=berth/x:r1", "x", 403},
		{"build with entitlements", build + "&securityopt=insecure", "x", 403},
		{"build in a cgroup", build + "&cgroupparent=/", "x", 403},
		{"build with an image as cache", build + "&cachefrom=%5B%22other/hello:r1%22%5D", "x", 403},
		{"end of another stack's build", "/build/cancel?id=other-hello-X", "", 403},
		{"end of a build", "/build/cancel?id=berth-hello-X", "", 200},
	} {
		var body any
		if test.body != "" {
			body = test.body
		}
		status, message := ask(t, client, "POST", "/v1.41"+test.path, body)
		taken := e.taken()
		if status != test.want || (len(taken) == 1) != (test.want == 200) {
			t.Errorf("%s: %d %s, passed on: %v", test.name, status, message, taken)
		}
	}
}

func TestBroker_TellsWhatItRefusedWithoutValues(t *testing.T) {
	t.Parallel()
	client, _, _ := serve(t, newEngine())
	ask(t, client, "POST", "/v1.41/containers/create?name=berth-hello-r1", changed(func(r *container.CreateRequest) {
		r.Env = []string{"TOKEN=hunter2"}
		r.HostConfig.Binds = []string{"/hunter2:/x"}
	})())
	ask(t, client, "POST", "/v1.41/containers/berth-hello-r1/start?detachKeys=hunter2", nil)
	response, err := client.Get("http://broker/_broker")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), `"refused":2`) || !strings.Contains(string(text), "HostConfig.Binds") {
		t.Errorf("it tells %s", text)
	}
}
