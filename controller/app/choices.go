package app

import (
	"fmt"
	"strings"

	"berth/controller/plan"
	"berth/controller/problem"
)

// Choices are what a person chose about a compose file, where the file leaves a question.
// They hold for every upload of the app. The zero value leaves each to Berth.
type Choices struct {
	Main     ServiceNames `json:"main,omitempty"`     // one service, that the route leads to
	Profiles ServiceNames `json:"profiles,omitempty"` // whose services run too
	Compose  ComposePaths `json:"compose,omitempty"`  // the files that are read
	// Volumes makes volumes of the app in place of data folders of the host.
	Volumes bool `json:"volumes,omitempty"`
	// Bound says what files and folders of the archive become that services mount; the
	// places that it does not name are left to Berth.
	Bound BoundChoices `json:"bound,omitempty"`
	// Dotenv takes the values of the archive's .env for variables that the app lacks.
	Dotenv bool `json:"dotenv,omitempty"`
	// ImageVolumes makes volumes of the app of those that images declare.
	ImageVolumes bool `json:"image_volumes,omitempty"`
	// RootStart are the services with the security exception WaiverRootStart. A release
	// runs with it; the other choices matter to the plan alone.
	RootStart ServiceNames `json:"root_start,omitempty"`
}

// The fields of Choices in forms.
const (
	FieldMain         = "main"
	FieldProfiles     = "profiles"
	FieldCompose      = "compose"
	FieldVolumes      = "host_folders"
	FieldBound        = "bound"
	FieldDotenv       = "dotenv"
	FieldImageVolumes = "image_volumes"
	FieldRootStart    = "root_start"
)

// ChoicesForm is Choices as a person types them.
type ChoicesForm struct {
	Main, Profiles, Compose string
	Bound                   string
	Volumes, Dotenv         bool
	ImageVolumes            bool
	RootStart               string
}

// Form returns the choices as a person types them.
func (c Choices) Form() ChoicesForm {
	return ChoicesForm{
		Main: string(c.Main), Profiles: strings.Join(c.Profiles.List(), ", "), Compose: strings.Join(c.Compose.List(), ", "),
		Bound: strings.Join(c.Bound.List(), ", "), Volumes: c.Volumes, Dotenv: c.Dotenv, ImageVolumes: c.ImageVolumes, RootStart: strings.Join(c.RootStart.List(), ", "),
	}
}

// ParseChoices reads the form, or returns all its problems.
func ParseChoices(form ChoicesForm) (Choices, problem.Problems) {
	parsed := Choices{Volumes: form.Volumes, Dotenv: form.Dotenv, ImageVolumes: form.ImageVolumes}
	var problems problem.Problems
	var err error
	if parsed.Main, err = ParseServiceNames(form.Main); err == nil && len(parsed.Main.List()) > 1 {
		err = problem.Invalid(fmt.Sprintf("%.70q are several services, and the route leads to one.", form.Main), "Name the one that answers requests.")
	}
	problems = problems.With(problem.AtField(FieldMain, err))
	parsed.Profiles, err = ParseServiceNames(form.Profiles)
	problems = problems.With(problem.AtField(FieldProfiles, err))
	parsed.RootStart, err = ParseServiceNames(form.RootStart)
	problems = problems.With(problem.AtField(FieldRootStart, err))
	parsed.Bound, err = ParseBoundChoices(form.Bound)
	problems = problems.With(err)
	parsed.Compose, err = ParseComposePaths(form.Compose)
	return parsed, problems.With(problem.AtField(FieldCompose, err))
}

// addTo adds the choices to the options of a plan.
func (c Choices) addTo(options plan.Options) plan.Options {
	options.Main, options.Profiles = string(c.Main), c.Profiles.List()
	options.Compose = c.Compose.List()
	options.Volumes, options.Dotenv = c.Volumes, c.Dotenv
	options.Bound = c.Bound.Map()
	options.RootStart = c.RootStart.List()
	return options
}
