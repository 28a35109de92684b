package router

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"berth/controller/problem"
)

// requireAdminHost keeps browsers to the one name that no app answers on. A browser
// sends the cookies of a name to all of its ports and schemes, so that a session
// on 127.0.0.1 or localhost would go to every app there. Whoever has a token, and what
// needs no session at all, is answered under every name, and without cookies.
func (a *admin) requireAdminHost(r route) gin.HandlerFunc {
	return func(c *gin.Context) {
		if normalHost(c.Request.Host) == a.host {
			return
		}
		if err := a.sessions.endExposed(c.Writer, c.Request); err != nil {
			a.logger.WarnContext(c.Request.Context(), "end a session on a shared name", "request_id", requestID(c), "error", err)
		}
		c.Request.Header.Del("Cookie")
		switch {
		case needsNoSession(r, c.Request):
		case c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead:
			c.Redirect(http.StatusTemporaryRedirect, a.addressOf(c.Request))
			c.Abort()
		default: // a form is not sent on: what is in it was typed for another name
			a.stop(c, problem.Forbidden(
				fmt.Sprintf("Forms are taken at https://%s alone.", a.authority(c.Request)),
				"Open that address and sign in there. Scripts sign in there too (curl --resolve), or send a token.",
			))
		}
	}
}

func needsNoSession(r route, request *http.Request) bool {
	return r.path == healthPath || r.path == staticPath || r.path == prometheusPath || r.path == webhookRoute || strings.HasPrefix(r.path, "/api/") || strings.HasPrefix(r.path, gitPath) ||
		r.access.scope != "" && bearerToken(request) != ""
}

// addressOf is where the same page is under the admin app's own name.
func (a *admin) addressOf(r *http.Request) string {
	target := *r.URL
	target.Scheme, target.Host, target.User = "https", a.authority(r), nil
	return target.String()
}

// authority is the admin app's own name with the port that was asked for, which a
// tunnel may have changed.
func (a *admin) authority(r *http.Request) string {
	if _, port, err := net.SplitHostPort(r.Host); err == nil && port != "" {
		return net.JoinHostPort(a.host, port)
	}
	return a.host
}

// likelyAppsHost is a name on which apps without a host answer, for links on pages of
// the admin host, which is none: this machine where that name means it, else the
// domain above.
func likelyAppsHost(adminHost string) string {
	_, above, _ := strings.Cut(adminHost, ".")
	if !strings.Contains(above, ".") {
		return "127.0.0.1"
	}
	return above
}
