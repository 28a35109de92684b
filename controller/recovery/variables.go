package recovery

import (
	"strings"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/plan"
)

// berths are the variables that Berth itself gives to containers.
var berths = map[string]bool{
	"PORT": true, "HTTP_PROXY": true, "HTTPS_PROXY": true, "NO_PROXY": true, "ALL_PROXY": true,
}

// addVariables seals the variables of a container: nothing tells which of them are secrets.
// A sole service gets all variables of its app. The others refer to theirs by a name with
// that of the service, as two services may have one of the same name.
func (o Options) addVariables(made *Found, run *app.ServiceRun, trace docker.Trace) {
	for _, variable := range trace.Environment {
		name, value, _ := strings.Cut(variable, "=")
		if berths[strings.ToUpper(name)] {
			continue
		}
		kept := name
		if !run.Sole {
			kept = prefixOf(run.Spec.Name) + name
		}
		if app.CheckVariableName(kept) != nil {
			made.doubt("A variable of %s has a name that no variable can have here, and is left out.", trace.Service)
			continue
		}
		if !run.Sole {
			run.Spec.Environment = append(run.Spec.Environment, name+"="+plan.SecretReference(kept))
		}
		sealed := o.Key.Seal([]byte(value), app.EnvironmentPlace(made.App.Name, kept))
		made.App.Variables = append(made.App.Variables, app.Variable{Name: kept, Sealed: sealed})
	}
	if len(run.Spec.Environment) > 0 {
		made.doubt("Which variables of the app its compose file reads is not known. Its next upload asks for them.")
	}
}

// prefixOf is the service's name as the beginning of a variable's.
func prefixOf(service string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		default:
			return '_'
		}
	}, service) + "_"
}
