//go:build linux && cgo

package main

import (
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"berth/controller/account"
	"berth/controller/app"
	"berth/controller/limit"
	"berth/controller/plan"
	"berth/controller/registry"
	"berth/controller/secret"
	"berth/traefik"
)

// Config is the settings, parsed: what holds one of these need not check it again.
type Config struct {
	Stack       string
	Cgroup      string // the parent of those of instances; empty: the engine's own
	DataFolder  string
	ProxyFolder string

	HTTPPort, HTTPSPort, AdminPort, DashboardPort uint16 // as published on the host

	SSHPort   uint16         // as published on the host; 0: no pushes over SSH
	SSHListen netip.AddrPort // the zero AddrPort: SSHPort on 127.0.0.1

	AdminListen      netip.AddrPort
	AdminHost        traefik.Host   // where browsers sign in; no app can have it
	AdminHosts       []traefik.Host // further names, besides localhost; may be empty
	AdminPublicHost  traefik.Host   // where the proxy leads to the admin app; empty: nowhere
	AdminPublicAllow []netip.Prefix // that may come there; empty: all
	AdminPassword    secret.Text    // empty: the stored one
	SecretKey        secret.Text    // empty: the one in the data folder
	CertificateFile  string         // empty, with KeyFile: Berth's own
	KeyFile          string

	ForceHTTPS       bool
	LetsEncryptEmail string // empty: none
	ACMEDirectory    string // empty: Let's Encrypt's
	ACMEFolder       string // empty: not at hand

	DockerHost   string // empty: the platform's socket
	ProxyAddress netip.Addr
	GateAddress  netip.Addr // the zero Addr where nothing stands in front of the proxy
	EdgeSubnet   netip.Prefix
	SubnetPool   netip.Prefix

	Ports           []traefik.Port // public ones that apps may have; may be empty
	BaseDomain      traefik.Host   // gives each app NAME.BaseDomain; may be empty
	PublicAddresses []netip.Addr   // of this machine as the internet sees it; empty: as far as known
	Resolver        string         // host:port of a DNS server; empty: the system's

	BuildConcurrency int            // at least 1
	BuildTimeout     time.Duration  // above zero
	BuildDisk        int64          // bytes; above zero
	ProbeMetadata    netip.AddrPort // the zero AddrPort: it is not tried
	AppsApart        bool           // make up keeps them from the services of this machine
	BuildsApart      bool           // make up keeps them from the rest of the machine
	BuildsLimited    bool           // make up gave them a budget
	VolumeQuota      int64          // bytes of one volume; above zero

	MaximumLimits plan.Limits // of one app; at least app.LeastLimits

	PrivateEgress    bool         // lists of apps may name private addresses
	Registries       []string     // that images may come from beside the public ones; may be empty
	ForbiddenWaivers []app.Waiver // that no app may have; may be empty

	RateLimits     limit.Budgets  // what is missing has its default
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed; may be empty

	AppTrustedProxies []netip.Prefix // the same in front of apps; may be empty
	GateFolder        string         // where the gate reads them; empty: there is no gate

	TransferFolder string // for sockets to the helpers in volumes; empty: the engine carries their bytes

	LogLevel slog.Level

	SessionLife account.SessionLife // idle is never longer than absolute
}

// loadConfig merges the sources, flags over environment over file over the
// defaults, and parses the result. The error names every value that is wrong,
// where it came from and what is allowed. The file's name may be empty.
func loadConfig(file string, environment []string, flags values) (config Config, unknown []string, err error) {
	fromFile := values{}
	if file != "" {
		if fromFile, err = readSettingsFile(file); err != nil {
			return Config{}, nil, err
		}
	}
	fromEnvironment, unknown := readEnvironment(environment)
	merged, err := merge(fromFile, fromEnvironment, flags)
	if err != nil {
		return Config{}, unknown, err
	}
	config, err = merged.parse()
	return config, unknown, err
}

// merge returns what the last source to speak says of each setting.
func merge(sources ...values) (values, error) {
	known, merged := listSettings(), values{}
	for _, source := range sources {
		if err := source.resolveSecrets(known); err != nil {
			return nil, err
		}
		for path, v := range source {
			merged[path] = v
		}
	}
	return merged, nil
}

// parse turns the values into a Config.
func (v values) parse() (Config, error) {
	p := parsing{values: v}
	s := p.fill()
	config := Config{
		Stack:            parse(&p, "stack", s.Stack, parseStack, "1 to 40 lower-case letters, digits and inner hyphens"),
		Cgroup:           parse(&p, "cgroup", s.Cgroup, parseCgroup, "a name after a slash, such as /berth, or of a slice, such as berth.slice"),
		DataFolder:       parse(&p, "data.folder", s.Data.Folder, filepath.Abs, "a path"),
		ProxyFolder:      s.Proxy.Folder,
		HTTPPort:         s.HTTP.Port,
		HTTPSPort:        s.HTTPS.Port,
		AdminPort:        s.Admin.Port,
		DashboardPort:    s.Dashboard.Port,
		SSHPort:          s.SSH.Port,
		SSHListen:        parse(&p, "ssh.listen", s.SSH.Listen, parseOptionalAddressPort, "an address and a port, such as 127.0.0.1:2222, or nothing"),
		AdminListen:      parse(&p, "admin.listen", s.Admin.Listen, netip.ParseAddrPort, "an address and a port, such as 127.0.0.1:8001"),
		AdminHost:        parse(&p, "admin.host", s.Admin.Host, parseHost, "a host name, such as berth.example.com"),
		AdminHosts:       parse(&p, "admin.hosts", s.Admin.Hosts, parseHosts, "host names with commas between, such as berth.example.com"),
		AdminPublicHost:  parse(&p, "admin.public.host", s.Admin.Public.Host, parseHost, "a host name, such as admin.example.com"),
		AdminPublicAllow: parse(&p, "admin.public.allow", s.Admin.Public.Allow, parseProxies, "addresses or subnets with commas between, such as 203.0.113.7,2001:db8::/48, and not everybody"),
		AdminPassword:    parse(&p, "admin.password", s.Admin.Password, parsePassword, "at most 72 bytes long"),
		SecretKey:        s.Secret.Key,
		CertificateFile:  s.SSL.Cert.File,
		KeyFile:          s.SSL.Key.File,
		ForceHTTPS:       s.Force.HTTPS,
		LetsEncryptEmail: parse(&p, "letsencrypt.email", s.LetsEncrypt.Email, parseEmail, "a mail address, such as me@example.com"),
		ACMEDirectory:    parse(&p, "acme.directory", s.ACME.Directory, parseDirectory, "an https URL, such as https://ca.example.com/acme/directory"),
		ACMEFolder:       s.ACME.Folder,
		Ports:            parse(&p, "ports", s.Ports, traefik.ParsePorts, "public ports with commas between, 64 at most and none of Berth's own, such as 2222,25565/udp,30000-30019"),
		BaseDomain:       parse(&p, "base.domain", s.Base.Domain, parseHost, "a domain, such as apps.example.com"),
		DockerHost:       parse(&p, "docker.host", s.Docker.Host, parseEngine, "an address such as unix:///var/run/docker.sock or tcp://docker-proxy:2375"),
		ProxyAddress:     parse(&p, "proxy.address", s.Proxy.Address, netip.ParseAddr, "an IP address, such as 10.201.0.2"),
		GateAddress:      parse(&p, "gate.address", s.Gate.Address, parseOptionalAddress, "an IP address, such as 10.201.0.5, or nothing"),
		EdgeSubnet:       parse(&p, "edge.subnet", s.Edge.Subnet, parseSubnet, "an IPv4 subnet, such as 10.201.0.0/27"),
		SubnetPool:       parse(&p, "subnet.pool", s.Subnet.Pool, parseSubnet, "an IPv4 subnet, such as 10.201.0.0/16"),
		PublicAddresses:  parse(&p, "public.addresses", s.Public.Addresses, parseAddresses, "IP addresses with commas between, such as 198.51.100.7,2001:db8::7"),
		Resolver:         parse(&p, "resolver", s.Resolver, parseResolver, "an address and a port, such as 9.9.9.9:53"),
		BuildConcurrency: s.Build.Concurrency,
		BuildTimeout:     parse(&p, "build.timeout", s.Build.Timeout, parseTimeout, "a duration above zero with its unit, such as 15m"),
		ProbeMetadata:    parse(&p, "probe.metadata", s.Probe.Metadata, parseOptionalAddressPort, "an address and a port, such as 169.254.169.254:80, or nothing"),
		AppsApart:        s.Apps.Apart,
		BuildsApart:      s.Build.Apart,
		BuildsLimited:    s.Build.Limited,
		BuildDisk:        parse(&p, "build.disk", s.Build.Disk, parseMemory, "a size from 16m, such as 512m or 10g"),
		VolumeQuota:      parse(&p, "volume.quota", s.Volume.Quota, parseMemory, "a size from 16m, such as 512m or 10g"),
		MaximumLimits:    p.maximumLimits(s),
		PrivateEgress:    parse(&p, "egress.private", s.Egress.Private, parsePrivateEgress, "allow, or nothing"),
		Registries:       parse(&p, "registries", s.Registries, registry.ParseList, "hosts with commas between, such as registry.lan:5000,10.0.0.5"),
		ForbiddenWaivers: parse(&p, "forbid.waivers", s.Forbid.Waivers, app.ParseForbiddenWaivers, "names with commas between, of database, root-start and writable-root"),
		RateLimits:       p.rateLimits(s),
		TrustedProxies:   parse(&p, "trusted.proxies", s.Trusted.Proxies, parseProxies, "addresses or subnets with commas between, such as 10.0.0.5,192.168.7.0/24, and not everybody"),
		AppTrustedProxies: parse(&p, "app.trusted.proxies", s.App.Trusted.Proxies, parseProxies,
			"addresses or subnets with commas between, such as 10.0.0.5,192.168.7.0/24, and not everybody"),
		GateFolder:     s.Gate.Folder,
		TransferFolder: s.Transfer.Folder,
		SessionLife:    p.sessionLife(s),
		LogLevel:       parse(&p, "log.level", s.Log.Level, parseLevel, "debug, info, warn or error"),
	}
	if config.ProxyFolder == "" {
		config.ProxyFolder = filepath.Join(config.DataFolder, "proxy")
	}
	if config.AdminHost == "" {
		config.AdminHost = config.likelyAdminHost()
	}
	if len(p.errs) == 0 {
		p.checkTogether(config)
	}
	return config, errors.Join(p.errs...)
}
