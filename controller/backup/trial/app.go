package trial

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"berth/controller/app"
	"berth/controller/diagnosis"
	"berth/controller/docker"
	"berth/controller/environment"
	"berth/controller/pause"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/readiness"
)

const (
	lookEvery    = 500 * time.Millisecond
	steadyTime   = 3 * time.Second // that a service runs which nothing can be asked of
	lastLines    = 20              // that tell why it ended
	mostLastWord = 300             // bytes of the last of them
)

// trial is one app of a backup that is started aside.
type trial struct {
	Options
	app  app.App
	live app.Release
	mask *environment.Mask
}

func (t *trial) nameOf(run app.ServiceRun) string {
	return t.Engine.InstanceName(string(t.app.Name), t.live.Number, serviceAside+run.Spec.Name)
}

// run starts the services in their order, proves each, and removes all of them.
func (t *trial) run(ctx context.Context, names []string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, appTimeout)
	defer cancel()
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		for _, name := range names {
			_ = t.Engine.Retire(ending, name, 0) // else the reconciler does
		}
		_ = t.Engine.RemoveNetwork(ending, string(t.app.Name), NetworkNumber) // likewise
	}()
	for i, run := range t.live.Services {
		options, err := t.Releases.StartOptionsOf(ctx, t.app, t.live, run, names[i])
		if err != nil {
			return err
		}
		if err := t.prove(ctx, run, t.aside(options, run)); err != nil {
			return err
		}
	}
	return nil
}

// aside are the options to start an instance with that serves nobody: without the labels of
// routes, and with the restored volumes.
func (t *trial) aside(o docker.StartOptions, run app.ServiceRun) docker.StartOptions {
	o.Labels, o.Record = nil, ""
	o.Service.Name = serviceAside + run.Spec.Name
	for own, name := range run.Volumes(t.live) {
		o.Volumes[own] = t.Engine.VolumeName(t.Restored(name))
	}
	for i := range o.Mounts {
		o.Mounts[i].Volume = t.Restored(o.Mounts[i].Volume)
	}
	return o
}

// prove starts an instance, and waits until it does what its service is for.
func (t *trial) prove(ctx context.Context, run app.ServiceRun, o docker.StartOptions) error {
	if _, err := t.Engine.Start(ctx, o); err != nil {
		if wrong, ok := errors.AsType[*docker.StartError](err); ok {
			return t.failed(run, wrong.Message).Because(err)
		}
		return err
	}
	began := time.Now()
	for {
		instance, err := t.Engine.Inspect(ctx, o.Name)
		if err != nil {
			return err
		}
		switch state := instance.Condition; {
		case run.Done(state):
			return nil
		case state.Restarts > 0 || !state.Running && !state.FinishedAt.IsZero():
			return t.died(ctx, run, o.Name, state)
		case readiness.ChecksHealth(run.Spec.Health, o.Image):
			if state.Health == "healthy" {
				return nil
			}
		case run.Main && instance.Port != 0:
			return t.awaitPort(ctx, run, instance)
		case time.Since(began) >= steadyTime:
			return nil
		}
		if err := pause.For(ctx, lookEvery); err != nil {
			return t.failed(run, "It was not healthy within "+printable.Duration(time.Since(began))+".")
		}
	}
}

// awaitPort waits until the main service listens on its port. It looks again after the
// helper that looks has ended: the instance may have ended too.
func (t *trial) awaitPort(ctx context.Context, run app.ServiceRun, instance docker.Instance) error {
	began := time.Now()
	for {
		listening, found := context.WithCancelCause(ctx)
		err := t.Engine.Listening(listening, instance.Name, func(addresses []netip.AddrPort) {
			for _, one := range addresses {
				if one.Port() == instance.Port && !one.Addr().IsLoopback() {
					found(errListens)
				}
			}
		})
		listens := errors.Is(context.Cause(listening), errListens)
		found(nil)
		if listens {
			return nil
		}
		if ctx.Err() != nil {
			return t.failed(run, fmt.Sprintf("It did not listen on port %d within %s.", instance.Port, printable.Duration(time.Since(began))))
		}
		now, inspectErr := t.Engine.Inspect(ctx, instance.Name)
		if inspectErr != nil {
			return errors.Join(err, inspectErr)
		}
		if state := now.Condition; state.Restarts > 0 || !state.Running {
			return t.died(ctx, run, instance.Name, state)
		}
		_ = pause.For(ctx, lookEvery) // the end of ctx is seen by the next look
	}
}

// errListens ends the look at what an instance listens on.
var errListens = errors.New("it listens")

// died says why a service ended, by how it ended and what it printed last.
func (t *trial) died(ctx context.Context, run app.ServiceRun, name string, state docker.Condition) error {
	var lines []string
	_ = t.Engine.Tail(ctx, name, docker.TailOptions{Lines: lastLines}, func(line docker.Line) error { // without it the exit code tells
		if line.Text != "" {
			lines = append(lines, t.mask.Apply(line.Text))
		}
		return nil
	})
	said := diagnosis.Death(&diagnosis.DiedError{Condition: state}, t.live.Settings, lines).Message
	if len(lines) > 0 {
		said += " It said last: " + printable.Name(lines[len(lines)-1], mostLastWord) + "."
	}
	return t.failed(run, said)
}

// failed names the service of an app of several.
func (t *trial) failed(run app.ServiceRun, message string) *problem.Problem {
	if len(t.live.Services) > 1 {
		message = "Service " + run.Spec.Name + ": " + message
	}
	return problem.Conflict(message, "Try the app with a new release, and make a backup.")
}

// reason is what may be shown of an error; empty where there is none.
func reason(err error) string {
	if err == nil {
		return ""
	}
	if said, ok := errors.AsType[*problem.Problem](err); ok {
		return said.Message
	}
	if errors.Is(err, docker.ErrNotFound) {
		return "Its image is not here any more. A restore would build it anew."
	}
	return "The engine could not start it. The log of the server says more."
}
