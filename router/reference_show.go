package router

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"berth/router/openapi"
)

// referencePath is the page of the API.
const referencePath = "/help/api"

type referencePage struct {
	frame
	Document string // path of the document
	Nouns    []referenceGroup
	Types    []referenceType
}

// referenceGroup is the operations that are about one noun.
type referenceGroup struct {
	ID, Name   string
	Operations []referenceOperation
}

type referenceOperation struct {
	ID, Method, Path, Summary, Scope string
	Query                            []openapi.Parameter
	Takes                            []referenceBody
	Answers                          []referenceAnswer
	Refusals                         []string // statuses of problems
}

type referenceAnswer struct {
	Status string
	Bodies []referenceBody
}

// referenceBody is a body: the name of a type, or else a media type.
type referenceBody struct{ Type, Media string }

type referenceType struct {
	Name   string
	Fields []referenceField
}

type referenceField struct {
	Name     string
	Words    string // such as list of
	Type     string // a type of the page; may be empty
	Required bool
}

// showReference shows the API's document to people.
func (a *admin) showReference(v *visit) error {
	document := a.apiDocument()
	page := referencePage{frame: v.frame("API reference"), Document: referencePath + "/openapi.json"}
	page.Section, page.Tab = "settings", "tokens"
	for _, r := range a.apiRoutes() {
		operation := document.Paths[openapi.Path(r.path)][strings.ToLower(r.method)]
		page.add(operation.Tags[0], referenceOperationOf(r.method, openapi.Path(r.path), operation))
	}
	for _, name := range slices.Sorted(maps.Keys(document.Components.Schemas)) {
		page.Types = append(page.Types, referenceTypeOf(name, document.Components.Schemas[name]))
	}
	return v.page(http.StatusOK, "reference", page)
}

func (p *referencePage) add(group string, operation referenceOperation) {
	at := slices.IndexFunc(p.Nouns, func(g referenceGroup) bool { return g.Name == group })
	if at < 0 {
		at = len(p.Nouns)
		p.Nouns = append(p.Nouns, referenceGroup{ID: "group-" + identifier(group), Name: group})
	}
	p.Nouns[at].Operations = append(p.Nouns[at].Operations, operation)
}

func referenceOperationOf(method, path string, operation openapi.Method) referenceOperation {
	made := referenceOperation{ID: operation.ID, Method: method, Path: path, Summary: operation.Summary, Scope: operation.Scope}
	for _, parameter := range operation.Parameters {
		if parameter.In != "path" {
			made.Query = append(made.Query, parameter)
		}
	}
	if operation.RequestBody != nil {
		made.Takes = bodiesOf(operation.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(operation.Responses)) {
		if code, _ := strconv.Atoi(status); code >= http.StatusBadRequest {
			made.Refusals = append(made.Refusals, status)
			continue
		}
		made.Answers = append(made.Answers, referenceAnswer{status, bodiesOf(operation.Responses[status].Content)})
	}
	return made
}

func bodiesOf(content map[string]openapi.Media) (bodies []referenceBody) {
	for _, media := range slices.Sorted(maps.Keys(content)) {
		bodies = append(bodies, referenceBody{Type: refName(content[media].Schema), Media: media})
	}
	return bodies
}

func referenceTypeOf(name string, schema *openapi.Schema) referenceType {
	made := referenceType{Name: name}
	for _, field := range slices.Sorted(maps.Keys(schema.Properties)) {
		words, named := typeWords(schema.Properties[field])
		made.Fields = append(made.Fields, referenceField{field, words, named, slices.Contains(schema.Required, field)})
	}
	return made
}

// typeWords says in words what a value is; named is the type of the page that it has.
func typeWords(schema *openapi.Schema) (words, named string) {
	item, isMap := schema.Additional.(*openapi.Schema)
	names, nullable := schema.Type.([]string)
	switch {
	case schema.Ref != "":
		return "", refName(schema)
	case len(schema.AnyOf) > 0:
		words, named = typeWords(schema.AnyOf[0])
		return "null or " + words, named
	case schema.Items != nil:
		words, named = typeWords(schema.Items)
		return "list of " + words, named
	case isMap:
		words, named = typeWords(item)
		return "by name: " + words, named
	case nullable:
		return strings.Join(names, " or "), ""
	default:
		text, _ := schema.Type.(string)
		return strings.TrimSpace(text + " " + schema.Format), ""
	}
}

func refName(schema *openapi.Schema) string {
	_, name, _ := strings.Cut(schema.Ref, "#/components/schemas/")
	return name
}
