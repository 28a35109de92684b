package router

import (
	"context"
	"errors"
	"sync"

	"berth/controller/oneoff"
	"berth/controller/problem"
)

// fakeCommands says each word of a command. A few programs go wrong.
type fakeCommands struct {
	mu   sync.Mutex
	ran  []oneoff.Wish
	left chan error // what a command was told that waits until nobody hears it
}

func (f *fakeCommands) Run(ctx context.Context, wish oneoff.Wish, hear func(oneoff.Line) error) (oneoff.Outcome, error) {
	f.mu.Lock()
	f.ran = append(f.ran, wish)
	f.mu.Unlock()
	if wish.Command[0] == "missing" {
		return oneoff.Outcome{}, problem.Conflict("The program missing is not in the image.", "Correct the command.")
	}
	if err := hear(oneoff.Line{}); err != nil {
		return oneoff.Outcome{}, err
	}
	for i, word := range wish.Command {
		if err := hear(oneoff.Line{Text: word, Stderr: i%2 == 1}); err != nil {
			return oneoff.Outcome{}, err
		}
	}
	switch wish.Command[0] {
	case "wait":
		<-ctx.Done()
		f.left <- ctx.Err()
		return oneoff.Outcome{}, ctx.Err()
	case "late":
		return oneoff.Outcome{}, problem.Conflict("The command did not end within 60 minutes.", "Make it shorter.")
	case "broken":
		return oneoff.Outcome{}, errors.New("the engine's socket is gone")
	case "false":
		return oneoff.Outcome{ExitCode: 3, OOMKilled: true}, nil
	}
	return oneoff.Outcome{}, nil
}
