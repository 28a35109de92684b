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

	"berth/controller/address"
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
		if ip, ok := netip.AddrFromSlice(network.IP); ok && address.IsPublic(ip) {
			public = append(public, ip.Unmap())
		}
	}
	return public
}
