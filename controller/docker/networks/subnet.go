package networks

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// SubnetBits is the size of an app's network: 29 addresses are enough for its
// instances, two releases of them, and the proxies.
const SubnetBits = 27

// ErrNoSubnet says that every network of the pool is taken.
var ErrNoSubnet = errors.New("no free subnet in the pool")

// routesFile lists the IPv4 routes of the network namespace. In a container
// those are the container's own: then the engine's refusal is what is left.
const routesFile = "/proc/net/route"

// subnetPool is where app networks get their subnets from.
type subnetPool struct {
	pool     netip.Prefix
	reserved []netip.Prefix
}

func newSubnetPool(pool netip.Prefix, reserved []netip.Prefix) (subnetPool, error) {
	if !pool.IsValid() || !pool.Addr().Is4() || pool.Bits() > SubnetBits {
		return subnetPool{}, fmt.Errorf("subnet pool %s: use an IPv4 network of /%d or larger", pool, SubnetBits)
	}
	return subnetPool{pool: pool.Masked(), reserved: slices.Clone(reserved)}, nil
}

// free returns the lowest subnet that overlaps nothing in use.
func (p subnetPool) free(used []netip.Prefix) (netip.Prefix, error) {
	taken := slices.Concat(p.reserved, used)
	candidate := netip.PrefixFrom(p.pool.Addr(), SubnetBits)
	for p.pool.Contains(candidate.Addr()) {
		obstacle, blocked := overlapping(candidate, taken)
		if !blocked {
			return candidate, nil
		}
		candidate = after(candidate, obstacle)
		if !candidate.IsValid() {
			break
		}
	}
	return netip.Prefix{}, fmt.Errorf("%w %s", ErrNoSubnet, p.pool)
}

func overlapping(candidate netip.Prefix, taken []netip.Prefix) (netip.Prefix, bool) {
	for _, prefix := range taken {
		if prefix.Overlaps(candidate) {
			return prefix, true
		}
	}
	return netip.Prefix{}, false
}

// after returns the next candidate behind both the last one and what stood in
// its way, or the zero Prefix at the end of the address space.
func after(candidate, obstacle netip.Prefix) netip.Prefix {
	widest := candidate
	if obstacle.Bits() < widest.Bits() {
		widest = obstacle
	}
	address := widest.Masked().Addr().As4()
	next := uint64(binary.BigEndian.Uint32(address[:])) + 1<<(32-widest.Bits())
	if next > 1<<32-1 {
		return netip.Prefix{}
	}
	binary.BigEndian.PutUint32(address[:], uint32(next))
	return netip.PrefixFrom(netip.AddrFrom4(address), SubnetBits)
}

// hostRoutes returns the networks that the machine already routes somewhere, as
// far as this process can see. Not seeing them is no error.
func hostRoutes() []netip.Prefix {
	file, err := os.Open(routesFile)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	return parseRoutes(file)
}

// parseRoutes reads the kernel's table: after a heading, one route a line, with
// destination and mask in the second and eighth column as little-endian hex.
// The default route is everywhere and so in nobody's way.
func parseRoutes(table io.Reader) []netip.Prefix {
	var routes []netip.Prefix
	for lines := bufio.NewScanner(table); lines.Scan(); {
		columns := strings.Fields(lines.Text())
		if len(columns) < 8 {
			continue
		}
		destination, ok := kernelAddress(columns[1])
		mask, maskOK := kernelAddress(columns[7])
		if !ok || !maskOK || mask == 0 {
			continue
		}
		routes = append(routes, netip.PrefixFrom(addressOf(destination), onesIn(mask)))
	}
	return routes
}

func kernelAddress(column string) (uint32, bool) {
	bytes, err := hex.DecodeString(column)
	if err != nil || len(bytes) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(bytes), true
}

func addressOf(number uint32) netip.Addr {
	var bytes [4]byte
	binary.BigEndian.PutUint32(bytes[:], number)
	return netip.AddrFrom4(bytes)
}

func onesIn(mask uint32) int {
	ones := 0
	for ; mask&(1<<31) != 0; mask <<= 1 {
		ones++
	}
	return ones
}
