package publicdoor

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// How many requests of one client, or of one IPv6 network of 64 bits, are under way. Streams
// count too. Many clients can come from the shared address.
const (
	perClient = 64
	perShared = 256
)

// Options say what a Handler stands in front of.
type Options struct {
	Host   string     // the admin app's public name; requests for another one get 421
	Shared netip.Addr // that the engine shows in the place of many clients; may be the zero Addr
	Next   http.Handler
}

// Handler takes requests that the proxy alone can have sent. Next gets each as if the client
// had sent it itself over TLS: with its address, and without a header in which anybody spoke
// for anybody.
func Handler(o Options) http.Handler {
	return &handler{Options: o, under: newCount()}
}

type handler struct {
	Options
	under *count
}

// ServeHTTP passes one request on.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client := clientOf(r.Header)
	if !client.IsValid() || r.Header.Get("X-Forwarded-Proto") != "https" {
		refuse(w, http.StatusBadRequest, "The proxy did not say who asks over HTTPS.")
		return
	}
	if hostOf(r.Host) != h.Host {
		refuse(w, http.StatusMisdirectedRequest, "The admin app does not answer to this name here.")
		return
	}
	leave, room := h.under.enter(client, h.most(client))
	if !room {
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusTooManyRequests, "Too many requests of this address are under way. Try again in 10 seconds.")
		return
	}
	defer leave()
	h.Next.ServeHTTP(w, asSent(r, client))
}

func (h *handler) most(client netip.Addr) int {
	if h.Shared.IsValid() && client == h.Shared {
		return perShared
	}
	return perClient
}

// asSent is the request as its client sent it.
func asSent(r *http.Request, client netip.Addr) *http.Request {
	sent := r.WithContext(r.Context())
	sent.RemoteAddr = netip.AddrPortFrom(client, portOf(r.RemoteAddr)).String()
	sent.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: hostOf(r.Host)} // which the proxy ended
	sent.Header = r.Header.Clone()
	for name := range sent.Header {
		if strings.HasPrefix(name, "X-Forwarded-") || slices.Contains([]string{"Forwarded", "X-Real-Ip"}, name) {
			sent.Header.Del(name)
		}
	}
	return sent
}

// clientOf is the last address in X-Forwarded-For, which the proxy has written itself; the
// zero Addr where there is none. What is left of it anybody can have sent.
func clientOf(header http.Header) netip.Addr {
	values := header.Values("X-Forwarded-For")
	if len(values) == 0 {
		return netip.Addr{}
	}
	words := strings.Split(values[len(values)-1], ",")
	client, err := netip.ParseAddr(strings.TrimSpace(words[len(words)-1]))
	if err != nil {
		return netip.Addr{}
	}
	return client.Unmap().WithZone("")
}

// hostOf is the host of a Host header without its port, a final dot and case.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func portOf(remote string) uint16 {
	parsed, err := netip.ParseAddrPort(remote)
	if err != nil {
		return 0
	}
	return parsed.Port()
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	http.Error(w, text, status)
}
