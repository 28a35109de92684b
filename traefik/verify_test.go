package traefik

import (
	"net/netip"
	"slices"
	"testing"
)

func TestVerify_AnswersBerthAloneByTheAddressThatItHas(t *testing.T) {
	address := netip.MustParseAddr
	controller, gateway, elsewhere := address("10.201.0.3"), address("10.201.0.1"), address("192.0.2.7")
	subnet := netip.MustParsePrefix("10.201.0.0/27")
	for name, test := range map[string]struct {
		options StaticOptions
		want    []netip.Addr
	}{
		"in the stack's network":    {StaticOptions{Subnet: subnet, Gateway: gateway, Dashboard: Dashboard{Controller: controller}}, []netip.Addr{controller}},
		"on the machine itself":     {StaticOptions{Subnet: subnet, Gateway: gateway, Dashboard: Dashboard{Controller: gateway}}, []netip.Addr{gateway}},
		"no way to the proxy yet":   {StaticOptions{Subnet: subnet, Gateway: gateway}, []netip.Addr{gateway}},
		"another way for now":       {StaticOptions{Subnet: subnet, Gateway: gateway, Dashboard: Dashboard{Controller: elsewhere}}, []netip.Addr{elsewhere, gateway}},
		"nothing is known of where": {StaticOptions{}, []netip.Addr{address("255.255.255.255")}},
	} {
		if got := test.options.VerifyClients(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// The guard is not a matter of the entry point alone: no router that shows a release
// which is being proven is without it.
func TestVerify_EveryReleaseThatIsBeingProvenStandsBehindItsGuard(t *testing.T) {
	proving := Target{App: "app", Release: 2, Address: "berth-app-r2:8080", Proving: true}
	configuration, err := Generate(Table{Targets: []Target{proving}})
	if err != nil {
		t.Fatal(err)
	}
	guarded := 0
	for name, router := range configuration.HTTP.Routers {
		if !slices.Contains(router.EntryPoints, EntryPointVerify) {
			continue
		}
		guarded++
		if len(router.Middlewares) == 0 || router.Middlewares[0] != verifyGuard {
			t.Errorf("%s has %v", name, router.Middlewares)
		}
	}
	if guarded != 1 {
		t.Errorf("%d routers on the verify entry point", guarded)
	}
}
