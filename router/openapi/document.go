// Package openapi writes the OpenAPI 3.1 document of a table of operations, from the very
// Go types that their bodies are encoded from and decoded into.
package openapi

// Document is an OpenAPI document, as far as Berth needs one.
type Document struct {
	OpenAPI    string              `json:"openapi"`
	Info       Info                `json:"info"`
	Servers    []Server            `json:"servers"`
	Security   []map[string]Scopes `json:"security"`
	Paths      map[string]PathItem `json:"paths"`
	Components Components          `json:"components"`
}

// Info says what the document is about.
type Info struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Version     string `json:"version"`
}

// Server is where the API is.
type Server struct {
	URL string `json:"url"`
}

// Scopes is empty: a bearer's token has its scope in itself.
type Scopes []string

// PathItem is what one path answers to, by method in lower case.
type PathItem map[string]Method

// Method is one operation of a path.
type Method struct {
	ID          string              `json:"operationId"`
	Tags        []string            `json:"tags"`
	Summary     string              `json:"summary"`
	Scope       string              `json:"x-scope"` // the least scope that a token needs
	Parameters  []Parameter         `json:"parameters,omitempty"`
	RequestBody *RequestBody        `json:"requestBody,omitempty"`
	Responses   map[string]Response `json:"responses"`
}

// Parameter is a part of the address, of its query or of the head of a request.
type Parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"` // path, query or header
	Description string  `json:"description,omitempty"`
	Required    bool    `json:"required,omitempty"`
	Schema      *Schema `json:"schema"`
}

// RequestBody is what a request carries.
type RequestBody struct {
	Required bool             `json:"required"`
	Content  map[string]Media `json:"content"`
}

// Response is one answer, or a reference to one.
type Response struct {
	Ref         string            `json:"$ref,omitempty"`
	Description string            `json:"description,omitempty"`
	Headers     map[string]Header `json:"headers,omitempty"`
	Content     map[string]Media  `json:"content,omitempty"`
}

// Header is a field in the head of an answer.
type Header struct {
	Description string  `json:"description"`
	Schema      *Schema `json:"schema"`
}

// Media is a body of one media type.
type Media struct {
	Schema *Schema `json:"schema"`
}

// Components are the types and refusals that operations refer to, and how a caller is known.
type Components struct {
	Responses       map[string]Response       `json:"responses"` // refusals, by status
	Schemas         map[string]*Schema        `json:"schemas"`
	SecuritySchemes map[string]SecurityScheme `json:"securitySchemes"`
}

// SecurityScheme is how a caller is known.
type SecurityScheme struct {
	Type        string `json:"type"`
	Scheme      string `json:"scheme"`
	Description string `json:"description"`
}

// Schema is the type of a value.
type Schema struct {
	Ref        string             `json:"$ref,omitempty"`
	Type       any                `json:"type,omitempty"` // a name, or a list of names
	Format     string             `json:"format,omitempty"`
	AnyOf      []*Schema          `json:"anyOf,omitempty"`
	Items      *Schema            `json:"items,omitempty"`
	Properties map[string]*Schema `json:"properties,omitempty"`
	Required   []string           `json:"required,omitempty"`
	Additional any                `json:"additionalProperties,omitempty"` // false, or the type of each value
}
