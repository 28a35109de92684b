package router

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/controller/routing"
	"berth/traefik"
)

// Ports is what the admin app asks about public ports.
type Ports interface {
	AllowedPorts(context.Context) ([]routing.PortUse, error)
	PublicPorts(context.Context, app.Name) ([]routing.PortView, error)
	PortServices(context.Context, app.Name) ([]string, error)
	AddPublicPort(context.Context, app.PublicPort) error
	RemovePublicPort(context.Context, app.Name, traefik.Port) error
}

// The fields of the forms of public ports, as the problems name them.
const (
	fieldPublicPort  = "public_port"
	fieldPortService = "port_service"
	fieldPortTarget  = "port_target"
)

// portsSection is the part of the page of routes about public ports.
type portsSection struct {
	Path     string
	Rows     []portRow
	Free     []string // allowed ports without an app
	Any      bool     // the operator allows ports
	Services []string // of the app's compose file
	Password bool     // the app asks for one, which does not protect ports
	Form     portForm
}

// portRow is a public port as the page shows it.
type portRow struct {
	Port, Service, Note string
	Target              uint16
	State               badge
}

// portForm is the form for a public port as it was typed.
type portForm struct {
	Port, Service, Target string
	Problem               *problem.Problem
}

func (a *admin) portsSection(v *visit, of app.App) (portsSection, error) {
	section := portsSection{Path: portsPath(of.Name), Password: of.Access.Password}
	views, err := a.ports.PublicPorts(v.context(), of.Name)
	if err != nil {
		return section, err
	}
	for _, view := range views {
		state, note := portBadge(view.State)
		section.Rows = append(section.Rows, portRow{view.Port.String(), view.Service, note, view.Target, state})
	}
	uses, err := a.ports.AllowedPorts(v.context())
	if err != nil {
		return section, err
	}
	for _, use := range uses {
		section.Any = section.Any || use.Allowed
		if use.App == "" {
			section.Free = append(section.Free, use.Port.String())
		}
	}
	section.Services, err = a.ports.PortServices(v.context(), of.Name)
	return section, err
}

// portBadge is a state in words, with what to do about it.
func portBadge(state routing.PortState) (shown badge, note string) {
	switch state {
	case routing.PortLive:
		return badge{"live", toneGood}, ""
	case routing.PortForbidden:
		return badge{"not allowed", toneBad}, "The operator's BERTH_PORTS does not hold it any more."
	case routing.PortRules:
		return badge{"closed", toneWarn}, "The app admits some addresses only, and the proxy cannot check addresses over UDP."
	case routing.PortNoService:
		return badge{"no service", toneBad}, "The live release has no service of this name."
	default:
		return badge{"app does not run", toneIdle}, ""
	}
}

// createPort gives the app a public port: 303 back.
func (a *admin) createPort(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	typed := v.request().PostForm
	form := portForm{
		Port: typed.Get(fieldPublicPort), Service: strings.TrimSpace(typed.Get(fieldPortService)), Target: strings.TrimSpace(typed.Get(fieldPortTarget)),
	}
	port, err := parsePublicPort(name, form)
	if err == nil {
		v.done.detail = port.String()
		err = a.ports.AddPublicPort(v.context(), port)
	}
	if err != nil {
		return a.refuseOnPorts(v, name, form, err)
	}
	if err := v.notify("Port " + port.Port.String() + " is added."); err != nil {
		return err
	}
	return v.seeOther(routesPath(name))
}

// deletePort takes a public port away: 303 back.
func (a *admin) deletePort(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	port, err := parsePort(v.request().PostForm.Get(fieldPublicPort))
	if err == nil {
		v.done.detail = "removed " + port.String()
		err = a.ports.RemovePublicPort(v.context(), name, port)
	}
	if err != nil {
		return a.refuseOnPorts(v, name, portForm{}, err)
	}
	if err := v.notify("Port " + port.String() + " is removed."); err != nil {
		return err
	}
	return v.seeOther(routesPath(name))
}

// refuseOnPorts shows the page with the reason and what was typed.
func (a *admin) refuseOnPorts(v *visit, name app.Name, form portForm, err error) error {
	problems := fieldProblems{}
	if err := problems.add(err); err != nil {
		return err
	}
	form.Problem = problems.first()
	a.logProblem(v, form.Problem)
	page, err := a.routesPage(v, name)
	if err != nil {
		return err
	}
	page.Ports.Form = form
	return v.page(problems.status(), "routes", page)
}

func parsePublicPort(name app.Name, form portForm) (app.PublicPort, error) {
	port, err := parsePort(form.Port)
	if err != nil {
		return app.PublicPort{}, err
	}
	target, err := strconv.ParseUint(form.Target, 10, 16)
	if err != nil || target == 0 {
		return app.PublicPort{}, problem.Invalid(
			"The port of the service is a whole number from 1 to 65535.", "Say where the service listens, such as 22.",
		).At(fieldPortTarget)
	}
	return app.PublicPort{App: name, Port: port, Service: form.Service, Target: uint16(target)}, nil
}

func parsePort(text string) (traefik.Port, error) {
	port, err := traefik.ParsePort(text)
	if invalid, ok := errors.AsType[*traefik.InvalidError](err); ok {
		return port, problem.Invalid(invalid.Reason, invalid.Hint).At(fieldPublicPort).Because(err)
	}
	return port, err
}

func portsPath(name app.Name) string { return appPath(name) + "/ports" }
