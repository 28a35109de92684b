package traefik

import "net/netip"

// verifyGuard is the middleware, written by WriteStatic, behind which every release that
// is being proven stands. Apps' own names have no dot. Where it is missing the proxy
// refuses the router.
const verifyGuard = "verify.controller"

// VerifyGuard is for the template.
func (StaticOptions) VerifyGuard() string { return verifyGuard }

// VerifyClients are whom the verify entry point answers: Berth at its own address on
// the stack's network. Where Berth is not on it, or not known to be, it comes by this
// machine's address there. Where neither is known nobody is answered.
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
