package openapi

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// Operation is one line of the table.
type Operation struct {
	Method  string
	Path    string // as the router has it: /apps/:name, and *path for the rest
	Scope   string // the least that a token needs
	Summary string
	Query   []Query
	In      Body
	Out     []Answer
	Errors  []int // statuses of problems

	Versioned bool // its answers have an ETag
}

// Query is a parameter of the address, or of the head where Header is set.
type Query struct {
	Name, Text string
	Number     bool
	Header     bool
}

// Body is what a request or an answer carries; the zero Body is none.
type Body struct {
	Media string       // such as application/json
	Type  reflect.Type // of JSON
	Parts []Part       // of a form

	Optional bool // a request may come without it
}

// Part is a field of a form. A file is the last part of its form.
type Part struct {
	Name     string
	File     bool
	Required bool
}

// Answer is an answer that is no problem. Several of one status are one or the other.
type Answer struct {
	Status int
	Body   Body
}

// JSON is a body that is a value of the type.
func JSON[T any]() Body { return Body{Media: "application/json", Type: reflect.TypeFor[T]()} }

// Plain is a body of any other media type.
func Plain(media string) Body { return Body{Media: media} }

// Form is a form of several parts.
func Form(parts ...Part) Body { return Body{Media: "multipart/form-data", Parts: parts} }

// URLForm is a form without files, as a page without script sends it.
func URLForm(parts ...Part) Body {
	return Body{Media: "application/x-www-form-urlencoded", Parts: parts}
}

const problemMedia = "application/problem+json"

// Write makes the document of the operations. Problem is the type of every refusal, version
// that of the API.
func Write(info Info, problem reflect.Type, operations []Operation) *Document {
	s := &schemas{named: map[string]*Schema{}, types: map[string]reflect.Type{}}
	made := &Document{
		OpenAPI: "3.1.0", Info: info, Servers: []Server{{URL: "/"}}, Security: []map[string]Scopes{{"token": {}}},
		Paths: map[string]PathItem{},
		Components: Components{Schemas: s.named, Responses: map[string]Response{}, SecuritySchemes: map[string]SecurityScheme{
			"token": {Type: "http", Scheme: "bearer", Description: "A token of Berth. Its scope says what it may do: see x-scope."},
		}},
	}
	refused := s.of(problem, out)
	for _, operation := range operations {
		path, parameters := Path(operation.Path), parametersOf(operation.Path)
		if made.Paths[path] == nil {
			made.Paths[path] = PathItem{}
		}
		made.Paths[path][strings.ToLower(operation.Method)] = Method{
			ID: operationID(operation.Method, path), Tags: []string{tagOf(path)}, Summary: operation.Summary, Scope: operation.Scope,
			Parameters: append(parameters, queries(operation.Query)...), RequestBody: s.request(operation.In),
			Responses: s.responses(operation),
		}
		for _, status := range operation.Errors {
			made.Components.Responses[strconv.Itoa(status)] = refusal(status, refused)
		}
	}
	return made
}

// Path is the router's path as the document has it.
func Path(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if isParameter(part) {
			parts[i] = "{" + part[1:] + "}"
		}
	}
	return strings.Join(parts, "/")
}

func isParameter(part string) bool { return part != "" && (part[0] == ':' || part[0] == '*') }

func parametersOf(path string) (parameters []Parameter) {
	for part := range strings.SplitSeq(path, "/") {
		if !isParameter(part) {
			continue
		}
		parameter := Parameter{Name: part[1:], In: "path", Required: true, Schema: &Schema{Type: "string"}}
		if parameter.Name == "number" || parameter.Name == "id" {
			parameter.Schema = &Schema{Type: "integer", Format: "int64"}
		}
		if part[0] == '*' {
			parameter.Description = "May hold slashes, which are sent as they are."
		}
		parameters = append(parameters, parameter)
	}
	return parameters
}

// tagOf is the noun that a path is about: an app has several.
func tagOf(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/api/v1/"), "/")
	if parts[0] == "apps" && len(parts) > 2 && !verbs[parts[2]] {
		return parts[2]
	}
	return parts[0]
}

// verbs are the last parts of an app's paths that are no nouns.
var verbs = map[string]bool{"update": true, "start": true, "stop": true, "restart": true, "rollback": true}

// operationID is the name that clients give the operation: getAppsNameRoutes.
func operationID(method, path string) string {
	id := strings.ToLower(method)
	for part := range strings.FieldsFuncSeq(strings.TrimPrefix(path, "/api/v1"), func(r rune) bool { return strings.ContainsRune("/{}-_.", r) }) {
		id += upperFirst(part)
	}
	return id
}

func queries(all []Query) []Parameter {
	var made []Parameter
	for _, query := range all {
		parameter := Parameter{Name: query.Name, In: "query", Description: query.Text, Schema: &Schema{Type: "string"}}
		if query.Header {
			parameter.In = "header"
		}
		if query.Number {
			parameter.Schema = &Schema{Type: "integer"}
		}
		made = append(made, parameter)
	}
	return made
}

func (s *schemas) request(body Body) *RequestBody {
	if body.Media == "" {
		return nil
	}
	return &RequestBody{Required: !body.Optional, Content: map[string]Media{body.Media: {s.body(body, in)}}}
}

func (s *schemas) body(body Body, way direction) *Schema {
	switch {
	case body.Type != nil:
		return s.of(body.Type, way)
	case body.Parts != nil:
		return form(body.Parts)
	default:
		return &Schema{Type: "string"}
	}
}

func form(parts []Part) *Schema {
	made := &Schema{Type: "object", Properties: map[string]*Schema{}}
	for _, part := range parts {
		field := &Schema{Type: "string"}
		if part.File {
			field.Format = "binary"
		}
		made.Properties[part.Name] = field
		if part.Required {
			made.Required = append(made.Required, part.Name)
		}
	}
	return made
}

func (s *schemas) responses(operation Operation) map[string]Response {
	made := map[string]Response{}
	for _, answer := range operation.Out {
		name := strconv.Itoa(answer.Status)
		response := made[name]
		response.Description = http.StatusText(answer.Status)
		if answer.Body.Media != "" {
			if response.Content == nil {
				response.Content = map[string]Media{}
			}
			response.Content[answer.Body.Media] = Media{s.body(answer.Body, out)}
		}
		if operation.Versioned {
			response.Headers = map[string]Header{"ETag": {"The version of what is shown, for If-Match.", &Schema{Type: "string"}}}
		}
		made[name] = response
	}
	for _, status := range operation.Errors {
		name := strconv.Itoa(status)
		made[name] = Response{Ref: "#/components/responses/" + name}
	}
	return made
}

// refusal is the answer with a problem of the status.
func refusal(status int, problem *Schema) Response {
	made := Response{Description: http.StatusText(status), Content: map[string]Media{problemMedia: {problem}}}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		made.Headers = map[string]Header{"Retry-After": {"Seconds to wait before the next try.", &Schema{Type: "integer"}}}
	}
	return made
}
