package traefik

import "net/netip"

// verifyGuard is the middleware in front of every release under verification; WriteStatic
// writes it. Apps' own names have no dot. If it is missing, the proxy refuses the router.
const verifyGuard = "verify.controller"

// VerifyGuard is for the template.
func (StaticOptions) VerifyGuard() string { return verifyGuard }

// VerifyClients are the addresses that the verify entry point answers: Berth's own
// address on the stack's network. If Berth is not on that network, or its address is
// unknown, Berth uses this machine's address there. If neither is known, nobody gets an
// answer.
func (o StaticOptions) VerifyClients() []netip.Addr {
	controller := o.Dashboard.Controller
	if controller.IsValid() && o.Subnet.Contains(controller) {
		return []netip.Addr{controller}
	}
	var clients []netip.Addr
	for _, address := range []netip.Addr{controller, o.Gateway} {
		if address.IsValid() {
			clients = append(clients, address)
		}
	}
	if len(clients) == 0 {
		return []netip.Addr{netip.AddrFrom4([4]byte{255, 255, 255, 255})} // no client has it
	}
	return clients
}
