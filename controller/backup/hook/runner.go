package hook

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
	"berth/controller/printable"
	"berth/controller/problem"
)

const (
	hookTimeout  = 30 * time.Minute // for one command
	endTimeout   = 30 * time.Second // to remove its container
	mostLastWord = 300              // bytes of what it printed last
	// hostVariable names the container of the service to the command.
	hostVariable = "BERTH_HOST"
	correct      = "Correct the command on the app's page."
)

// Ledger keeps the hooks of apps.
type Ledger interface {
	ListHooks(context.Context) ([]Hook, error)
	FindHook(context.Context, app.Name) (Hook, error)
	SaveHook(context.Context, Hook) error
	DeleteHook(context.Context, app.Name) error
	FindLive(context.Context, app.Name) (app.App, app.Release, error)
}

// Engine starts containers. dockeh.Engine is the one there is.
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
	// Aside begins work. Until it ends, the reconciler leaves the instance alone. After a
	// crash it removes the instance, because no release owns it.
	Aside(instance string, work func())
}

// Hooks keeps the hooks of apps and runs their commands.
type Hooks struct {
	Ledger   Ledger
	Engine   Engine
	Releases Releases
}

// List returns the hooks of the apps that run. An app that is stopped writes nothing, and
// answers no command.
func (h Hooks) List(ctx context.Context) ([]Hook, error) {
	all, err := h.Ledger.ListHooks(ctx)
	if err != nil {
		return nil, err
	}
	var due []Hook
	for _, one := range all {
		found, _, err := h.Ledger.FindLive(ctx, one.App)
		if err := problem.IgnoreMissing(err); err != nil {
			return nil, err
		}
		if found.Live != 0 && found.Wanted == app.WantedRunning {
			due = append(due, one)
		}
	}
	return due, nil
}

// Run runs one command of a hook in a container of its own, with the image, the user, the
// limits, the variables, the network and the volumes of the service, and waits for its end.
// A Problem says in words why it failed.
func (h Hooks) Run(ctx context.Context, of Hook, command []string) error {
	found, live, err := h.Ledger.FindLive(ctx, of.App)
	if err != nil {
		return err
	}
	run, there := find(live, of.Service)
	if !there || len(run.Instances) == 0 {
		return problem.Conflict(fmt.Sprintf("The app has no service %s any more.", of.Service), "Choose another service for the command on the app's page.")
	}
	name := h.Engine.InstanceName(string(of.App), live.Number, "hook-"+strings.ToLower(rand.Text()[:10]))
	options, err := h.Releases.StartOptionsOf(ctx, found, live, run, name)
	if err != nil {
		return err
	}
	opened, err := h.Releases.OpenEnvironmentOf(ctx, live.ReleaseID)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	h.Releases.Aside(name, func() { ended <- h.start(ctx, once(options, run.Instances[0], command), opened.Mask) })
	return <-ended
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
func (h Hooks) start(ctx context.Context, o docker.StartOptions, mask *environment.Mask) error {
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		_ = h.Engine.Retire(ending, o.Name, 0) // else the reconciler does
	}()
	if _, err := h.Engine.Start(ctx, o); err != nil {
		if wrong, ok := errors.AsType[*docker.StartError](err); ok {
			return problem.Conflict(wrong.Message, correct).Because(err)
		}
		return err
	}
	last := ""
	err := h.Engine.Tail(ctx, o.Name, docker.TailOptions{Lines: -1, Follow: true}, func(line docker.Line) error {
		if line.Text != "" {
			last = line.Text
		}
		return nil
	})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return problem.Conflict(fmt.Sprintf("The command did not end within %d minutes.", int(hookTimeout.Minutes())), "Make it shorter, or see what it waits for.")
	}
	if err != nil {
		return err
	}
	done, err := h.Engine.Inspect(ctx, o.Name)
	if err != nil || done.Condition.ExitCode == 0 && done.Condition.Error == "" {
		return err
	}
	return failed(done.Condition, printable.Name(mask.Apply(last), mostLastWord))
}

func failed(condition docker.Condition, last string) error {
	message := fmt.Sprintf("The command ended with the exit code %d.", condition.ExitCode)
	if condition.OOMKilled {
		message = "The command needed more memory than the service may have."
	}
	if last != "" {
		message += " It said last: " + last + "."
	}
	return problem.Conflict(message, correct)
}
