package stack

import (
	"fmt"
	"net/netip"
	"strings"

	"berth/test/claim"
)

// Place is where a stack of a test can be: a name and addresses that nothing else on this machine has.
type Place struct {
	Name    string
	Pool    netip.Prefix // all its networks; the first /27 is its edge network
	Gateway string       // this machine, as the proxy reaches it
	Proxy   string       // the proxy, as this machine reaches it
}

// mostPlaces is how many stacks of tests can run on one machine at once. Their pools lie in 10.224.0.0/12, apart from
// the default pool of make up and from the networks of other tests.
const mostPlaces = 16

// Reserve claims a place for a stack of that kind until the process ends.
func Reserve(kind string) (Place, error) {
	for i := range mostPlaces {
		place := placeAt(kind, i)
		if claim.Name(fmt.Sprintf("stack-%d", i)) && place.isFree() {
			return place, nil
		}
	}
	return Place{}, fmt.Errorf("all %d places for stacks of tests are taken on this machine", mostPlaces)
}

func placeAt(kind string, i int) Place {
	network := netip.AddrFrom4([4]byte{10, byte(224 + i), 0, 0})
	gateway := network.Next()
	return Place{
		Name:    fmt.Sprintf("%s-%d", kind, i),
		Pool:    netip.PrefixFrom(network, 16),
		Gateway: gateway.String(),
		Proxy:   gateway.Next().String(),
	}
}

// isFree says whether no network of the engine is in the way, but for those that an earlier stack of the name left.
func (p Place) isFree() bool {
	ids, err := Docker("network", "ls", "--quiet")
	if err != nil {
		return false
	}
	for _, id := range strings.Fields(ids) {
		// One that goes in between is in nobody's way.
		text, err := Docker("network", "inspect", "--format", `{{index .Labels "berth.stack"}};{{range .IPAM.Config}}{{.Subnet}} {{end}}`, id)
		owner, subnets, _ := strings.Cut(text, ";")
		if err == nil && owner != p.Name && p.overlaps(strings.Fields(subnets)) {
			return false
		}
	}
	return true
}

func (p Place) overlaps(subnets []string) bool {
	for _, text := range subnets {
		if subnet, err := netip.ParsePrefix(text); err == nil && subnet.Overlaps(p.Pool) {
			return true
		}
	}
	return false
}
