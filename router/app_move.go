package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"berth/controller/app"
	"berth/controller/moving"
	"berth/controller/printable"
	"berth/controller/problem"
	"berth/controller/secret"
)

// Moves take apps to other servers.
type Moves interface {
	Begin(context.Context, moving.Wish) (moving.Move, error)
	Find(context.Context, app.Name) (moving.Move, moving.Progress, error)
	End(context.Context, app.Name) error
}

// moveWish asks for a move. The token is one of the other server, of the scope admin.
type moveWish struct {
	To          string      `json:"to"` // https://other.example.com:8001
	Token       secret.Text `json:"token"`
	Fingerprint string      `json:"fingerprint,omitempty"` // SHA-256 of the other server's certificate
	Private     bool        `json:"private,omitempty"`     // the other server is in a private network
	Address     string      `json:"address,omitempty"`     // a further route of the app there, to redirect to
}

// moveJSON is the latest move of an app.
type moveJSON struct {
	App      app.Name     `json:"app"`
	To       string       `json:"to"`
	State    moving.State `json:"state"`
	Step     moving.Step  `json:"step"`
	StepOf   int          `json:"step_number"` // from 1
	Steps    int          `json:"steps"`
	Bytes    int64        `json:"bytes"` // that were sent in this step
	Total    int64        `json:"total_bytes"`
	Rate     int64        `json:"bytes_per_second"`
	Reason   string       `json:"reason"`
	Hint     string       `json:"hint"`
	Redirect string       `json:"redirect"` // where the routes here lead once it is done; empty: nowhere
	BeganAt  time.Time    `json:"began_at"`
	EndedAt  *time.Time   `json:"ended_at"` // null while it runs
	By       string       `json:"by"`
}

func moveJSONOf(move moving.Move, progress moving.Progress) moveJSON {
	made := moveJSON{
		App: move.App, To: move.To, State: move.State, Step: move.Step, Steps: len(moving.Steps()),
		Bytes: progress.Bytes, Total: progress.Total, Rate: progress.Rate,
		Reason: move.Reason, Hint: move.Hint, Redirect: move.Target, BeganAt: move.BeganAt, By: move.By,
	}
	for i, step := range moving.Steps() {
		if step == move.Step {
			made.StepOf = i + 1
		}
	}
	if !move.EndedAt.IsZero() {
		made.EndedAt = &move.EndedAt
	}
	return made
}

// apiBeginMove answers 202 with the move, which goes on by itself.
func (a *admin) apiBeginMove(v *visit) error {
	found, err := a.appOf(v)
	if err != nil {
		return err
	}
	var wish moveWish
	if err := decodeJSON(v.request(), &wish, `{"to": "https://other.example.com:8001", "token": "berth_..."}`); err != nil {
		return err
	}
	if wish.Address != "" {
		if _, err := a.routing.ParseRoute(wish.Address); err != nil {
			return problem.AtField("address", err)
		}
	}
	v.done.detail = "to " + printable.Name(wish.To, 200)
	move, err := a.moves.Begin(v.context(), moving.Wish{
		App: found.Name, To: wish.To, Token: wish.Token, Fingerprint: wish.Fingerprint, Private: wish.Private, Address: wish.Address, By: v.caller.name(),
	})
	if err != nil {
		return err
	}
	return v.json(http.StatusAccepted, moveJSONOf(move, moving.Progress{}))
}

func (a *admin) apiShowMove(v *visit) error {
	found, err := a.appOf(v)
	if err != nil {
		return err
	}
	move, progress, err := a.moves.Find(v.context(), found.Name)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, moveJSONOf(move, progress))
}

// apiEndMove cancels a move that runs, and ends the redirect of one that is done.
func (a *admin) apiEndMove(v *visit) error {
	if _, err := a.finishMove(v); err != nil {
		return err
	}
	return v.emptyAnswer()
}

// endMove is apiEndMove for the button of the card.
func (a *admin) endMove(v *visit) error {
	name, err := a.finishMove(v)
	if err != nil {
		return err
	}
	if err := v.notify("The move is ended."); err != nil {
		return err
	}
	return v.seeOther(appPath(name))
}

func (a *admin) finishMove(v *visit) (app.Name, error) {
	found, err := a.appOf(v)
	if err != nil {
		return "", err
	}
	v.done.detail = "ended"
	return found.Name, a.moves.End(v.context(), found.Name)
}

// moveView is the card about a move on the app's page.
type moveView struct {
	To, Step, Sent string
	Running        bool
	Failed         bool
	Reason, Hint   string
	Redirect       string
	Path           string // of the form that ends it
	FormToken      string
}

// stepWords say what a step does, for people.
var stepWords = map[moving.Step]string{
	moving.StepCheck: "checking the other server", moving.StepVolumes: "copying the volumes while the app runs", moving.StepStop: "stopping the app here",
	moving.StepDifference: "copying what changed", moving.StepDeploy: "deploying it there", moving.StepVerify: "waiting until it is live there", moving.StepRedirect: "redirecting its routes",
}

// moveViewOf is nil for an app that nobody moves.
func (a *admin) moveViewOf(v *visit, name app.Name) (*moveView, error) {
	move, progress, err := a.moves.Find(v.context(), name)
	if errors.Is(err, problem.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is none to show
	}
	if err != nil {
		return nil, err
	}
	view := &moveView{
		To: move.To, Step: stepWords[move.Step], Running: move.State == moving.Running, Failed: move.State == moving.Failed,
		Reason: move.Reason, Hint: move.Hint, Redirect: move.Target, Path: appPath(name) + "/move/end", FormToken: v.formToken(),
	}
	if progress.Bytes > 0 {
		view.Sent = printable.Size(progress.Bytes)
		if progress.Total > 0 {
			view.Sent += " of " + printable.Size(progress.Total)
		}
		view.Sent += fmt.Sprintf(" at %s/s", printable.Size(progress.Rate))
	}
	return view, nil
}
