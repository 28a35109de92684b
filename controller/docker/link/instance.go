package link

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/printable"
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
	// HealthRan says that the health check has run; HealthExit and HealthOutput are those of
	// its last run. The output is printable, of at most 20 lines. It may hold secrets.
	HealthRan    bool
	HealthExit   int
	HealthOutput string
	Restarts     int // by the engine, since it was last started by hand
	StartedAt    time.Time
	FinishedAt   time.Time // of the last death; zero before
	Error        string    // the engine's, where it could not start it
}

// Inspect looks one instance up by its name. ErrNotFound where there is none,
// or one of another stack.
func (l *Link) Inspect(ctx context.Context, name string) (Instance, error) {
	ctx, cancel := Within(ctx, CallTimeout)
	defer cancel()
	found, err := l.API(ctx).ContainerInspect(ctx, name)
	if err != nil {
		return Instance{}, Failure(ctx, "inspect container", err)
	}
	if found.Config == nil || found.Config.Labels[LabelStack] != l.Stack || found.Config.Labels[LabelRole] != RoleApp {
		return Instance{}, fmt.Errorf("inspect container %s: %w", name, ErrNotFound)
	}
	return l.instanceOf(found), nil
}

// Instances returns all instances of the stack, stopped ones too. Their Condition says
// whether they run and how their health is; Inspect tells the rest.
func (l *Link) Instances(ctx context.Context) ([]Instance, error) {
	listContext, cancel := Within(ctx, CallTimeout)
	defer cancel()
	found, err := l.ListInstances(listContext)
	if err != nil {
		return nil, err
	}
	instances := make([]Instance, 0, len(found))
	for _, summary := range found {
		instances = append(instances, l.Summarised(summary))
	}
	return instances, nil
}

// ListInstances lists the stack's instances with the given labels, stopped ones too.
func (l *Link) ListInstances(ctx context.Context, labels ...string) ([]container.Summary, error) {
	found, err := l.API(ctx).ContainerList(ctx, container.ListOptions{All: true, Filters: l.Owned(append(labels, LabelRole+"="+RoleApp)...)})
	return found, Failure(ctx, "list containers", err)
}

// Summarised is what a list tells of an instance.
func (l *Link) Summarised(summary container.Summary) Instance {
	instance := l.labelled(summary.Labels)
	instance.ID, instance.Image = summary.ID, summary.ImageID
	instance.Condition = Condition{
		Running:    summary.State == container.StateRunning || summary.State == container.StatePaused,
		Restarting: summary.State == container.StateRestarting,
		Health:     listedHealth(summary.Status),
	}
	if len(summary.Names) > 0 {
		instance.Name = strings.TrimPrefix(summary.Names[0], "/")
	}
	return instance
}

// listedHealth reads the health from the status of a list, such as "Up 2 hours (healthy)".
func listedHealth(status string) string {
	switch {
	case strings.HasSuffix(status, "(healthy)"):
		return container.Healthy
	case strings.HasSuffix(status, "(unhealthy)"):
		return container.Unhealthy
	case strings.HasSuffix(status, "(health: starting)"):
		return container.Starting
	}
	return ""
}

func (l *Link) instanceOf(found container.InspectResponse) Instance {
	instance := l.labelled(found.Config.Labels)
	instance.ID, instance.Image = found.ID, found.Image
	instance.Name = strings.TrimPrefix(found.Name, "/")
	instance.Condition = conditionOf(found.State, found.RestartCount)
	return instance
}

// labelled is what its labels tell of an instance.
func (l *Link) labelled(labels map[string]string) Instance {
	release, _ := strconv.ParseInt(labels[LabelRelease], 10, 64)
	port, _ := strconv.ParseUint(labels[LabelPort], 10, 16)
	return Instance{
		App:     l.App(labels),
		Service: labels[LabelService],
		Release: release,
		Port:    uint16(port),
		Labels:  labels,
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
		StartedAt:  EngineTime(state.StartedAt),
		FinishedAt: EngineTime(state.FinishedAt),
		Error:      printable.Plain(state.Error),
	}
	if state.Health != nil && state.Health.Status != container.NoHealthcheck {
		condition.Health = state.Health.Status
		condition.noteCheck(state.Health.Log)
	}
	return condition
}

// mostHealthLines is how many of the last lines of a health check's output are kept.
const mostHealthLines = 20

// noteCheck takes the last run of the health check.
func (c *Condition) noteCheck(runs []*container.HealthcheckResult) {
	if len(runs) == 0 || runs[len(runs)-1] == nil {
		return
	}
	last := runs[len(runs)-1]
	var lines []string
	for line := range strings.Lines(last.Output) {
		if line = strings.TrimSpace(printable.Plain(line)); line != "" {
			lines = append(lines, line)
		}
	}
	lines = lines[max(0, len(lines)-mostHealthLines):]
	c.HealthRan, c.HealthExit, c.HealthOutput = true, last.ExitCode, strings.Join(lines, "\n")
}

// EngineTime reads a time of the engine, which writes the year 1 for never.
func EngineTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at
}
