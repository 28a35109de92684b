package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/docker/go-units"

	"berth/controller/app"
	"berth/controller/pause"
	"berth/controller/problem"
)

const movePoll = 2 * time.Second

// moveAnswer is what the API says of a move, as far as it is needed here.
type moveAnswer struct {
	To       string `json:"to"`
	State    string `json:"state"`
	Step     string `json:"step"`
	StepOf   int    `json:"step_number"`
	Steps    int    `json:"steps"`
	Bytes    int64  `json:"bytes"`
	Total    int64  `json:"total_bytes"`
	Rate     int64  `json:"bytes_per_second"`
	Reason   string `json:"reason"`
	Hint     string `json:"hint"`
	Redirect string `json:"redirect"`
}

// moveTo is where apps are moved.
type moveTo struct {
	To          string `json:"to"`
	Token       string `json:"token"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Private     bool   `json:"private,omitempty"`
	Address     string `json:"address,omitempty"`
}

// runMove moves apps to another server and follows that, shows how far a move is, or ends it.
func runMove(ctx context.Context, p *program, args []string) error {
	flags := newFlags("move")
	line := p.addLineFlags(flags)
	var wish moveTo
	flags.StringVar(&wish.To, "to", "", "address of the other server, such as https://other.example.com:8001")
	flags.StringVar(&wish.Fingerprint, "fingerprint", "", "SHA-256 of the other server's certificate, where no authority vouches for it")
	flags.BoolVar(&wish.Private, "private", false, "the other server is in a private network")
	flags.StringVar(&wish.Address, "address", "", "a further route of the app on the other server, which its routes here redirect to")
	all := flags.Bool("all", false, "move all apps, one after the other")
	done := flags.Bool("done", false, "end the redirect of an app that has moved, or cancel its move")
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	switch {
	case *all && (len(words) > 0 || *done || wish.To == "" || wish.Address != ""), !*all && len(words) != 1, *done && wish.To != "":
		return p.wrongWords()
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	names := words
	if *all {
		if names, err = api.appNames(ctx); err != nil {
			return err
		}
	}
	switch {
	case *done:
		_, err := api.ask(ctx, http.MethodDelete, movePath(words[0]), nil)
		return err
	case wish.To == "":
		var now moveAnswer
		if err := api.find(ctx, movePath(words[0]), &now); err != nil {
			return err
		}
		return p.show(api, func() error { return p.printMove(words[0], now) })
	}
	if wish.Token, err = p.otherToken(ctx); err != nil {
		return err
	}
	for _, name := range names {
		if err := p.moveApp(ctx, api, name, wish); err != nil {
			return err
		}
	}
	return nil
}

func movePath(name string) string { return appPath(app.Name(name)) + "/move" }

// appNames are the apps that have a live release.
func (c *client) appNames(ctx context.Context) (names []string, err error) {
	var answer struct {
		Apps []struct {
			Name    string `json:"name"`
			Release int64  `json:"release"`
		} `json:"apps"`
	}
	if err := c.find(ctx, "/api/v1/apps", &answer); err != nil {
		return nil, err
	}
	for _, one := range answer.Apps {
		if one.Release > 0 {
			names = append(names, one.Name)
		}
	}
	return names, nil
}

// otherToken is the token of the other server: no word of the command line, which other
// users of the machine see.
func (p *program) otherToken(ctx context.Context) (string, error) {
	if token := p.variable("BERTH_TO_TOKEN"); token != "" {
		return token, nil
	}
	token, err := p.openTerminal().askHidden(ctx, "Token of the other server, of the scope admin")
	if err == nil && strings.TrimSpace(token) == "" {
		err = &usageError{errors.New("there is no token: type it, or set BERTH_TO_TOKEN")}
	}
	return strings.TrimSpace(token), err
}

// moveApp begins a move and follows it to its end, which comes without anybody who follows.
func (p *program) moveApp(ctx context.Context, api *client, name string, wish moveTo) error {
	var now moveAnswer
	if err := api.sendJSON(ctx, http.MethodPost, movePath(name), wish, &now); err != nil {
		return err
	}
	told := ""
	for now.State == "running" {
		if text := now.progress(); text != told {
			told = text
			_, _ = fmt.Fprintf(p.stderr, "%s: %s\n", name, text)
		}
		if err := pause.For(ctx, movePoll); err != nil {
			return err
		}
		now = moveAnswer{}
		if err := api.find(ctx, movePath(name), &now); err != nil {
			return err
		}
	}
	if now.State != "done" {
		return problem.Conflict(cmp.Or(now.Reason, "The move failed."), now.Hint)
	}
	return p.show(api, func() error { return p.printMove(name, now) })
}

// progress is how far the move is, on one line.
func (m moveAnswer) progress() string {
	text := fmt.Sprintf("step %d of %d, %s", m.StepOf, m.Steps, m.Step)
	if m.Bytes > 0 {
		text += ", " + units.HumanSize(float64(m.Bytes))
		if m.Total > 0 {
			text += " of " + units.HumanSize(float64(m.Total))
		}
		text += fmt.Sprintf(" at %s/s", units.HumanSize(float64(m.Rate)))
	}
	return text
}

func (p *program) printMove(name string, now moveAnswer) error {
	switch now.State {
	case "running":
		_, err := fmt.Fprintf(p.stdout, "%s is moving to %s: %s.\n", name, now.To, now.progress())
		return err
	case "failed":
		_, err := fmt.Fprintf(p.stdout, "%s did not move to %s: %s\n", name, now.To, strings.TrimSpace(now.Reason+" "+now.Hint))
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "%s has moved to %s. Its data is still here.\n", name, now.To)
	if now.Redirect != "" && err == nil {
		_, err = fmt.Fprintf(p.stdout, "Its routes here redirect to %s until you run: berth move %s --done\n", now.Redirect, name)
	}
	if now.Reason != "" && err == nil {
		_, err = fmt.Fprintln(p.stdout, now.Reason)
	}
	return err
}
