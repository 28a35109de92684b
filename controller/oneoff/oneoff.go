// Package oneoff runs a command once, in a container of its own beside the live release of an app.
package oneoff

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/plan"
	"berth/controller/problem"
)

// The bounds of a command.
const (
	mostWords  = 64
	mostBytes  = 4096             // of all its words
	endTimeout = 30 * time.Second // to remove its container
	// hostVariable names the container of the service to the command.
	hostVariable = "BERTH_HOST"
)

// The fields that problems name.
const (
	FieldService = "service"
	FieldCommand = "command"
	FieldMinutes = "minutes"
)

// Wish is a command and where it runs.
type Wish struct {
	App     app.Name
	Service string // whose image, user, limits, variables, network and volumes it has; empty: the main one
	Command []string
	Kind    string        // begins the name of its container, such as "run"
	Most    time.Duration // it is stopped then
}

// Line is what the command printed, masked. The zero Line says that it has begun.
type Line struct {
	Text   string
	Stderr bool
}

// Outcome is how the command ended.
type Outcome struct {
	ExitCode  int
	OOMKilled bool // it needed more memory than the service may have
}

// Ledger knows what is live.
type Ledger interface {
	FindLive(context.Context, app.Name) (app.App, app.Release, error)
}

// Engine starts containers. docker.Engine is the one there is.
type Engine interface {
	InstanceName(app string, release int64, service string) string
	Start(context.Context, docker.StartOptions) (docker.Instance, error)
	Inspect(ctx context.Context, name string) (docker.Instance, error)
	Tail(ctx context.Context, name string, options docker.TailOptions, each func(docker.Line) error) error
	Retire(ctx context.Context, name string, grace time.Duration) error
}

// Releases knows how an instance of a live release is started.
type Releases interface {
	StartOptionsOf(context.Context, app.App, app.Release, app.ServiceRun, string) (docker.StartOptions, error)
	OpenEnvironmentOf(context.Context, app.ReleaseID) (environment.OpenEnvironment, error)
	// Aside begins work, and does not wait for it. Until it ends, the reconciler leaves the instance alone. After a
	// crash it removes the instance, because no release owns it.
	Aside(instance string, work func())
}

// Runner runs commands.
type Runner struct {
	Ledger   Ledger
	Engine   Engine
	Releases Releases
}

// Bounded runs few commands at once: each may take what its service may.
type Bounded struct {
	runner Runner
	room   chan struct{}
}

// NewBounded returns a Bounded that runs so many at once.
func NewBounded(r Runner, most int) Bounded { return Bounded{r, make(chan struct{}, most)} }

// Run is Runner.Run. It refuses where the most commands run already.
func (b Bounded) Run(ctx context.Context, wish Wish, hear func(Line) error) (Outcome, error) {
	select {
	case b.room <- struct{}{}:
		defer func() { <-b.room }()
		return b.runner.Run(ctx, wish, hear)
	default:
		return Outcome{}, problem.Conflict(fmt.Sprintf("%d commands run already.", cap(b.room)), "Wait until one of them has ended.")
	}
}

// Check says what is wrong with the words of a command; nil means nothing. No shell reads
// them: the first is a program of the image, and the others are its arguments.
func Check(command []string) *problem.Problem {
	text := strings.Join(command, "")
	switch {
	case len(command) > 0 && command[0] == "":
		return problem.Invalid("The command has no program.", "Begin with the program, such as pg_dump.")
	case len(command) > mostWords || len(text) > mostBytes:
		return problem.Invalid("The command is too long.", fmt.Sprintf("Write at most %d words and %d characters, or put a script into the image.", mostWords, mostBytes))
	case strings.ContainsRune(text, 0):
		return problem.Invalid("The command has a character that no program can get.", "Remove the character with the code 0.")
	}
	return nil
}

// Find returns the service of the name. The one service of an app without a compose file
// has any name.
func Find(live app.Release, service string) (app.ServiceRun, bool) {
	for _, run := range live.Services {
		if run.Spec.Name == service || run.Sole {
			return run, true
		}
	}
	return app.ServiceRun{}, false
}

// NoService refuses a service that the release does not have.
func NoService(live app.Release, service string) *problem.Problem {
	var names []string
	for _, run := range live.Services {
		names = append(names, run.Spec.Name)
	}
	return problem.Invalid(fmt.Sprintf("The app has no service %.60q.", service), "Choose one of: "+strings.Join(names, ", ")+".")
}

// Run runs the command with the image, the user, the limits, the variables, the network and
// the volumes of the service, and waits for its end. It gives each line to hear, in order;
// an error of hear ends the command. The container is gone when Run returns. A Problem says
// in words why the command did not begin, or did not end in time.
func (r Runner) Run(ctx context.Context, wish Wish, hear func(Line) error) (Outcome, error) {
	found, live, err := r.Ledger.FindLive(ctx, wish.App)
	if err != nil {
		return Outcome{}, err
	}
	run, err := runOf(found, live, wish)
	if err != nil {
		return Outcome{}, err
	}
	name := r.Engine.InstanceName(string(wish.App), live.Number, wish.Kind+"-"+strings.ToLower(rand.Text()[:10]))
	options, err := r.Releases.StartOptionsOf(ctx, found, live, run, name)
	if err != nil {
		return Outcome{}, err
	}
	opened, err := r.Releases.OpenEnvironmentOf(ctx, live.ReleaseID)
	if err != nil {
		return Outcome{}, err
	}
	masked := func(line docker.Line) error {
		return hear(Line{Text: opened.Mask.Apply(line.Text), Stderr: line.Stderr})
	}
	var outcome Outcome
	ended := make(chan struct{})
	r.Releases.Aside(name, func() {
		defer close(ended)
		outcome, err = r.start(ctx, wish.Most, once(options, run.Instances[0], wish.Command), func() error { return hear(Line{}) }, masked)
	})
	<-ended
	return outcome, err
}

// runOf is the service that the command runs beside, which has to run.
func runOf(found app.App, live app.Release, wish Wish) (app.ServiceRun, error) {
	if live.Number == 0 || found.Wanted != app.WantedRunning {
		return app.ServiceRun{}, problem.Conflict(fmt.Sprintf("The app %s does not run.", wish.App), "Deploy or start it first.")
	}
	if wish.Service == "" {
		return live.MainRun(), nil
	}
	run, there := Find(live, wish.Service)
	if !there || len(run.Instances) == 0 {
		return app.ServiceRun{}, NoService(live, wish.Service).At(FieldService)
	}
	return run, nil
}

// once are the options to run a command in place of the service. It takes no name on the
// network: nobody is to take it for the service.
func once(o docker.StartOptions, host string, command []string) docker.StartOptions {
	o.Labels, o.Aliases, o.Beside = nil, nil, nil
	service := o.Service
	service.Entrypoint, service.Command = command[:1], command[1:]
	service.Restart, service.Health = plan.Restart{Mode: plan.Never}, &plan.Healthcheck{Test: []string{"NONE"}}
	service.Internal, service.Port, service.Aliases, service.Hostname = true, 0, nil, ""
	service.Environment = append(slices.Clone(service.Environment), hostVariable+"="+host)
	o.Service = service
	return o
}

// start runs the container to its end and removes it.
func (r Runner) start(ctx context.Context, most time.Duration, o docker.StartOptions, begun func() error, each func(docker.Line) error) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		_ = r.Engine.Retire(ending, o.Name, 0) // else the reconciler does
	}()
	if _, err := r.Engine.Start(ctx, o); err != nil {
		if wrong, ok := errors.AsType[*docker.StartError](err); ok {
			return Outcome{}, problem.Conflict(wrong.Message, "Correct the command.").Because(err)
		}
		return Outcome{}, err
	}
	if err := begun(); err != nil {
		return Outcome{}, err
	}
	err := r.Engine.Tail(ctx, o.Name, docker.TailOptions{Lines: -1, Follow: true}, each)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Outcome{}, problem.Conflict(fmt.Sprintf("The command did not end within %d minutes.", int(most.Minutes())), "Make it shorter, or see what it waits for.")
	}
	if err != nil {
		return Outcome{}, err
	}
	done, err := r.Engine.Inspect(ctx, o.Name)
	if err == nil && done.Condition.Error != "" && done.Condition.ExitCode == 0 {
		done.Condition.ExitCode = -1
	}
	return Outcome{ExitCode: done.Condition.ExitCode, OOMKilled: done.Condition.OOMKilled}, err
}
