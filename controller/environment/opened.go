package environment

import (
	"slices"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/controller/secret"
)

// Open opens what the ledger keeps of an app's variables.
func Open(key secret.Key, name app.Name, kept []app.Variable) (OpenEnvironment, error) {
	opened := OpenEnvironment{Files: make(map[string]string), Secrets: make(map[string]string), Build: make(map[string]string)}
	for _, variable := range kept {
		value := variable.Value
		if variable.Secret() {
			plain, err := key.Open(variable.Sealed, app.EnvironmentPlace(name, variable.Name))
			if err != nil {
				return OpenEnvironment{}, CannotOpen(variable.Name, err)
			}
			value = string(plain)
			opened.Secrets[variable.Name] = value
		}
		if variable.Build {
			opened.Build[variable.Name] = value
		}
		if variable.File {
			opened.Files[variable.Name] = value
			continue
		}
		opened.Variables = append(opened.Variables, variable.Name+"="+value)
	}
	opened.Mask = NewMask(opened.Secrets)
	return opened, nil
}

// SealFiles returns the service with its private files sealed, as the ledger keeps them.
func SealFiles(key secret.Key, name app.Name, spec plan.Service) plan.Service {
	spec.Files = slices.Clone(spec.Files)
	for i, file := range spec.Files {
		if file.Private {
			spec.Files[i].Content = key.Seal(file.Content, app.FilePlace(name, spec, file))
		}
	}
	return spec
}

// UnsealFiles is the opposite of SealFiles.
func UnsealFiles(key secret.Key, name app.Name, spec plan.Service) (plan.Service, error) {
	spec.Files = slices.Clone(spec.Files)
	for i, file := range spec.Files {
		if !file.Private {
			continue
		}
		content, err := key.Open(file.Content, app.FilePlace(name, spec, file))
		if err != nil {
			return plan.Service{}, CannotOpen(file.Path, err)
		}
		spec.Files[i].Content = content
	}
	return spec, nil
}
