package traefik

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what is generated into testdata")

const goldenSeparator = "----------\n"

// checkGolden runs generate on the first part of every file of folder, and
// compares what comes out with the second.
func checkGolden(t *testing.T, folder string, generate func(t *testing.T, input string) string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files in %s: %v", folder, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			input, want, found := bytes.Cut(content, []byte(goldenSeparator))
			if !found {
				t.Fatalf("%s has no line %q", name, goldenSeparator)
			}
			got := generate(t, string(input))
			if *update {
				if err := os.WriteFile(name, []byte(string(input)+goldenSeparator+got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestGolden_Routes(t *testing.T) {
	checkGolden(t, "routes", func(_ *testing.T, input string) string {
		var out strings.Builder
		for line := range strings.Lines(input) {
			out.WriteString(describeRoute(strings.TrimSuffix(line, "\n")))
		}
		return out.String()
	})
}

func describeRoute(text string) string {
	route, err := ParseRoute(text)
	if invalid := (*InvalidError)(nil); errors.As(err, &invalid) {
		return fmt.Sprintf("%s\n  %s\n  %s\n", text, invalid.Reason, invalid.Hint)
	}
	return fmt.Sprintf("%s\n  %s\n  %d %s\n", text, route, route.Priority(), route.Rule())
}

func TestGolden_Generate(t *testing.T) {
	checkGolden(t, "generate", func(t *testing.T, input string) string {
		table := parseTable(t, input)
		table.Pages = "berth-pages:8002"
		configuration, err := Generate(table)
		if err != nil {
			t.Fatal(err)
		}
		file, err := new(document).encode(configuration)
		if err != nil {
			t.Fatal(err)
		}
		return string(file)
	})
}

// parseTable reads lines of targets, of domains, such as "domain a.example.com
// resolver=production-http redirect hsts=1h", of redirects, such as "redirect
// www.example.com example.com permanent", "home /shop", "beacon TOKEN ANSWER",
// "unknown", "force 8443", "admin admin.example.com 10.0.0.3:8002 10.0.0.0/8", and of public ports, which parseForward reads.
func parseTable(t *testing.T, input string) Table {
	t.Helper()
	var table Table
	var targets strings.Builder
	for line := range strings.Lines(input) {
		switch fields := strings.Fields(line); fields[0] {
		case "domain":
			table.Domains = append(table.Domains, parseDomain(t, fields[1:]))
		case "home":
			table.Home = mustParseRoute(t, fields[1])
		case "unknown":
			table.Unknown = true
		case "beacon":
			table.Beacon = Beacon{Token: fields[1], Answer: fields[2]}
		case "redirect":
			table.Redirects = append(table.Redirects, Redirect{From: Host(fields[1]), To: Host(fields[2]), Permanent: len(fields) > 3})
		case "forward":
			table.Forwards = append(table.Forwards, parseForward(t, fields[1:]))
		case "admin":
			table.Admin = AdminRoute{Host: Host(fields[1]), Address: fields[2]}
			for _, field := range fields[3:] {
				table.Admin.Allow = append(table.Admin.Allow, netip.MustParsePrefix(field))
			}
		case "trusted":
			for _, field := range fields[1:] {
				table.TrustedProxies = append(table.TrustedProxies, netip.MustParsePrefix(field))
			}
		case "force":
			port, err := strconv.ParseUint(fields[1], 10, 16)
			if err != nil {
				t.Fatal(err)
			}
			table.ForceHTTPS, table.HTTPSPort = true, uint16(port)
		default:
			targets.WriteString(line)
		}
	}
	table.Targets = parseTargets(t, targets.String())
	return table
}

// parseForward reads a port alone, or what follows it: "2222/tcp git r3 berth-git-r3:22
// allow=10.0.0.0/8".
func parseForward(t *testing.T, fields []string) Forward {
	t.Helper()
	port, err := ParsePort(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	forward := Forward{Port: port}
	if len(fields) < 4 {
		return forward
	}
	if forward.Release, err = strconv.ParseInt(strings.TrimPrefix(fields[2], "r"), 10, 64); err != nil {
		t.Fatal(err)
	}
	forward.App, forward.Address = fields[1], fields[3]
	for _, field := range fields[4:] {
		forward.Allow = append(forward.Allow, netip.MustParsePrefix(strings.TrimPrefix(field, "allow=")))
	}
	return forward
}

func parseDomain(t *testing.T, fields []string) Domain {
	t.Helper()
	domain := Domain{Host: Host(fields[0])}
	for _, field := range fields[1:] {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "resolver":
			domain.Resolver = value
		case "wildcard":
			domain.Wildcard = Host(value)
		case "own":
			domain.Certificate = value
		case "redirect":
			domain.RedirectHTTPS = true
		case "hsts":
			length, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			domain.HSTS = length
		default:
			t.Fatalf("what is %q", field)
		}
	}
	return domain
}

// parseTargets reads lines such as "hello r3 berth-hello-r3:8000 /hello". A route that
// leads to another address ends in @ and that address.
func parseTargets(t *testing.T, input string) []Target {
	t.Helper()
	var targets []Target
	for line := range strings.Lines(input) {
		fields := strings.Fields(line)
		release, err := strconv.ParseInt(strings.TrimPrefix(fields[1], "r"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		target := Target{App: fields[0], Release: release, Address: strings.TrimPrefix(fields[2], "-")}
		for _, field := range fields[3:] {
			if field == "proving" {
				target.Proving = true
				continue
			}
			if name, value, found := strings.Cut(field, "="); found && name == "unavailable" {
				target.Unavailable = true
				continue
			} else if found {
				setAccess(t, &target.Access, name, value)
				continue
			}
			text, address, elsewhere := strings.Cut(field, "@")
			route := mustParseRoute(t, text)
			target.Routes = append(target.Routes, route)
			if elsewhere {
				if target.Leads == nil {
					target.Leads = make(map[Route]string)
				}
				target.Leads[route] = address
			}
		}
		targets = append(targets, target)
	}
	return targets
}

// setAccess reads what stands behind a route, such as allow=10.0.0.0/8.
func setAccess(t *testing.T, access *Access, name, value string) {
	t.Helper()
	switch name {
	case "password":
		access.Password = true
		if value != "" {
			access.Users = append(access.Users, User{Name: value, Hash: "$2a$08$" + strings.Repeat("x", 53)})
		}
	case "allow":
		access.Allow = append(access.Allow, netip.MustParsePrefix(value))
	case "rate":
		access.Rate = Rate{Requests: int64(len(value)), Period: time.Minute, Burst: 50}
	case "body":
		access.MaxBodyBytes = int64(len(value)) << 20
	case "frame":
		access.Headers.FrameOptions, access.Headers.NoSniff = value, true
	case "noslash":
		access.NoSlashRedirect = true
	case "maintenance":
		access.Maintenance = Maintenance{On: true, Text: value}
	default:
		t.Fatalf("no access %s", name)
	}
}

func mustParseRoute(t testing.TB, text string) Route {
	t.Helper()
	route, err := ParseRoute(text)
	if err != nil {
		t.Fatal(err)
	}
	return route
}

func TestGolden_Static(t *testing.T) {
	checkGolden(t, "static", func(t *testing.T, input string) string {
		options := parseStatic(t, input)
		static, err := Static(options)
		if err != nil {
			t.Fatal(err)
		}
		stack, err := render(stackTemplate, options)
		if err != nil {
			t.Fatal(err)
		}
		return string(static) + goldenSeparator + string(stack)
	})
}

// parseStatic reads the proxy's address, and what differs from the default in the
// lines below it.
func parseStatic(t *testing.T, input string) StaticOptions {
	t.Helper()
	address, rest, _ := strings.Cut(strings.TrimSpace(input), "\n")
	options := StaticOptions{ProxyAddress: netip.MustParseAddr(address), APIPassword: "secret"}
	for line := range strings.Lines(rest) {
		switch fields := strings.Fields(line); fields[0] {
		case "acme":
			options.ACME = ACME{Directory: fields[1], Email: fields[2], Trust: []byte("root")}
		case "dns":
			options.ACME.DNSProvider, options.ACME.DNSServers = fields[1], fields[2:]
		case "ports":
			ports, err := ParsePorts(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			options.Ports = ports
		case "trusted":
			options.Gate, options.TrustedProxies = netip.MustParseAddr("10.201.0.5"), []netip.Prefix{netip.MustParsePrefix(fields[1])}
		case "http3":
			options.HTTP3 = true
		case "dashboard":
			options.Dashboard = Dashboard{Off: fields[1] == "off", Controller: netip.MustParseAddr("10.201.0.3")}
			if fields[1] != "off" {
				name, hash, _ := strings.Cut(fields[2], ":")
				options.Dashboard.Host, options.Dashboard.Users = Host(fields[1]), []User{{Name: name, Hash: hash}}
				options.Dashboard.Resolver = options.ACME.Resolver(ChallengeHTTP)
			}
		default:
			t.Fatalf("what is %q", line)
		}
	}
	return options
}
