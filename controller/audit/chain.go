package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// Placeholders for a hash.
var (
	genesis = strings.Repeat("0", sha256.Size*2) // before the first entry
	broken  = strings.Repeat("f", sha256.Size*2) // before an entry that follows a lost head
)

// chain makes the links of the audit log and checks them. Its key is not in the files
// with the links, so an attacker who can write those files cannot make a link.
type chain struct{ key []byte }

// link returns the event as the entry of that sequence, after the entry with the hash
// previous.
func (c chain) link(event Event, sequence int64, previous string) Entry {
	entry := Entry{Event: event, Sequence: sequence, Previous: previous}
	entry.Hash = c.hash(entry)
	return entry
}

// holds reports whether link made the entry and nobody changed it.
func (c chain) holds(entry Entry) bool {
	return hmac.Equal([]byte(c.hash(entry)), []byte(entry.Hash))
}

// seal returns the head with its MAC.
func (c chain) seal(head Head) Head {
	head.MAC = c.mac(head)
	return head
}

// sealed reports whether seal made the head and nobody changed it.
func (c chain) sealed(head Head) bool {
	return hmac.Equal([]byte(c.mac(head)), []byte(head.MAC))
}

// sealBase returns the base with its MAC.
func (c chain) sealBase(base Base) Base {
	base.MAC = c.baseMAC(base)
	return base
}

// sealedBase reports whether sealBase made the base and nobody changed it, or nothing was
// ever removed.
func (c chain) sealedBase(base Base) bool {
	return base == Base{} || hmac.Equal([]byte(c.baseMAC(base)), []byte(base.MAC))
}

func (c chain) baseMAC(base Base) string {
	return c.sum("base", number(base.Count), base.Hash, number(base.Cut.UnixMicro()))
}

func (c chain) hash(e Entry) string {
	success := "0"
	if e.Success {
		success = "1"
	}
	return c.sum("entry", number(e.Sequence), number(e.At.UnixMicro()), string(e.Action), e.Resource, success,
		e.Account, e.Address, e.UserAgent, e.RequestID, e.Detail, e.Previous)
}

func (c chain) mac(head Head) string {
	return c.sum("head", number(head.Count), head.Hash, number(head.Written))
}

// sum covers the length of each field, so that no two lists of fields give the same sum.
func (c chain) sum(fields ...string) string {
	mac := hmac.New(sha256.New, c.key)
	for _, field := range fields {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		mac.Write([]byte(field))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

func number(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// toMicro rounds a time to the precision of entries, so that it reads back the same.
func toMicro(at time.Time) time.Time { return time.UnixMicro(at.UnixMicro()).UTC() }
