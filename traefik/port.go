package traefik

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Protocol is how a public port is spoken to.
type Protocol string

// The protocols of public ports.
const (
	TCP Protocol = "tcp"
	UDP Protocol = "udp"
)

// MaxPorts is how many public ports a stack has at most: each costs the proxy a listener,
// and its container a rule of the machine's firewall.
const MaxPorts = 64

// ownPorts are taken inside the proxy's container, or belong to HTTP and HTTPS on every
// machine.
var ownPorts = []uint16{80, 443, WebPort, WebsecurePort, DashboardPort, VerifyPort}

// Port is a public port of the machine, beside those of HTTP and HTTPS. It has the same
// number inside the proxy's container.
type Port struct {
	Number   uint16
	Protocol Protocol
}

// String is the form that ParsePort reads, such as 2222/tcp.
func (p Port) String() string {
	return strconv.Itoa(int(p.Number)) + "/" + string(p.Protocol)
}

// Compare orders ports by number.
func (p Port) Compare(other Port) int {
	return cmp.Or(cmp.Compare(p.Number, other.Number), cmp.Compare(p.Protocol, other.Protocol))
}

// entryPoint is the name of its entry point, its router and its service.
func (p Port) entryPoint() string { return fmt.Sprintf("port-%d-%s", p.Number, p.Protocol) }

func (p Port) check() error {
	if p.Protocol != TCP && p.Protocol != UDP {
		return fmt.Errorf("port %d has the protocol %.20q", p.Number, p.Protocol)
	}
	if p.Number == 0 || slices.Contains(ownPorts, p.Number) {
		return fmt.Errorf("port %s cannot be a public port", p)
	}
	return nil
}

func checkPorts(ports []Port) error {
	if len(ports) > MaxPorts {
		return fmt.Errorf("%d public ports are more than %d", len(ports), MaxPorts)
	}
	var errs []error
	for i, port := range ports {
		errs = append(errs, port.check())
		if slices.Contains(ports[:i], port) {
			errs = append(errs, fmt.Errorf("port %s is there twice", port))
		}
	}
	return errors.Join(errs...)
}

// ParsePort reads a port with or without its protocol: 2222, 2222/tcp or 25565/udp. The
// protocol is TCP if there is none. Errors are *InvalidError.
func ParsePort(text string) (Port, error) {
	number, protocol, named := strings.Cut(text, "/")
	port := Port{Protocol: TCP}
	if named {
		port.Protocol = Protocol(strings.ToLower(protocol))
	}
	if port.Protocol != TCP && port.Protocol != UDP {
		return Port{}, &InvalidError{text, "The protocol of a port is tcp or udp.", "Write a port such as 2222 or 25565/udp."}
	}
	parsed, err := parsePortNumber(number)
	if err != nil {
		return Port{}, &InvalidError{text, "A port is a whole number from 1 to 65535.", "Write a port such as 2222 or 25565/udp."}
	}
	port.Number = parsed
	if err := port.check(); err != nil {
		return Port{}, &InvalidError{
			text, fmt.Sprintf("Port %d belongs to Berth and its proxy.", port.Number), "Choose another port, such as 2222.",
		}
	}
	return port, nil
}

func parsePortNumber(text string) (uint16, error) {
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 || strconv.FormatUint(number, 10) != text {
		return 0, errors.New("not a port")
	}
	return uint16(number), nil
}

// ParsePorts reads ports and ranges of ports with commas between, such as
// 2222,25565/udp,30000-30019, in order. There are MaxPorts at most, each once. Errors are
// *InvalidError.
func ParsePorts(text string) ([]Port, error) {
	var ports []Port
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		more, err := parsePortRange(part)
		if err != nil {
			return nil, err
		}
		if ports = append(ports, more...); len(ports) > MaxPorts {
			return nil, &InvalidError{text, fmt.Sprintf("These are more than %d ports.", MaxPorts), "Allow fewer ports."}
		}
	}
	slices.SortFunc(ports, Port.Compare)
	for i := 1; i < len(ports); i++ {
		if ports[i] == ports[i-1] {
			return nil, &InvalidError{text, fmt.Sprintf("Port %s is there twice.", ports[i]), "Name each port once."}
		}
	}
	return ports, nil
}

func parsePortRange(text string) ([]Port, error) {
	numbers, protocol, named := strings.Cut(text, "/")
	from, to, isRange := strings.Cut(numbers, "-")
	if !isRange {
		to = from
	}
	if named {
		from, to = from+"/"+protocol, to+"/"+protocol
	}
	first, err := ParsePort(from)
	if err != nil {
		return nil, err
	}
	last, err := ParsePort(to)
	if err != nil {
		return nil, err
	}
	if last.Number < first.Number {
		return nil, &InvalidError{text, "The range ends before it begins.", "Write the lower port first, such as 30000-30019."}
	}
	count := int(last.Number-first.Number) + 1
	if count > MaxPorts {
		return nil, &InvalidError{text, fmt.Sprintf("These are more than %d ports.", MaxPorts), "Allow fewer ports."}
	}
	ports := make([]Port, 0, count)
	for i := range count {
		port, err := ParsePort(Port{first.Number + uint16(i), first.Protocol}.String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}
