package router

import (
	"slices"

	"berth/controller/app"
	"berth/controller/problem"
)

// choicesView are the fields of a form that answer what an archive leaves open. Each field
// stands on the page once: open where it would lift a fault or was used, else among the
// rest.
type choicesView struct {
	Next     bool // of an app that is there, whose settings hold the rest
	Typed    app.ChoicesForm
	Ready    readinessView
	Services []string // to choose the main one from; none means that any name is typed
	Problems fieldProblems
	// ComposeFiles are to choose one from; none means that any paths are typed.
	ComposeFiles []string
	// Dockerfiles are to choose one from; none means that any path is typed in a field elsewhere.
	Dockerfiles []string
	Dockerfile  string // as it was typed

	ShowCompose, ShowMain, ShowVolumes, ShowDotenv, ShowRoot bool

	WritableRoot       bool // as it was typed
	RootFor            []string
	RootForbidden      bool // by the operator
	Database           []nameTick
	DatabaseForbidden  bool
	RootStart          []nameTick
	RootStartForbidden bool
	Plain              []nameTick
	Values             []string // names of variables to be given
}

// nameTick is a box for one name.
type nameTick struct {
	Name  string
	Given bool
}

// Offered reports whether a field is to be shown open.
func (c choicesView) Offered() bool {
	return len(c.Dockerfiles) > 0 || c.ShowCompose || c.ShowMain || c.ShowVolumes || c.ShowDotenv || c.ShowRoot || len(c.Database)+len(c.RootStart)+len(c.Plain)+len(c.Values) > 0
}

// Chosen reports whether the service is the one that was chosen.
func (c choicesView) Chosen(service string) bool { return c.Typed.Main == service }

// choicesOf returns the fields for the form, which may be nil, with what its faults offer.
func (a *admin) choicesOf(form *upload, next bool) choicesView {
	if form == nil {
		form = &upload{}
	}
	var faults problem.Refusals
	for _, field := range []string{fieldArchive, fieldVariables, ""} {
		if found := form.problems[field]; found != nil {
			faults = append(faults, found.Faults...)
		}
	}
	forbidden := a.settings.ForbiddenWaivers()
	view := choicesView{
		Next: next, Typed: typedChoices(form.field), Ready: readinessView{typedReadiness(form.field), form.problems}, Problems: form.problems, WritableRoot: isTicked(form.fields[fieldWritableRoot]),
		RootForbidden: slices.Contains(forbidden, app.WaiverWritableRoot), DatabaseForbidden: slices.Contains(forbidden, app.WaiverDatabase),
		RootStartForbidden: app.Forbids(forbidden, app.WaiverRootStart),
	}
	view.offer(faults)
	if !next {
		view.Dockerfiles, _ = faults.Subjects(problem.OfferDockerfile)
		view.Dockerfile = form.fields[fieldDockerfile]
	}
	view.Database = ticksOf(nil, form.names(fieldServices))
	starters, _ := faults.Subjects(problem.OfferRootStart)
	view.RootStart = ticksOf(starters, form.names(app.FieldRootStart))
	if !form.has(app.FieldRootStart) && !view.RootStartForbidden {
		tickLikely(view.RootStart, faults)
	}
	plain, _ := faults.Subjects(problem.OfferPlain)
	view.Plain = ticksOf(plain, form.names(fieldPlain))
	view.Values = faults.Variables()
	if form.held == nil { // those of a held archive wait with it
		view.Values = append(view.Values, form.valueNames()...)
	}
	if next { // its other variables are on a page of their own
		view.Values = append(view.Values, plain...)
	}
	slices.Sort(view.Values)
	view.Values = slices.Compact(view.Values)
	return view
}

// offer opens the fields that the faults offer, and those that were used.
func (c *choicesView) offer(faults problem.Refusals) {
	offers := func(offer problem.Offer) bool {
		_, offered := faults.Subjects(offer)
		return offered
	}
	c.Services, _ = faults.Subjects(problem.OfferMain)
	if main := c.Typed.Main; len(c.Services) > 0 && main != "" && !slices.Contains(c.Services, main) {
		c.Services = append(c.Services, main)
	}
	c.ComposeFiles, _ = faults.Subjects(problem.OfferCompose)
	if compose := c.Typed.Compose; len(c.ComposeFiles) > 0 && compose != "" && !slices.Contains(c.ComposeFiles, compose) {
		c.ComposeFiles = append(c.ComposeFiles, compose)
	}
	c.RootFor, _ = faults.Subjects(problem.OfferWritableRoot)
	c.ShowCompose = offers(problem.OfferCompose) || c.Typed.Compose != ""
	c.ShowMain = offers(problem.OfferMain) || c.Typed.Main != ""
	c.ShowVolumes = offers(problem.OfferBinds) || c.Typed.Volumes
	c.ShowDotenv = offers(problem.OfferDotenv) || c.Typed.Dotenv
	c.ShowRoot = offers(problem.OfferWritableRoot) || c.WritableRoot
}

// tickLikely ticks the boxes of services that are known to start as root.
func tickLikely(ticks []nameTick, faults problem.Refusals) {
	for i := range ticks {
		ticks[i].Given = slices.ContainsFunc(faults, func(fault *problem.Refusal) bool {
			return fault.Likely && fault.Offer == problem.OfferRootStart && fault.Subject == ticks[i].Name
		})
	}
}

// ticksOf returns a box for each name that is offered or given.
func ticksOf(offered, given []string) []nameTick {
	names := slices.Concat(offered, given)
	slices.Sort(names)
	var ticks []nameTick
	for _, name := range slices.Compact(names) {
		ticks = append(ticks, nameTick{Name: name, Given: slices.Contains(given, name)})
	}
	return ticks
}
