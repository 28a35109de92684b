package diagnosis

import (
	"fmt"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/printable"
	"berth/controller/problem"
)

// Death explains an app that ended, by how it ended, its limits and what it said last.
func Death(died *DiedError, settings app.Settings, lines []string) *problem.Problem {
	condition := died.Condition
	if condition.OOMKilled {
		return &problem.Problem{
			Kind:    problem.KindInvalid,
			Message: fmt.Sprintf("The app ran out of memory: it needed more than its limit of %d MB and was ended.", settings.MemoryBytes/app.BytesPerMB),
			Hint:    "Raise the setting \"Memory\" on the app's page, or make the app use less.",
			Remedy:  problem.Remedy{Memory: true},
		}
	}
	if found := Output(lines, nil); found != nil {
		return found
	}
	if died.Unseen {
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

// Slow explains an app that was to end, and still ran after so long.
func Slow(waited time.Duration, lines []string) *problem.Problem {
	if found := Output(lines, nil); found != nil {
		return found
	}
	return problem.Invalid(
		fmt.Sprintf("Others wait until it has completed, and it still ran after %s.", printable.Duration(waited)),
		"Let it end with exit code 0, or let the others wait with condition: service_started.",
	)
}

// DiedError says that an instance ended while it was being verified.
type DiedError struct {
	Condition docker.Condition
	Unseen    bool // how it ended was not seen: it was running again each time
}

// Error says how it ended.
func (e *DiedError) Error() string {
	if e.Unseen {
		return fmt.Sprintf("the app ended %d times", e.Condition.Restarts)
	}
	return fmt.Sprintf("the app ended with exit code %d", e.Condition.ExitCode)
}
