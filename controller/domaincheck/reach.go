package domaincheck

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"berth/controller/address"
	"berth/traefik"
)

// reachTimeout bounds one request, from the connection to the last header.
const reachTimeout = 3 * time.Second

// reached is what came of asking one address.
type reached struct {
	address netip.Addr
	skipped bool // neither public nor ours: it was not asked
	here    bool // the proxy of this Berth answered
	status  int  // of another's answer; 0 where there was none
}

// reach asks each address, as an authority does, for the path that only this
// Berth's proxy answers. It follows no redirect, and connects to nothing inside a
// network that DNS of others could point it at.
func (c *Checker) reach(ctx context.Context, host traefik.Host, addresses []netip.Addr) []reached {
	answers := make([]reached, len(addresses))
	var group errgroup.Group
	for i, ip := range addresses {
		answers[i].address = ip
		if !c.isOwn(ip) && !address.IsPublic(ip) {
			answers[i].skipped = true
			continue
		}
		group.Go(func() error {
			answers[i].here, answers[i].status = c.ring(ctx, host, ip)
			return nil
		})
	}
	_ = group.Wait() // no answer is an answer
	return answers
}

func (c *Checker) ring(ctx context.Context, host traefik.Host, address netip.Addr) (here bool, status int) {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	place := net.JoinHostPort(address.String(), strconv.Itoa(int(c.options.Port)))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+place+traefik.BeaconFolder+c.options.Beacon.Token, http.NoBody)
	if err != nil {
		return false, 0
	}
	request.Host = string(host)
	request.Header.Set("User-Agent", "Berth")
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10} // no Proxy: the environment has no say
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false, 0
	}
	_, _ = io.CopyN(io.Discard, response.Body, 1<<10)
	_ = response.Body.Close()
	answer := c.options.Beacon.Answer
	return answer != "" && response.Header.Get(traefik.BeaconHeader) == answer, response.StatusCode
}

// judgeReach says whether an authority that connects would find this Berth.
func (c *Checker) judgeReach(found resolved, answers []reached) Finding {
	finding := Finding{About: AboutReach, Outcome: Good}
	if len(found.addresses) == 0 {
		return Finding{}
	}
	for _, answer := range answers {
		switch place := answer.address.String(); {
		case answer.here:
			if finding.Message == "" {
				finding.Message = fmt.Sprintf("This Berth answers on port %d.", c.options.Port)
			}
			continue
		case answer.skipped:
			finding.Outcome, finding.Message = Bad, fmt.Sprintf("%s is not an address that the internet can reach.", place)
			finding.Hint = "Point the host to the public address of this server, or use an own certificate."
		case answer.status != 0:
			finding.Outcome, finding.Message = Bad, fmt.Sprintf("Port %d of %s is answered by another server.", c.options.Port, place)
			finding.Hint = "Point the host to this server, or send on port 80 from there."
		default:
			finding.Outcome, finding.Message = Bad, fmt.Sprintf("Port %d of %s does not answer from here.", c.options.Port, place)
			finding.Hint = "Open it in the firewall, and send it on in the router. Some routers let nobody inside reach their own address: then try it from outside."
		}
		return finding
	}
	return finding
}
