package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"berth/controller/probe"
)

// doctorTimeout bounds what berth doctor waits for: every row, and a probe before.
const doctorTimeout = 4 * time.Minute

// checklistAnswer is what the API says of the checklist.
type checklistAnswer struct {
	At    time.Time     `json:"at"`
	Red   int           `json:"red"`
	Amber int           `json:"amber"`
	Green int           `json:"green"`
	Rows  []checkAnswer `json:"rows"`
	Probe *probeAnswer  `json:"probe,omitempty"` // where one was run now
}

// checkAnswer is one row of it.
type checkAnswer struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	State string `json:"state"`
	Found string `json:"found"`
	Fix   string `json:"fix,omitempty"`
	Page  string `json:"page,omitempty"`
}

// probeAnswer is what the API says of a probe.
type probeAnswer struct {
	At      time.Time      `json:"at"`
	Tried   int            `json:"tried"`
	Reached int            `json:"reached"`
	Results []probe.Result `json:"results"`
}

// redError says that something is to be fixed. Its exit code is 1.
type redError struct{ rows int }

// Error counts the rows.
func (e *redError) Error() string {
	if e.rows == 1 {
		return "one row of the checklist is red"
	}
	return fmt.Sprintf("%d rows of the checklist are red", e.rows)
}

// runDoctor prints the checklist of a server, and fails where a row of it is red.
func runDoctor(ctx context.Context, p *program, args []string) error {
	flags := newFlags("doctor")
	line := p.addLineFlags(flags)
	probing := flags.Bool("probe", false, "first run a probe: a container tries what no app may reach; this needs a token with the scope admin")
	if err := p.parseFlagsOnly(flags, args); err != nil {
		return err
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	var answer checklistAnswer
	var probed *probeAnswer
	if *probing {
		probed = &probeAnswer{}
		if err := api.sendJSON(ctx, http.MethodPost, "/api/v1/checklist/probe", nil, probed); err != nil {
			return err
		}
	}
	if err := api.find(ctx, "/api/v1/checklist", &answer); err != nil {
		return err
	}
	answer.Probe = probed
	if err := p.printChecklist(answer, api.json); err != nil {
		return err
	}
	if answer.Red > 0 {
		return &redError{answer.Red}
	}
	return nil
}

func (p *program) printChecklist(answer checklistAnswer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(p.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(answer)
	}
	if answer.Probe != nil {
		_, _ = fmt.Fprintf(p.stdout, "The probe reached %d of %d addresses.\n", answer.Probe.Reached, answer.Probe.Tried)
		for _, result := range answer.Probe.Results {
			if result.Reached {
				_, _ = fmt.Fprintf(p.stdout, "  reached: %s (%s)\n", result.Address, result.Target)
			}
		}
	}
	table := p.table()
	for _, row := range answer.Rows {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", strings.ToUpper(row.State), row.Title, row.Found)
		if row.Fix != "" {
			_, _ = fmt.Fprintf(table, "\t\tfix: %s\n", row.Fix)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "%d red, %d amber, %d green\n", answer.Red, answer.Amber, answer.Green)
	return err
}
