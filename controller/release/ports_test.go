package release

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/readiness"
)

func TestDiagnosePort_SaysWhereTheAppReallyListens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, message, hint string
		open                []string
		port                uint16
	}{
		{"another port", "listens on port 5000, not on port 8000", "port 5000", []string{"0.0.0.0:5000"}, 5000},
		{"another port by IPv6", "listens on port 5000", "port 5000", []string{"[::]:5000"}, 5000},
		{"loopback alone", "listens on 127.0.0.1:8000 only", "0.0.0.0", []string{"127.0.0.1:8000"}, 0},
		{"loopback and another port", "listens on 127.0.0.1:5000 only", "set 5000", []string{"127.0.0.1:5000"}, 5000},
		{"the port", "did not respond correctly within 38 s", "below 500", []string{"0.0.0.0:8000", "127.0.0.1:1"}, 0},
		{"nothing", "listened on no port within 38 s", "PORT", nil, 0},
	} {
		s := &shipment{release: app.Release{Address: "berth-hello-r1:8000"}, waited: 38 * time.Second}
		if problem := s.diagnosePort(readiness.ErrNotReady); problem != nil {
			t.Errorf("before it was looked: %+v", problem)
		}
		var open []netip.AddrPort
		for _, at := range test.open {
			open = append(open, netip.MustParseAddrPort(at))
		}
		s.ports.Ask(8000)
		s.ports.Note(open)
		problem := s.diagnosePort(fmt.Errorf("%w: /health answered 500", readiness.ErrNotReady))
		if !strings.Contains(problem.Message, test.message) || !strings.Contains(problem.Hint, test.hint) || problem.Remedy.Port != test.port {
			t.Errorf("%s: got %q / %q, port %d", test.name, problem.Message, problem.Hint, problem.Remedy.Port)
		}
	}
}
