package router

import (
	"net/http"
	"strings"
)

// showStatic gives a file under the name that carries its content's hash: the
// browser keeps it for good, and a new content is a new name.
func (a *admin) showStatic(v *visit) error {
	file, ok := a.templates.File(strings.TrimPrefix(v.gin.Param("file"), "/"))
	if !ok {
		return notFound("There is no such file.", nil)
	}
	v.gin.Header("Cache-Control", cachedForever)
	v.gin.Data(http.StatusOK, file.Type, file.Content)
	return nil
}
