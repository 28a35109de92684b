package release

import (
	"fmt"
	"strings"
	"testing"

	"berth/controller/app"
	"berth/controller/readiness"
	"berth/traefik"
)

func TestDiagnose_NamesTheRouteWhoseServiceIsSilent(t *testing.T) {
	t.Parallel()
	s := &shipment{}
	cause := &leadError{traefik.Route{Path: "/api"}, app.Destination{Service: "api", Port: 9000}, fmt.Errorf("%w: nothing answers on x:9000", readiness.ErrNotReady)}
	fault := s.diagnoseSilence(&atFault{}, cause)
	if !strings.Contains(fault.Message, "The route /api leads to api, port 9000, which did not respond") || !strings.Contains(fault.Message, "nothing answers on x:9000") {
		t.Errorf("got %+v", fault)
	}
}
