package broker

import (
	"net/netip"
	"reflect"

	"github.com/distribution/reference"

	"berth/controller/plan"
	"berth/controller/registry"
)

// Policy is what the operator allows. The controller cannot change it.
type Policy struct {
	Stack      string
	Pool       netip.Prefix // that apps' networks are taken from
	Limits     plan.Limits  // the most of one service
	Cgroup     string       // parent of the cgroups of instances; empty is the engine's own
	Registries []string     // that may be asked beside public ones

	PrivateEgress bool // lists of apps may name private addresses outside the pool

	ForbidWritableRoot bool
	ForbidRoot         bool // no service may start as root, or have capabilities
}

// checkRegistry refuses a pull from a registry that only this machine's network has.
func (p Policy) checkRegistry(name string) error {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return refuse("query fromImage", "it is no name of an image")
	}
	if registry.Check(named, p.Registries) != nil {
		return refuse("query fromImage", "its registry is not a public one")
	}
	return nil
}

// allZero refuses a struct of the engine in which a field is set. Whoever allows a field
// judges it, and empties it before: so a field that nobody has thought of is refused.
func allZero(prefix string, pointer any) error {
	value := reflect.ValueOf(pointer).Elem()
	for _, field := range reflect.VisibleFields(value.Type()) {
		if field.Anonymous || !field.IsExported() {
			continue
		}
		if !isEmpty(value.FieldByIndex(field.Index)) {
			return refuse(prefix+field.Name, "it is set")
		}
	}
	return nil
}

// isEmpty also holds for lists and maps without an entry, as the client writes them.
func isEmpty(value reflect.Value) bool {
	if value.Kind() == reflect.Slice || value.Kind() == reflect.Map {
		return value.Len() == 0
	}
	return value.IsZero()
}
