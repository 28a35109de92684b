package router

import (
	"fmt"
	"net/netip"

	"github.com/gin-gonic/gin"
)

// trustProxies makes the engine believe what these say about where a request
// comes from, in X-Forwarded-For and no other header. From anybody else the
// header is not read.
func trustProxies(engine *gin.Engine, proxies []netip.Prefix) error {
	texts := make([]string, 0, len(proxies))
	for _, proxy := range proxies {
		texts = append(texts, proxy.String())
	}
	engine.RemoteIPHeaders = []string{"X-Forwarded-For"}
	if err := engine.SetTrustedProxies(texts); err != nil {
		return fmt.Errorf("trust proxies: %w", err)
	}
	return nil
}

// clientAddress is where the request comes from: the peer or, where that is a
// trusted proxy, the right-most address of X-Forwarded-For that is none. What is
// left of that anybody can write. Where the proxy wrote something that is no
// address, it is the proxy itself. The zero address is an unknown one.
func clientAddress(c *gin.Context) netip.Addr {
	address, err := netip.ParseAddr(c.ClientIP())
	if err != nil { // a link-local peer has a zone, which Gin does not read
		address, _ = netip.ParseAddr(c.RemoteIP())
	}
	return address.Unmap().WithZone("")
}

func addressText(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	return address.String()
}
