package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/diagnosis"
	"berth/controller/docker"
	"berth/controller/execfailure"
	"berth/controller/look"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/readiness"
	"berth/controller/routing"
)

// tailTimeout bounds the reading of a failed instance's last lines.
const tailTimeout = 5 * time.Second

// lastLines is how many of its last lines explain a failure.
const lastLines = 40

// diagnose says in words why a release did not become live, and what to do.
func (s *shipment) diagnose(cause error) *problem.Problem {
	if problem, ok := errors.AsType[*problem.Problem](cause); ok {
		return problem
	}
	if problem, ok := errors.AsType[*problem.Problem](problem.Refused("archive", cause)); ok {
		return problem
	}
	if problem := s.diagnoseBuild(cause); problem != nil {
		return s.atFault(cause).named(problem)
	}
	service := s.atFault(cause)
	if died, ok := errors.AsType[*diagnosis.DiedError](cause); ok {
		lines := s.lastOutput(service)
		if found := execfailure.Explain(died.Condition.ExitCode, lines, s.uploads.Open, s.release.Archive); found != nil {
			return service.named(found)
		}
		return s.offerRootStart(service, service.named(diagnosis.Death(died, service.limits(s.release.Settings), lines)))
	}
	switch {
	case problem.IsDiskFull(cause):
		return problem.DiskFull("", cause)
	case errors.Is(cause, docker.ErrUnavailable):
		return problem.Unavailable(
			"The container engine does not answer.",
			"See that Docker runs on the machine, then deploy again.",
		).Because(cause)
	case errors.Is(cause, routing.ErrProxySilent):
		return problem.Unavailable(
			"The proxy did not take over the new route.",
			"See that Traefik runs and what its log says, then deploy again.",
		).Because(cause)
	case errors.Is(cause, readiness.ErrNotReady), errors.Is(cause, errUnhealthy):
		return s.offerRootStart(service, service.named(s.diagnoseSilence(service, cause)))
	case errors.Is(cause, errNotCompleted):
		return s.offerRootStart(service, service.named(diagnosis.Slow(s.waited, s.lastOutput(service))))
	}
	s.logger.Error("release failed for a reason of ours", "release", s.release.String(), "error", s.environment.Mask.Apply(cause.Error()))
	return &problem.Problem{Message: "Something went wrong inside Berth.", Hint: "See Berth's log for the cause, and deploy again when it is fixed.", Err: cause}
}

// offerRootStart offers the security exception to a service whose image wants it.
func (s *shipment) offerRootStart(at *atFault, found *problem.Problem) *problem.Problem {
	run := s.release.MainRun()
	if at.service != nil {
		run = at.service.ServiceRun
	}
	ctx, cancel := context.WithTimeout(context.Background(), tailTimeout)
	defer cancel()
	image, err := s.images.FindImage(ctx, run.Image)
	if err != nil {
		s.logger.Warn("look at image of failed service", "release", s.release.String(), "error", err)
	}
	return look.Offer(found, run.Spec, image)
}

func (s *shipment) diagnoseBuild(cause error) *problem.Problem {
	if errors.Is(cause, errBuildTimeout) {
		return problem.Invalid(
			fmt.Sprintf("The build took longer than %s and was ended.", printable.Duration(s.buildTimeout)),
			"Make the build smaller, or raise BERTH_BUILD_TIMEOUT.",
		).Because(cause)
	}
	return diagnosis.Engine(cause)
}

// diagnoseSilence explains an app that runs and does not answer, or not well.
func (s *shipment) diagnoseSilence(service *atFault, cause error) *problem.Problem {
	lines := s.lastOutput(service)
	if found := diagnosis.Output(lines, cause); found != nil {
		return found
	}
	if errors.Is(cause, errUnhealthy) {
		return s.diagnoseHealth(service, cause)
	}
	if lead, ok := errors.AsType[*leadError](cause); ok {
		return problem.Invalid(
			fmt.Sprintf("The route %s leads to %s, which did not respond correctly within %s: %s.", lead.route, lead.to, printable.Duration(s.waited), diagnosis.LastCause(cause)),
			"Let it listen on 0.0.0.0 and on that port; or change the route on the page Routes of the app.",
		).Because(cause)
	}
	if problem := s.diagnosePort(cause); problem != nil {
		return problem
	}
	return problem.Invalid(
		fmt.Sprintf("The app runs, but did not respond correctly on %s within %s: %s.", s.release.Address, printable.Duration(s.waited), diagnosis.LastCause(cause)),
		"It must listen on 0.0.0.0 (not 127.0.0.1) and on that port: set another one as \"Port\", or read the variable PORT. Its last lines are in the log.",
	).Because(cause)
}

// diagnoseHealth shows what the health check printed last.
func (s *shipment) diagnoseHealth(service *atFault, cause error) *problem.Problem {
	condition := s.lastCheck(service)
	message := readiness.Unhealthy(s.release.Settings.Readiness, service.works(), s.waited, condition)
	return problem.Invalid(message, readiness.Mend(condition)).Because(cause)
}

// lastCheck returns the first of the service's instances that is not healthy, and keeps
// what its health check printed in the release's log.
func (s *shipment) lastCheck(service *atFault) docker.Condition {
	ctx, cancel := context.WithTimeout(context.Background(), tailTimeout)
	defer cancel()
	for _, name := range service.instances {
		instance, err := s.engine.Inspect(ctx, name)
		if err != nil || instance.Condition.Health == "healthy" || !instance.Condition.HealthRan {
			continue
		}
		for line := range strings.Lines(instance.Condition.HealthOutput) {
			s.log.Line(service.label + ", health check: " + strings.TrimRight(line, "\n"))
		}
		return instance.Condition
	}
	return docker.Condition{}
}

// diagnosePort explains a silence by what the app listens on; nil where that is not known.
func (s *shipment) diagnosePort(cause error) *problem.Problem {
	reached, inside, known := s.ports.Seen()
	asked := s.ports.Asked()
	problem := problem.Invalid(s.ports.Misplaced(), "").Because(cause)
	switch {
	case !known:
		return nil
	case slices.Contains(reached, asked):
		problem.Message = fmt.Sprintf("The app listens on port %d, but did not respond correctly within %s: %s.", asked, printable.Duration(s.waited), diagnosis.LastCause(cause))
		problem.Hint = readiness.Expects(s.release.Settings.Readiness) + " Its last lines are in the log."
	case len(reached) > 0:
		problem.Remedy.Port = reached[0]
		problem.Hint = fmt.Sprintf("Try again with port %d, or let the app listen on the port that the variable PORT names.", reached[0])
	case len(inside) > 0:
		problem.Hint = "Let it listen on 0.0.0.0 instead; frameworks have an option for it, such as --host 0.0.0.0."
		if port := inside[0].Port(); port != asked {
			problem.Remedy.Port = port
			problem.Hint += fmt.Sprintf(" Then set %d as \"Port\".", port)
		}
	default:
		problem.Message = fmt.Sprintf("The app runs, but listened on no port within %s.", printable.Duration(s.waited))
		problem.Hint = "It must listen on 0.0.0.0 and on the port that the variable PORT names. If it starts slowly, set \"Start time\" in the settings. Its last lines are in the log."
	}
	return problem
}

// lastOutput reads the last lines of the service's instances and keeps them in the
// release's log.
func (s *shipment) lastOutput(service *atFault) []string {
	ctx, cancel := context.WithTimeout(context.Background(), tailTimeout)
	defer cancel()
	var lines []string
	for _, name := range service.instances {
		err := s.engine.Tail(ctx, name, docker.TailOptions{Lines: lastLines}, func(line docker.Line) error {
			s.log.Line(service.label + ": " + line.Text)
			lines = append(lines, line.Text)
			return nil
		})
		if err != nil {
			s.logger.Warn("read last lines of failed instance", "instance", name, "error", err)
		}
	}
	return lines
}

// atFault is the service that a release failed for.
type atFault struct {
	service   *shipped // nil where it is the only one, or none is known yet
	label     string   // of its lines in the log
	instances []string
}

// atFault returns the service that the cause names, else the main one.
func (s *shipment) atFault(cause error) *atFault {
	if found, ok := errors.AsType[*serviceError](cause); ok {
		return &atFault{found.service, found.service.Spec.Name, found.service.Instances}
	}
	if main := s.release.MainRun(); main.Main && !main.Sole {
		return &atFault{nil, main.Spec.Name, main.Instances}
	}
	return &atFault{nil, "app", s.release.Instances}
}

// named puts the service's name before what the problem says.
func (a *atFault) named(problem *problem.Problem) *problem.Problem {
	if a.service == nil {
		return problem
	}
	said := *problem
	said.Message = fmt.Sprintf("The service %s failed. %s", a.service.Spec.Name, problem.Message)
	return &said
}

// works is what it does although its health check fails.
func (a *atFault) works() string {
	if a.service == nil || a.service.Main {
		return "The app answers"
	}
	return "It runs"
}

// limits are those that the service ran with.
func (a *atFault) limits(settings app.Settings) app.Settings {
	if a.service != nil {
		return app.SettingsOf(a.service.Spec.Limits)
	}
	return settings
}
