package limit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
)

// Subject is whose requests are counted together, in words that people read.
type Subject string

// maxName is how much of a name a subject shows; a longer one is told by its hash.
const maxName = 60

// Address is the subject of an address: the whole of an IPv4 one, and the /64
// of an IPv6 one, because one customer has at least that.
func Address(address netip.Addr) Subject { return Subject("address " + network(address)) }

// Account is the subject of an account, whether there is one of that name or not.
func Account(name string) Subject { return Subject("account " + folded(name)) }

// AccountAt is the subject of an account at one address.
func AccountAt(name string, address netip.Addr) Subject {
	return Account(name) + " at " + Subject(network(address))
}

// Session is the subject of one session of an account. The number tells it from
// the account's other sessions, and is worth nothing to anybody.
func Session(account, id string) Subject {
	sum := sha256.Sum256([]byte("berth limit of session " + id))
	return Account(account) + Subject(" in session "+hex.EncodeToString(sum[:])[:8])
}

// Token is the subject of a token. Names of tokens may repeat, numbers do not.
func Token(number int64, name string) Subject {
	return Subject(fmt.Sprintf("token %s (number %d)", folded(name), number))
}

// overflow is the one subject for all that there is no more room to count apart.
func (s Subject) overflow() Subject {
	kind, _, _ := strings.Cut(string(s), " ")
	return Subject(kind + " (all others)")
}

func network(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	if !address.IsValid() {
		return "(unknown)"
	}
	if address.Is4() {
		return address.String()
	}
	prefix, err := address.Prefix(64)
	if err != nil { // only of a length that there is not
		return address.String()
	}
	return prefix.String()
}

// folded makes names alike that a ledger might take for one, so that spelling
// buys no further attempts.
func folded(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if len(name) <= maxName && strings.ToValidUTF8(name, "") == name {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "#" + hex.EncodeToString(sum[:])[:24]
}
