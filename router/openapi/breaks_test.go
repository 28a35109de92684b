package openapi

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
)

type problemJSON struct {
	Detail string `json:"detail"`
}

type appJSON struct {
	Name  string    `json:"name"`
	Ports []int     `json:"ports"`
	Live  *int64    `json:"live"`
	Part  *partJSON `json:"part,omitempty"`
}

type partJSON struct {
	Size int `json:"size"`
}

func document(operations ...Operation) *Document {
	return Write(Info{Title: "T"}, reflect.TypeFor[problemJSON](), operations)
}

func showApp() Operation {
	return Operation{Method: "GET", Path: "/api/v1/apps/:name", Scope: "read", Out: []Answer{{200, JSON[appJSON]()}}, Errors: []int{404}}
}

func createApp() Operation {
	return Operation{Method: "POST", Path: "/api/v1/apps", Scope: "deploy", In: JSON[appJSON](), Out: []Answer{{201, JSON[appJSON]()}}}
}

// stored is the document as it is read from a file.
func stored(t *testing.T, made *Document) *Document {
	t.Helper()
	text, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	read := new(Document)
	if err := json.Unmarshal(text, read); err != nil {
		t.Fatal(err)
	}
	return read
}

func TestBreaks_FindsNothingWhereNothingOrOnlyMoreIsThere(t *testing.T) {
	t.Parallel()
	old := stored(t, document(showApp()))
	more := showApp()
	more.Query = []Query{{Name: "limit", Number: true}}
	more.Errors = append(more.Errors, 429)
	now := document(more, createApp())
	now.Components.Schemas["App"].Properties["extra"] = &Schema{Type: "string"}
	if found := Breaks(old, stored(t, now)); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}

func TestBreaks_FindsWhatAClientWouldMiss(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Document){
		"GET /api/v1/apps/{name} is gone":                          func(d *Document) { delete(d.Paths, "/api/v1/apps/{name}") },
		"App: the field ports is gone":                             func(d *Document) { delete(d.Components.Schemas["App"].Properties, "ports") },
		"App.name has another type":                                func(d *Document) { d.Components.Schemas["App"].Properties["name"].Type = "integer" },
		"App.ports[] has another type":                             func(d *Document) { d.Components.Schemas["App"].Properties["ports"].Items.Type = "string" },
		"App.live has another type":                                func(d *Document) { d.Components.Schemas["App"].Properties["live"].Type = "integer" },
		"App: whether the field name is required has changed":      func(d *Document) { d.Components.Schemas["App"].Required = []string{"live", "ports"} },
		"AppInput: whether the field name is required has changed": func(d *Document) { d.Components.Schemas["AppInput"].Required = []string{"name"} },
		"GET /api/v1/apps/{name}: the answer 404 is gone":          func(d *Document) { delete(d.Paths["/api/v1/apps/{name}"]["get"].Responses, "404") },
		"GET /api/v1/apps/{name}: 200 is no application/json any more": func(d *Document) {
			delete(d.Paths["/api/v1/apps/{name}"]["get"].Responses["200"].Content, "application/json")
		},
		"GET /api/v1/apps/{name} needs the scope admin, and needed read": func(d *Document) { change(d, func(m *Method) { m.Scope = "admin" }) },
		"GET /api/v1/apps/{name}: the parameter name is gone":            func(d *Document) { change(d, func(m *Method) { m.Parameters = nil }) },
		"GET /api/v1/apps/{name}: the parameter since is newly required": func(d *Document) {
			change(d, func(m *Method) { m.Parameters = append(m.Parameters, Parameter{Name: "since", Required: true}) })
		},
		"GET /api/v1/apps/{name}: the body is newly required": func(d *Document) { change(d, func(m *Method) { m.RequestBody = &RequestBody{Required: true} }) },
	} {
		now := document(showApp(), createApp())
		old := stored(t, now)
		change(now)
		if found := Breaks(old, stored(t, now)); !slices.Contains(found, want) {
			t.Errorf("found %q, want %q", found, want)
		}
	}
}

func change(d *Document, do func(*Method)) {
	method := d.Paths["/api/v1/apps/{name}"]["get"]
	do(&method)
	d.Paths["/api/v1/apps/{name}"]["get"] = method
}
