package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"berth/controller/app"
	"berth/controller/problem"
	"berth/traefik"
)

// PortLedger is the truth about public ports. Every method is one transaction.
type PortLedger interface {
	// CreatePublicPort gives an app a port; *app.PortTakenError if another app has it.
	CreatePublicPort(context.Context, app.PublicPort) error
	// DeletePublicPort frees a port of an app; app.ErrNoPort if the app does not have it.
	DeletePublicPort(context.Context, app.PublicPort) error
	ListPublicPorts(context.Context) ([]app.PublicPort, error) // by number
	FindRelease(context.Context, app.ReleaseID) (app.Release, error)
}

// PortState says whether a public port answers.
type PortState string

// The states of a public port.
const (
	PortLive      PortState = "live"       // it leads to the app
	PortOff       PortState = "off"        // the app does not run, or is in maintenance
	PortForbidden PortState = "forbidden"  // it is not in BERTH_PORTS any more
	PortRules     PortState = "closed"     // the app's address rules cannot hold over UDP
	PortNoService PortState = "no_service" // the live release has no such service
)

// PortView is a public port of an app as pages show it.
type PortView struct {
	app.PublicPort
	State PortState
}

// PortUse is an allowed public port, with the app that has it.
type PortUse struct {
	Port    traefik.Port
	App     app.Name // empty: free
	Allowed bool     // an app can have a port that is not allowed any more; it is closed
}

// AllowsPorts reports whether the operator allows public ports.
func (r *Routes) AllowsPorts() bool { return len(r.ports) > 0 }

// AllowedPorts returns the public ports that the operator allows, and those that apps have
// beside them, by number.
func (r *Routes) AllowedPorts(ctx context.Context) ([]PortUse, error) {
	taken, err := r.portLedger.ListPublicPorts(ctx)
	if err != nil {
		return nil, err
	}
	uses := make([]PortUse, 0, len(r.ports))
	for _, port := range r.ports {
		uses = append(uses, PortUse{Port: port, Allowed: true})
	}
	for _, one := range taken {
		at := slices.IndexFunc(uses, func(use PortUse) bool { return use.Port == one.Port })
		if at < 0 {
			uses = append(uses, PortUse{Port: one.Port, App: one.App})
			continue
		}
		uses[at].App = one.App
	}
	slices.SortFunc(uses, func(a, b PortUse) int { return a.Port.Compare(b.Port) })
	return uses, nil
}

// PublicPorts returns the public ports of an app, by number.
func (r *Routes) PublicPorts(ctx context.Context, name app.Name) ([]PortView, error) {
	found, err := r.findApp(ctx, name)
	if err != nil {
		return nil, err
	}
	services, err := r.PortServices(ctx, name)
	if err != nil {
		return nil, err
	}
	all, err := r.portLedger.ListPublicPorts(ctx)
	if err != nil {
		return nil, err
	}
	var views []PortView
	for _, port := range all {
		if port.App == name {
			views = append(views, PortView{port, r.portState(port, found, services)})
		}
	}
	return views, nil
}

func (r *Routes) portState(port app.PublicPort, found app.App, services []string) PortState {
	switch {
	case !slices.Contains(r.ports, port.Port):
		return PortForbidden
	case found.Live == 0 || found.Wanted != app.WantedRunning:
		return PortOff
	case port.Port.Protocol == traefik.UDP && len(found.Access.Allow) > 0:
		return PortRules
	case refusedBy(port.Port, found.Access):
		return PortOff
	case port.Service != "" && !slices.Contains(services, port.Service):
		return PortNoService
	default:
		return PortLive
	}
}

// PortServices are the names of the services of an app's live release, as its compose file
// calls them; none if it has no such file or is not live.
func (r *Routes) PortServices(ctx context.Context, name app.Name) ([]string, error) {
	found, err := r.findApp(ctx, name)
	if err != nil || found.Live == 0 {
		return nil, err
	}
	live, err := r.portLedger.FindRelease(ctx, app.ReleaseID{App: name, Number: found.Live})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, run := range live.Services {
		if !run.Sole {
			names = append(names, run.Spec.Name)
		}
	}
	return names, nil
}

// AddPublicPort gives an app a public port, without a release, and returns once the proxy
// has confirmed it. To a port that the app has already it gives another target.
func (r *Routes) AddPublicPort(ctx context.Context, port app.PublicPort) error {
	found, err := r.findApp(ctx, port.App)
	if err != nil {
		return err
	}
	if err := r.checkPublicPort(ctx, port, found); err != nil {
		return err
	}
	if err := r.portLedger.CreatePublicPort(ctx, port); err != nil {
		return portProblem(err, port)
	}
	r.notify(port.App)
	return r.publishAll(ctx)
}

// RemovePublicPort takes a public port from an app. Connections that are open stay open
// until one of their ends closes them.
func (r *Routes) RemovePublicPort(ctx context.Context, name app.Name, port traefik.Port) error {
	if _, err := r.findApp(ctx, name); err != nil {
		return err
	}
	removed := app.PublicPort{App: name, Port: port}
	if err := r.portLedger.DeletePublicPort(ctx, removed); err != nil {
		return portProblem(err, removed)
	}
	r.notify(name)
	return r.publishAll(ctx)
}

// The fields of a public port, for problems.
const (
	fieldPort    = "public_port"
	fieldService = "port_service"
	fieldTarget  = "port_target"
)

// checkPublicPort refuses what the proxy could not lead to the app, or not under its rules.
func (r *Routes) checkPublicPort(ctx context.Context, port app.PublicPort, found app.App) error {
	if len(r.ports) == 0 {
		return problem.Conflict("This server allows no public ports.", "Ask the operator: BERTH_PORTS=2222 and make up allow one.").At(fieldPort)
	}
	if !slices.Contains(r.ports, port.Port) {
		return problem.Conflict(
			fmt.Sprintf("Port %s is not allowed on this server.", port.Port),
			"Choose one of "+r.allowedList()+", or ask the operator to allow it with BERTH_PORTS.",
		).At(fieldPort)
	}
	if port.Target == 0 {
		return problem.Invalid("The port of the service is missing.", "Say where the service listens, such as 22.").At(fieldTarget)
	}
	if port.Port.Protocol == traefik.UDP && len(found.Access.Allow) > 0 {
		return problem.Conflict(
			fmt.Sprintf("%s admits some addresses only, and the proxy cannot check addresses over UDP.", found.Name),
			"Remove the address rules of the app first, or use TCP.",
		).At(fieldPort)
	}
	services, err := r.PortServices(ctx, port.App)
	if err != nil {
		return err
	}
	if port.Service != "" && found.Live != 0 && !slices.Contains(services, port.Service) {
		hint := "Leave the service empty: the app has one service only."
		if len(services) > 0 {
			hint = "Choose one of " + strings.Join(services, ", ") + "."
		}
		return problem.Invalid(fmt.Sprintf("%s has no service called %.60q.", found.Name, port.Service), hint).At(fieldService)
	}
	return nil
}

// allowedList names the allowed ports in words.
func (r *Routes) allowedList() string {
	texts := make([]string, 0, len(r.ports))
	for _, port := range r.ports {
		texts = append(texts, port.String())
	}
	return strings.Join(texts, ", ")
}

func portProblem(err error, port app.PublicPort) error {
	if taken, ok := errors.AsType[*app.PortTakenError](err); ok {
		return problem.Conflict(
			fmt.Sprintf("The app %s has port %s already.", taken.App, taken.Port),
			fmt.Sprintf("Choose another port, or remove it from %s first.", taken.App),
		).At(fieldPort).Because(err)
	}
	switch {
	case errors.Is(err, app.ErrNoPort):
		return problem.Conflict(fmt.Sprintf("%s does not have port %s.", port.App, port.Port), "See on its page which ports it has.").At(fieldPort).Because(err)
	case errors.Is(err, problem.ErrNotFound):
		return app.Missing(port.App, err)
	}
	return err
}
