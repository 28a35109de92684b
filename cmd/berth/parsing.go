//go:build linux && cgo

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"

	"berth/controller/account"
	"berth/controller/address"
	"berth/controller/app"
	"berth/controller/limit"
	"berth/controller/plan"
	"berth/controller/secret"
	"berth/traefik"
)

// parsing parses values one by one and collects what is wrong with them.
type parsing struct {
	values values
	errs   []error
}

// fill brings the values over the defaults by paerser.
func (p *parsing) fill() settings {
	s := defaultSettings()
	for _, known := range listSettings() {
		if v, ok := p.values[known.path]; ok {
			if err := s.fill(known.path, v.text); err != nil {
				p.refuse(known.path, v.text, allowedBy(err))
			}
		}
	}
	for path, port := range map[string]uint16{
		"http.port": s.HTTP.Port, "https.port": s.HTTPS.Port, "admin.port": s.Admin.Port, "dashboard.port": s.Dashboard.Port,
	} {
		if port == 0 {
			p.refuse(path, "0", "a port from 1 to 65535")
		}
	}
	if s.Build.Concurrency < 1 {
		p.refuse("build.concurrency", strconv.Itoa(s.Build.Concurrency), "a whole number from 1")
	}
	return s
}

// parse parses one value with a parser of its type.
func parse[S ~string, T any](p *parsing, path string, text S, parseText func(string) (T, error), allowed string) T {
	parsed, err := parseText(string(text))
	if err != nil {
		p.refuse(path, string(text), allowed)
	}
	return parsed
}

// rateLimits parses what is set; the rest has its default.
func (p *parsing) rateLimits(s settings) limit.Budgets {
	budgets := limit.Budgets{}
	for _, class := range limit.Descriptions() {
		path := "ratelimit." + string(class.Class)
		if field, ok := fieldAt(reflect.ValueOf(s), path); ok && field.String() != "" {
			budgets[class.Class] = parse(p, path, field.String(), limit.ParseBudget, limit.BudgetForm)
		}
	}
	return budgets
}

func (p *parsing) maximumLimits(s settings) plan.Limits {
	least := app.LeastLimits()
	if s.Limits.Processes < least.Processes {
		p.refuse("limits.processes", strconv.FormatInt(s.Limits.Processes, 10), fmt.Sprintf("a whole number from %d", least.Processes))
	}
	return plan.Limits{
		MemoryBytes: parse(p, "limits.memory", s.Limits.Memory, parseMemory, "a size from 16m, such as 512m or 2g"),
		NanoCPUs:    parse(p, "limits.cpu", s.Limits.CPU, parseCPU, "a whole percentage of one core from 5%, such as 200% for two"),
		Processes:   s.Limits.Processes,
		StartTime:   parse(p, "limits.start", s.Limits.Start, parseStart, "a duration from 1m to 24h, such as 15m"),
	}
}

func (p *parsing) sessionLife(s settings) account.SessionLife {
	return account.SessionLife{
		Idle:     parse(p, "session.idle", s.Session.Idle, parseSessionTime, sessionTimeAllowed),
		Absolute: parse(p, "session.lifetime", s.Session.Lifetime, parseSessionTime, sessionTimeAllowed),
	}
}

// parseOptionalAddress gives the zero Addr for nothing.
func parseOptionalAddress(text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	return netip.ParseAddr(text)
}

// parseOptionalAddressPort takes an empty text for the zero AddrPort.
func parseOptionalAddressPort(text string) (netip.AddrPort, error) {
	if text == "" {
		return netip.AddrPort{}, nil
	}
	return netip.ParseAddrPort(text)
}

// checkTogether checks what no single value can say.
func (p *parsing) checkTogether(c Config) {
	if (c.CertificateFile == "") != (c.KeyFile == "") {
		p.errs = append(p.errs, errors.New("ssl.cert.file and ssl.key.file belong together: set both (SSL_CERT_FILE, SSL_KEY_FILE), or neither"))
	}
	if c.BaseDomain != "" && c.BaseDomain == c.AdminHost {
		p.refuse("base.domain", string(c.BaseDomain), "another name than that of the admin app (admin.host)")
	}
	p.checkPublicHost(c)
	if c.SessionLife.Idle > c.SessionLife.Absolute {
		p.refuse("session.idle", c.SessionLife.Idle.String(), "no longer than session.lifetime, "+c.SessionLife.Absolute.String())
	}
	if c.GateAddress.IsValid() && !c.EdgeSubnet.Contains(c.GateAddress) {
		p.refuse("gate.address", c.GateAddress.String(), "an address in the edge subnet, "+c.EdgeSubnet.String())
	}
	for _, port := range c.Ports {
		if slices.Contains(c.ownPorts(), port.Number) {
			p.refuse("ports", port.String(), fmt.Sprintf("without port %d, which is Berth's own", port.Number))
		}
	}
	if c.SSHPort != 0 && slices.Contains(c.ownPorts()[1:], c.SSHPort) {
		p.refuse("ssh.port", strconv.Itoa(int(c.SSHPort)), "another port than those of HTTP, HTTPS, the admin app and the dashboard")
	}
	for _, prefix := range c.AppTrustedProxies {
		if c.neighbours().CheckTrusted(prefix) != nil {
			p.refuse("app.trusted.proxies", prefix.String(), "addresses outside of "+c.SubnetPool.String()+", the networks of apps, and not everybody")
		}
	}
	if !c.EdgeSubnet.Contains(c.ProxyAddress) {
		p.refuse("proxy.address", c.ProxyAddress.String(), "an address in the edge subnet, "+c.EdgeSubnet.String())
	}
}

// ownPorts are those of this machine that Berth has, that of SSH first.
func (c Config) ownPorts() []uint16 {
	return []uint16{c.SSHPort, c.HTTPPort, c.HTTPSPort, c.AdminPort, c.DashboardPort}
}

// refuse notes that the value of path is not allowed. Secrets are not repeated.
func (p *parsing) refuse(path, text, allowed string) {
	origin := "default of " + path
	if v, ok := p.values[path]; ok {
		origin, text = v.origin, v.text
	}
	shown := fmt.Sprintf("%.80q", text)
	if s, ok := findSetting(listSettings(), path); ok && s.secret {
		shown = "its value"
	}
	err := fmt.Errorf("%s: %s is not allowed, it must be %s", origin, shown, allowed)
	for _, earlier := range p.errs {
		if strings.HasPrefix(earlier.Error(), origin+":") {
			return // a port that could not be converted is also zero
		}
	}
	p.errs = append(p.errs, err)
}

// allowedBy says in words what a conversion wanted.
func allowedBy(err error) string {
	number, ok := errors.AsType[*strconv.NumError](err)
	switch {
	case !ok:
		return "something else: " + err.Error()
	case number.Func == "ParseBool":
		return "true or false"
	default:
		return "a whole number from 1 to 65535"
	}
}

var stackPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

func parseStack(s string) (string, error) {
	if !stackPattern.MatchString(s) {
		return "", errors.New("not a stack name")
	}
	return s, nil
}

var cgroupPattern = regexp.MustCompile(`^(/[a-z0-9][a-z0-9-]{0,39}|[a-z0-9]+(-[a-z0-9]+)*\.slice)?$`)

func parseCgroup(s string) (string, error) {
	if !cgroupPattern.MatchString(s) {
		return "", errors.New("not a cgroup")
	}
	return s, nil
}

func parseHosts(s string) ([]traefik.Host, error) {
	return parseList(s, traefik.ParseHost)
}

// parseList reads what stands between commas.
func parseList[T any](s string, parseOne func(string) (T, error)) ([]T, error) {
	var list []T
	for text := range strings.SplitSeq(s, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		one, err := parseOne(text)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// parseHost takes nothing for none.
func parseHost(s string) (traefik.Host, error) {
	if s == "" {
		return "", nil
	}
	return traefik.ParseHost(s)
}

func parseAddresses(s string) ([]netip.Addr, error) {
	return parseList(s, func(text string) (netip.Addr, error) {
		parsed, err := netip.ParseAddr(text)
		if err != nil || parsed.Zone() != "" {
			return netip.Addr{}, errors.New("not a list of addresses")
		}
		return parsed.Unmap(), nil
	})
}

func parseResolver(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if server, err := netip.ParseAddrPort(s); err != nil || server.Port() == 0 {
		return "", errors.New("not the address of a DNS server")
	}
	return s, nil
}

// parseProxies reads addresses and prefixes. One that everybody is in is refused:
// then anybody could choose the address that limits and log entries know.
func parseProxies(s string) ([]netip.Prefix, error) {
	return parseList(s, func(text string) (netip.Prefix, error) {
		prefix, err := address.ParseRange(text)
		if err != nil || prefix.Bits() == 0 {
			return netip.Prefix{}, errors.New("not a list of addresses")
		}
		return prefix.Masked(), nil
	})
}

func parsePassword(s string) (secret.Text, error) {
	if len(s) > secret.MaxPasswordBytes {
		return "", secret.ErrTooLong
	}
	return secret.Text(s), nil
}

func parseEmail(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s {
		return "", errors.New("not a mail address")
	}
	return s, nil
}

func parseDirectory(s string) (string, error) {
	directory, err := url.Parse(s)
	if s != "" && (err != nil || directory.Scheme != "https" || directory.Host == "" || directory.User != nil) {
		return "", errors.New("not a directory's address")
	}
	return s, nil
}

func parseEngine(s string) (string, error) {
	if s == "" || strings.HasPrefix(s, "unix://") || strings.HasPrefix(s, "tcp://") {
		return s, nil
	}
	return "", errors.New("not an engine's address")
}

func parseSubnet(s string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(s)
	if err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() {
		return netip.Prefix{}, errors.New("not an IPv4 subnet")
	}
	return prefix, nil
}

func parseTimeout(s string) (time.Duration, error) {
	duration, err := time.ParseDuration(s)
	if err != nil || duration <= 0 {
		return 0, errors.New("not a duration above zero")
	}
	return duration, nil
}

// sessionTimeAllowed says what parseSessionTime takes.
const sessionTimeAllowed = "a duration from 1m to 720h, such as 30m or 12h"

// parseSessionTime takes no time that would sign people out while they type,
// nor one that leaves a forgotten browser open for months.
func parseSessionTime(s string) (time.Duration, error) {
	const least, most = time.Minute, 30 * 24 * time.Hour
	duration, err := time.ParseDuration(s)
	if err != nil || duration < least || duration > most {
		return 0, errors.New("not a time for sessions")
	}
	return duration, nil
}

func parseStart(s string) (time.Duration, error) {
	duration, err := time.ParseDuration(s)
	if err != nil || duration < time.Minute || duration > 24*time.Hour {
		return 0, errors.New("not a start time")
	}
	return duration, nil
}

func parseMemory(s string) (int64, error) {
	bytes, err := units.RAMInBytes(s)
	if err != nil || bytes < app.LeastLimits().MemoryBytes {
		return 0, errors.New("not an amount of memory")
	}
	return bytes, nil
}

func parseCPU(s string) (int64, error) {
	const most = 100_000
	number, found := strings.CutSuffix(s, "%")
	percent, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil || percent < app.LeastLimits().NanoCPUs/app.NanosPerPercent || percent > most {
		return 0, errors.New("not a percentage")
	}
	return percent * app.NanosPerPercent, nil
}

func parseLevel(s string) (slog.Level, error) {
	var level slog.Level
	err := level.UnmarshalText([]byte(s))
	return level, err
}
