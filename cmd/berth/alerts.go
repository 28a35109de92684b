package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"berth/controller/problem"
)

const (
	apiAlerts     = "/api/v1/alerts"
	alertsTimeout = time.Minute
)

// alertsAnswer is what the API says of alerts, as far as it is needed here.
type alertsAnswer struct {
	Firing []struct {
		Rule    int64     `json:"rule"`
		Subject string    `json:"subject"`
		Since   time.Time `json:"since"`
	} `json:"firing"`
	Mutes []struct {
		Rule    int64      `json:"rule"`
		Subject string     `json:"subject"`
		Until   *time.Time `json:"until"`
		By      string     `json:"by"`
	} `json:"mutes"`
	Rules []struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		On    bool   `json:"on"`
		Watch string `json:"watch"`
	} `json:"rules"`
	Channels []struct {
		ID       int64  `json:"id"`
		Name     string `json:"name"`
		Settings struct {
			Kind string `json:"kind"`
		} `json:"settings"`
		FailingSince *time.Time `json:"failing_since"`
		LastError    string     `json:"last_error"`
	} `json:"channels"`
}

// runAlerts shows what fires, with the rules and channels, or sends a test.
func runAlerts(ctx context.Context, p *program, args []string) error {
	flags := newFlags("alerts")
	line := p.addLineFlags(flags)
	words, err := p.parseFlags(flags, args)
	if err != nil {
		return err
	}
	testing := len(words) == 2 && words[0] == "test"
	if !testing && len(words) != 0 && (len(words) != 1 || words[0] != "list") {
		return &usageError{errors.New("berth alerts takes list, or test and the name of a channel; see berth help alerts")}
	}
	api, err := p.openClient(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, alertsTimeout)
	defer cancel()
	var answer alertsAnswer
	if err := api.find(ctx, apiAlerts, &answer); err != nil {
		return err
	}
	if testing {
		return p.testChannel(ctx, api, answer, words[1])
	}
	return p.show(api, func() error { return p.printAlerts(answer) })
}

func (p *program) testChannel(ctx context.Context, api *client, answer alertsAnswer, name string) error {
	for _, channel := range answer.Channels {
		if channel.Name != name {
			continue
		}
		path := apiAlerts + "/channels/" + strconv.FormatInt(channel.ID, 10) + "/test"
		if err := api.sendJSON(ctx, http.MethodPost, path, nil, &struct{}{}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.stdout, "The test was sent to %s.\n", name)
		return err
	}
	return problem.NotFound(fmt.Sprintf("There is no channel %.60q.", name), "See berth alerts.")
}

// printAlerts prints what fires, what is muted, and the rules and channels with their
// numbers, which other commands take.
func (p *program) printAlerts(answer alertsAnswer) error {
	names := make(map[int64]string)
	table := p.table()
	_, _ = fmt.Fprintln(table, "ID\tRULE\tWATCHES\tSTATE")
	for _, rule := range answer.Rules {
		names[rule.ID] = rule.Name
		state := "off"
		if rule.On {
			state = "on"
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", rule.ID, rule.Name, rule.Watch, state)
	}
	_, _ = fmt.Fprintln(table, "\nID\tCHANNEL\tKIND\tSTATE")
	for _, channel := range answer.Channels {
		state := "good"
		if channel.LastError != "" {
			state = "trying again: " + channel.LastError
		}
		if channel.FailingSince != nil {
			state = "failing since " + inUTC(*channel.FailingSince) + ": " + channel.LastError
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", channel.ID, channel.Name, channel.Settings.Kind, state)
	}
	_, _ = fmt.Fprintln(table, "\nRULE\tFIRING\tSUBJECT\tSINCE")
	for _, firing := range answer.Firing {
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", firing.Rule, names[firing.Rule], firing.Subject, inUTC(firing.Since))
	}
	if len(answer.Mutes) > 0 {
		_, _ = fmt.Fprintln(table, "\nRULE\tMUTED\tSUBJECT\tUNTIL\tBY")
	}
	for _, mute := range answer.Mutes {
		until := "it is over"
		if mute.Until != nil {
			until = inUTC(*mute.Until)
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", mute.Rule, names[mute.Rule], cmp.Or(mute.Subject, "all"), until, mute.By)
	}
	return table.Flush()
}

func inUTC(at time.Time) string { return at.UTC().Format(time.DateTime) + " UTC" }
