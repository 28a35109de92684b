package router

import (
	"strings"

	"github.com/gin-gonic/gin"
)

// contentPolicy allows what comes from the admin app itself and nothing else: no
// inline code or style, no eval, no frame, no form that goes elsewhere.
const contentPolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// securityHeaders are on every answer, whatever it says.
var securityHeaders = [...][2]string{
	{"Content-Security-Policy", contentPolicy},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
	{"Referrer-Policy", "no-referrer"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
}

const (
	strictTransport = "max-age=31536000"
	neverCached     = "no-store"
	cachedForever   = "public, max-age=31536000, immutable"
)

func (a *admin) setHeaders(c *gin.Context) {
	for _, header := range securityHeaders {
		c.Header(header[0], header[1])
	}
	if a.sessions.isSecure(c.Request) {
		c.Header("Strict-Transport-Security", strictTransport)
	}
	if !strings.HasPrefix(c.Request.URL.Path, "/static/") {
		c.Header("Cache-Control", neverCached)
	}
}
