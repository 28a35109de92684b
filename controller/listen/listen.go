// Package listen tells on which TCP addresses the processes of a network namespace listen.
package listen

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/controller/pause"
)

const (
	// Command is the argument with which a helper does this work.
	Command = "listen"

	lookEvery   = 500 * time.Millisecond
	listening   = "0A"      // as the kernel writes the state
	mostSockets = 64        // of one look; more are left out
	mostLine    = 64 << 10  // bytes of one look
	tableBytes  = 256 << 10 // of the kernel's table, which grows with every connection
)

// resolver is where the engine answers DNS inside a container: it is no app's.
var resolver = netip.AddrFrom4([4]byte{127, 0, 0, 11})

// Serve writes a line with the addresses that are listened on whenever they change,
// until in ends or ctx does.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		end()
	}()
	var before []netip.AddrPort
	for first := true; ; first = false {
		now, err := Read(os.DirFS("/proc/self/net"))
		if err != nil {
			return err
		}
		if first || !slices.Equal(before, now) {
			if err := json.NewEncoder(out).Encode(now); err != nil {
				return err
			}
		}
		before = now
		if pause.For(ctx, lookEvery) != nil {
			return nil
		}
	}
}

// Receive calls each for every line of Serve, until r ends.
func Receive(r io.Reader, each func([]netip.AddrPort)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, mostLine)
	for lines.Scan() {
		var found []netip.AddrPort
		if err := json.Unmarshal(lines.Bytes(), &found); err != nil {
			return fmt.Errorf("read what listens: %w", err)
		}
		each(found[:min(len(found), mostSockets)])
	}
	return lines.Err()
}

// Read returns what listens by the kernel's tables tcp and tcp6, in order. Without IPv6
// there is no second one.
func Read(tables fs.FS) ([]netip.AddrPort, error) {
	found := []netip.AddrPort{}
	for _, name := range []string{"tcp", "tcp6"} {
		table, err := tables.Open(name)
		if name == "tcp6" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read table %s: %w", name, err)
		}
		text, err := io.ReadAll(io.LimitReader(table, tableBytes))
		if err := errors.Join(err, table.Close()); err != nil {
			return nil, fmt.Errorf("read table %s: %w", name, err)
		}
		found = append(found, parse(string(text))...)
	}
	slices.SortFunc(found, netip.AddrPort.Compare)
	found = slices.Compact(found)
	return found[:min(len(found), mostSockets)], nil
}

func parse(table string) (found []netip.AddrPort) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line) // number, local address, remote address, state, ...
		if len(fields) < 4 || fields[3] != listening {
			continue
		}
		if at, ok := parseAddress(fields[1]); ok && at.Addr() != resolver {
			found = append(found, at)
		}
	}
	return found
}

// parseAddress reads an address as the kernel writes it: words in the machine's order
// of bytes, and the port.
func parseAddress(text string) (netip.AddrPort, bool) {
	words, portText, _ := strings.Cut(text, ":")
	bytes, err := hex.DecodeString(words)
	port, portErr := strconv.ParseUint(portText, 16, 16)
	if err != nil || portErr != nil || len(bytes)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(bytes); i += 4 {
		binary.NativeEndian.PutUint32(bytes[i:], binary.BigEndian.Uint32(bytes[i:]))
	}
	address, ok := netip.AddrFromSlice(bytes)
	return netip.AddrPortFrom(address.Unmap(), uint16(port)), ok
}
