package openapi

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Breaks lists what a client of the old document finds changed in the new one: rows,
// answers and fields that are gone or of another type, and input that is newly required.
func Breaks(old, new *Document) []string {
	c := &comparison{old: old, new: new, seen: map[[2]string]bool{}}
	for _, path := range slices.Sorted(maps.Keys(old.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(old.Paths[path])) {
			row := strings.ToUpper(method) + " " + path
			now, there := new.Paths[path][method]
			if !there {
				c.found("%s is gone", row)
				continue
			}
			c.method(row, old.Paths[path][method], now)
		}
	}
	return c.breaks
}

type comparison struct {
	old, new *Document
	seen     map[[2]string]bool // pairs of named types
	breaks   []string
}

func (c *comparison) found(format string, args ...any) {
	c.breaks = append(c.breaks, fmt.Sprintf(format, args...))
}

func (c *comparison) method(row string, old, now Method) {
	if old.Scope != now.Scope {
		c.found("%s needs the scope %s, and needed %s", row, now.Scope, old.Scope)
	}
	for _, parameter := range old.Parameters {
		if !slices.ContainsFunc(now.Parameters, func(p Parameter) bool { return p.Name == parameter.Name && p.In == parameter.In }) {
			c.found("%s: the parameter %s is gone", row, parameter.Name)
		}
	}
	for _, parameter := range now.Parameters {
		if parameter.Required && !slices.ContainsFunc(old.Parameters, func(p Parameter) bool { return p.Name == parameter.Name && p.Required }) {
			c.found("%s: the parameter %s is newly required", row, parameter.Name)
		}
	}
	c.request(row, old.RequestBody, now.RequestBody)
	for _, status := range slices.Sorted(maps.Keys(old.Responses)) {
		answer, there := now.Responses[status]
		if !there {
			c.found("%s: the answer %s is gone", row, status)
			continue
		}
		c.content(row+": "+status, old.Responses[status].Content, answer.Content, out)
	}
}

func (c *comparison) request(row string, old, now *RequestBody) {
	switch {
	case old == nil && now == nil:
	case now == nil:
		c.found("%s takes no body any more", row)
	case old == nil || !old.Required && now.Required:
		if now.Required {
			c.found("%s: the body is newly required", row)
		}
	default:
		c.content(row+": body", old.Content, now.Content, in)
	}
}

func (c *comparison) content(where string, old, now map[string]Media, way direction) {
	for _, media := range slices.Sorted(maps.Keys(old)) {
		other, there := now[media]
		if !there {
			c.found("%s is no %s any more", where, media)
			continue
		}
		c.schema(where, old[media].Schema, other.Schema, way)
	}
}

func (c *comparison) schema(where string, old, now *Schema, way direction) {
	if old == nil || now == nil {
		if old != now {
			c.found("%s has another type", where)
		}
		return
	}
	if old.Ref != "" && now.Ref != "" { // a type may have another name, but not other fields
		pair := [2]string{old.Ref, now.Ref}
		if c.seen[pair] {
			return
		}
		c.seen[pair] = true
		c.schema(named(where, old), c.old.at(old), c.new.at(now), way)
		return
	}
	old, now = c.old.at(old), c.new.at(now)
	if !reflect.DeepEqual(typeNames(old), typeNames(now)) || len(old.AnyOf) != len(now.AnyOf) {
		c.found("%s has another type", where)
		return
	}
	for i := range old.AnyOf {
		c.schema(where, old.AnyOf[i], now.AnyOf[i], way)
	}
	c.schema(where+"[]", old.Items, now.Items, way)
	c.fields(where, old, now, way)
}

func (c *comparison) fields(where string, old, now *Schema, way direction) {
	for _, name := range slices.Sorted(maps.Keys(old.Properties)) {
		if now.Properties[name] == nil {
			c.found("%s: the field %s is gone", where, name)
			continue
		}
		c.schema(where+"."+name, old.Properties[name], now.Properties[name], way)
	}
	first, second := now.Required, old.Required // what comes in may not newly be required
	if way == out {
		first, second = old.Required, now.Required // what goes out may not newly be missing
	}
	for _, name := range first {
		if now.Properties[name] != nil && !slices.Contains(second, name) {
			c.found("%s: whether the field %s is required has changed", where, name)
		}
	}
}

// at is the type that the schema refers to, or the schema itself.
func (d *Document) at(schema *Schema) *Schema {
	if schema.Ref == "" {
		return schema
	}
	return d.Components.Schemas[strings.TrimPrefix(schema.Ref, schemasPath)]
}

func named(where string, schema *Schema) string {
	if schema.Ref == "" {
		return where
	}
	return strings.TrimPrefix(schema.Ref, schemasPath)
}

// typeNames is the type as a list, also where JSON made other Go values of it.
func typeNames(schema *Schema) []string {
	switch names := schema.Type.(type) {
	case string:
		return []string{names, schema.Format}
	case []any:
		made := []string{schema.Format}
		for _, name := range names {
			made = append(made, fmt.Sprint(name))
		}
		return made
	case []string:
		return append([]string{schema.Format}, names...)
	default:
		return nil
	}
}
