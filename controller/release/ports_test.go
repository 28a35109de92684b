package release

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"berth/controller/app"
	"berth/controller/problem"
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
		s.ports.ask(8000)
		s.ports.note(open)
		problem := s.diagnosePort(fmt.Errorf("%w: /health answered 500", readiness.ErrNotReady))
		if !strings.Contains(problem.Message, test.message) || !strings.Contains(problem.Hint, test.hint) || problem.Remedy.Port != test.port {
			t.Errorf("%s: got %q / %q, port %d", test.name, problem.Message, problem.Hint, problem.Remedy.Port)
		}
	}
}

func TestDiagnose_OffersAVolumeFirstAndAWritableRootSecond(t *testing.T) {
	t.Parallel()
	fault := findSymptom([]string{"open /data/app.db: read-only file system"}).problem([]string{"open /data/app.db: read-only file system"}, errors.New("cause"))
	volumeAt, rootAt := strings.Index(fault.Hint, "volume at /data"), strings.Index(fault.Hint, "Writable root")
	if !strings.Contains(fault.Message, "/data/app.db") || volumeAt < 0 || rootAt < volumeAt || fault.Remedy != (problem.Remedy{Folder: "/data", WritableRoot: true}) {
		t.Errorf("got %+v", fault)
	}
}
