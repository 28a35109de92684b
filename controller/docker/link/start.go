package link

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"berth/controller/pause"
)

// lostInit is what the engine says if it lost track of the first process of a container
// while it made it, such as one that was killed for memory on a busy machine. The engine
// has ended the container then.
var lostInit = []string{"cannot start a stopped process", "cannot start an already running container"}

const (
	startTries = 3
	startPause = 300 * time.Millisecond
)

// Start starts a container that was created. It tries again where the engine lost the
// first process.
func (l *Link) Start(ctx context.Context, id string) error {
	for try := 1; ; try++ {
		err := l.API(ctx).ContainerStart(ctx, id, container.StartOptions{})
		lost := func(words string) bool { return strings.Contains(err.Error(), words) }
		if err == nil || try == startTries || !slices.ContainsFunc(lostInit, lost) {
			return err
		}
		if err := pause.For(ctx, startPause); err != nil {
			return err
		}
	}
}
