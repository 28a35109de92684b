package moving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/audit"
	"berth/controller/docker"
	"berth/controller/problem"
	"berth/controller/secret"
	"berth/controller/sources"
	"berth/controller/volume"
)

// Story stops and starts apps. controller.Controller is the one there is.
type Story interface {
	Start(context.Context, app.Name) error
	Stop(context.Context, app.Name) error
}

// Volumes tells who mounts what. volumes.Volumes is the one there is.
type Volumes interface {
	Users(context.Context) (map[volume.Name][]app.Name, error)
}

// Keeper opens volumes. docker.Engine is the one there is.
type Keeper interface {
	OpenVolume(ctx context.Context, name volume.Name, access docker.Access) (*volume.Session, error)
}

// Sources opens archives. sources.Sources is the one there is.
type Sources interface {
	Archive(app.Release) (*sources.Archive, error)
}

// Options are what moves need. Every field is required unless it says otherwise.
type Options struct {
	Ledger  Ledger
	Story   Story
	Volumes Volumes
	Keeper  Keeper
	Sources Sources
	// Publish publishes the routes as the ledger has them.
	Publish func(context.Context) error
	// Describe is all of an app that goes with its archive, with opened secrets, as the
	// form of an upload takes it.
	Describe func(context.Context, app.App) ([]byte, error)
	Dial     func(private bool) Dial
	Audit    audit.Auditor
	Key      secret.Key // seals tokens
	Logger   *slog.Logger

	At    func(app.Name, Step) // may be nil; tests end a move here
	Pause time.Duration        // between two looks at the other server; 0 is two seconds
}

// Moves runs the moves of all apps. It is safe for concurrent use.
type Moves struct {
	o     Options
	fresh chan app.Name

	mu       sync.Mutex
	cancel   map[app.Name]context.CancelCauseFunc // of those that run
	progress map[app.Name]*counter
}

// New returns Moves that run nothing before Run.
func New(o Options) *Moves {
	if o.Pause == 0 {
		o.Pause = 2 * time.Second
	}
	return &Moves{o: o, fresh: make(chan app.Name), cancel: make(map[app.Name]context.CancelCauseFunc), progress: make(map[app.Name]*counter)}
}

// errCancelled ends a move that a person does not want any more.
var errCancelled = problem.Conflict("The move was cancelled.", "Begin it again when you want to move the app.")

// Run goes on with the moves that an earlier process has left, and runs those that begin,
// until ctx ends. A move that ctx ends goes on with the next Run.
func (m *Moves) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	left, err := m.o.Ledger.ListMoves(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("find moves that were cut off: %w", err)
	}
	for _, move := range left {
		if move.State == Running {
			all.Go(func() { m.run(ctx, move.App) })
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case name := <-m.fresh:
			all.Go(func() { m.run(ctx, name) })
		}
	}
}

// Begin starts the move of an app. It returns before the first step is done.
func (m *Moves) Begin(ctx context.Context, wish Wish) (Move, error) {
	wish, err := wish.check()
	if err != nil {
		return Move{}, err
	}
	found, live, err := m.o.Ledger.FindLive(ctx, wish.App)
	if errors.Is(err, problem.ErrNotFound) {
		return Move{}, app.Missing(wish.App, err)
	}
	if err != nil {
		return Move{}, err
	}
	if live.Number == 0 {
		return Move{}, problem.Conflict(fmt.Sprintf("The app %s has no live release to move.", wish.App), "Deploy it first, or deploy it on the other server.")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	former, err := m.o.Ledger.FindMove(ctx, wish.App)
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return Move{}, err
	}
	switch {
	case err == nil && former.State == Running:
		return Move{}, problem.Conflict(fmt.Sprintf("The app %s is being moved already.", wish.App), "Wait for its end, or cancel it.")
	case err == nil && former.State == Done:
		return Move{}, problem.Conflict(fmt.Sprintf("The app %s has moved to %s.", wish.App, former.To), "End that move first: berth move "+string(wish.App)+" --done.")
	}
	move := Move{
		App: wish.App, To: wish.To, Fingerprint: wish.Fingerprint, Private: wish.Private, Address: wish.Address,
		Token: m.o.Key.Seal([]byte(wish.Token.Reveal()), placeOf(wish.App)),
		Step:  StepCheck, State: Running, WasRunning: found.Wanted == app.WantedRunning, By: wish.By, BeganAt: time.Now(),
	}
	if err := m.o.Ledger.SaveMove(ctx, move); err != nil {
		return Move{}, err
	}
	go func() { m.fresh <- wish.App }() // Run takes it, now or when the server starts again
	return move, nil
}

// placeOf is what the token of a move is sealed for.
func placeOf(name app.Name) string { return "token of the move of " + string(name) }

// Find returns the latest move of an app and how far its step is. An app without one is a
// Problem of problem.KindNotFound.
func (m *Moves) Find(ctx context.Context, name app.Name) (Move, Progress, error) {
	move, err := m.o.Ledger.FindMove(ctx, name)
	if errors.Is(err, problem.ErrNotFound) {
		return Move{}, Progress{}, problem.NotFound(fmt.Sprintf("The app %s is not being moved.", name), "Begin with berth move "+string(name)+" --to URL.").Because(err)
	}
	if err != nil {
		return Move{}, Progress{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return move, m.progress[name].read(), nil
}

// End forgets a move that has ended, and with it the redirect of the routes. It cancels
// one that runs, whose end comes a moment later.
func (m *Moves) End(ctx context.Context, name app.Name) error {
	move, _, err := m.Find(ctx, name)
	if err != nil {
		return err
	}
	if move.State == Running {
		m.mu.Lock()
		defer m.mu.Unlock()
		cancel := m.cancel[name]
		if cancel == nil {
			return problem.Conflict("The move is about to begin.", "Try again in a moment.")
		}
		cancel(errCancelled)
		return nil
	}
	if err := m.o.Ledger.DeleteMove(ctx, name); err != nil {
		return err
	}
	return m.o.Publish(ctx)
}

// run takes a move to its end, or to the end of ctx.
func (m *Moves) run(ctx context.Context, name app.Name) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m.mu.Lock()
	if m.cancel[name] != nil {
		m.mu.Unlock()
		return
	}
	m.cancel[name], m.progress[name] = cancel, new(counter)
	count := m.progress[name]
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.cancel, name)
		delete(m.progress, name)
	}()
	move, err := m.o.Ledger.FindMove(ctx, name)
	if err != nil || move.State != Running {
		return
	}
	token, err := m.o.Key.Open(move.Token, placeOf(name))
	if err != nil {
		err = problem.Conflict("The token of the other server cannot be read any more.", "Begin the move again.").Because(err)
	}
	job := &job{Moves: m, move: move, count: count, there: newServer(move, secret.Text(token), m.o.Dial(move.Private))}
	if err == nil {
		err = job.climb(ctx)
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errCancelled) {
		m.o.Logger.Info("a move waits for the next start", "app", string(name), "step", string(job.move.Step))
		return
	}
	// What is said here must be kept although the move was cancelled.
	job.end(context.WithoutCancel(ctx), cmpCause(ctx, err))
}

// cmpCause prefers the words of who cancelled to those of what was cut off.
func cmpCause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// end records what became of the move, and starts the app again where it did not arrive.
func (j *job) end(ctx context.Context, err error) {
	j.move.Token, j.move.EndedAt, j.move.State = nil, time.Now(), Done
	if err != nil {
		j.move.State = Failed
		j.move.Reason, j.move.Hint = words(err)
		j.o.Logger.Warn("move an app", "app", string(j.move.App), "step", string(j.move.Step), "error", err)
		j.giveUp(ctx)
	}
	j.move.Reason = strings.TrimSpace(strings.Join(append([]string{j.move.Reason}, j.notes...), " "))
	if err := j.o.Ledger.SaveMove(ctx, j.move); err != nil {
		j.o.Logger.Error("record the end of a move", "app", string(j.move.App), "error", err)
	}
	if j.move.State == Done {
		if err := j.o.Publish(ctx); err != nil {
			j.o.Logger.Warn("publish the redirect of an app that has moved", "app", string(j.move.App), "error", err) // the reconciler repeats it
		}
	}
	j.o.Audit.Record(ctx, audit.Event{
		Action: audit.ActionAppMove, Resource: "app " + string(j.move.App), Success: j.move.State == Done, Account: j.move.By,
		Detail: strings.TrimSpace("to " + j.move.To + ". " + j.move.Reason),
	})
}

// giveUp undoes what was begun, as far as that can be: nothing runs there, and the app runs
// here.
func (j *job) giveUp(ctx context.Context) {
	if !j.begun(StepStop) {
		return
	}
	if j.begun(StepDeploy) && j.deployed {
		err := j.there.post(ctx, appPath(j.move.App)+"/stop", nil, nil)
		if isStatus(err, http.StatusNotFound) {
			err = nil
		}
		if err != nil {
			j.notes = append(j.notes, "The app on the other server could not be stopped; stop or delete it there.")
		} else {
			j.notes = append(j.notes, "The app on the other server is stopped; delete it there before you try again.")
		}
	}
	found, _, err := j.o.Ledger.FindLive(ctx, j.move.App)
	if !j.move.WasRunning || err == nil && found.Wanted != app.WantedStopped {
		return // it was never stopped, or somebody has started it
	}
	if err := j.o.Story.Start(ctx, j.move.App); err != nil {
		message, _ := words(err)
		j.notes = append(j.notes, "The app could not be started here again: "+message)
		j.move.Hint = "Start the app here."
		return
	}
	j.notes = append(j.notes, "The app runs here again.")
}

// words are what a person is told of an error. What nobody can mend is in the log alone.
func words(err error) (message, hint string) {
	if fault, ok := errors.AsType[*problem.Problem](err); ok {
		return fault.Message, fault.Hint
	}
	return "Something went wrong on this server.", "See the log of Berth, then begin the move again."
}
