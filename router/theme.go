package router

import (
	"fmt"
	"net/http"
	"strings"

	"berth/controller/problem"
)

// The themes. System, which is that of the browser, is the one without a cookie.
const (
	themeSystem = "system"
	themeLight  = "light"
	themeDark   = "dark"
)

const (
	themePath     = "/theme"
	fieldTheme    = "theme"
	themeCookieAt = 400 * 24 * 60 * 60 // seconds: the longest that browsers keep a cookie
)

// updateTheme keeps the theme that was chosen in a cookie of this browser.
func (a *admin) updateTheme(v *visit) error {
	theme := v.request().PostForm.Get(fieldTheme)
	sentence := fmt.Sprintf("The theme is %s in this browser.", theme)
	cookie := a.sessions.cookie(v.request(), a.sessions.themeCookieName(v.request()), theme) //nolint:gosec // made with every attribute just below
	switch theme {
	case themeLight, themeDark:
		cookie.MaxAge = themeCookieAt
	case themeSystem:
		sentence, cookie.Value, cookie.MaxAge = "The theme follows your system.", "", -1
	default:
		return problem.Invalid(fmt.Sprintf("There is no theme %.20q.", theme), "Choose system, light or dark.").At(fieldTheme)
	}
	a.sessions.writeCookie(v.gin.Writer, cookie)
	if err := v.notify(sentence); err != nil {
		return err
	}
	return v.seeOther(ownPath(v.request().PostForm.Get("next")))
}

// theme is light or dark where this browser chose one, else empty.
func (v *visit) theme() string {
	cookie, err := v.request().Cookie(v.admin.sessions.themeCookieName(v.request()))
	if err != nil || cookie.Value != themeLight && cookie.Value != themeDark {
		return ""
	}
	return cookie.Value
}

func (s *sessionStore) themeCookieName(r *http.Request) string { return s.cookieName(r) + "-theme" }

// here is the address of the page that is shown, for a form that leads back to it. A
// page that answers a form may have no address.
func (v *visit) here() string {
	if v.request().Method != http.MethodGet {
		return ""
	}
	return v.request().URL.Path
}

// ownPath is a page of ours to go back to, never another site.
func ownPath(wanted string) string {
	if !strings.HasPrefix(wanted, "/") || strings.ContainsAny(wanted, "\\?#%\r\n") || strings.Contains(wanted, "//") {
		return "/admin"
	}
	return wanted
}
