package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/execfailure"
	"berth/controller/look"
	"berth/controller/plan"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/readiness"
	"berth/controller/routing"
)

// tailTimeout bounds the reading of a failed instance's last lines.
const tailTimeout = 5 * time.Second

// symptom is a known way in which an app dies inside the hardening, as its own
// output tells it.
type symptom struct {
	texts         []string // lower case; any of them in one line
	message, hint string
	remedy        problem.Remedy
}

// symptoms are looked for in order, in the last lines of the app.
var symptoms = []symptom{
	{
		[]string{"read-only file system", "erofs", "errno 30"},
		"The app wrote to a read-only place and ended.",
		"Only /tmp is writable. Write there, or allow the setting \"Writable root\" on the app's page.",
		problem.Remedy{WritableRoot: true},
	},
	{
		[]string{"address already in use", "eaddrinuse"},
		"The app could not bind its port: the address is in use inside the container.",
		"Start one server only, and let it listen on the port of the setting \"Port\".",
		problem.Remedy{},
	},
	{
		[]string{"bind: permission denied", "eacces: permission denied, listen", "listen eacces", "cannot bind", "could not bind", "bind() to", "failed to bind"},
		"The app could not bind its port.",
		"Let it listen on 0.0.0.0 and on the port that the variable PORT names, and say which in the setting \"Port\".",
		problem.Remedy{},
	},
	{
		[]string{"heap out of memory", "memoryerror", "cannot allocate memory", "out of memory", "outofmemoryerror", "std::bad_alloc"},
		"The app ran out of memory and ended.",
		"Raise the setting \"Memory\" on the app's page, or make the app use less.",
		problem.Remedy{Memory: true},
	},
	{
		[]string{"can't start new thread", "resource temporarily unavailable", "pthread_create failed", "unable to create native thread", "eagain"},
		"The app reached its limit of processes and threads.",
		"Raise the setting \"Processes\" on the app's page, or start fewer workers.",
		problem.Remedy{},
	},
	{
		[]string{"chown", "setgid", "setuid", "setgroups", "operation not permitted", "su-exec", "gosu", "initdb: error", "effective user id", "as root", "must be root", "are you root"},
		"The app tried to change its user or the owner of files, which it may not.",
		"Give the image a USER that is not root and owns its files, so that nothing needs to be changed at the start. What starts as root and drops root later, as databases do, needs the security exception \"root start\".",
		problem.Remedy{RootStart: plan.MainService}, // offerRootStart names the service
	},
	{
		[]string{"permission denied", "eacces"},
		"The app may not read or write a file that it needs.",
		"It does not run as root: make the file readable for all in the Dockerfile (COPY --chown, or chmod).",
		problem.Remedy{},
	},
}

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
	if died, ok := errors.AsType[*diedError](cause); ok {
		lines := s.lastOutput(service)
		if found := execfailure.Explain(died.condition.ExitCode, lines, s.uploads.Open, s.release.Archive); found != nil {
			return service.named(found)
		}
		return s.offerRootStart(service, service.named(diagnoseDeath(died, service.limits(s.release.Settings), lines)))
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
		return s.offerRootStart(service, service.named(diagnoseSlow(s.waited, s.lastOutput(service))))
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
	if problem := diagnosePull(cause); problem != nil {
		return problem
	}
	if refusal, ok := errors.AsType[*plan.Refusal](cause); ok {
		return problem.Invalid(refusal.Error(), refusal.Hint).Because(cause)
	}
	if failed, ok := errors.AsType[*docker.BuildError](cause); ok {
		hint := failed.Hint
		if hint == "" {
			hint = "The log shows the step that failed and what it printed."
		}
		return problem.Invalid("The build failed: "+sentence(failed.Message), hint).Because(cause)
	}
	if failed, ok := errors.AsType[*docker.PullError](cause); ok {
		return problem.Invalid(failed.Message, failed.Hint).Because(cause)
	}
	if failed, ok := errors.AsType[*docker.StartError](cause); ok {
		return problem.Invalid(
			"The app could not be started: "+sentence(failed.Message),
			"See that the image's CMD or ENTRYPOINT names a program that is in the image and may be run by its user.",
		).Because(cause)
	}
	if refused, ok := errors.AsType[*plan.Refusal](cause); ok {
		return problem.Invalid("The app could not be started: "+sentence(refused.Error()), refused.Hint).Because(cause)
	}
	if forged, ok := errors.AsType[*docker.ForgedLabelError](cause); ok {
		return problem.Invalid(
			"The image was refused: "+sentence(forged.Error()),
			"Labels that start with traefik. or berth. belong to Berth: take them out of the Dockerfile, or choose another image.",
		).Because(cause)
	}
	return nil
}

// diagnoseSilence explains an app that runs and does not answer, or not well.
func (s *shipment) diagnoseSilence(service *atFault, cause error) *problem.Problem {
	lines := s.lastOutput(service)
	if found := findSymptom(lines); found != nil {
		return found.problem(lines, cause)
	}
	if errors.Is(cause, errUnhealthy) {
		return s.diagnoseHealth(service, cause)
	}
	if lead, ok := errors.AsType[*leadError](cause); ok {
		return problem.Invalid(
			fmt.Sprintf("The route %s leads to %s, which did not respond correctly within %s: %s.", lead.route, lead.to, printable.Duration(s.waited), lastCause(cause)),
			"Let it listen on 0.0.0.0 and on that port; or change the route on the page Routes of the app.",
		).Because(cause)
	}
	if problem := s.diagnosePort(cause); problem != nil {
		return problem
	}
	return problem.Invalid(
		fmt.Sprintf("The app runs, but did not respond correctly on %s within %s: %s.", s.release.Address, printable.Duration(s.waited), lastCause(cause)),
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
			s.log.line(service.label + ", health check: " + strings.TrimRight(line, "\n"))
		}
		return instance.Condition
	}
	return docker.Condition{}
}

// diagnosePort explains a silence by what the app listens on; nil where that is not known.
func (s *shipment) diagnosePort(cause error) *problem.Problem {
	reached, inside, known := s.ports.seen()
	asked := s.askedPort()
	problem := problem.Invalid(s.misplaced(), "").Because(cause)
	switch {
	case !known:
		return nil
	case slices.Contains(reached, asked):
		problem.Message = fmt.Sprintf("The app listens on port %d, but did not respond correctly within %s: %s.", asked, printable.Duration(s.waited), lastCause(cause))
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
			s.log.line(service.label + ": " + line.Text)
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

func diagnoseSlow(waited time.Duration, lines []string) *problem.Problem {
	if found := findSymptom(lines); found != nil {
		return found.problem(lines, nil)
	}
	return problem.Invalid(
		fmt.Sprintf("Others wait until it has completed, and it still ran after %s.", printable.Duration(waited)),
		"Let it end with exit code 0, or let the others wait with condition: service_started.",
	)
}

// diagnoseDeath explains an app that ended, by how it ended, its limits and what it said last.
func diagnoseDeath(died *diedError, settings app.Settings, lines []string) *problem.Problem {
	condition := died.condition
	if condition.OOMKilled {
		return &problem.Problem{
			Kind:    problem.KindInvalid,
			Message: fmt.Sprintf("The app ran out of memory: it needed more than its limit of %d MB and was ended.", settings.MemoryBytes/app.BytesPerMB),
			Hint:    "Raise the setting \"Memory\" on the app's page, or make the app use less.",
			Remedy:  problem.Remedy{Memory: true},
		}
	}
	if found := findSymptom(lines); found != nil {
		return found.problem(lines, nil)
	}
	if died.unseen {
		return problem.Invalid(
			fmt.Sprintf("The app ended %d times and was started again.", condition.Restarts),
			"Its last lines are in the log of this release.",
		)
	}
	if condition.ExitCode == 0 {
		return problem.Invalid(
			"The app ended by itself instead of serving (exit code 0).",
			"The image's command must stay in the foreground and answer HTTP.",
		)
	}
	return problem.Invalid(
		fmt.Sprintf("The app ended with exit code %d.", condition.ExitCode),
		"Its last lines are in the log of this release.",
	)
}

// problem says it of the app that printed lines.
func (s *symptom) problem(lines []string, cause error) *problem.Problem {
	problem := &problem.Problem{Kind: problem.KindInvalid, Message: s.message, Hint: s.hint, Remedy: s.remedy, Err: cause}
	if !s.remedy.WritableRoot {
		return problem
	}
	written, folder := execfailure.FindWritten(lines)
	if written != "" {
		problem.Message = fmt.Sprintf("The app wrote to %.200s, which is read-only.", written)
	}
	if folder != "" {
		problem.Remedy.Folder = string(folder)
		problem.Hint = fmt.Sprintf("Mount a volume at %s, which keeps what is written there, and try again. Else allow the setting \"Writable root\" on the app's page.", folder)
	}
	return problem
}

func findSymptom(lines []string) *symptom {
	for i := range symptoms {
		for _, line := range lines {
			line = strings.ToLower(line)
			for _, text := range symptoms[i].texts {
				if strings.Contains(line, text) {
					return &symptoms[i]
				}
			}
		}
	}
	return nil
}

// lastCause is the end of a chain of wrapped errors, the part that says most.
func lastCause(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// sentence ends text with a full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}
