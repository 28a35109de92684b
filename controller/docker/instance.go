package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
)

// Instance is one running copy of a service of a release, as the engine holds it.
type Instance struct {
	ID      string
	Name    string // its container's, and its DNS name on the app's network
	App     string
	Service string
	Release int64
	Port    uint16 // that it was told to listen on
	Image   string // engine id
	Labels  map[string]string

	Condition Condition
}

// Condition is how an instance does, as the engine last saw it.
type Condition struct {
	Running    bool
	Restarting bool   // it died, and the engine waits before it starts it again
	OOMKilled  bool   // the last death was by its memory limit
	ExitCode   int    // of the last death
	Health     string // "" without a health check, else starting, healthy or unhealthy
	Restarts   int    // by the engine, since it was last started by hand
	StartedAt  time.Time
	FinishedAt time.Time // of the last death; zero before
	Error      string    // the engine's, where it could not start it
}

// Inspect looks one instance up by its name. ErrNotFound where there is none,
// or one of another stack.
func (e *Engine) Inspect(ctx context.Context, name string) (Instance, error) {
	ctx, cancel := within(ctx, callTimeout)
	defer cancel()
	found, err := e.api(ctx).ContainerInspect(ctx, name)
	if err != nil {
		return Instance{}, failure(ctx, "inspect container", err)
	}
	if found.Config == nil || found.Config.Labels[labelStack] != e.stack || found.Config.Labels[labelRole] != roleApp {
		return Instance{}, fmt.Errorf("inspect container %s: %w", name, ErrNotFound)
	}
	return instanceOf(found), nil
}

// Instances returns all instances of the stack, stopped ones too.
func (e *Engine) Instances(ctx context.Context) ([]Instance, error) {
	listContext, cancel := within(ctx, callTimeout)
	defer cancel()
	found, err := e.api(listContext).ContainerList(listContext, container.ListOptions{All: true, Filters: e.owned(labelRole + "=" + roleApp)})
	if err != nil {
		return nil, failure(listContext, "list containers", err)
	}
	instances := make([]Instance, 0, len(found))
	for _, summary := range found {
		// The list does not tell exit code, restarts and memory death.
		instance, err := e.Inspect(ctx, summary.ID)
		if errors.Is(err, ErrNotFound) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		instances = append(instances, instance)
	}
	return instances, nil
}

func instanceOf(found container.InspectResponse) Instance {
	labels := found.Config.Labels
	release, _ := strconv.ParseInt(labels[labelRelease], 10, 64)
	port, _ := strconv.ParseUint(labels[labelPort], 10, 16)
	return Instance{
		ID:        found.ID,
		Name:      strings.TrimPrefix(found.Name, "/"),
		App:       labels[labelApp],
		Service:   labels[labelService],
		Release:   release,
		Port:      uint16(port),
		Image:     found.Image,
		Labels:    labels,
		Condition: conditionOf(found.State, found.RestartCount),
	}
}

func conditionOf(state *container.State, restarts int) Condition {
	if state == nil {
		return Condition{Restarts: restarts}
	}
	condition := Condition{
		// The engine calls a container running while it waits to restart it.
		Running:    state.Running && !state.Restarting,
		Restarting: state.Restarting,
		OOMKilled:  state.OOMKilled,
		ExitCode:   state.ExitCode,
		Restarts:   restarts,
		StartedAt:  engineTime(state.StartedAt),
		FinishedAt: engineTime(state.FinishedAt),
		Error:      printable(state.Error),
	}
	if state.Health != nil && state.Health.Status != container.NoHealthcheck {
		condition.Health = state.Health.Status
	}
	return condition
}

// engineTime reads a time of the engine, which writes the year 1 for never.
func engineTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at
}
