package router

import (
	"encoding/json"
	"net/http"
)

// documentPath is where the API's document is.
const documentPath = apiRoot + "openapi.json"

func (a *admin) apiShowDocument(v *visit) error {
	text, err := a.document()
	if err != nil {
		return err
	}
	v.gin.Data(http.StatusOK, "application/json; charset=utf-8", text)
	return nil
}

// encodeDocument is the document as it is served.
func (a *admin) encodeDocument() ([]byte, error) { return json.Marshal(a.apiDocument()) }
