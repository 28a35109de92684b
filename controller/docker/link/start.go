package link

import (
	"context"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/pause"
)

const (
	// lostInit is what the engine says if the first process of a container was killed
	// while it was being made, such as for memory on a busy machine. Nothing of the
	// container's own has run then.
	lostInit = "cannot start a stopped process"
	// alreadyRuns is what the engine says if its restart policy was faster than the second try.
	alreadyRuns = "cannot start an already running container"
	startTries  = 3
	startPause  = 300 * time.Millisecond
)

// Start starts a container that was created. It tries again where the engine lost the
// first process before anything ran.
func (l *Link) Start(ctx context.Context, id string) error {
	for try := 1; ; try++ {
		err := l.API(ctx).ContainerStart(ctx, id, container.StartOptions{})
		if try > 1 && err != nil && strings.Contains(err.Error(), alreadyRuns) {
			return nil
		}
		if err == nil || try == startTries || !strings.Contains(err.Error(), lostInit) {
			return err
		}
		if err := pause.For(ctx, startPause); err != nil {
			return err
		}
	}
}
