package gate

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"time"
)

const (
	maxOpening   = 64<<10 + 1024 // what the proxy takes for a head, and a little
	firstRead    = 2 << 10
	recordHeader = 5 // of TLS
	handshake    = 22
	helloHeader  = 4 // of the hello inside the record: its kind, and its length
)

// What a client says that may go on with HTTP/2, which carries many requests at once.
const (
	offersStreams = "\x02h2" // among the protocols of a hello
	beginsStreams = "PRI "
)

var errOpening = errors.New("the opening is too long, or none")

// readOpening reads what a client says first, up to the end of a request's head or
// of TLS's hello, and perhaps more. What cannot be the beginning of either is handed
// over at once: the proxy answers it.
func readOpening(client net.Conn, secure bool, within time.Duration) ([]byte, error) {
	_ = client.SetReadDeadline(time.Now().Add(within))
	defer func() { _ = client.SetReadDeadline(time.Time{}) }()
	var opening []byte
	whole := headIsWhole
	if secure {
		whole = helloIsWhole
	}
	for {
		opening = slices.Grow(opening, firstRead)
		n, err := client.Read(opening[len(opening):min(cap(opening), len(opening)+firstRead)])
		before := len(opening)
		opening = opening[:len(opening)+n]
		if err != nil {
			return nil, err
		}
		if whole(opening, before) {
			return opening, nil
		}
		if len(opening) > maxOpening {
			return nil, errOpening
		}
	}
}

// headIsWhole looks from a little before what is new. Lines may end without a
// carriage return, as the proxy takes them.
func headIsWhole(opening []byte, before int) bool {
	start := max(0, before-3)
	recent := opening[start:]
	return bytes.Contains(recent, []byte("\n\r\n")) || bytes.Contains(recent, []byte("\n\n"))
}

// helloIsWhole looks at the first record of TLS.
func helloIsWhole(opening []byte, _ int) bool {
	if opening[0] != handshake {
		return true
	}
	if len(opening) < recordHeader {
		return false
	}
	return len(opening) >= recordHeader+(int(opening[3])<<8|int(opening[4]))
}

// mayCarryMany reports whether many requests at once may follow: the client offers
// HTTP/2, begins with it, or speaks in the clear where TLS is due. A hello that does not
// end with its first record may offer it in the next.
func mayCarryMany(opening []byte, secure bool) bool {
	if !secure {
		return bytes.HasPrefix(opening, []byte(beginsStreams))
	}
	if opening[0] != handshake || len(opening) < recordHeader+helloHeader {
		return true
	}
	record := int(opening[3])<<8 | int(opening[4])
	hello := int(opening[6])<<16 | int(opening[7])<<8 | int(opening[8])
	return helloHeader+hello > record || bytes.Contains(opening, []byte(offersStreams))
}
