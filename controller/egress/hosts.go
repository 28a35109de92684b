package egress

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"berth/controller/problem"
)

const (
	mostHosts = 200
	mostName  = 253 // bytes of a host
	mostShown = 5   // wrong entries in one message
)

// Hosts are entries such as api.example.com:443 and *.example.com:443, in order, each once,
// with line ends between. They can be compared.
type Hosts string

var (
	labelPattern  = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
	numberPattern = regexp.MustCompile(`^[0-9.]+$`)
)

// ParseHosts reads entries with line ends, commas or spaces between, or returns a Problem
// that names those that are wrong.
func ParseHosts(text string) (Hosts, error) {
	var hosts, wrong []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;\t\r\n", r) }) {
		if entry, ok := parseEntry(word); ok {
			hosts = append(hosts, entry)
		} else if len(wrong) < mostShown {
			wrong = append(wrong, fmt.Sprintf("%.80q", word))
		}
	}
	if len(wrong) > 0 {
		return "", problem.Invalid(
			strings.Join(wrong, ", ")+": not a host with a port.",
			"Write each as host:port, such as api.example.com:443, or *.example.com:443 for all names below example.com.",
		).At(FieldHosts)
	}
	slices.Sort(hosts)
	if hosts = slices.Compact(hosts); len(hosts) > mostHosts {
		return "", problem.Invalid(
			fmt.Sprintf("The list has %d hosts, and at most %d fit.", len(hosts), mostHosts),
			"Use *.example.com:443 for many names of one domain.",
		).At(FieldHosts)
	}
	return Hosts(strings.Join(hosts, "\n")), nil
}

// parseEntry returns an entry as Match reads it.
func parseEntry(word string) (entry string, ok bool) {
	host, port, err := net.SplitHostPort(word)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || number == 0 {
		return "", false
	}
	name, wild := strings.CutPrefix(host, "*.")
	name, ok = NormalHost(name)
	if !ok {
		return "", false
	}
	if wild {
		if _, err := netip.ParseAddr(name); err == nil {
			return "", false
		}
		name = "*." + name
	}
	return net.JoinHostPort(name, strconv.FormatUint(number, 10)), true
}

// NormalHost is a host in the form in which it is compared: a name in lower case without
// the last dot, or an address in its shortest form. What is neither is not ok.
func NormalHost(host string) (normal string, ok bool) {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().String(), address.Zone() == ""
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "" || len(name) > mostName || numberPattern.MatchString(name) {
		return "", false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !labelPattern.MatchString(label) {
			return "", false
		}
	}
	return name, true
}

// List returns the entries one by one.
func (h Hosts) List() []string {
	if h == "" {
		return nil
	}
	return strings.Split(string(h), "\n")
}

// Match reports whether an entry holds for the port of the host. "*.example.com" holds for
// the names below example.com, and not for example.com itself.
func (h Hosts) Match(host string, port uint16) bool {
	name, ok := NormalHost(host)
	if !ok {
		return false
	}
	_, err := netip.ParseAddr(name)
	return slices.ContainsFunc(h.List(), func(entry string) bool {
		allowed, number, _ := net.SplitHostPort(entry)
		if number != strconv.Itoa(int(port)) {
			return false
		}
		if below, wild := strings.CutPrefix(allowed, "*"); wild {
			return err != nil && strings.HasSuffix(name, below) && len(name) > len(below)
		}
		return name == allowed
	})
}
