// Package push takes what people push with git: it receives a commit, hands its files to a
// deployment as an archive, and keeps what the next push builds on.
package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"berth/controller/app"
	"berth/controller/archive"
	"berth/controller/folder"
	"berth/controller/handle"
	"berth/controller/problem"
	"berth/controller/push/pack"
	"berth/controller/push/wire"
)

// Folder is the name of the folder in the data folder that holds a repository for each app.
const Folder = "git"

// receivedAtOnce bounds what pushes take of the memory together.
const receivedAtOnce = 2

// receiveTime is how long a push may take until its files are an archive.
const receiveTime = 15 * time.Minute

// Ledger keeps what apps have settled about pushes.
type Ledger interface {
	// FindPushSettings returns the zero Settings for an app without any.
	FindPushSettings(context.Context, app.Name) (Settings, error)
	SavePushSettings(context.Context, app.Name, Settings) error
	ListApps(context.Context) ([]app.App, error)
	FindApp(context.Context, app.Name) (app.App, error)
}

// Options are what Pushes need. All fields are required.
type Options struct {
	DataFolder string
	Ledger     Ledger
	Logger     *slog.Logger
	NoRoom     func() error // refuses pushes while the disk is too full
	Handles    *handle.Book // of apps that were renamed; nil where none was
}

// Pushes receives pushes. It is safe for concurrent use.
type Pushes struct {
	ledger Ledger
	logger *slog.Logger
	noRoom func() error
	names  *handle.Book
	root   *os.Root
	limits pack.Limits
	most   archive.Limits
	now    func() time.Time

	receiving chan struct{}

	mu   sync.Mutex
	busy map[app.Name]bool
}

// New returns Pushes that keep their repositories in a folder of the data folder.
func New(o Options) (*Pushes, error) {
	root, err := folder.OpenPrivate(filepath.Join(o.DataFolder, Folder))
	if err != nil {
		return nil, err
	}
	return &Pushes{
		ledger: o.Ledger, logger: o.Logger, noRoom: o.NoRoom, names: o.Handles, root: root, limits: pack.DefaultLimits(), most: archive.DefaultLimits(), now: time.Now,
		receiving: make(chan struct{}, receivedAtOnce), busy: map[app.Name]bool{},
	}, nil
}

// Wish is what a push is to become.
type Wish struct {
	App     app.Name
	Branch  string
	Commit  pack.ID
	Files   int
	Archive io.Reader // a compressed tar of the files
}

// Door is where a push goes on.
type Door interface {
	// Admit refuses the push before its pack is read.
	Admit(context.Context) error
	// Deploy makes a release of the wish and returns when the release has ended: an error
	// unless it is live. It tells the person how it goes on.
	Deploy(ctx context.Context, wish Wish, progress io.Writer) error
}

// Settings are those of an app; the zero Settings where it has none.
func (p *Pushes) Settings(ctx context.Context, name app.Name) (Settings, error) {
	return p.ledger.FindPushSettings(ctx, name)
}

// UpdateSettings makes settings hold from the next push on.
func (p *Pushes) UpdateSettings(ctx context.Context, name app.Name, settings Settings) error {
	return p.ledger.SavePushSettings(ctx, name, settings)
}

// Advertise tells a client of git what Berth has of an app.
func (p *Pushes) Advertise(ctx context.Context, w io.Writer, name app.Name) error {
	ref, err := p.lastRef(ctx, name)
	if err != nil {
		return err
	}
	if ref.Name == "" {
		return wire.Advertise(w, nil)
	}
	return wire.Advertise(w, []wire.Ref{ref})
}

// Receive serves one push. Without a command the client only asks whether it is let in:
// then nothing was pushed, and nothing is written. What is wrong with the request is returned
// before anything is written; what is wrong with the push, the answer says too.
func (p *Pushes) Receive(ctx context.Context, name app.Name, body io.Reader, w io.Writer, door Door) (pushed bool, err error) {
	request, err := wire.ReadRequest(body)
	if err != nil || len(request.Commands) == 0 {
		return false, err
	}
	answer := wire.NewAnswer(w, request)
	one := arrival{pushes: p, name: name, request: request, body: body, answer: answer, door: door}
	if err := one.receive(ctx); err != nil {
		return true, errors.Join(err, refuse(answer, err))
	}
	return true, answer.Accept()
}

// refuse tells the person why. What they cannot mend is in Berth's log alone.
func refuse(answer *wire.Answer, err error) error {
	fault, ok := errors.AsType[*problem.Problem](err)
	if !ok || fault.Kind == problem.KindInternal {
		return answer.Refuse("Something went wrong. Berth's log says what.")
	}
	for _, line := range explain(fault) {
		if _, err := fmt.Fprintf(answer, "berth: %s\n", line); err != nil {
			return err
		}
	}
	return answer.Refuse(fault.Message)
}

// mostFaults is how many faults of an archive a push shows.
const mostFaults = 20

func explain(fault *problem.Problem) []string {
	var lines []string
	for at, one := range fault.Faults {
		if at == mostFaults {
			lines = append(lines, fmt.Sprintf("%d more faults", len(fault.Faults)-at))
			break
		}
		lines = append(lines, one.Error())
	}
	if len(lines) == 0 {
		lines = append(lines, fault.Message)
	}
	if fault.Hint != "" {
		lines = append(lines, fault.Hint)
	}
	return lines
}

// take makes the caller the only one to push to the app, until done.
func (p *Pushes) take(name app.Name) (done func(), free bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[name] {
		return nil, false
	}
	p.busy[name] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.busy, name)
	}, true
}
