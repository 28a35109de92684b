package dialects

import (
	"fmt"
	"slices"
	"strings"

	"berth/controller/app"
	"berth/controller/dialect"
	"berth/controller/plan"
	"berth/controller/problem"
	"berth/controller/secret"
)

// noHost stands in variables for the host of an app that has none of its own.
const noHost = "localhost"

// missing returns the template's variables that the app lacks, with new values. They go
// together with the values that the app has.
func (t *template) missing(of App) ([]app.TemplateVariable, error) {
	if t == nil {
		return nil, nil
	}
	filled, err := t.form.Fill(t.known(of))
	if err != nil {
		return nil, t.placed(err)
	}
	var missing []app.TemplateVariable
	var faults problem.Refusals
	for i, variable := range filled.Variables {
		if _, has := of.Values[variable.Name]; has {
			continue
		}
		made := app.TemplateVariable{VariableWish: app.VariableWish{
			Name: variable.Name, Value: secret.Text(variable.Value),
			Secret: variable.Secret && variable.Value != "" && !slices.Contains(of.Plain, variable.Name),
		}, Follows: follows(t.form.Variables[i].Value), Known: isLiteral(t.form.Variables[i].Value)}
		if wrong := made.Check(); wrong != nil {
			faults = append(faults, &problem.Refusal{File: t.fileOf(variable.Name), Line: t.form.Variables[i].Line, Reason: wrong.Message, Hint: wrong.Hint})
		}
		missing = append(missing, made)
	}
	if all := len(of.Values) + len(missing); all > app.MaxVariables {
		faults = append(faults, &problem.Refusal{
			File: t.name(), Reason: fmt.Sprintf("The app would have %d variables with those of the template; %d are the most.", all, app.MaxVariables),
			Hint: "Remove variables that no service needs from the template.",
		})
	}
	return missing, faults.Err()
}

// known returns the values of blanks that are not to be made anew.
func (t *template) known(of App) map[string]string {
	known := make(map[string]string)
	for _, blank := range t.form.Blanks {
		value, has := of.Values[t.holders[blank.Name]]
		switch {
		case has && t.holders[blank.Name] != "":
			known[blank.Name] = value
		case blank.Generator.Kind == dialect.KindHost && of.Host != "":
			known[blank.Name] = strings.TrimPrefix(of.Host, "*.")
		case blank.Generator.Kind == dialect.KindHost:
			known[blank.Name] = noHost
		case blank.Generator.Kind == dialect.KindScheme && of.Host == "":
			known[blank.Name] = "http"
		}
	}
	return known
}

// follows reports whether a variable is made of values that other variables hold, so that
// nobody needs to choose its value.
func follows(text dialect.Text) bool {
	return len(text) > 1 && slices.ContainsFunc(text, func(part dialect.Part) bool { return part.Blank != "" })
}

func isLiteral(text dialect.Text) bool {
	_, whole := text.Literal()
	return whole
}

// placed names the template in the faults that name no file.
func (t *template) placed(err error) error {
	found := problem.RefusalsIn(err)
	if len(found) == 0 {
		return err
	}
	for i, refusal := range found {
		if refusal.File == "" {
			one := *refusal
			one.File = t.name()
			found[i] = &one
		}
	}
	return found.Err()
}

// withVariables returns the options of an app that has the variables, too.
func withVariables(o plan.Options, more []app.TemplateVariable) plan.Options {
	o.Environment, o.Secrets = slices.Clone(o.Environment), slices.Clone(o.Secrets)
	for _, variable := range more {
		o.Environment = append(o.Environment, variable.Name+"="+variable.Value.Reveal())
		if variable.Secret {
			o.Secrets = append(o.Secrets, variable.Name)
		}
	}
	return o
}

// values returns the variables of the options by name. A secret is a reference.
func values(o plan.Options) map[string]string {
	found := make(map[string]string)
	for _, variable := range o.Environment {
		name, value, _ := strings.Cut(variable, "=")
		found[name] = value
	}
	for _, name := range o.Secrets {
		found[name] = plan.SecretReference(name)
	}
	return found
}
