//go:build linux && cgo

package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/traefik/paerser/flag"
	"github.com/traefik/paerser/parser"

	"berth/controller/secret"
)

// settings is everything that can be set, as paerser fills it. The path of a
// field names it everywhere: HTTP.Port is the flag --http.port, the variable
// BERTH_HTTP_PORT and the key http: port: of the file.
type settings struct {
	Stack  string `description:"prefix of every name in the engine, and the label berth.stack"`
	Cgroup string `description:"make up sets it: the cgroup that apps are in, apart from builds, such as /berth; empty: the engine's own"`

	HTTP struct {
		Port uint16 `description:"port of the proxy for http on the host; for links and messages"`
	} `description:"-"`
	HTTPS struct {
		Port uint16 `description:"port of the proxy for https on the host; for links and messages"`
	} `description:"-"`
	Dashboard struct {
		Port uint16 `description:"port of the proxy's dashboard on the host; for links and messages"`
	} `description:"-"`
	Admin struct {
		Port     uint16      `description:"port of the admin app on the host; for links and messages"`
		Listen   string      `description:"address and port that the admin app listens on"`
		Host     string      `description:"host name that browsers open the admin app at, and that no app can have; empty: the first of admin.hosts or of your certificate, else berth.localhost"`
		Hosts    string      `description:"further host names that the admin app answers tokens at, and sends browsers on from, with commas between"`
		Password secret.Text `description:"the operator's password; overrides a stored one"`
		Public   struct {
			Host  string `description:"host name that the proxy leads to the admin app at, over HTTPS; needs the broker; empty: the proxy does not lead there"`
			Allow string `description:"addresses and subnets that may open admin.public.host, with commas between; empty: all"`
		} `description:"-"`
	} `description:"-"`
	SSH struct {
		Port   uint16 `description:"port on the host where git pushes over SSH, such as 2222; make up opens it on 127.0.0.1; 0: off"`
		Listen string `description:"address and port that pushes over SSH are taken on; empty: ssh.port on 127.0.0.1"`
	} `description:"-"`
	Secret struct {
		Key secret.Text `description:"the key of every other key, long and random; without it secret.key in the data folder is"`
	} `description:"-"`
	SSL struct {
		Cert struct {
			File string `description:"certificate of the admin app, PEM with its chain; without it Berth makes its own"`
		} `description:"-"`
		Key struct {
			File string `description:"key of ssl.cert.file, PEM"`
		} `description:"-"`
	} `description:"-"`
	Force struct {
		HTTPS bool `description:"send plain requests to https, and mark cookies as secure everywhere"`
	} `description:"-"`
	LetsEncrypt struct {
		Email string `description:"address that the certificate authority writes to"`
	} `description:"-"`

	ACME struct {
		Directory string `description:"directory of another certificate authority than Let's Encrypt, an https URL"`
		Folder    string `description:"folder in which the proxy keeps what authorities give it; empty: Berth cannot take it back"`
	} `description:"-"`

	Docker struct {
		Host string `description:"address of the engine, unix:// or tcp://"`
	} `description:"-"`
	Data struct {
		Folder string `description:"folder of the ledger, the keys and the uploads, mode 0700"`
	} `description:"-"`
	Proxy struct {
		Folder  string `description:"folder that the proxy reads its configuration from; empty: proxy in the data folder"`
		Address string `description:"the proxy's own address on the edge network"`
	} `description:"-"`
	Gate struct {
		Folder  string `description:"folder in which the gate finds the trusted proxies in front of apps; empty: there is no gate"`
		Address string `description:"address on the edge network of the gate in front of the proxy; empty: there is none"`
	} `description:"-"`
	Transfer struct {
		Folder string `description:"folder of the volume STACK-transfer, through which the bytes of volumes go; empty: they go through the engine"`
	} `description:"-"`
	Edge struct {
		Subnet string `description:"subnet between the controller and the proxy"`
	} `description:"-"`
	Subnet struct {
		Pool string `description:"where the networks of apps get their subnets from"`
	} `description:"-"`
	Ports string `description:"public ports that apps may have beside HTTP and HTTPS, such as 2222,25565/udp,30000-30019, 64 at most; make up opens them; empty: none"`
	Base  struct {
		Domain string `description:"domain below which each app gets a host by its name, which can share one certificate; empty: none"`
	} `description:"-"`
	Public struct {
		Addresses string `description:"addresses of this machine as the internet sees it, with commas between; empty: those of its interfaces that are public"`
	} `description:"-"`
	Apps struct {
		Apart bool `description:"make up sets it: apps reach no service of this machine but the proxy"`
	} `description:"-"`
	Probe struct {
		Metadata string `description:"link-local address and port that the probe of the checklist tries, where clouds keep credentials; empty: none"`
	} `description:"-"`
	Resolver string `description:"DNS server that hosts are checked with, address and port; empty: the system's"`
	Build    struct {
		Concurrency int    `description:"builds at once; the rest wait in line"`
		Timeout     string `description:"time limit of one build"`
		Disk        string `description:"by how much the disk may shrink while one build runs, such as 10g"`
		Apart       bool   `description:"make up sets it: builds reach nothing of this machine"`
		Limited     bool   `description:"make up sets it: builds have limits of memory, processors and processes"`
	} `description:"-"`
	Volume struct {
		Quota string `description:"what one volume may take on the disk, such as 10g; apps that write more are stopped"`
	} `description:"-"`
	Limits struct {
		Memory    string `description:"most memory that an app can be given, such as 2g"`
		CPU       string `description:"most CPU that an app can be given, in percent of one core, such as 200%"`
		Processes int64  `description:"most processes and threads that an app can be given"`
		Start     string `description:"longest time that a release may take to become ready, such as 15m"`
	} `description:"-"`
	Egress struct {
		Private string `description:"allow lets the lists of apps name private addresses outside the stack's networks, such as a database of your own network; empty: never"`
	} `description:"-"`
	Registries string `description:"registries that images may come from beside the public ones, as host or host:port, with commas between; empty: none"`
	Forbid     struct {
		Waivers string `description:"security exceptions that no app may have, with commas between: database, root-start, writable-root"`
	} `description:"-"`
	RateLimit struct {
		Login         string `description:"attempts to sign in, by account and by address, as number/duration"`
		Upload        string `description:"uploads of one account or token, as number/duration"`
		Update        string `description:"updates of one account or token, as number/duration"`
		VolumeCreate  string `description:"new volumes of one account or token, as number/duration"`
		VolumeUpload  string `description:"uploads into volumes of one account or token, as number/duration"`
		Hosts         string `description:"requests to the hosts API by one account or token, as number/duration"`
		Containers    string `description:"requests to the API of apps by one account or token, as number/duration"`
		Notifications string `description:"requests to the API of alerts by one account or token, as number/duration"`
		WebSocket     string `description:"WebSocket messages of one account or token, as number/duration"`
		Default       string `description:"all requests of one address, as number/duration; several with commas between all hold"`
	} `description:"-"`
	App struct {
		Trusted struct {
			Proxies string `description:"addresses and subnets of proxies in front of apps, whose X-Forwarded-For and X-Forwarded-Proto are believed, with commas between, beside those of the page Proxy; empty: none"`
		} `description:"-"`
	} `description:"-"`
	Trusted struct {
		Proxies string `description:"addresses and subnets of proxies in front of the admin app, whose X-Forwarded-For is believed, with commas between; empty: none"`
	} `description:"-"`
	Session struct {
		Idle     string `description:"how long a session of the admin app holds without a request"`
		Lifetime string `description:"how long a session of the admin app holds from its beginning"`
	} `description:"-"`
	Log struct {
		Level string `description:"the least level to log: debug, info, warn or error"`
	} `description:"-"`
}

func defaultSettings() settings {
	var s settings
	s.Stack = "berth"
	s.HTTP.Port, s.HTTPS.Port, s.Admin.Port, s.Dashboard.Port = 80, 443, 8001, 8080
	s.Admin.Listen = "127.0.0.1:8001"
	s.Data.Folder = "./data"
	s.Proxy.Address = "10.201.0.2"
	s.Edge.Subnet = "10.201.0.0/27"
	s.Subnet.Pool = "10.201.0.0/16"
	s.Build.Concurrency, s.Build.Timeout, s.Build.Disk = 2, "15m", "10g"
	s.Volume.Quota = "10g"
	s.Probe.Metadata = "169.254.169.254:80"
	s.Limits.Memory, s.Limits.CPU, s.Limits.Processes, s.Limits.Start = "2g", "200%", 500, "15m"
	s.Session.Idle, s.Session.Lifetime = "30m", "12h"
	s.Log.Level = "info"
	return s
}

// The documents call some settings by names of their own, without the prefix.
var documentedVariables = map[string][]string{
	"admin.password":    {"MILKCRATE_ADMIN_PASSWORD"},
	"secret.key":        {"SECRET_KEY"},
	"ssl.cert.file":     {"SSL_CERT_FILE"},
	"ssl.key.file":      {"SSL_KEY_FILE"},
	"force.https":       {"FORCE_HTTPS"},
	"letsencrypt.email": {"LETSENCRYPT_EMAIL"},
	"docker.host":       {"DOCKER_HOST"},
}

// fileSuffix after the path of a secret names a file that holds it.
const fileSuffix = ".file"

// setting is one line of what can be set.
type setting struct {
	path        string // "admin.password"
	description string
	fallback    string // as text, empty where there is none
	secret      bool   // it has a second path, with fileSuffix
	boolean     bool   // as a flag it needs no value
}

// listSettings returns every setting, in the order of their paths.
func listSettings() []setting {
	defaults := defaultSettings()
	flats, err := flag.Encode(&defaults)
	if err != nil {
		panic(fmt.Sprintf("list settings: %v", err)) // settings holds a type that paerser does not know
	}
	var list []setting
	for _, flat := range flats {
		field, ok := fieldAt(reflect.ValueOf(defaults), flat.Name)
		if !ok {
			continue // a struct, not a value
		}
		list = append(list, setting{
			path:        flat.Name,
			description: flat.Description,
			fallback:    flat.Default,
			secret:      field.Type() == reflect.TypeFor[secret.Text](),
			boolean:     field.Kind() == reflect.Bool,
		})
	}
	return list
}

// fieldAt returns the value at path; false where there is none, or a struct.
func fieldAt(value reflect.Value, path string) (reflect.Value, bool) {
	for name := range strings.SplitSeq(path, ".") {
		if value.Kind() != reflect.Struct {
			return reflect.Value{}, false
		}
		value = value.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
	}
	return value, value.IsValid() && value.Kind() != reflect.Struct
}

// variables returns the names of the setting in the environment, the first one to win.
func (s setting) variables() []string {
	own := "BERTH_" + strings.ToUpper(strings.ReplaceAll(s.path, ".", "_"))
	return append([]string{own}, documentedVariables[s.path]...)
}

// fill writes one value into the settings by paerser, which converts it to the field's type.
func (s *settings) fill(path, text string) error {
	const root = "berth"
	return parser.Decode(map[string]string{root + "." + path: text}, s, root)
}

// findSetting returns the setting of that path, in whatever case it is written.
func findSetting(list []setting, path string) (setting, bool) {
	at := slices.IndexFunc(list, func(s setting) bool { return strings.EqualFold(s.path, path) })
	if at < 0 {
		return setting{}, false
	}
	return list[at], true
}
