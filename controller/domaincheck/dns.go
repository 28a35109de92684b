package domaincheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"berth/traefik"
)

const (
	queryTimeout = 2 * time.Second // of one question to one server
	maxAliases   = 8
	maxAddresses = 8 // of one host; more are not looked at

	systemResolvers = "/etc/resolv.conf"
)

var (
	errNoServer  = errors.New("this server has no DNS server")
	errNoAnswer  = errors.New("the DNS server did not answer in time")
	errAliasLoop = errors.New("its CNAME records lead in a circle")
)

// resolved is where DNS says that a host is.
type resolved struct {
	addresses []netip.Addr
	aliases   []string // the CNAME records on the way
	err       error
}

// via names the way, where it was not direct.
func (r resolved) via() string {
	if len(r.aliases) == 0 {
		return ""
	}
	return " (by way of " + strings.Join(r.aliases, ", ") + ")"
}

// resolve asks for both kinds of address, side by side.
func (c *Checker) resolve(ctx context.Context, host traefik.Host) resolved {
	var (
		group errgroup.Group
		kinds [2]resolved
	)
	for i, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		group.Go(func() error {
			kinds[i] = c.follow(ctx, string(host), kind)
			return kinds[i].err
		})
	}
	err := group.Wait()
	found := resolved{addresses: slices.Concat(kinds[0].addresses, kinds[1].addresses), aliases: kinds[0].aliases}
	if len(found.aliases) == 0 {
		found.aliases = kinds[1].aliases
	}
	if len(found.addresses) == 0 {
		found.err = err
	}
	found.addresses = found.addresses[:min(len(found.addresses), maxAddresses)]
	return found
}

// follow asks for the addresses of one kind, and follows CNAME records that the
// server has not followed itself.
func (c *Checker) follow(ctx context.Context, name string, kind uint16) (found resolved) {
	name = dns.Fqdn(name)
	for range maxAliases {
		answer, err := c.ask(ctx, name, kind)
		if err != nil {
			found.err = err
			return found
		}
		next := name
		for _, record := range answer {
			switch record := record.(type) {
			case *dns.A:
				found.add(record.A)
			case *dns.AAAA:
				found.add(record.AAAA)
			case *dns.CNAME:
				next = record.Target
				found.aliases = append(found.aliases, strings.TrimSuffix(record.Target, "."))
			}
		}
		if len(found.addresses) > 0 || next == name {
			return found
		}
		name = next
	}
	found.err = errAliasLoop
	return found
}

func (r *resolved) add(ip net.IP) {
	if address, ok := netip.AddrFromSlice(ip); ok {
		r.addresses = append(r.addresses, address.Unmap())
	}
}

// ask sends one question, to the next server where one does not answer. A name that
// is not there has no records.
func (c *Checker) ask(ctx context.Context, name string, kind uint16) ([]dns.RR, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	question.SetEdns0(1232, false) // what no network tears apart
	err := errNoServer
	for _, server := range c.servers {
		var answer *dns.Msg
		answer, err = exchange(ctx, question, server)
		if err != nil {
			continue
		}
		switch answer.Rcode {
		case dns.RcodeSuccess, dns.RcodeNameError:
			return answer.Answer, nil
		default:
			err = fmt.Errorf("the DNS server says %s", dns.RcodeToString[answer.Rcode])
		}
	}
	return nil, err
}

// exchange asks over UDP, and over TCP where the answer was cut.
func exchange(ctx context.Context, question *dns.Msg, server string) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	answer, _, err := new(dns.Client).ExchangeContext(ctx, question, server)
	if err == nil && answer.Truncated {
		answer, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, question, server)
	}
	if err != nil {
		return nil, errNoAnswer
	}
	return answer, nil
}

// systemServers are the DNS servers that this machine is set up with.
func systemServers() []string {
	config, err := dns.ClientConfigFromFile(systemResolvers)
	if err != nil {
		return nil
	}
	servers := make([]string, 0, len(config.Servers))
	for _, server := range config.Servers {
		servers = append(servers, net.JoinHostPort(server, config.Port))
	}
	return servers
}

// publicInterfaces are the addresses of this machine that the internet can know.
func publicInterfaces() []netip.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var public []netip.Addr
	for _, one := range all {
		network, ok := one.(*net.IPNet)
		if !ok {
			continue
		}
		if address, ok := netip.AddrFromSlice(network.IP); ok && isPublic(address.Unmap()) {
			public = append(public, address.Unmap())
		}
	}
	return public
}

// closed are the networks that are nobody's on the internet, beside those that the
// standard library knows: carriers' own, this network, protocol and benchmark ones,
// those for documents, what translates to IPv4, and what is reserved.
var closed = func() []netip.Prefix {
	texts := []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
		"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2002::/16", "fec0::/10",
	}
	prefixes := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}()

func isPublic(address netip.Addr) bool {
	return address.IsGlobalUnicast() && !address.IsPrivate() &&
		!slices.ContainsFunc(closed, func(p netip.Prefix) bool { return p.Contains(address) })
}
