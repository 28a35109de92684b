package traefik

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestParsePorts_ReadsPortsAndRangesInOrder(t *testing.T) {
	ports, err := ParsePorts(" 25565/udp, 2222,30000-30002/TCP,2222/udp,,")
	if err != nil {
		t.Fatal(err)
	}
	want := []Port{{2222, TCP}, {2222, UDP}, {25565, UDP}, {30000, TCP}, {30001, TCP}, {30002, TCP}}
	if !slices.Equal(ports, want) {
		t.Errorf("got %v", ports)
	}
	for _, port := range ports {
		if again, err := ParsePort(port.String()); err != nil || again != port {
			t.Errorf("%s is read as %s, %v", port, again, err)
		}
	}
	if none, err := ParsePorts(""); err != nil || len(none) != 0 {
		t.Errorf("nothing gave %v, %v", none, err)
	}
}

func TestParsePorts_RefusesEachFaultByItsMessage(t *testing.T) {
	for text, reason := range map[string]string{
		"0":               "whole number",
		"65536":           "whole number",
		"-1":              "whole number",
		"02222":           "whole number",
		"+22":             "whole number",
		"22 23":           "whole number",
		"ssh":             "whole number",
		"2222:22":         "whole number",
		"2222/":           "protocol",
		"2222/sctp":       "protocol",
		"2222/tcp/udp":    "protocol",
		"2222\n{{env}}":   "whole number",
		"80":              "belongs to Berth",
		"443/udp":         "belongs to Berth",
		"8443/udp":        "belongs to Berth",
		"8079-8082":       "belongs to Berth",
		"30019-30000":     "ends before",
		"1-65535":         "more than 64",
		"30000-30064":     "more than 64",
		"1000-1063,2000":  "more than 64",
		"2222,2222/tcp":   "twice",
		"3000-3005,3005":  "twice",
		"30000-":          "whole number",
		"30000-30001-2":   "whole number",
		"1:2,[::1]:22222": "whole number",
	} {
		ports, err := ParsePorts(text)
		invalid := (*InvalidError)(nil)
		if !errors.As(err, &invalid) || !strings.Contains(invalid.Reason, reason) || invalid.Hint == "" {
			t.Errorf("%q gave %v, %v", text, ports, err)
		}
	}
}

func TestStatic_RefusesPortsThatItsParserWouldRefuse(t *testing.T) {
	many := make([]Port, 0, MaxPorts+1)
	for i := range MaxPorts + 1 {
		many = append(many, Port{uint16(30000 + i), TCP})
	}
	for _, ports := range [][]Port{{{WebPort, TCP}}, {{0, TCP}}, {{2222, "tcp\napi:"}}, {{2222, TCP}, {2222, TCP}}, many} {
		if _, err := Static(StaticOptions{ProxyAddress: netip.MustParseAddr("192.0.2.2"), Ports: ports}); err == nil {
			t.Errorf("taken: %v", ports)
		}
	}
}

func TestGenerate_RefusesForwardsThatLeadElsewhereThanTheySay(t *testing.T) {
	good := Forward{Port: Port{2222, TCP}, App: "git", Release: 1, Address: "berth-git-r1:22"}
	with := func(change func(*Forward)) []Forward {
		forward := good
		change(&forward)
		return []Forward{forward}
	}
	for name, forwards := range map[string][]Forward{
		"the port of HTTP":           with(func(f *Forward) { f.Port.Number = 80 }),
		"the proxy's own API":        with(func(f *Forward) { f.Port.Number = DashboardPort }),
		"no protocol":                with(func(f *Forward) { f.Port.Protocol = "" }),
		"a name that is none":        with(func(f *Forward) { f.App = "Git`" }),
		"no release":                 with(func(f *Forward) { f.Release = 0 }),
		"an address with a template": with(func(f *Forward) { f.Address = "{{env}}:22" }),
		"an address without a port":  with(func(f *Forward) { f.Address = "berth-git-r1" }),
		"an address of nobody's":     with(func(f *Forward) { f.App, f.Release = "", 0 }),
		"UDP with rules":             with(func(f *Forward) { f.Port.Protocol, f.Allow = UDP, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }),
		"everybody as a rule":        with(func(f *Forward) { f.Allow = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} }),
		"one port for two":           {good, good},
	} {
		if _, err := Generate(Table{Forwards: forwards}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestOnly_KeepsTheForwardsOfTheRelease(t *testing.T) {
	ours := Forward{Port: Port{2222, TCP}, App: "hello", Release: 3, Address: "berth-hello-r3:22"}
	older, other := ours, ours
	older.Release, other.App = 2, "other"
	part, found := Table{Targets: []Target{helloTarget(t)}, Forwards: []Forward{other, ours, older, {Port: Port{9, UDP}}}}.Only("hello", 3)
	if !found || len(part.Forwards) != 1 || part.Forwards[0].Release != 3 || part.Forwards[0].App != "hello" {
		t.Errorf("kept %+v", part.Forwards)
	}
}
