package router

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"berth/router/openapi"
)

// documentFile is the API's document in the repository.
var documentFile = filepath.Join("..", "docs", "openapi.json")

func encodedDocument(t testing.TB) []byte {
	t.Helper()
	text, err := json.MarshalIndent(new(admin).apiDocument(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func loadDocument(t testing.TB, text []byte) *openapi3.T {
	t.Helper()
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestContract_EveryRowOfTheAPIHasOne(t *testing.T) {
	t.Parallel()
	rows := 0
	for _, r := range new(admin).routes() {
		if !r.isAPI() {
			if r.api.does != "" || r.api.out != nil {
				t.Errorf("%s %s is no row of the API", r.method, r.path)
			}
			continue
		}
		rows++
		if r.api.does == "" || len(r.api.out) == 0 {
			t.Errorf("%s %s: say what it does, takes and answers", r.method, r.path)
		}
		if r.method == get && r.api.in.Media != "" {
			t.Errorf("%s %s: a GET takes no body", r.method, r.path)
		}
	}
	if table := len(new(admin).apiRoutes()); rows != table {
		t.Errorf("%d rows below %s, and %d in the API's table", rows, apiRoot, table)
	}
}

// TestContract_DocumentIsWhatTheTableSays: with -update it writes docs/openapi.json.
func TestContract_DocumentIsWhatTheTableSays(t *testing.T) {
	t.Parallel()
	compareGolden(t, documentFile, string(encodedDocument(t)))
}

// TestContract_BreaksNoClientOfTheLastRelease: a release copies its docs/openapi.json to
// testdata/openapi-released.json.
func TestContract_BreaksNoClientOfTheLastRelease(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "openapi-released.json"))
	if err != nil {
		t.Fatal(err)
	}
	var released openapi.Document
	if err := json.Unmarshal(text, &released); err != nil {
		t.Fatal(err)
	}
	if len(released.Paths) == 0 {
		t.Fatal("the released document has no path")
	}
	for _, broken := range openapi.Breaks(&released, new(admin).apiDocument()) {
		t.Error(broken)
	}
}

func TestContract_DocumentIsValid(t *testing.T) {
	t.Parallel()
	if err := loadDocument(t, encodedDocument(t)).Validate(t.Context()); err != nil {
		t.Error(err)
	}
}
