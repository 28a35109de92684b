package images

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// What a build may print in all. The log of a release holds less than twice as much.
const (
	OutputBytes = 16 << 20
	outputLines = 250_000
)

// diskInterval is how often the disk is looked at while a build runs: often enough
// that the fastest one writes less than the reserve in between.
const diskInterval = 200 * time.Millisecond

// floodPatience is how long a command may go on after BuildKit began to leave out its
// output, without a line that gets through or its end. A command that printed much at
// once is heard again after some seconds; one that floods never is.
const floodPatience = 3 * time.Minute

// outputClipped is what BuildKit writes, once, where the output of a step comes too fast.
var outputClipped = regexp.MustCompile(`^#(\d+) [\d.]+ .*\[output clipped, log (?:limit|speed) (\S+/s) reached\]`)

// Disk is the disk that builds are written to. The zero value is not watched.
type Disk struct {
	// Free returns how many bytes are left on it; nil where that cannot be known.
	Free func() (uint64, error)
	// Most is by how many bytes it may shrink while one build runs, whoever writes.
	Most uint64
	// Reserve is how many bytes stay free of builds.
	Reserve uint64
}

// budget ends a build that takes more than it may.
type budget struct {
	log  func(string)
	stop context.CancelCauseFunc

	bytes, lines int
	floods       map[string]*time.Timer // end the build, by the number of the step
}

// newBudget returns the context of the build, which ends with a *BuildError when it
// exceeds its budget.
func newBudget(ctx context.Context, log func(string)) (context.Context, *budget) {
	ctx, stop := context.WithCancelCause(ctx)
	return ctx, &budget{log: log, stop: stop, floods: map[string]*time.Timer{}}
}

// exceeded returns why the budget ended the build, or err where it did not.
func exceeded(ctx context.Context, err error) error {
	if reason, ok := errors.AsType[*BuildError](context.Cause(ctx)); ok {
		return reason
	}
	return err
}

// line hands a line of the build to the log, until there were too many.
func (b *budget) line(text string) {
	b.bytes += len(text)
	b.lines++
	if b.bytes > OutputBytes || b.lines > outputLines {
		if b.bytes-len(text) <= OutputBytes && b.lines-1 <= outputLines {
			b.end(fmt.Sprintf("The build printed more than %d MB or %d lines.", OutputBytes>>20, outputLines),
				"Let its commands print less, such as with -q or > /dev/null.")
		}
		return
	}
	b.log(text)
	b.listen(text)
}

// listen ends a build one of whose commands floods the log.
func (b *budget) listen(text string) {
	step, _, _ := strings.Cut(strings.TrimPrefix(text, "#"), " ")
	if timer := b.floods[step]; timer != nil {
		timer.Stop() // it is heard, or at its end
		delete(b.floods, step)
	}
	if match := outputClipped.FindStringSubmatch(text); match != nil {
		b.floods[step] = time.AfterFunc(floodPatience, func() {
			b.end(fmt.Sprintf("A command of the build prints without end: more than %s for %s.", match[2], floodPatience),
				"See which step it is in the build log, and let it print less, such as with -q or > /dev/null.")
		})
	}
}

// watch looks at the disk until the build's context ends.
func (b *budget) watch(ctx context.Context, disk Disk) {
	if disk.Free == nil {
		return
	}
	first, err := disk.Free()
	if err != nil {
		return // nothing is known of it
	}
	ticker := time.NewTicker(diskInterval)
	defer ticker.Stop()
	for left := first; ; {
		if b.checkDisk(disk, first, left) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if now, err := disk.Free(); err == nil {
			left = now
		}
	}
}

func (b *budget) checkDisk(disk Disk, first, left uint64) (over bool) {
	switch {
	case left < disk.Reserve:
		b.end(fmt.Sprintf("The server's disk is nearly full: %s are left, and builds leave %s free for the apps that run.", megabytes(left), megabytes(disk.Reserve)),
			"Free space on the server (old images, volumes, logs), or let the build write less, then deploy again.")
	case first > left && first-left > disk.Most:
		b.end(fmt.Sprintf("The disk lost more than %s while the build ran.", megabytes(disk.Most)),
			"Let the build write less, or raise BERTH_BUILD_DISK.")
	default:
		return false
	}
	return true
}

// end stops the build.
func (b *budget) end(message, hint string) {
	b.stop(&BuildError{Message: message, Hint: hint})
}

func megabytes(bytes uint64) string { return fmt.Sprintf("%d MB", bytes/1_000_000) }

// noProcesses are the words of programs that could start no other.
var noProcesses = []string{"resource temporarily unavailable", "can't fork", "cannot fork", "pthread_create failed", "failed to create new os thread", "can't start new thread", "unable to create native thread"}

// blameProcesses names the budget of processes where the build's last lines show that it was spent.
func (e *BuildError) blameProcesses() {
	for _, line := range e.Lines {
		for _, words := range noProcesses {
			if strings.Contains(strings.ToLower(line), words) {
				e.Message = "The build reached the limit of processes and threads that builds have. " + e.Message
				e.Hint = "Let it start fewer at once, such as with make -j2, or give builds more: BERTH_BUILD_PROCESSES, then make up."
				return
			}
		}
	}
}
