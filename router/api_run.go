package router

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"sync"
	"time"

	"berth/controller/oneoff"
	"berth/controller/problem"
)

// Commands runs commands beside the live release of an app. oneoff.Runner is the one there is.
type Commands interface {
	Run(context.Context, oneoff.Wish, func(oneoff.Line) error) (oneoff.Outcome, error)
}

const (
	defaultRunMinutes = 60
	mostRunMinutes    = 24 * 60
)

// runWish is a command and where it runs.
type runWish struct {
	Command []string `json:"command"`           // a program of the image and its arguments; no shell reads them
	Service string   `json:"service,omitempty"` // without it, the main one
	Minutes int      `json:"minutes,omitempty"` // it is stopped then; 60 without it
}

// runLine is one line of the answer: a line that the command printed, or the last, which
// says how it ended.
type runLine struct {
	Text        string `json:"text"`
	Stderr      bool   `json:"stderr,omitempty"`
	Exit        *int   `json:"exit,omitempty"` // in the last line, where it ended by itself
	OutOfMemory bool   `json:"out_of_memory,omitempty"`
	Problem     string `json:"problem,omitempty"` // in the last line, where it did not
	Hint        string `json:"hint,omitempty"`
}

// apiRun runs a command once, and sends what it prints while it runs. It ends with its
// request.
func (a *admin) apiRun(v *visit) error {
	name, err := v.app()
	if err != nil {
		return err
	}
	var wish runWish
	if err := decodeJSON(v.request(), &wish, `{"command": ["rake", "db:migrate"]}`); err != nil {
		return err
	}
	if err := wish.check(); err != nil {
		return err
	}
	v.done.detail = fmt.Sprintf("%.60q", path.Base(wish.Command[0])) // arguments may hold secrets
	out := newRunStream(v)
	defer out.end()
	outcome, err := a.commands.Run(v.context(), oneoff.Wish{
		App: name, Service: wish.Service, Command: wish.Command, Kind: "run", Most: time.Duration(wish.Minutes) * time.Minute,
	}, func(line oneoff.Line) error {
		if line == (oneoff.Line{}) && out.begin() {
			return nil
		}
		return out.send(runLine{Text: line.Text, Stderr: line.Stderr})
	})
	if err == nil {
		return out.send(runLine{Exit: &outcome.ExitCode, OutOfMemory: outcome.OOMKilled})
	}
	if !out.begun {
		return err
	}
	said := asProblem(err)
	return out.send(runLine{Problem: said.Message, Hint: said.Hint})
}

// check says all that is wrong, and fills in what is missing.
func (w *runWish) check() error {
	var faults problem.Problems
	if len(w.Command) == 0 {
		faults = append(faults, problem.Invalid("There is no command.", "Name a program of the image and its arguments.").At(oneoff.FieldCommand))
	} else if fault := oneoff.Check(w.Command); fault != nil {
		faults = append(faults, fault.At(oneoff.FieldCommand))
	}
	if w.Minutes == 0 {
		w.Minutes = defaultRunMinutes
	}
	if w.Minutes < 1 || w.Minutes > mostRunMinutes {
		faults = append(faults, problem.Invalid("A command cannot run for so long.", fmt.Sprintf("Write 1 to %d minutes.", mostRunMinutes)).At(oneoff.FieldMinutes))
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// runStream sends lines of JSON, and an empty line now and then, so that a quiet command is
// told from a lost connection.
type runStream struct {
	v     *visit
	stop  chan struct{}
	done  sync.WaitGroup
	begun bool // of the goroutine of the request alone

	mu     sync.Mutex
	answer liveAnswer
}

func newRunStream(v *visit) *runStream { return &runStream{v: v, stop: make(chan struct{})} }

// begin sends the head of the answer; true where it had not been sent.
func (s *runStream) begin() bool {
	if s.begun {
		return false
	}
	s.begun = true
	s.answer = openLive(s.v, "application/x-ndjson")
	s.v.gin.Writer.WriteHeaderNow()
	s.v.gin.Writer.Flush()
	s.done.Go(s.beat)
	return true
}

func (s *runStream) beat() {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			if s.write(nil) != nil {
				return // the command's next line finds that out, or its context
			}
		}
	}
}

func (s *runStream) send(line runLine) error {
	s.begin()
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("encode line: %w", err)
	}
	return s.write(text)
}

func (s *runStream) write(text []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answer.write(string(text) + "\n")
}

// end waits until nothing is sent any more.
func (s *runStream) end() {
	close(s.stop)
	s.done.Wait()
	if s.begun {
		s.answer.end()
	}
}
