package docker

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"

	"berth/controller/docker/link"
)

// What can happen to a container of the stack.
const (
	ActionStart   = "start"
	ActionDie     = "die"
	ActionOOM     = "oom"
	ActionHealth  = "health_status"
	ActionDestroy = "destroy"
)

// Event is something that happened to a container of the stack.
type Event struct {
	App     string // empty for the proxy
	Name    string
	Role    string // app, proxy
	Action  string // one of the Action constants
	Health  string // with ActionHealth: healthy or unhealthy
	Release int64
	At      time.Time
}

// Watch calls each for every event of the stack's containers, the proxy
// included, one at a time. It returns when the stream or ctx ends, always with
// an error: events may have been missed by then. An engine that sends nothing is asked
// now and then whether it still answers.
func (e *Engine) Watch(ctx context.Context, each func(Event)) error {
	ctx, waiting, end := link.During(ctx, e.patience, e.Ping)
	defer end()
	selection := e.link.Owned()
	selection.Add("type", string(events.ContainerEventType))
	for _, action := range []string{ActionStart, ActionDie, ActionOOM, ActionHealth, ActionDestroy} {
		selection.Add("event", action)
	}
	messages, failures := e.link.API(ctx).Events(ctx, events.ListOptions{Filters: selection})
	for {
		select {
		case message := <-messages:
			waiting.Over()
			if event, ok := e.eventOf(message); ok {
				each(event)
			}
			waiting.Begins()
		case err := <-failures:
			if err == nil {
				err = io.EOF
			}
			return link.Failure(ctx, "watch containers", err)
		case <-ctx.Done():
			return fmt.Errorf("watch containers: %w", context.Cause(ctx))
		}
	}
}

// eventOf reads the engine's message. The engine matches the filter by prefix,
// so an action that was not asked for may be among them.
func (e *Engine) eventOf(message events.Message) (Event, bool) {
	action, health, _ := strings.Cut(string(message.Action), ": ")
	switch action {
	case ActionStart, ActionDie, ActionOOM, ActionHealth, ActionDestroy:
	default:
		return Event{}, false
	}
	attributes := message.Actor.Attributes
	release, _ := strconv.ParseInt(attributes[link.LabelRelease], 10, 64)
	return Event{
		App:     e.link.App(attributes),
		Name:    attributes["name"],
		Role:    attributes[link.LabelRole],
		Action:  action,
		Health:  health,
		Release: release,
		At:      time.Unix(0, message.TimeNano),
	}, true
}
