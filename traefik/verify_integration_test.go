//go:build integration

package traefik

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"berth/test/patience"
)

// A neighbour on the segment, whose packets an engine before 28 accepts, comes with an
// address of its own; this machine has one that is not the gateway's, too.
func TestProxy_VerifyEntryPointAnswersBerthAlone(t *testing.T) {
	p := startProxy(t)
	proving := target(t, "app", backend(t, "new"), "/app")
	proving.Release, proving.Proving = 2, true
	p.publish(proving)
	p.confirmAll(proving)
	host := VerifyHost("app", 2)
	if got := get(t, VerifyPort, host, "/x"); got.status != http.StatusOK {
		t.Fatalf("Berth's own address: %+v", got)
	}
	if status := askFrom(t, neighbour(t), host); status != http.StatusNotFound {
		t.Errorf("a neighbour gets %d", status)
	}

	// Where Berth is on the stack's network, this machine is no more than a neighbour.
	p.options.Dashboard.Controller = netip.MustParseAddr(testAddress).Next()
	if _, err := WriteStatic(p.folder, p.options); err != nil {
		t.Fatal(err)
	}
	giveToProxy(t, p.folder)
	if !patience.Eventually(10*time.Second, func() bool { return get(t, VerifyPort, host, "/x").status == http.StatusNotFound }) {
		t.Error("this machine is still answered")
	}
}

// neighbour is an address of this machine that is on neither network of the proxy.
func neighbour(t *testing.T) net.IP {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	ours, other := netip.MustParsePrefix(testSubnet), netip.MustParsePrefix(otherSubnet)
	for _, address := range addresses {
		prefix, err := netip.ParsePrefix(address.String())
		if err == nil && prefix.Addr().Is4() && !prefix.Addr().IsLoopback() && !ours.Contains(prefix.Addr()) && !other.Contains(prefix.Addr()) {
			return prefix.Addr().AsSlice()
		}
	}
	t.Fatal("this machine has no address but the test's own")
	return nil
}

// askFrom asks the verify entry point with that source address.
func askFrom(t *testing.T, from net.IP, host string) int {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: patience.Of(5 * time.Second)}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}, Timeout: patience.Of(10 * time.Second)}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s:%d/x", testAddress, VerifyPort), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}
