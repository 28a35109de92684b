package main

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/controller/account"
	"berth/controller/limit"
	"berth/controller/plan"
	"berth/controller/secret"
	"berth/traefik"
)

func TestConfig_FlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "berth.yml", "http: {port: 1001}\nhttps: {port: 1002}\nadmin:\n  port: 1003\n")
	environment := []string{"BERTH_HTTP_PORT=2001", "BERTH_HTTPS_PORT=2002"}
	flags := values{"http.port": {"3001", "flag --http.port"}}
	config := load(t, file, environment, flags)
	got := []uint16{config.HTTPPort, config.HTTPSPort, config.AdminPort, config.DashboardPort}
	if want := []uint16{3001, 2002, 1003, 8080}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConfig_DefaultsAreThoseOfTheDocuments(t *testing.T) {
	t.Parallel()
	config := load(t, "", nil, nil)
	folder, err := filepath.Abs("data")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Stack: "berth", DataFolder: folder, ProxyFolder: filepath.Join(folder, "proxy"),
		HTTPPort: 80, HTTPSPort: 443, AdminPort: 8001, DashboardPort: 8080,
		AdminListen:  netip.MustParseAddrPort("127.0.0.1:8001"),
		AdminHost:    "berth.localhost",
		ProxyAddress: netip.MustParseAddr("10.201.0.2"),
		EdgeSubnet:   netip.MustParsePrefix("10.201.0.0/27"), SubnetPool: netip.MustParsePrefix("10.201.0.0/16"),
		BuildConcurrency: 2, BuildTimeout: 15 * time.Minute, BuildDisk: 10 << 30, VolumeQuota: 10 << 30, LogLevel: slog.LevelInfo,
		ProbeMetadata: netip.MustParseAddrPort("169.254.169.254:80"),
		MaximumLimits: plan.Limits{MemoryBytes: 2 << 30, NanoCPUs: 2_000_000_000, Processes: 500, StartTime: 15 * time.Minute},
		RateLimits:    limit.Budgets{},
		SessionLife:   account.SessionLife{Idle: 30 * time.Minute, Absolute: 12 * time.Hour},
	}
	if !reflect.DeepEqual(config, want) {
		t.Errorf("got  %+v\nwant %+v", config, want)
	}
}

func TestConfig_KnowsTheNamesOfTheDocuments(t *testing.T) {
	t.Parallel()
	config := load(t, "", []string{
		"MILKCRATE_ADMIN_PASSWORD=crate", "SECRET_KEY=key", "SSL_CERT_FILE=/c.pem", "SSL_KEY_FILE=/k.pem",
		"FORCE_HTTPS=true", "LETSENCRYPT_EMAIL=me@example.com", "DOCKER_HOST=tcp://docker-proxy:2375",
		"BERTH_RATELIMIT_LOGIN=10/1h", "BERTH_RATELIMIT_VOLUMECREATE=3/m",
	}, nil)
	if config.AdminPassword.Reveal() != "crate" || config.SecretKey.Reveal() != "key" {
		t.Errorf("secrets: %q, %q", config.AdminPassword.Reveal(), config.SecretKey.Reveal())
	}
	if config.CertificateFile != "/c.pem" || config.KeyFile != "/k.pem" || !config.ForceHTTPS {
		t.Errorf("tls: %+v", config)
	}
	if config.LetsEncryptEmail != "me@example.com" || config.DockerHost != "tcp://docker-proxy:2375" {
		t.Errorf("others: %+v", config)
	}
	want := limit.Budgets{limit.Login: {{Requests: 10, Span: time.Hour}}, limit.VolumeCreate: {{Requests: 3, Span: time.Minute}}}
	if !reflect.DeepEqual(config.RateLimits, want) {
		t.Errorf("limits: %+v", config.RateLimits)
	}
}

func TestConfig_ReadsPublicPortsAndRefusesBerthsOwn(t *testing.T) {
	t.Parallel()
	config := load(t, "", []string{"BERTH_PORTS=2222,25565/udp", "BERTH_HTTP_PORT=8088"}, nil)
	if want := []traefik.Port{{Number: 2222, Protocol: traefik.TCP}, {Number: 25565, Protocol: traefik.UDP}}; !slices.Equal(config.Ports, want) {
		t.Errorf("got %v", config.Ports)
	}
	for _, value := range []string{"8088", "443/udp", "8001", "2222,2222", "ssh", "30000-30064"} {
		_, _, err := loadConfig("", []string{"BERTH_PORTS=" + value, "BERTH_HTTP_PORT=8088"}, nil)
		if err == nil || !strings.Contains(err.Error(), "BERTH_PORTS") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestConfig_OurOwnNameWinsOverTheDocumentedOneInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, environment := range [][]string{
		{"BERTH_ADMIN_PASSWORD=ours", "MILKCRATE_ADMIN_PASSWORD=theirs"},
		{"MILKCRATE_ADMIN_PASSWORD=theirs", "BERTH_ADMIN_PASSWORD=ours"},
	} {
		if config := load(t, "", environment, nil); config.AdminPassword.Reveal() != "ours" {
			t.Errorf("%v: got %q", environment, config.AdminPassword.Reveal())
		}
	}
}

func TestConfig_ReadsSecretsFromFilesWithoutTheirLineEnd(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "password", "with space \r\n")
	for name, environment := range map[string][]string{
		"our name":            {"BERTH_ADMIN_PASSWORD_FILE=" + file},
		"the documented name": {"MILKCRATE_ADMIN_PASSWORD_FILE=" + file},
	} {
		if config := load(t, "", environment, nil); config.AdminPassword.Reveal() != "with space " {
			t.Errorf("%s: got %q", name, config.AdminPassword.Reveal())
		}
	}
	settings := writeFile(t, "berth.yml", "admin: {password: {file: "+file+"}}\nsecret: {key: in the file}\n")
	config := load(t, settings, []string{"SECRET_KEY_FILE=" + file}, nil)
	if config.AdminPassword.Reveal() != "with space " || config.SecretKey.Reveal() != "with space " {
		t.Errorf("from the settings file: %q, %q", config.AdminPassword.Reveal(), config.SecretKey.Reveal())
	}
}

func TestConfig_RefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	empty := writeFile(t, "empty", "\n")
	for name, check := range map[string]struct {
		environment []string
		want        []string
	}{
		"a word for a port":      {[]string{"BERTH_HTTP_PORT=abc"}, []string{"environment variable BERTH_HTTP_PORT", `"abc"`, "1 to 65535"}},
		"a port that is no port": {[]string{"BERTH_HTTP_PORT=70000"}, []string{"BERTH_HTTP_PORT", "1 to 65535"}},
		"no address of SSH":      {[]string{"BERTH_SSH_PORT=2222", "BERTH_SSH_LISTEN=here"}, []string{"BERTH_SSH_LISTEN", "127.0.0.1:2222"}},
		"two ports in one":       {[]string{"BERTH_SSH_PORT=8001"}, []string{"BERTH_SSH_PORT", "another port"}},
		"SSH on a port of apps":  {[]string{"BERTH_SSH_PORT=2222", "BERTH_PORTS=2222"}, []string{"BERTH_PORTS", "Berth's own"}},
		"port zero":              {[]string{"BERTH_ADMIN_PORT=0"}, []string{"BERTH_ADMIN_PORT", "1 to 65535"}},
		"a word for a switch":    {[]string{"FORCE_HTTPS=yes please"}, []string{"FORCE_HTTPS", "true or false"}},
		"no unit":                {[]string{"BERTH_BUILD_TIMEOUT=900"}, []string{"BERTH_BUILD_TIMEOUT", "15m"}},
		"no memory":              {[]string{"BERTH_LIMITS_MEMORY=8m"}, []string{"BERTH_LIMITS_MEMORY", "16m"}},
		"memory in no unit":      {[]string{"BERTH_LIMITS_MEMORY=2x"}, []string{"BERTH_LIMITS_MEMORY", "512m"}},
		"no per cent":            {[]string{"BERTH_LIMITS_CPU=2"}, []string{"BERTH_LIMITS_CPU", "200%"}},
		"no CPU":                 {[]string{"BERTH_LIMITS_CPU=0%"}, []string{"BERTH_LIMITS_CPU", "5%"}},
		"too much CPU to count":  {[]string{"BERTH_LIMITS_CPU=9223372036854775807%"}, []string{"BERTH_LIMITS_CPU", "200%"}},
		"CPU below nothing":      {[]string{"BERTH_LIMITS_CPU=-9223372036854775807%"}, []string{"BERTH_LIMITS_CPU", "5%"}},
		"a hasty start":          {[]string{"BERTH_LIMITS_START=1s"}, []string{"BERTH_LIMITS_START", "15m"}},
		"few processes":          {[]string{"BERTH_LIMITS_PROCESSES=9"}, []string{"BERTH_LIMITS_PROCESSES", "10"}},
		"no size of a volume":    {[]string{"BERTH_VOLUME_QUOTA=1k"}, []string{"BERTH_VOLUME_QUOTA", "10g"}},
		"a cgroup elsewhere":     {[]string{"BERTH_CGROUP=/../system"}, []string{"BERTH_CGROUP", "/berth"}},
		"no size of a disk":      {[]string{"BERTH_BUILD_DISK=lots"}, []string{"BERTH_BUILD_DISK", "10g"}},
		"no builds":              {[]string{"BERTH_BUILD_CONCURRENCY=0"}, []string{"BERTH_BUILD_CONCURRENCY", "from 1"}},
		"a host bit":             {[]string{"BERTH_SUBNET_POOL=10.201.0.1/16"}, []string{"BERTH_SUBNET_POOL", "10.201.0.0/16"}},
		"an address elsewhere":   {[]string{"BERTH_PROXY_ADDRESS=10.9.0.2"}, []string{"BERTH_PROXY_ADDRESS", "10.201.0.0/27"}},
		"a limit without window": {[]string{"BERTH_RATELIMIT_LOGIN=10"}, []string{"BERTH_RATELIMIT_LOGIN", "10/1h"}},
		"a limit of nothing":     {[]string{"BERTH_RATELIMIT_DEFAULT=0/1m"}, []string{"BERTH_RATELIMIT_DEFAULT", "from 1"}},
		"a limit for ever":       {[]string{"BERTH_RATELIMIT_UPLOAD=10/9000h"}, []string{"BERTH_RATELIMIT_UPLOAD", "744h"}},
		"a proxy that is a name": {[]string{"BERTH_TRUSTED_PROXIES=proxy"}, []string{"BERTH_TRUSTED_PROXIES", "10.0.0.5"}},
		"a waiver of no kind":    {[]string{"BERTH_FORBID_WAIVERS=root"}, []string{"BERTH_FORBID_WAIVERS", "writable-root"}},
		"a registry with a path": {[]string{"BERTH_REGISTRIES=registry.lan/team"}, []string{"BERTH_REGISTRIES", "registry.lan:5000"}},
		"everybody as a proxy":   {[]string{"BERTH_TRUSTED_PROXIES=10.0.0.5,0.0.0.0/0"}, []string{"BERTH_TRUSTED_PROXIES", "not everybody"}},
		"everybody for apps":     {[]string{"BERTH_APP_TRUSTED_PROXIES=::/0"}, []string{"BERTH_APP_TRUSTED_PROXIES", "not everybody"}},
		"apps as a proxy":        {[]string{"BERTH_APP_TRUSTED_PROXIES=10.0.0.0/8"}, []string{"BERTH_APP_TRUSTED_PROXIES", "10.201.0.0/16"}},
		"a level":                {[]string{"BERTH_LOG_LEVEL=loud"}, []string{"BERTH_LOG_LEVEL", "debug"}},
		"a stack name":           {[]string{"BERTH_STACK=My Stack"}, []string{"BERTH_STACK", "lower-case"}},
		"an engine":              {[]string{"DOCKER_HOST=ssh://host"}, []string{"DOCKER_HOST", "unix://"}},
		"a key without its half": {[]string{"SSL_KEY_FILE=/k.pem"}, []string{"SSL_CERT_FILE", "both"}},
		"an empty secret":        {[]string{"SECRET_KEY_FILE=" + empty}, []string{"SECRET_KEY_FILE", "is empty"}},
		"a missing secret":       {[]string{"SECRET_KEY_FILE=/nowhere"}, []string{"SECRET_KEY_FILE", "/nowhere"}},
		"a secret twice":         {[]string{"SECRET_KEY=a", "SECRET_KEY_FILE=" + empty}, []string{"SECRET_KEY", "SECRET_KEY_FILE", "one of the two"}},
		"no time to type":        {[]string{"BERTH_SESSION_IDLE=10s"}, []string{"BERTH_SESSION_IDLE", "1m to 720h"}},
		"a session for ever":     {[]string{"BERTH_SESSION_LIFETIME=8760h"}, []string{"BERTH_SESSION_LIFETIME", "1m to 720h"}},
		"idle beyond the end":    {[]string{"BERTH_SESSION_IDLE=13h"}, []string{"BERTH_SESSION_IDLE", "session.lifetime", "12h"}},
		"several at once":        {[]string{"BERTH_STACK=-", "BERTH_LOG_LEVEL=loud"}, []string{"BERTH_STACK", "BERTH_LOG_LEVEL"}},
	} {
		_, _, err := loadConfig("", check.environment, nil)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, word := range check.want {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q is missing in: %v", name, word, err)
			}
		}
	}
}

func TestConfig_NeverRepeatsASecretInAnError(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("hunter2", 11)
	_, _, err := loadConfig("", []string{"BERTH_ADMIN_PASSWORD=" + long}, nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestConfig_TakesAnEmptyVariableForNone(t *testing.T) {
	t.Parallel()
	if config := load(t, "", []string{"BERTH_HTTP_PORT=", "SECRET_KEY="}, nil); config.HTTPPort != 80 || config.SecretKey != "" {
		t.Errorf("got %+v", config)
	}
}

func TestConfig_LeavesTheVariableOfTheTrustedAuthoritiesAlone(t *testing.T) {
	t.Parallel()
	if config := load(t, "", []string{"SSL_CERT_FILE=/etc/ssl/cert.pem"}, nil); config.CertificateFile != "" {
		t.Errorf("took %s for the certificate of the admin app", config.CertificateFile)
	}
}

func TestConfig_NamesTheVariablesThatMeanNothing(t *testing.T) {
	t.Parallel()
	_, unknown, err := loadConfig("", []string{"BERTH_HTPP_PORT=1", "BERTH_IMAGE=x", "OTHER=1", "BERTH_TOKEN=x"}, nil)
	if err != nil || !reflect.DeepEqual(unknown, []string{"BERTH_HTPP_PORT"}) {
		t.Errorf("got %v, %v", unknown, err)
	}
}

func TestConfig_RefusesAFileWithWhatMeansNothing(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]struct {
		content string
		want    []string
	}{
		"a wrong word":        {"stack: a\nhtpp: {port: 80}\n", []string{"line 2", "htpp.port", "https"}},
		"a wrong second word": {"http: {prot: 80}\n", []string{"line 1", "http.prot", "there are http.port"}},
		"a list of structs":   {"admin: {hosts: [{a: b}]}\n", []string{"line 1", "admin.hosts"}},
		"the same key twice":  {"http:\n  port: 1\nHTTP:\n  port: 2\n", []string{"line 4", "http.port", "line 2"}},
		"an alias":            {"stack: &a b\nlog: {level: *a}\n", []string{"line 2", "aliases"}},
		"a word alone":        {"berth\n", []string{"key: value"}},
		"no yaml":             {"a: [\n", []string{"berth.yml"}},
		"a bad value":         {"\nhttp:\n  port: many\n", []string{"line 3, http.port", `"many"`}},
	} {
		_, _, err := loadConfig(writeFile(t, "berth.yml", check.content), nil, nil)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, word := range check.want {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q is missing in: %v", name, word, err)
			}
		}
	}
}

func TestConfig_ReadsListsAndNothingFromAFile(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "berth.yml", "admin:\n  hosts: [berth.example.com, other.example.com]\n  password:\n")
	config := load(t, file, nil, nil)
	if len(config.AdminHosts) != 2 || config.AdminHosts[1] != "other.example.com" || config.AdminPassword != "" {
		t.Errorf("got %v, %q", config.AdminHosts, config.AdminPassword.Reveal())
	}
	load(t, writeFile(t, "empty.yml", "# nothing yet\n"), nil, nil)
}

func TestSettings_EachSaysWhatItIsAndCanBeSetByEverySource(t *testing.T) {
	t.Parallel()
	secrets := 0
	for _, s := range listSettings() {
		if s.description == "" || s.description == "-" {
			t.Errorf("%s has no description", s.path)
		}
		if s.secret {
			secrets++
		}
		if path := variablePaths()[s.variables()[0]]; path != s.path {
			t.Errorf("%s sets %s, not %s", s.variables()[0], path, s.path)
		}
	}
	if secrets != 2 {
		t.Errorf("%d settings of the type %s", secrets, reflect.TypeFor[secret.Text]())
	}
}

func TestConfig_EveryRateLimitHasASetting(t *testing.T) {
	t.Parallel()
	for _, d := range limit.Descriptions() {
		variable := "BERTH_RATELIMIT_" + strings.ToUpper(string(d.Class))
		config := load(t, "", []string{variable + "=7/2m,70/1h"}, nil)
		want := limit.Budget{{Requests: 7, Span: 2 * time.Minute}, {Requests: 70, Span: time.Hour}}
		if !reflect.DeepEqual(config.RateLimits[d.Class], want) {
			t.Errorf("%s gave %v", variable, config.RateLimits)
		}
	}
}

func TestConfig_TrustsTheProxiesThatItNames(t *testing.T) {
	t.Parallel()
	const list = "10.0.0.5, 192.168.7.9/24 ,2001:db8::/32"
	config := load(t, "", []string{"BERTH_TRUSTED_PROXIES=" + list, "BERTH_APP_TRUSTED_PROXIES=" + list + ",10.201.0.1"}, nil)
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32"), netip.MustParsePrefix("192.168.7.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	if !reflect.DeepEqual(config.TrustedProxies, want) {
		t.Errorf("trusts %v", config.TrustedProxies)
	}
	// This machine, as the gate sees it, is a tunnel on it.
	if want = append(want, netip.MustParsePrefix("10.201.0.1/32")); !reflect.DeepEqual(config.AppTrustedProxies, want) {
		t.Errorf("trusts %v in front of apps", config.AppTrustedProxies)
	}
}

func FuzzSettingsFile(f *testing.F) {
	f.Add("http: {port: 80}\nadmin: {password: {file: x}}\n")
	f.Add("admin: {hosts: [a, b]}")
	f.Fuzz(func(t *testing.T, content string) {
		found, err := readSettingsFile(writeFile(t, "berth.yml", content))
		if err != nil {
			return
		}
		for path := range found {
			if !knownPath(listSettings(), path) {
				t.Errorf("accepted %q", path)
			}
		}
	})
}

func load(t *testing.T, file string, environment []string, flags values) Config {
	t.Helper()
	config, _, err := loadConfig(file, environment, flags)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
