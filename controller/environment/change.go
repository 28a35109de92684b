package environment

import (
	"fmt"
	"slices"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/secret"
)

// Change applies the change to what is there, and returns the result by name.
// A secret whose value is the one that it has keeps its seal, so that it counts as
// unchanged.
func Change(key secret.Key, owner app.Name, before []app.Variable, change app.EnvironmentChange) ([]app.Variable, error) {
	after := make(map[string]app.Variable, len(before)+len(change.Set))
	for _, variable := range before {
		if !change.Replace || variable.Secret() && slices.Contains(change.Keep, variable.Name) {
			after[variable.Name] = variable
		}
	}
	for _, name := range change.Keep {
		if _, there := after[name]; !there {
			return nil, app.NoSuchSecret(owner, name)
		}
	}
	for _, name := range change.Remove {
		if _, there := after[name]; !there {
			return nil, app.NoSuchVariable(owner, name)
		}
		delete(after, name)
	}
	named := make(map[string]bool, len(change.Set))
	for i, wish := range slices.Concat(change.Set, change.Add) {
		if _, there := after[wish.Name]; there && i >= len(change.Set) {
			continue
		}
		was := app.Find(before, wish.Name)
		if change.StaySecret && was.Secret() {
			wish.Secret, wish.File = true, was.File
		}
		wish.Build = wish.Build || change.StayBuild && was.Build && !wish.Secret
		if problem := wish.Check(); problem != nil {
			return nil, problem
		}
		if named[wish.Name] {
			return nil, problem.Invalid(
				fmt.Sprintf("%s is given twice.", wish.Name),
				"Give it once, as a variable or as a secret.",
			).At("name")
		}
		named[wish.Name] = true
		after[wish.Name] = sealed(key, owner, wish, was)
	}
	return app.BoundEnvironment(after)
}

// sealed makes the wish what the ledger keeps. was is the variable that had the name.
func sealed(key secret.Key, name app.Name, wish app.VariableWish, was app.Variable) app.Variable {
	value := wish.Value.Reveal()
	if !wish.Secret {
		return app.Variable{Name: wish.Name, Value: value, Build: wish.Build}
	}
	place := app.EnvironmentPlace(name, wish.Name)
	if known, err := key.Open(was.Sealed, place); err == nil && string(known) == value {
		return app.Variable{Name: wish.Name, Sealed: was.Sealed, File: wish.File}
	}
	return app.Variable{Name: wish.Name, Sealed: key.Seal([]byte(value), place), File: wish.File}
}
