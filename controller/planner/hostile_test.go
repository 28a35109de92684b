package planner

import (
	"strings"
	"testing"

	"berth/controller/archive/archivetest"
	"berth/controller/plan"
	"berth/controller/problem"
)

// hostile are files that use the new ways in: binds, volumes, names, dotenv and clamps.
// Each is the services part with one service web, and a word of the refusal.
var hostile = map[string]struct{ line, reason string }{
	"a bind that climbs":                         {`volumes: ["./../x:/x"]`, "outside the archive"},
	"a bind that climbs in the middle":           {`volumes: ["./a/../../x:/x"]`, "outside the archive"},
	"a bind that climbs by a variable":           {`volumes: ["./${UP:-..}/x:/x"]`, "outside the archive"},
	"a bind that climbs, long":                   {`volumes: [{type: bind, source: ../x, target: /x}]`, "outside the archive"},
	"a bind of the file's own folder's parent":   {`volumes: ["./..:/x"]`, "outside the archive"},
	"a data folder that climbs":                  {`volumes: ["/srv/../etc:/x"]`, "a path of the host"},
	"a data folder that climbs to the top":       {`volumes: ["/srv/..:/x"]`, "a path of the host"},
	"a home that climbs":                         {`volumes: ["~/../../etc:/x"]`, "a path of the host"},
	"root's home":                                {`volumes: ["/root:/x"]`, "a path of the host"},
	"the root by dots":                           {`volumes: ["/.:/x"]`, "a path of the host"},
	"the root by slashes":                        {`volumes: ["//:/x"]`, "a path of the host"},
	"the system by slashes":                      {`volumes: ["//etc:/x"]`, "a path of the host"},
	"the system in capitals":                     {`volumes: ["/ETC:/x"]`, "a path of the host"},
	"the engine's folder":                        {`volumes: ["/var/lib/docker:/x"]`, "a path of the host"},
	"the engine's socket elsewhere":              {`volumes: ["/home/me/docker.sock:/x"]`, "the engine"},
	"a rootless engine's socket":                 {`volumes: ["/run/user/1000/docker.sock:/x"]`, "the engine"},
	"Podman's socket":                            {`volumes: ["/run/podman/podman.sock:/x"]`, "the engine"},
	"containerd's socket":                        {`volumes: ["/run/containerd/containerd.sock:/x"]`, "the engine"},
	"any socket":                                 {`volumes: ["/srv/app/control.sock:/x"]`, "the engine"},
	"the socket as a data folder":                {`volumes: ["/srv/docker.sock/:/x"]`, "the engine"},
	"the kernel":                                 {`volumes: ["/proc:/x"]`, "a path of the host"},
	"a device":                                   {`volumes: ["/dev/sda:/x"]`, "a path of the host"},
	"random numbers elsewhere":                   {`volumes: ["/dev/urandom:/x"]`, "a path of the host"},
	"the time zone elsewhere":                    {`volumes: ["/etc/localtime:/x"]`, "a path of the host"},
	"the time zone's neighbour":                  {`volumes: ["/etc/localtime/../shadow:/etc/shadow"]`, "a path of the host"},
	"a file of the host":                         {`volumes: ["/srv/app/app.conf:/etc/app.conf"]`, "a file of the host"},
	"a drive of Windows":                         {`volumes: ['D:\data:/x']`, "a path of the host"},
	"a share of Windows":                         {`volumes: ['\\host\share:/x']`, "a path of the host"},
	"a bind with propagation":                    {`volumes: [{type: bind, source: ./conf, target: /x, bind: {propagation: rshared}}]`, "path of the host"},
	"users":                                      {`volumes: ["./evil:/etc/passwd"]`, "No file can lie at"},
	"users through dots":                         {`volumes: ["./evil:/etc/x/../passwd"]`, "No file can lie at"},
	"groups":                                     {`volumes: ["./evil:/etc/group:ro"]`, "No file can lie at"},
	"passwords":                                  {`volumes: ["./evil:/etc/shadow"]`, "No file can lie at"},
	"who may be root":                            {`volumes: ["./evil:/etc/sudoers.d/evil"]`, "No file can lie at"},
	"what every program loads":                   {`volumes: ["./evil:/etc/ld.so.preload"]`, "No file can lie at"},
	"names of hosts":                             {`volumes: ["./evil:/etc/hosts"]`, "No file can lie at"},
	"a folder over the users":                    {`volumes: ["./conf:/etc"]`, ""},
	"a folder with users":                        {`volumes: ["./users:/etc"]`, "No file can lie at"},
	"the kernel from the archive":                {`volumes: ["./evil:/proc/sysrq-trigger"]`, "No file can lie at"},
	"a device from the archive":                  {`volumes: ["./evil:/dev/sda"]`, "No file can lie at"},
	"secrets from the archive":                   {`volumes: ["./evil:/run/secrets/key"]`, "No file can lie at"},
	"a relative target":                          {`volumes: ["./evil:etc/passwd"]`, ""},
	"users by a config":                          {`configs: [{source: page, target: /etc/passwd}]`, "No file can lie at"},
	"who may be root by a config":                {`configs: [{source: page, target: /etc/sudoers}]`, "No file can lie at"},
	"a volume over programs":                     {`volumes: ["/usr/local/bin"]`, "holds the image's programs"},
	"a nameless volume over the root":            {`volumes: ["/"]`, "which the system owns"},
	"a nameless volume over secrets":             {`volumes: ["/run/secrets"]`, "which the system owns"},
	"all of /tmp":                                {`volumes: ["data:/tmp"]`, "which the system owns"},
	"a container called as an instance":          {`container_name: berth-victim-r3`, "like those that Berth gives"},
	"a container called as Berth":                {`container_name: Berth`, "like those that Berth gives"},
	"a host called as the proxy calls a service": {`hostname: berth-r3-x0123456789abcdef01234567`, "like those that Berth gives"},
	"a host called as an instance":               {`hostname: berth-victim-r3.web`, "like those that Berth gives"},
	"a host called as the internet":              {`hostname: api.github.com`, "one of the internet"},
	"an alias called as the internet":            {`networks: {default: {aliases: [api.github.com]}}`, "one of the internet"},
	"the server by another name":                 {`extra_hosts: ["me:172.17.0.1"]`, "no public address"},
	"the server's metadata":                      {`extra_hosts: ["m:169.254.169.254"]`, "no public address"},
	"the network of the host":                    {`network_mode: host`, "off the app's own network"},
	"the network of another":                     {`network_mode: "container:berth"`, "off the app's own network"},
	"the network of a service":                   {`network_mode: "service:other"`, "off the app's own network"},
	"logs to somewhere":                          {`logging: {driver: gelf, options: {gelf-address: "udp://10.0.0.1:1"}}`, "sends lines elsewhere"},
	"an env_file that climbs":                    {`env_file: ../other/.env`, "outside the archive"},
	"labels of Berth":                            {`labels: {berth.stack: other}`, "only the platform sets"},
	"a comfort with a sting":                     {`cap_add: [IPC_LOCK, SYS_ADMIN]`, "cannot be given"},
	"no profile of the engine":                   {`security_opt: ["label:disable", "seccomp=unconfined"]`, "loosen or replace"},
	"a limit below zero":                         {`deploy: {resources: {limits: {pids: -1}}}`, "below zero"},
}

func TestFrom_RefusesHostileUseOfEachWayIn(t *testing.T) {
	if len(hostile) < 60 {
		t.Errorf("only %d", len(hostile))
	}
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			text := "services:\n  web:\n    image: x\n    ports: [80]\n    " + c.line + "\nvolumes: {data: }\nconfigs: {page: {content: hello}}\n"
			made, err := composed(t, text, plan.Options{Volumes: true, Dotenv: true}, "conf/a", "a", "evil", "root::0:0", "users/passwd", "root::0:0")
			faults := problem.RefusalsIn(err)
			if c.reason == "" { // refused, or harmless: nothing of it lands where the users are
				for _, service := range made.Services {
					for _, file := range service.Files {
						if replacesIdentity(file.Path) {
							t.Errorf("%s lands in the image", file.Path)
						}
					}
				}
				return
			}
			if len(faults) == 0 || !strings.Contains(err.Error(), c.reason) {
				t.Fatalf("got %v, want %q", err, c.reason)
			}
			if faults[0].File == "compose.yaml" && faults[0].Line == 0 || faults[0].Hint == "" {
				t.Errorf("without a place or a next step: %+v", faults[0])
			}
		})
	}
}

func TestFrom_RefusesHostileFilesAsAWhole(t *testing.T) {
	const web = "services:\n  web: {image: x, ports: [80]}\n"
	for name, c := range map[string]struct {
		text, reason string
		options      plan.Options
		files        []string
	}{
		"a volume of Berth":                {text: web + "volumes: {a: {name: berth-data}}\n", reason: "no app mounts another's"},
		"a volume of another app":          {text: web + "volumes: {a: {name: BERTH-app-victim-data}}\n", reason: "no app mounts another's"},
		"a volume that is there":           {text: web + "volumes: {a: {external: true}}\n", reason: "external"},
		"a folder of the host as a volume": {text: web + "volumes: {a: {driver_opts: {type: none, o: bind, device: /etc}}}\n", reason: "mount a path of the host"},
		"a network of Berth":               {text: web + "networks: {default: {external: true, name: berth-0-edge}}\n", reason: "network of another app"},
		"a network of the machine's card":  {text: web + "networks: {n: {driver: macvlan, driver_opts: {parent: eth0}}}\n", reason: "driver"},
		"a main service that is none":      {text: web, options: plan.Options{Main: "berth"}, reason: "no service \"berth\""},
		"a main service that climbs":       {text: web, options: plan.Options{Main: "../web"}, reason: "no service"},
		"a service called berth":           {text: "services:\n  berth: {image: x, ports: [80]}\n", reason: "like those that Berth gives"},
		"a dotenv that doubles":            {text: web + "x-a: ${A}\n", options: plan.Options{Dotenv: true}, files: []string{".env", "A=xxxxxxxxxx\nB=$A$A$A\n"}, reason: "refers to A"},
		"a dotenv that is no text":         {text: web, options: plan.Options{Dotenv: true}, files: []string{".env", "A=\xff\xfe\n"}, reason: ""},
		"a secret as a path":               {text: "services:\n  web: {image: x, ports: [80], volumes: ['${P}:/x']}\n", options: plan.Options{Secrets: []string{"P"}}, reason: ""},
	} {
		made, err := composed(t, c.text, c.options, c.files...)
		if c.reason == "" {
			for _, service := range made.Services {
				for _, mount := range service.Mounts {
					if plan.RefersToSecret(mount.Volume) {
						t.Errorf("%s: a secret is the name of a volume", name)
					}
				}
			}
			continue
		}
		if len(problem.RefusalsIn(err)) == 0 || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: got %v, want %q", name, err, c.reason)
		}
	}
}

func TestFrom_RefusesALinkAsWhatIsMounted(t *testing.T) {
	tree := archivetest.App(t,
		"compose.yaml", "services:\n  web: {image: x, ports: [80], volumes: ['./link:/etc/app.conf', './folder:/srv/app']}\n",
		"target", "x", "link@", "target", "real/a", "x", "folder@", "real")
	_, err := From(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits()})
	if faults := problem.RefusalsIn(err); len(faults) != 2 || !strings.Contains(faults[0].Reason, "is a symbolic link") || !strings.Contains(faults[1].Reason, "is a symbolic link") {
		t.Errorf("got %v", err)
	}
}
