package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"berth/controller/pause"
	"berth/controller/wholefile"
)

const (
	trustName  = "trusted" // the file of the trusted proxies: one range a line
	trustPause = time.Second
	trustBytes = 64 << 10
)

// Trust knows the proxies that stand in front and say who their clients are. It reads
// them from a file, which Berth may replace at any time. A nil Trust knows none.
type Trust struct {
	file   string
	logger *slog.Logger
	read   []byte // what the file held
	ranges atomic.Pointer[[]netip.Prefix]
}

// NewTrust reads the file of the folder, if it is there.
func NewTrust(folder string, logger *slog.Logger) *Trust {
	t := &Trust{file: filepath.Join(folder, trustName), logger: logger}
	t.look()
	return t
}

// Run follows the file until ctx ends.
func (t *Trust) Run(ctx context.Context) error {
	for pause.For(ctx, trustPause) == nil {
		t.look()
	}
	return nil
}

// Has reports whether the address is one of the proxies.
func (t *Trust) Has(address netip.Addr) bool {
	if t == nil {
		return false
	}
	ranges := t.ranges.Load()
	if ranges == nil {
		return false
	}
	for _, prefix := range *ranges {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// look keeps the proxies that it knows if the file cannot be read.
func (t *Trust) look() {
	content, err := os.ReadFile(t.file)
	if errors.Is(err, fs.ErrNotExist) {
		content, err = nil, nil
	}
	if err == nil && bytes.Equal(content, t.read) {
		return
	}
	var ranges []netip.Prefix
	if err == nil {
		ranges, err = parseTrust(content)
	}
	if err != nil {
		t.logger.Warn("the trusted proxies cannot be read", "error", err)
		return
	}
	t.read = content
	t.ranges.Store(&ranges)
	t.logger.Info("the gate has new trusted proxies", "count", len(ranges))
}

func parseTrust(content []byte) (ranges []netip.Prefix, err error) {
	if len(content) > trustBytes {
		return nil, fmt.Errorf("the file has %d bytes", len(content))
	}
	for line := range strings.FieldsSeq(string(content)) {
		prefix, err := netip.ParsePrefix(line)
		if err != nil || prefix.Bits() == 0 {
			return nil, fmt.Errorf("%.60q is no range of addresses", line)
		}
		ranges = append(ranges, prefix)
	}
	return ranges, nil
}

// WriteTrust replaces the file in the folder.
func WriteTrust(folder string, ranges []netip.Prefix) error {
	var content strings.Builder
	for _, prefix := range ranges {
		content.WriteString(prefix.String() + "\n")
	}
	if err := wholefile.Write(filepath.Join(folder, trustName), []byte(content.String()), 0o600); err != nil {
		return fmt.Errorf("write trusted proxies for the gate: %w", err)
	}
	return nil
}
