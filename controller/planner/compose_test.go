package planner

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/archive/archivetest"
	"berth/controller/plan"
	"berth/controller/problem"
)

// composed plans a compose file with a few files beside it.
func composed(t *testing.T, text string, o plan.Options, files ...string) (plan.Plan, error) {
	t.Helper()
	if o.Limits == (plan.Limits{}) {
		o.Limits = plan.DefaultLimits()
	}
	files = append([]string{"compose.yaml", text}, files...)
	return From(t.Context(), archivetest.Tree(t, files...), o)
}

func mustCompose(t *testing.T, text string, o plan.Options, files ...string) plan.Plan {
	t.Helper()
	made, err := composed(t, text, o, files...)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func serviceOf(t *testing.T, made plan.Plan, name string) plan.Service {
	t.Helper()
	for _, service := range made.Services {
		if service.Name == name {
			return service
		}
	}
	t.Fatalf("no service %s", name)
	return plan.Service{}
}

const guestbook = `
services:
  web:
    build:
      context: ./web
      args: {MODE: production, FROM_APP: }
      target: final
    ports: ["8080:3000"]
    environment:
      STORE: http://store:9000
      TOKEN: prefix-${TOKEN}
      EMPTY:
    env_file: web/web.env
    depends_on:
      store: {condition: service_healthy}
      setup: {condition: service_completed_successfully, restart: true}
    secrets: [key]
    configs:
      - source: page
        target: /etc/page.html
        mode: 0400
        uid: "1000"
    labels: {com.example.team: blue, berth.main_service: "true"}
    stop_grace_period: 30s
    stop_signal: SIGINT
    deploy:
      replicas: 3
      resources:
        limits: {cpus: "0.25", memory: 128M, pids: 50}
        reservations: {memory: 64M}
    read_only: true
    tmpfs: ["/var/cache:size=10m,mode=0700"]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    ulimits: {nofile: 4096, nproc: {soft: 10, hard: 20}}
    networks: {front: {aliases: [www]}, back: }
    links: ["store:database"]
  store:
    image: example.com/store:1
    expose: ["9000"]
    volumes: ["data:/var/lib/store", {type: volume, source: data, target: /backup, read_only: true}]
    healthcheck: {test: [CMD, /store, check], interval: 2s, timeout: 1s, retries: 5, start_period: 10s}
    shm_size: 64m
    sysctls: {net.core.somaxconn: 1024}
    networks: [back]
    user: "1000:1000"
    init: false
    command: serve --all
    entrypoint: ["/store"]
    working_dir: /srv
    hostname: store-1
  setup:
    image: example.com/setup
    networks: [back]
  tool:
    image: example.com/tool
    profiles: [debug]
networks: {front: , back: {driver: bridge}}
volumes: {data: }
configs: {page: {file: ./page.html}}
secrets: {key: {external: true}}
`

func guestbookFiles() []string {
	return []string{
		"web/Dockerfile", "FROM scratch AS final\nEXPOSE 3000\n", "web/web.env", "LEVEL=debug\nQUOTED='a $b'\n",
		"web/.dockerignore", "secret", "web/secret", "x", "page.html", "<p>", ".env", "A=b",
	}
}

func TestFrom_PlansAWholeComposeApp(t *testing.T) {
	made := mustCompose(t, guestbook, plan.Options{
		Secrets: []string{"TOKEN", "key"}, Environment: []string{"FROM_APP=yes", "SPARE=1"},
	}, guestbookFiles()...)
	var order []string
	for _, service := range made.Services {
		order = append(order, service.Name)
	}
	if made.Main != "web" || !slices.Equal(order, []string{"setup", "store", "web"}) {
		t.Errorf("main %s, order %v", made.Main, order)
	}
	checkWeb(t, serviceOf(t, made, "web"))
	checkStore(t, serviceOf(t, made, "store"))
	if setup := serviceOf(t, made, "setup"); setup.Restart.Mode != plan.Never {
		t.Errorf("setup restarts %q although web waits for its end", setup.Restart.Mode)
	}
	notes := strings.Join(made.Notes, "\n")
	for _, want := range []string{"Port 8080 of web is not published", "EMPTY of web has no value", "No service gets SPARE", ".env was not read", "share one network"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes lack %q:\n%s", want, notes)
		}
	}
}

func checkWeb(t *testing.T, web plan.Service) {
	t.Helper()
	if web.Port != 3000 || web.Internal || web.Replicas != 3 || web.Stop != (plan.Stop{Signal: "SIGINT", Grace: 30 * time.Second}) || !web.DropBind {
		t.Errorf("web is %+v", web)
	}
	if want := []string{"LEVEL=debug", "QUOTED=a $b", "STORE=http://store:9000", "TOKEN=prefix-" + plan.SecretReference("TOKEN")}; !slices.Equal(web.Environment, want) {
		t.Errorf("environment %q", web.Environment)
	}
	if want := (plan.Limits{MemoryBytes: 128 << 20, NanoCPUs: 250_000_000, Processes: 50}); web.Limits != want || web.ReservedBytes != 64<<20 {
		t.Errorf("limits %+v", web.Limits)
	}
	build := web.Build
	if build.Folder != "web" || build.Dockerfile != "Dockerfile" || build.Target != "final" || build.Arguments["MODE"] != "production" || build.Arguments["FROM_APP"] != "yes" {
		t.Errorf("build %+v", build)
	}
	if want := []plan.Dependency{
		{Service: "setup", Condition: plan.Completed, Required: true, Restart: true}, {Service: "store", Condition: plan.Healthy, Required: true},
	}; !slices.Equal(web.DependsOn, want) {
		t.Errorf("depends on %+v", web.DependsOn)
	}
	if len(web.Files) != 2 || web.Files[0].Path != "/etc/page.html" || web.Files[0].Mode != 0o400 || web.Files[0].UID != "1000" || string(web.Files[0].Content) != "<p>" || web.Files[0].Private {
		t.Errorf("files %+v", web.Files)
	}
	if secret := web.Files[1]; secret.Path != "/run/secrets/key" || !secret.Private || string(secret.Content) != plan.SecretReference("key") || secret.Mode != 0o444 {
		t.Errorf("secret %+v", secret)
	}
	if web.Labels["com.example.team"] != "blue" || len(web.Labels) != 1 {
		t.Errorf("labels %v", web.Labels)
	}
	if !slices.Equal(web.Tmpfs, []plan.Tmpfs{{Target: "/var/cache", Bytes: 10 << 20, Mode: 0o700}}) || !slices.Equal(web.Aliases, []string{"web", "www"}) {
		t.Errorf("tmpfs %v, aliases %v", web.Tmpfs, web.Aliases)
	}
	if !slices.Equal(web.Ulimits, []plan.Ulimit{{Name: "nofile", Soft: 4096, Hard: 4096}, {Name: "nproc", Soft: 10, Hard: 20}}) {
		t.Errorf("ulimits %v", web.Ulimits)
	}
	if !slices.Equal(web.SecretsOf(), []string{"TOKEN", "key"}) {
		t.Errorf("secrets %v", web.SecretsOf())
	}
}

func checkStore(t *testing.T, store plan.Service) {
	t.Helper()
	if store.Image != "example.com/store:1" || !store.Internal || store.Port != 9000 || store.User != "1000:1000" || !store.WithoutInit ||
		store.ShmBytes != 64<<20 || store.WorkingDir != "/srv" || store.Hostname != "store-1" || !store.Stateful() {
		t.Errorf("store is %+v", store)
	}
	if !slices.Equal(store.Command, []string{"serve", "--all"}) || !slices.Equal(store.Entrypoint, []string{"/store"}) {
		t.Errorf("runs %q %q", store.Entrypoint, store.Command)
	}
	if want := []plan.Mount{{Volume: "data", Target: "/var/lib/store"}, {Volume: "data", Target: "/backup", ReadOnly: true}}; !slices.Equal(store.Mounts, want) {
		t.Errorf("mounts %+v", store.Mounts)
	}
	if h := store.Health; h == nil || h.Interval != 2*time.Second || h.Retries != 5 || h.StartPeriod != 10*time.Second || !slices.Equal(h.Test, []string{"CMD", "/store", "check"}) {
		t.Errorf("health %+v", store.Health)
	}
	if !slices.Equal(store.Aliases, []string{"database", "store", "store-1"}) || store.Sysctls["net.core.somaxconn"] != "1024" {
		t.Errorf("aliases %v, sysctls %v", store.Aliases, store.Sysctls)
	}
	policy, err := store.Policy("")
	if err != nil || policy.User != "1000:1000" || policy.Init || policy.RestartPolicy != "unless-stopped" {
		t.Errorf("policy %+v, %v", policy, err)
	}
}

func TestFrom_KeepsAPlanWithoutSecretsThroughJSON(t *testing.T) {
	made := mustCompose(t, guestbook, plan.Options{Secrets: []string{"TOKEN", "key"}}, guestbookFiles()...)
	text, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	var back plan.Plan
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	for i := range made.Services {
		if made.Services[i].Fingerprint() != back.Services[i].Fingerprint() {
			t.Errorf("%s changed on its way", made.Services[i].Name)
		}
	}
	web := serviceOf(t, back, "web")
	revealed, err := plan.Reveal(web.Environment[3], map[string]string{"TOKEN": "t0p"})
	if err != nil || revealed != "TOKEN=prefix-t0p" {
		t.Errorf("got %q, %v", revealed, err)
	}
	if _, err := plan.Reveal(web.Environment[3], nil); err == nil {
		t.Error("a secret that is not there was revealed")
	}
}

func TestFingerprint_ChangesWithWhatNeedsANewContainer(t *testing.T) {
	service := plan.Service{Name: "db", Limits: plan.DefaultLimits(), Environment: []string{"A=1"}, Mounts: []plan.Mount{{Volume: "data", Target: "/data"}}}
	same, other := service, service
	same.Image, same.Build, same.Replicas = "db:2", plan.Build{Folder: "x"}, 3
	other.Environment = []string{"A=2"}
	if service.Fingerprint() != same.Fingerprint() {
		t.Error("the image counts")
	}
	if service.Fingerprint() == other.Fingerprint() {
		t.Error("the environment does not count")
	}
}

func TestFrom_ChoosesTheMainService(t *testing.T) {
	for _, c := range []struct{ name, text, main, refusal string }{
		{"the only one", "services:\n  a: {image: x}", "a", ""},
		{"the only one with a port", "services:\n  a: {image: x}\n  b: {image: x, expose: [80]}", "b", ""},
		{"the labelled one", "services:\n  a: {image: x, ports: [80]}\n  b: {image: x, ports: [80], labels: [milkcrate.main_service=true]}", "b", ""},
		{"the only one that publishes", "services:\n  a: {image: x, ports: [80]}\n  b: {image: x, expose: [3306]}", "a", ""},
		{"the first of two with ports", "services:\n  b: {image: x, ports: [80]}\n  a: {image: x, ports: [80]}", "b", ""},
		{"the first where none has a port", "services:\n  b: {image: x}\n  a: {image: x}", "b", ""},
		{"no database that publishes a port", "services:\n  b: {image: \"postgres:17\", ports: [5432]}\n  a: {image: x}", "a", ""},
		{"no database of another's making", "services:\n  b: {image: bitnami/redis, ports: [80]}\n  a: {image: x}", "a", ""},
		{"none that runs once", "services:\n  b: {image: x, restart: \"no\", ports: [80]}\n  a: {image: x}", "a", ""},
		{"none that the host alone sees", "services:\n  b: {image: x, ports: [\"127.0.0.1:9200:9200\"]}\n  a: {image: x, expose: [8080]}", "a", ""},
		{"none that speaks another protocol", "services:\n  b: {image: x, ports: [1883]}\n  a: {image: x, ports: [80]}", "a", ""},
		{"databases alone", "services:\n  b: {image: redis}\n  a: {image: postgres}", "", "Which service does the route lead to?"},
		{"two labelled", "services:\n  a: {image: x, labels: [berth.main_service=true]}\n  b: {image: x, labels: [berth.main_service=true]}", "", "More than one service is labelled"},
		{"one that ends", "services:\n  a: {image: x, restart: \"no\"}", "", "runs once"},
		{"one that would end, but publishes a port", "services:\n  a: {image: x, ports: [80], restart: \"no\"}", "a", ""},
	} {
		made, err := composed(t, c.text, plan.Options{})
		if c.refusal == "" {
			if err != nil || made.Main != c.main {
				t.Errorf("%s: got %q, %v", c.name, made.Main, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.refusal) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestFrom_APersonChoosesTheMainService(t *testing.T) {
	const text = "services:\n  web: {image: x, ports: [80]}\n  store: {image: redis, restart: always}\n  once: {image: x, restart: \"no\"}"
	made, err := composed(t, text, plan.Options{Main: "store", Port: 6379})
	if err != nil || made.Main != "store" || serviceOf(t, made, "store").Port != 6379 || !serviceOf(t, made, "web").Internal {
		t.Errorf("got %+v, %v", made, err)
	}
	for main, reason := range map[string]string{"other": "has no service", "once": "runs once", "berth": "has no service", "../web": "has no service"} {
		if _, err := composed(t, text, plan.Options{Main: main}); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: got %v", main, err)
		}
	}
}

func TestFrom_TheFirstPortThatMaySpeakHTTPIsTheRoutes(t *testing.T) {
	for keys, port := range map[string]uint16{
		"ports: [\"3000:3000\", \"2222:22\"]":          3000,
		"ports: [\"2222:22\", \"3000:3000\"]":          3000,
		"expose: [\"8080\", \"4000\"]":                 8080,
		"ports: [\"53:53/udp\", \"53:53\", \"80:80\"]": 80,
		"ports: [\"22:22\"]":                           0,
		"ports: [\"22:22\"]\n    expose: [9000]":       9000,
	} {
		made := mustCompose(t, "services:\n  web:\n    image: x\n    "+keys, plan.Options{})
		if got := made.Services[0].Port; got != port {
			t.Errorf("%s: got %d, want %d", keys, got, port)
		}
	}
}

// TestFrom_FindsTheSafeFormOfWhatWasMeant has one service, web, and on each line what
// cannot run as it is written.
func TestFrom_FindsTheSafeFormOfWhatWasMeant(t *testing.T) {
	for line, note := range map[string]string{
		"volumes: [/data]":                                     "is called web-data, and keeps its content",
		"ulimits: {nofile: 1000000}":                           "The ulimit nofile of web is 65536, not 1000000",
		"ulimits: {nofile: -1}":                                "is 65536, not unlimited",
		"ulimits: {core: 1000}":                                "The ulimit core of web is 0, not 1000",
		"ulimits: {nofile: {soft: -1, hard: -1}}":              "is 65536, not unlimited",
		"ulimits: {nofile: {soft: 10, hard: -1}}":              "is 65536, not unlimited",
		"extra_hosts: [\"host.docker.internal:host-gateway\"]": "host.docker.internal of web is left out",
		"mem_limit: 64g":                                       "a limit of memory of 256 MB, not 65536 MB. A higher limit is set on the app's page",
		"mem_limit: 1k":                                        "a limit of memory of 16 MB",
		"cpus: 64":                                             "a limit of CPU of 0.50, not 64.00",
		"shm_size: 10g":                                        "shared memory of 128 MB, not 10240 MB",
		"mem_reservation: 10g":                                 "reserves 256 MB, not 10240 MB",
		"labels: {traefik.enable: \"true\"}":                   "for another proxy are left out",
		"labels: {TRAEFIK.enable: \"true\"}":                   "for another proxy are left out",
		"pull_policy: never":                                   "pull policy never of web has no effect",
		"stop_grace_period: 1h":                                "gets 5 minutes to stop, not 1h0m0s",
		"env_file: other.env":                                  "env_file other.env is not in the archive: web gets the app's variables instead",
		"container_name: my-web":                               "reach it as my-web too",
		"network_mode: bridge":                                 "network_mode has no effect",
		"tty: true":                                            "tty has no effect",
		"logging: {driver: json-file}":                         "logging has no effect",
		"cpu_shares: 512":                                      "cpu_shares has no effect",
		"platform: linux/arm64":                                "platform of web has no effect",
		"volumes: [\"/etc/localtime:/etc/localtime:ro\"]":      "set the variable TZ",
		"volumes: [\"/dev/urandom:/dev/random:ro\"]":           "each container has /dev/random of its own",
		"security_opt: [\"label:disable\"]":                    "label:disable of web is left out",
		"cap_add: [IPC_LOCK]":                                  "runs without the capability IPC_LOCK",
		"container_name: shop.example.com":                     "container_name of web is left out",
		"scale: 3\n    volumes: [\"data:/data\"]":              "runs once, not 3 times",
		"healthcheck: {test: a, retries: 1000}":                "is tried 100 times, not 1000",
	} {
		made, err := composed(t, "services:\n  web:\n    image: x\n    "+line+"\n", plan.Options{Environment: []string{"GIVEN=1"}, Limits: plan.Limits{MemoryBytes: 256 << 20, NanoCPUs: 500_000_000, Processes: 100}})
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if notes := strings.Join(made.Notes, "\n"); !strings.Contains(notes, note) {
			t.Errorf("%s: %q is not in the notes:\n%s", line, note, notes)
		}
		for label := range made.Services[0].Labels {
			t.Errorf("%s: the label %s is passed on", line, label)
		}
	}
}

func TestFrom_SaysAllFaultsAtOnce(t *testing.T) {
	_, err := composed(t, `services:
  web:
    image: x:${RELEASE}
    container_name: web
    ports: ["80:8080"]
    privileged: true
    pid: host
    cap_add: [SYS_ADMIN, NET_ADMIN]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock", "/etc:/host", "/srv/data:/data", "./../x:/x"]
  other:
    image: "Not An Image"
    user: root
`, plan.Options{})
	var lines []string
	for _, refusal := range problem.RefusalsIn(err) {
		lines = append(lines, fmt.Sprintf("%d %s", refusal.Line, refusal.Offer))
	}
	want := []string{"3 ", "6 ", "7 ", "8 ", "8 ", "9 ", "9 ", "9 binds", "9 ", "11 ", "12 root_start"}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q:\n%v", lines, want, err)
	}
}

// TestFrom_RefusesComposeFilesThatReachOut has one service, web, and an attack on
// each line; the refusal is about line 4.
func TestFrom_RefusesComposeFilesThatReachOut(t *testing.T) {
	for _, c := range []struct{ name, line, reason string }{
		{"host path", "volumes: [\"/etc:/host\"]", "a path of the host"},
		{"host path, parent", "volumes: [\"..:/data\"]", "lies outside the archive"},
		{"host path, home", "volumes: [\"~/data:/data\"]", "a data folder of the host"},
		{"host path, Windows", "volumes: ['C:\\data:/data']", "a path of the host"},
		{"host path, UNC", "volumes: ['\\\\server\\share:/data']", "a path of the host"},
		{"host path, long form", "volumes: [{type: bind, source: /, target: /host}]", "a path of the host"},
		{"host path by variable", "volumes: [\"${ROOT:-/}:/host\"]", "a path of the host"},
		{"the engine's socket", "volumes: [\"/var/run/docker.sock:/var/run/docker.sock\"]", "give the app the engine"},
		{"named pipe", "volumes: [{type: npipe, source: a, target: /a}]", "no named volume"},
		{"image mount", "volumes: [{type: image, source: a, target: /a}]", "no named volume"},
		{"volume over the root", "volumes: [\"data:/\"]", "which the system owns"},
		{"volume over /etc", "volumes: [\"data:/etc\"]", "which the system owns"},
		{"volume over /proc", "volumes: [\"data:/proc/sys\"]", "which the system owns"},
		{"volume over the users", "volumes: [\"data:/etc/passwd\"]", "says who the users are"},
		{"volume over programs", "volumes: [\"data:/usr/local/bin\"]", "holds the image's programs"},
		{"volume over /run by /var", "volumes: [\"data:/var/run/secrets\"]", "which the system owns"},
		{"volume over dots", "volumes: [\"data:/a/../etc\"]", "which the system owns"},
		{"relative target", "volumes: [\"data:data\"]", ""},
		{"tmpfs with exec", "tmpfs: [\"/x:exec\"]", "tmpfs option"},
		{"tmpfs too large", "tmpfs: [\"/x:size=100g\"]", "larger than the memory"},
		{"tmpfs over secrets", "tmpfs: [\"/run/secrets\"]", "hide the app's secrets"},
		{"tmpfs over /dev", "tmpfs: [/dev]", "which the system owns"},
		{"capability", "cap_add: [SYS_ADMIN]", "cannot be given"},
		{"all capabilities", "cap_add: [ALL]", "cannot be given"},
		{"capability with a prefix", "cap_add: [CAP_NET_ADMIN]", "cannot be given"},
		{"capability without the waiver", "cap_add: [CHOWN]", "loosens the hardening"},
		{"seccomp", "security_opt: [\"seccomp:unconfined\"]", "loosen or replace"},
		{"apparmor", "security_opt: [\"apparmor=unconfined\"]", "loosen or replace"},
		{"new privileges", "security_opt: [\"no-new-privileges:false\"]", "loosen or replace"},
		{"root", "user: root", "wants to run as root"},
		{"root by number", "user: \"00:0\"", "wants to run as root"},
		{"writable root", "read_only: false", "write to its own files"},
		{"sysctl", "sysctls: {kernel.msgmax: 1}", "not on the short list"},
		{"sysctl with text", "sysctls: {net.core.somaxconn: \"1;2\"}", "is no number"},
		{"ulimit", "ulimits: {rtprio: 99}", "cannot be set by an app"},
		{"loopback host", "extra_hosts: [\"a:127.0.0.1\"]", "no public address"},
		{"loopback host in IPv6", "extra_hosts: [\"a:[::1]\"]", ""},
		{"metadata host", "extra_hosts: [\"a:169.254.169.254\"]", "no public address"},
		{"mapped host", "extra_hosts: [\"a=::ffff:127.0.0.1\"]", "no public address"},
		{"private host", "extra_hosts: [\"a:10.0.0.1\"]", "no public address"},
		{"processes without end", "pids_limit: -1", "outside what it can have"},
		{"processes without end beside others", "pids_limit: -1\n    deploy: {resources: {limits: {memory: 64M}}}", ""},
		{"processes without end under deploy", "deploy: {resources: {limits: {pids: -1}}}", "below zero"},
		{"CPU without end", "cpus: -1", "below zero"},
		{"CPU without end beside others", "cpus: -1\n    deploy: {resources: {limits: {memory: 64M}}}", ""},
		{"CPU without end under deploy", "deploy: {resources: {limits: {cpus: \"-1\"}}}", ""},
		{"memory without end", "mem_limit: -1", ""},
		{"memory without end beside others", "mem_limit: -1\n    deploy: {resources: {limits: {pids: 20}}}", ""},
		{"memory without end under deploy", "deploy: {resources: {limits: {memory: -1}}}", ""},
		{"reserved memory without end", "mem_reservation: -1", ""},
		{"reserved memory without end under deploy", "deploy: {resources: {reservations: {memory: -1}}}", ""},
		{"swap without end", "memswap_limit: -1", ""},
		{"swappiness", "mem_swappiness: -1", ""},
		{"shared memory without end", "shm_size: -1", ""},
		{"a tmpfs without end", "volumes: [{type: tmpfs, target: /x, tmpfs: {size: -1}}]", ""},
		{"a label of ours", "labels: [berth.app=victim]", "only the platform sets"},
		{"a label of Compose", "labels: [com.docker.compose.project=victim]", "only the platform sets"},
		{"an alias like an instance", "networks: {default: {aliases: [berth-victim-r3]}}", "like those that Berth gives"},
		{"an alias like an instance's service", "networks: {default: {aliases: [berth-victim-r3.web]}}", "like those that Berth gives"},
		{"a host name like an instance", "hostname: berth-victim-r3", "like those that Berth gives"},
		{"an alias like the controller", "networks: {default: {aliases: [berth]}}", "like those that Berth gives"},
		{"a link by an instance's name", "links: [\"web:berth-victim-r3\"]", ""},
		{"another platform", "platform: windows/amd64", "not this machine's platform"},
		{"image name", "image: \"Not An Image\"", ""},
		{"health check without end", "healthcheck: {test: a, interval: 500h}", "not between"},
		{"eleven copies", "scale: 11", "wants 11 copies"},
		{"no copy", "scale: 0", "asks for no copy"},
		{"a restart of its own", "restart: sometimes", "not a way to restart"},
		{"env file outside", "env_file: ../secrets.env", "outside the archive"},
		{"env file of the host", "env_file: /proc/self/environ", "path of the host"},
		{"env file that doubles", "env_file: laughs.env", "which an env_file sets itself"},
		{"env file that is no text", "env_file: binary.env", "not plain text"},
		{"secret outside its folder", "secrets: [{source: key, target: /etc/shadow}]", "secrets lie in /run/secrets alone"},
		{"secret by dots", "secrets: [{source: key, target: ../../etc/shadow}]", "secrets lie in /run/secrets alone"},
		{"secret of another app", "secrets: [foreign]", "has no secret"},
		{"secret file outside", "secrets: [outside]", "outside the archive"},
		{"config over /etc/hosts", "configs: [{source: page, target: /etc/hosts}]", "No file can lie at"},
		{"config over /proc", "configs: [{source: page, target: /proc/1/mem}]", "No file can lie at"},
		{"config with setuid", "configs: [{source: page, mode: 04755}]", "cannot be read"},
		{"config owned by a name", "configs: [{source: page, uid: root}]", "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := "    image: x\n"
			if strings.HasPrefix(c.line, "image:") {
				image = "    init: true\n"
			}
			text := "services:\n  web:\n" + image + "    " + c.line + "\n" +
				"volumes: {data: }\nconfigs: {page: {content: hello}}\n" +
				"secrets:\n  key: {file: key}\n  foreign: {external: true}\n  outside: {file: ../../etc/shadow}\n"
			_, err := composed(t, text, plan.Options{}, "key", "k", "laughs.env", "A=xxxxxxxxxx\nB=$A$A$A\nC=${B}$B\n", "binary.env", "\xff\xfe")
			refusal, ok := errors.AsType[*plan.Refusal](err)
			if !ok {
				t.Fatalf("got %v, want a Refusal", err)
			}
			if !strings.Contains(refusal.Reason, c.reason) {
				t.Errorf("the reason is %q, want %q in it", refusal.Reason, c.reason)
			}
			if refusal.File == "compose.yaml" && refusal.Line == 0 || !strings.HasSuffix(refusal.Reason, ".") || !strings.HasSuffix(refusal.Hint, ".") {
				t.Errorf("%s, line %d: %q %q", refusal.File, refusal.Line, refusal.Reason, refusal.Hint)
			}
		})
	}
}

func TestFrom_RefusesBuildsThatReachOut(t *testing.T) {
	for _, c := range []struct{ name, build, reason string }{
		{"a remote context", "https://github.com/a/b.git", "not in the archive"},
		{"a remote context over ssh", "git@github.com:a/b.git", "not in the archive"},
		{"a remote context without a scheme", "github.com/a/b", "not in the archive"},
		{"a context outside", "../..", "outside the archive"},
		{"a context outside in the middle", "web/../../x", "outside the archive"},
		{"a context of the host", "/etc", "path of the host"},
		{"a context of somebody's home", "~/x", "path of the host"},
		{"a context that is missing", "nothing", "no folder nothing"},
		{"a context that is a file", "web/Dockerfile", "no folder"},
		{"a Dockerfile outside", "{context: web, dockerfile: ../../Dockerfile}", "outside the archive"},
		{"a Dockerfile of the host", "{context: web, dockerfile: /etc/passwd}", "outside the archive"},
		{"a Dockerfile that is missing", "{context: web, dockerfile: Other}", "has no Dockerfile web/Other"},
		{"an insecure Dockerfile", "{context: web, dockerfile_inline: \"FROM a\\nRUN --security=insecure id\"}", "reach the host"},
		{"a secret as an argument", "{context: web, args: {A: \"$TOKEN\"}}", "holds a secret"},
		{"another build program as an argument", "{context: web, args: {BUILDKIT_SYNTAX: example.com/frontend}}", "steer the build program"},
		{"another build program in a list", "{context: web, args: [\"BUILDKIT_SYNTAX=example.com/frontend\"]}", "steer the build program"},
		{"an argument of the builder's with the app's variable", "{context: web, args: [BUILDKIT_SYNTAX]}", "steer the build program"},
		{"a proxy", "{context: web, args: {HTTP_PROXY: \"http://host\"}}", "through a proxy"},
		{"a proxy in small letters", "{context: web, args: [https_proxy=http://host]}", "through a proxy"},
		{"a proxy in mixed letters, from the app's variable", "{context: web, args: [Ftp_Proxy]}", "through a proxy"},
		{"no proxy", "{context: web, args: {no_proxy: \"*\"}}", "through a proxy"},
		{"a proxy for all", "{context: web, args: {ALL_PROXY: \"http://host\"}}", "through a proxy"},
		{"an address by an argument", "{context: web, dockerfile_inline: \"FROM a\\nARG U\\nADD $$U /x\", args: {U: \"http://host/x\"}}", "ADD would fetch"},
		{"the builder's host name", "{context: web, args: {BUILDKIT_SANDBOX_HOSTNAME: victim}}", "steer the build program"},
		{"a stage like an option", "{context: web, target: \"--x\"}", "not the name of a stage"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := composed(t, "services:\n  web:\n    build: "+c.build+"\n", plan.Options{Secrets: []string{"TOKEN"}, Environment: []string{"BUILDKIT_SYNTAX=example.com/frontend", "Ftp_Proxy=http://host"}}, "web/Dockerfile", "FROM scratch")
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want %q", err, c.reason)
			}
		})
	}
}

func TestFrom_KeepsSecretsOutOfWhatIsShown(t *testing.T) {
	for name, line := range map[string]string{
		"command": "command: [run, \"--password=$TOKEN\"]", "entrypoint": "entrypoint: run ${TOKEN}", "image": "image: \"a:${TOKEN}\"",
		"label": "labels: {a: \"$TOKEN\"}", "health check": "healthcheck: {test: \"curl -H ${TOKEN}\"}", "config": "configs: [page]", "user": "user: \"$TOKEN\"",
	} {
		image := "image: x\n    "
		if name == "image" {
			image = ""
		}
		text := "services:\n  web:\n    " + image + line + "\nconfigs: {page: {content: \"$TOKEN\"}}\n"
		made, err := composed(t, text, plan.Options{Secrets: []string{"TOKEN"}})
		if _, ok := errors.AsType[*plan.Refusal](err); !ok {
			t.Errorf("%s: got %+v, %v", name, made, err)
		}
	}
}

func TestFrom_GivesAServiceItsWaiver(t *testing.T) {
	text := "services:\n  web: {image: x, ports: [80]}\n  db:\n    image: postgres:17\n    user: root\n    cap_add: [CHOWN, setuid]\n    cap_drop: [ALL]\n"
	made := mustCompose(t, text, plan.Options{ServiceWaivers: map[string]plan.Waivers{"db": {Database: true}}})
	policy, err := serviceOf(t, made, "db").Policy("")
	if err != nil || policy.User != "root" || !slices.Equal(policy.AddedCapabilities, []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}) {
		t.Errorf("got %+v, %v", policy, err)
	}
	strict, err := serviceOf(t, made, "web").Policy("")
	if err != nil || strict.User != plan.Nobody || !slices.Equal(strict.AddedCapabilities, []string{"NET_BIND_SERVICE"}) {
		t.Errorf("got %+v, %v", strict, err)
	}
}

func TestDatabaseImage_KnowsOfficialImages(t *testing.T) {
	for image, want := range map[string]string{
		"postgres": "postgres", "postgres:17-alpine": "postgres", "docker.io/library/mysql:8": "mysql", "valkey/valkey:8": "valkey",
		"postgis/postgis": "postgis", "example.com/postgres": "postgres", "me/postgres": "", "nginx": "", "NOT AN IMAGE": "",
	} {
		if got, known := plan.DatabaseImage(image); got != want || known != (want != "") {
			t.Errorf("%s: got %q", image, got)
		}
	}
}

func TestFrom_RefusesMoreContainersThanANetworkHolds(t *testing.T) {
	_, err := composed(t, "services: {web: {image: 'a:1', ports: ['80'], scale: 10}, b: {image: 'a:1', scale: 10}, c: {image: 'a:1', scale: 5}}", plan.Options{})
	if refusal, ok := errors.AsType[*plan.Refusal](err); !ok || !strings.Contains(refusal.Reason, "more than 24 containers") || refusal.Line != 1 {
		t.Errorf("got %v", err)
	}
}

func TestFrom_ChosenLimitsAreTheMainServices(t *testing.T) {
	chosen, most := plan.Limits{MemoryBytes: 1 << 30, NanoCPUs: 1_000_000_000, Processes: 300}, plan.Limits{MemoryBytes: 2 << 30, NanoCPUs: 100_000_000, Processes: 300}
	made := mustCompose(t, "services: {web: {image: 'a:1', ports: ['80']}, worker: {image: 'b:1'}}", plan.Options{Limits: chosen, Most: most})
	if web := serviceOf(t, made, "web"); web.Limits != chosen {
		t.Errorf("web has %+v", web.Limits)
	}
	want := plan.DefaultLimits()
	want.NanoCPUs = most.NanoCPUs
	if worker := serviceOf(t, made, "worker"); worker.Limits != want {
		t.Errorf("worker has %+v, want %+v", worker.Limits, want)
	}
}

func FuzzFromCompose(f *testing.F) {
	f.Add([]byte(guestbook))
	f.Fuzz(func(t *testing.T, text []byte) {
		tree, err := archivetest.Open(t, append([]string{"compose.yaml", string(text)}, guestbookFiles()...)...)
		if err != nil {
			return
		}
		defer func() { _ = tree.Close() }()
		made, err := From(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits(), Secrets: []string{"TOKEN", "key"}})
		if err != nil {
			return
		}
		for _, service := range made.Services {
			if policy, err := service.Policy(""); err != nil || !policy.ReadOnlyRoot || plan.IsRoot(policy.User) {
				t.Fatalf("%+v, %v", policy, err)
			}
		}
	})
}

func TestFrom_RefusesNamesOfTheInternetOnTheNetwork(t *testing.T) {
	const name = "acme-v02.api.letsencrypt.org"
	for place, text := range map[string]string{
		"alias":     "services:\n  web:\n    image: a\n    networks:\n      n:\n        aliases: [NAME]\nnetworks: {n: }\n",
		"host name": "services:\n  web:\n    image: a\n    hostname: NAME\n",
		"link":      "services:\n  web:\n    image: a\n    ports: [80]\n    links: [\"b:NAME\"]\n  b:\n    image: b\n",
	} {
		for _, bad := range []string{name, "NAME.COM", "a.internal.com", "xinternal.org"} {
			_, err := composed(t, strings.ReplaceAll(text, "NAME", bad), plan.Options{})
			refusal, ok := errors.AsType[*plan.Refusal](err)
			if !ok || refusal.Line < 4 || !strings.Contains(refusal.Reason, "of the internet") || !strings.Contains(refusal.Hint, ".internal, .local") {
				t.Errorf("%s %s: got %v", place, bad, err)
			}
		}
		for _, good := range []string{"db", "db.internal", "a.b.Local", "x.test", "x.lan", "x.home.arpa"} {
			if _, err := composed(t, strings.ReplaceAll(text, "NAME", good), plan.Options{}); err != nil {
				t.Errorf("%s %s: %v", place, good, err)
			}
		}
	}
	if _, err := composed(t, "services:\n  a.com:\n    image: a\n", plan.Options{}); err == nil {
		t.Error("a service of such a name is accepted")
	}
	if _, err := composed(t, "services:\n  web:\n    image: a\n    extra_hosts: {example.com: 203.0.114.5}\n", plan.Options{}); err != nil {
		t.Errorf("a name that only the service itself looks up: %v", err)
	}
}

func TestFrom_RaisesHealthChecksThatAskTooOften(t *testing.T) {
	made := mustCompose(t, "services:\n  web:\n    image: a\n    healthcheck: {test: [CMD, x], interval: 5ms, start_interval: 999ms, timeout: 10ms}\n", plan.Options{})
	health := made.Services[0].Health
	if health.Interval != plan.LeastInterval || health.StartInterval != plan.LeastInterval || health.Timeout != 10*time.Millisecond {
		t.Errorf("got %+v", health)
	}
	if text := strings.Join(made.Notes, " "); !strings.Contains(text, "interval of web's health check is 1s here") || !strings.Contains(text, "start_interval of web") {
		t.Errorf("the notes are %q", text)
	}
}
