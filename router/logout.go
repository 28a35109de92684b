package router

import "github.com/gin-contrib/sessions"

// createLogout ends the session on the server and in the browser.
func (a *admin) createLogout(v *visit) error {
	v.session().Options(sessions.Options{MaxAge: -1})
	if err := v.session().Save(); err != nil {
		return err
	}
	v.gin.Header("Clear-Site-Data", `"cache", "storage"`)
	return v.seeOther("/login")
}
