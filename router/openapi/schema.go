package openapi

import (
	"encoding"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// direction says whether a value comes in or goes out. What comes in may leave any field
// out, and has no field that is not known. What goes out has each field that is never empty.
type direction uint8

const (
	out direction = iota
	in
)

// schemas collects the named types of a document.
type schemas struct {
	named map[string]*Schema
	types map[string]reflect.Type // whose name it is
}

// schemasPath is before the name of a type that is referred to.
const schemasPath = "#/components/schemas/"

var (
	timeType = reflect.TypeFor[time.Time]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
	jsonType = reflect.TypeFor[json.Marshaler]()
)

// of returns the schema of a type. It panics where a type encodes itself in a way that it
// does not know: the document would be wrong.
func (s *schemas) of(t reflect.Type, way direction) *Schema {
	if t.Kind() == reflect.Pointer {
		return nullable(s.of(t.Elem(), way))
	}
	switch {
	case t == timeType:
		return &Schema{Type: "string", Format: "date-time"}
	case t.Implements(textType):
		return &Schema{Type: "string"}
	case t.Implements(jsonType):
		panic(fmt.Sprintf("openapi: %s encodes itself", t))
	}
	switch t.Kind() {
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Int64, reflect.Uint64:
		return &Schema{Type: "integer", Format: "int64"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return &Schema{Type: "integer"}
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: "number"}
	case reflect.String:
		return &Schema{Type: "string"}
	case reflect.Slice:
		return &Schema{Type: "array", Items: s.of(t.Elem(), way)}
	case reflect.Interface:
		return &Schema{}
	case reflect.Map:
		return &Schema{Type: "object", Additional: s.of(t.Elem(), way)}
	case reflect.Struct:
		return s.object(t, way)
	default:
		panic(fmt.Sprintf("openapi: no schema for %s", t))
	}
}

// nullable adds null to the type.
func nullable(schema *Schema) *Schema {
	name, plain := schema.Type.(string)
	if !plain {
		return &Schema{AnyOf: []*Schema{schema, {Type: "null"}}}
	}
	wider := *schema
	wider.Type = []string{name, "null"}
	return &wider
}

// object is a reference to the named type, which is written down at its first use.
func (s *schemas) object(t reflect.Type, way direction) *Schema {
	if t.Name() == "" {
		return s.fields(t, way)
	}
	name := typeName(t, way)
	if known, found := s.types[name]; found && known != t {
		panic(fmt.Sprintf("openapi: %s and %s are both called %s", known, t, name))
	}
	if s.named[name] == nil {
		s.types[name], s.named[name] = t, &Schema{} // before its fields, which may refer to it
		s.named[name] = s.fields(t, way)
	}
	return &Schema{Ref: schemasPath + name}
}

func (s *schemas) fields(t reflect.Type, way direction) *Schema {
	made := &Schema{Type: "object", Properties: map[string]*Schema{}}
	s.addFields(made, t, way)
	if way == in {
		made.Additional = false
	}
	slices.Sort(made.Required)
	return made
}

func (s *schemas) addFields(made *Schema, t reflect.Type, way direction) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			s.addFields(made, field.Type, way)
			continue
		}
		if !field.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("openapi: %s.%s has no name in JSON", t, field.Name))
		}
		made.Properties[name] = s.of(field.Type, way)
		if way == out && !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			made.Required = append(made.Required, name)
		}
	}
}

// typeName is the name of a type in the document: routeJSON is Route, routeWish is
// RouteInput, and Row of the package checklist is ChecklistRow.
func typeName(t reflect.Type, way direction) string {
	name := strings.TrimSuffix(t.Name(), "JSON")
	if first, _ := utf8.DecodeRuneInString(name); unicode.IsUpper(first) {
		name = upperFirst(path.Base(t.PkgPath())) + name
	}
	if way == in {
		name = strings.TrimSuffix(name, "Wish") + "Input"
	}
	return upperFirst(name)
}

func upperFirst(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}
