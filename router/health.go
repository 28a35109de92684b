package router

import "net/http"

// showHealth says that the admin app answers, and nothing else.
func (a *admin) showHealth(v *visit) error {
	v.gin.String(http.StatusOK, "ok\n")
	return nil
}
