package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"berth/controller/printable"
	"berth/controller/problem"
)

// commandError is a command that ended with another code than 0, which becomes berth's own.
type commandError struct {
	code        int
	outOfMemory bool
}

func (e *commandError) Error() string {
	if e.outOfMemory {
		return "the command needed more memory than the service may have"
	}
	return fmt.Sprintf("the command ended with the exit code %d", e.code)
}

// runLine is a line of the answer: what the command printed, or how it ended.
type runLine struct {
	Text        string
	Stderr      bool
	Exit        *int
	OutOfMemory bool `json:"out_of_memory"`
	Problem     string
	Hint        string
}

// runOnce runs a command beside an app, and prints what it prints. It exits as the command
// does.
func runOnce(ctx context.Context, p *program, args []string) error {
	flags := newFlags("run")
	line := p.addLineFlags(flags)
	service := flags.String("service", "", "the service whose image, variables and volumes it has; without it the main one")
	minutes := flags.Int("minutes", 0, "it is stopped then; without it after 60")
	own, command := args, []string(nil)
	if at := slices.Index(args, "--"); at >= 0 {
		own, command = args[:at], args[at+1:]
	}
	words, err := p.parseFlags(flags, own)
	if err != nil {
		return err
	}
	if len(command) == 0 {
		return &usageError{errors.New("the command is missing; see berth help run")}
	}
	path, _, err := row{path: appRow + "/run"}.request(p, words)
	if err != nil {
		return err
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	wish := map[string]any{"command": command, "service": *service, "minutes": *minutes}
	text, err := encodeBody(wish)
	if err != nil {
		return err
	}
	response, err := api.send(ctx, http.MethodPost, path, withJSON(text))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return p.printRun(ctx, response.Body, api.json)
}

// printRun prints the lines until the last, which says how the command ended.
func (p *program) printRun(ctx context.Context, lines io.Reader, asJSON bool) error {
	decoder := json.NewDecoder(lines)
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return problem.Unavailable("The connection was lost before the command ended, which ends it.", "Run it again.").Because(err)
		}
		var line runLine
		if err := json.Unmarshal(raw, &line); err != nil {
			return unreachable(err)
		}
		if asJSON {
			_, _ = fmt.Fprintf(p.stdout, "%s\n", raw)
		}
		switch {
		case line.Problem != "":
			return problem.Conflict(line.Problem, line.Hint)
		case line.Exit != nil && *line.Exit == 0:
			return nil
		case line.Exit != nil:
			return &commandError{*line.Exit, line.OutOfMemory}
		case asJSON:
		case line.Stderr:
			_, _ = fmt.Fprintln(p.stderr, printable.Replace(line.Text, '\uFFFD'))
		default:
			_, _ = fmt.Fprintln(p.stdout, printable.Replace(line.Text, '\uFFFD'))
		}
	}
}

// runRetry tries the newest release of an app again.
func runRetry(ctx context.Context, p *program, args []string) error {
	flags := newFlags("retry")
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	plain, fields := splitFields(words)
	list, _, err := row{get: true, path: appRow + "/releases"}.request(p, plain)
	if err != nil {
		return err
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, rowTimeout)
	defer cancel()
	var answer struct{ Releases []struct{ Number int64 } }
	if err := api.find(short, list+"?limit=1", &answer); err != nil {
		return err
	}
	if len(answer.Releases) == 0 {
		return problem.NotFound("The app has no release.", "Deploy it first.")
	}
	retry := row{path: list + "/" + fmt.Sprint(answer.Releases[0].Number) + "/retry", fields: true, follow: true}
	_, body, err := retry.request(p, fields)
	if err != nil {
		return err
	}
	again, err := api.ask(short, http.MethodPost, retry.path, body)
	if err != nil {
		return err
	}
	return retry.show(ctx, p, api, again)
}

// brokenLog is what a check of the audit log found, where that is not nothing.
func brokenLog(answer json.RawMessage) error {
	var verdict struct{ Whole bool }
	if err := json.Unmarshal(answer, &verdict); err != nil {
		return unreachable(err)
	}
	if !verdict.Whole {
		return problem.Conflict("Audit log integrity is broken.", "Find out who can write to the data folder.")
	}
	return nil
}
