package router

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"berth/controller/problem"
)

// adminHosts are the names that the admin app answers to.
func adminHosts(configured []string) map[string]bool {
	hosts := map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}
	for _, host := range configured {
		hosts[normalHost(host)] = true
	}
	return hosts
}

// checkHost refuses requests for a name that is not ours: a page of another
// site whose name was made to point here (DNS rebinding) is same-origin to its
// browser, and only the name gives it away.
func (a *admin) checkHost(c *gin.Context) {
	host := normalHost(c.Request.Host)
	if a.hosts[host] || host != "" && host == listeningIP(c.Request) {
		return
	}
	problem := problem.Forbidden(
		fmt.Sprintf("Berth's admin app does not answer to %.80q.", host),
		fmt.Sprintf("Open it at %s, or choose another name with BERTH_ADMIN_HOST.", a.host),
	)
	a.stop(c, problem)
}

// requireHTTPS sends plain requests to https where that is asked for.
func (a *admin) requireHTTPS(c *gin.Context) {
	if !a.secure || c.Request.TLS != nil || c.Request.URL.Path == "/healthz" {
		return
	}
	c.Abort()
	if c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead {
		a.stop(c, problem.Forbidden("This needs https.", "Send the request to the same address with https."))
		return
	}
	target := *c.Request.URL
	target.Scheme, target.Host = "https", c.Request.Host
	c.Redirect(http.StatusPermanentRedirect, target.String())
}

var crossOrigin = http.NewCrossOriginProtection()

// checkOrigin refuses what another site's page makes a browser send.
func (a *admin) checkOrigin(c *gin.Context) {
	if err := crossOrigin.Check(c.Request); err != nil {
		a.recordForeign(c)
		a.stop(c, foreignOrigin(err))
	}
}

// sameOrigin reports whether a request may open an event stream: CrossOriginProtection
// lets every GET pass, and a stream is a GET that tells a lot.
func sameOrigin(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if site == "cross-site" || site == "same-site" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	parsed, err := url.Parse(origin)
	return err == nil && parsed.Host == r.Host
}

func foreignOrigin(cause error) *problem.Problem {
	return problem.Forbidden("The request came from another site.", "Use the forms of the admin app itself.").Because(cause)
}

// listeningIP is the address of this machine that the request arrived at.
func listeningIP(r *http.Request) string {
	address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ""
	}
	parsed, err := netip.ParseAddrPort(address.String())
	if err != nil {
		return ""
	}
	return parsed.Addr().Unmap().String()
}

// normalHost is the host of a Host header without port, brackets, final dot and case.
func normalHost(hostport string) string {
	host := hostport
	if name, port, err := net.SplitHostPort(hostport); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil && port != "" {
			return ""
		}
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
