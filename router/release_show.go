package router

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"berth/controller"
	"berth/controller/app"
	"berth/controller/problem"
)

// Releases shows releases, and repeats or cancels them.
type Releases interface {
	Releases(context.Context, app.Name) ([]app.Release, error)
	Release(context.Context, app.ReleaseID) (app.Release, error)
	ReleaseLog(app.ReleaseID) (io.ReadSeekCloser, error)
	QueuePlace(app.ReleaseID) int

	Rollback(ctx context.Context, app app.Name, number int64, by string) (app.Release, error)
	Retry(ctx context.Context, id app.ReleaseID, changes controller.Retry, by string) (app.Release, error)
	Cancel(context.Context, app.ReleaseID) error
}

type releasePage struct {
	frame
	App      appRow
	Release  releaseRow
	Steps    []stepView
	LastLog  []string
	Faults   []string // of an archive that could not be planned, where there are several
	Log      logView
	Canceled bool
	Retry    *retryView // nil where the release cannot be tried again
}

// stepView is one of the five steps of a release.
type stepView struct {
	Name   string
	Status string // done, now, failed, todo, skipped
	Note   string
	At     time.Time
	Took   time.Duration
}

// Word is the status as a word, for those who do not see the colour.
func (s stepView) Word() string {
	switch s.Status {
	case stepDone:
		return "done"
	case stepNow:
		return "under way"
	case stepFailed:
		return "failed"
	case stepSkipped:
		return "not needed"
	default:
		return "to come"
	}
}

const (
	stepDone    = "done"
	stepNow     = "now"
	stepFailed  = "failed"
	stepTodo    = "todo"
	stepSkipped = "skipped"
)

// releaseSteps are the steps in the words of the page.
var releaseSteps = [...]struct {
	state app.ReleaseState
	name  string
}{
	{app.ReleaseQueued, "Accepted"},
	{app.ReleaseBuilding, "Building"},
	{app.ReleaseStarting, "Starting"},
	{app.ReleaseVerifying, "Verifying"},
	{app.ReleaseLive, "Live"},
}

func (a *admin) showRelease(v *visit) error {
	id, err := v.release()
	if err != nil {
		return err
	}
	return a.releaseForm(v, id, nil)
}

func (a *admin) releaseForm(v *visit, id app.ReleaseID, problem *problem.Problem) error {
	page, err := a.releasePage(v, id)
	if err != nil {
		return err
	}
	if page.Log, err = a.readLogEnd(id); err != nil {
		return err
	}
	status := http.StatusOK
	if problem != nil {
		page.Problem, status = problem, statusOf(problem.Kind)
	}
	page.Reload = page.Release.UnderWay
	return v.page(status, "release", page)
}

// releasePage is the page without the log, as the event stream needs it.
func (a *admin) releasePage(v *visit, id app.ReleaseID) (releasePage, error) {
	release, err := a.releases.Release(v.context(), id)
	if err != nil {
		return releasePage{}, err
	}
	view, err := a.apps.App(v.context(), id.App)
	if err != nil {
		return releasePage{}, err
	}
	page := releasePage{
		frame: v.frame(releaseTitle(release)).on(id.App, tabReleases),
		App:   v.appRow(view), Release: releaseRowOf(release), Steps: stepsOf(release),
		Canceled: release.State == app.ReleaseCancelled, Retry: a.retryViewOf(release, view.App),
	}
	if place := a.releases.QueuePlace(id); place > 0 && release.State == app.ReleaseQueued {
		page.Steps[0].Note = ordinal(place) + " in line for a build"
	}
	if release.State == app.ReleaseFailed {
		page.LastLog = a.lastLogLines(id)
		page.Faults = strings.FieldsFunc(release.Remedy.Faults, func(r rune) bool { return r == '\n' })
	}
	return page, nil
}

// releaseTitle tells the result in the browser's tab, such as "Failed: shop r4".
func releaseTitle(release app.Release) string {
	state := string(release.State)
	return fmt.Sprintf("%s%s: %s r%d", strings.ToUpper(state[:1]), state[1:], release.App, release.Number)
}

// stepsOf lays the states that a release entered over the five steps.
func stepsOf(release app.Release) []stepView {
	steps := make([]stepView, 0, len(releaseSteps))
	last := 0
	for i, step := range releaseSteps {
		entered, until := times(release, step.state)
		made := stepView{Name: step.name, Status: stepTodo, At: entered}
		if !entered.IsZero() {
			made.Status, last = stepDone, i
			if !until.IsZero() && step.state != app.ReleaseLive {
				made.Took = until.Sub(entered)
			}
		}
		steps = append(steps, made)
	}
	for i := range last {
		if steps[i].Status == stepTodo {
			steps[i].Status = stepSkipped
		}
	}
	switch {
	case release.State.UnderWay():
		steps[last].Status = stepNow
	case release.State == app.ReleaseFailed, release.State == app.ReleaseCancelled:
		steps[last].Status = stepFailed
	case steps[len(steps)-1].Status == stepTodo: // live or superseded, whatever the steps say
		steps[len(steps)-1] = stepView{Name: "Live", Status: stepDone, At: release.FinishedAt}
	}
	return steps
}

// times is when a release entered a state, and when it went on to the next.
func times(release app.Release, state app.ReleaseState) (entered, until time.Time) {
	for i, step := range release.Steps {
		if step.State != state {
			continue
		}
		// A resumed release enters a state again; the first time counts.
		if entered.IsZero() {
			entered = step.At
		}
		until = release.FinishedAt
		if i+1 < len(release.Steps) {
			until = release.Steps[i+1].At
		}
	}
	return entered, until
}

// lastLogLines are what a failure shows beside its reason: the end of the log,
// without the controller's own closing words.
func (a *admin) lastLogLines(id app.ReleaseID) []string {
	const most = 12
	end, err := a.readLogEnd(id)
	if err != nil {
		return nil // the reason stands without it
	}
	lines := end.Lines
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines[max(0, len(lines)-most):]
}
