package desk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/problem"
	"berth/controller/secret"
)

const (
	mostChannels    = 20
	mostChannelName = 60
)

// View returns the rules, the channels and how far the alerts are. Secrets are sealed.
func (d *Desk) View(ctx context.Context) (alert.Book, error) {
	return d.begun(ctx)
}

// Wish is a channel as a person types it.
type Wish struct {
	ID       int64 // 0: a new one
	Name     string
	Settings channel.Settings
	Secret   secret.Text // empty keeps the stored one, unless the address is another
}

// SaveChannel creates or changes a channel. Problems name the fields.
func (d *Desk) SaveChannel(ctx context.Context, wish Wish) (id int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	book, err := d.Ledger.FindAlerts(ctx)
	if err != nil {
		return 0, err
	}
	var was alert.Channel
	if wish.ID != 0 {
		at := slices.IndexFunc(book.Channels, func(c alert.Channel) bool { return c.ID == wish.ID })
		if at < 0 {
			return 0, noChannel()
		}
		was = book.Channels[at]
	} else if len(book.Channels) >= mostChannels {
		return 0, problem.Conflict(fmt.Sprintf("There are %d channels already.", mostChannels), "Remove a channel that is not used.")
	}
	made, err := d.check(wish, was, book.Channels)
	if err != nil {
		return 0, err
	}
	return d.Ledger.SaveChannel(ctx, made)
}

// check returns the channel as it is kept. A stored secret is not sent to another address.
func (d *Desk) check(wish Wish, was alert.Channel, others []alert.Channel) (alert.Channel, error) {
	made := alert.Channel{ID: wish.ID, Name: strings.TrimSpace(wish.Name)}
	stays := len(was.Sealed) > 0 && was.Settings.Kind == wish.Settings.Kind && was.Settings.Address == strings.TrimSpace(wish.Settings.Address)
	settings, err := channel.Check(wish.Settings, wish.Secret, stays)
	faults, _ := errors.AsType[problem.Problems](err)
	if made.Name == "" || len(made.Name) > mostChannelName || slices.ContainsFunc(others, func(c alert.Channel) bool { return c.Name == made.Name && c.ID != made.ID }) {
		faults = append(problem.Problems{problem.Invalid("A channel needs a name that no other one has.", fmt.Sprintf("Write 1 to %d characters.", mostChannelName)).At(alert.FieldName)}, faults...)
	}
	if len(faults) > 0 {
		return made, faults
	}
	made.Settings = settings
	switch {
	case wish.Secret != "":
		made.Sealed = d.Key.Seal([]byte(wish.Secret.Reveal()), sealPlace)
	case stays:
		made.Sealed = was.Sealed
	}
	return made, nil
}

// DeleteChannel removes a channel with the messages that wait for it. A channel that rules
// name stays: without it a rule would tell nobody, or everybody.
func (d *Desk) DeleteChannel(ctx context.Context, id int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	book, err := d.Ledger.FindAlerts(ctx)
	if err != nil {
		return err
	}
	var users []string
	for _, rule := range book.Rules {
		if slices.Contains(rule.Channels, id) {
			users = append(users, rule.Name)
		}
	}
	if len(users) > 0 {
		return problem.Conflict("Rules send to this channel: "+strings.Join(users, ", ")+".", "Choose other channels in these rules first.")
	}
	return d.Ledger.DeleteChannel(ctx, id)
}

// TestChannel sends a message at once. A Problem says why it was not taken.
func (d *Desk) TestChannel(ctx context.Context, id int64) error {
	book, err := d.Ledger.FindAlerts(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(book.Channels, func(c alert.Channel) bool { return c.ID == id })
	if at < 0 {
		return noChannel()
	}
	err = d.send(ctx, book.Channels[at], channel.Message{
		ID: rand.Text(), Type: channel.Test, At: d.now().UTC(), Title: "Test of " + book.Channels[at].Name,
		Lines: []string{"Alerts of Berth arrive here."}, URL: d.BaseURL + "/settings/alerts",
	})
	if err != nil {
		return problem.Unavailable("The test was not delivered: "+err.Error()+".", "Check the settings of the channel.")
	}
	return nil
}

// SaveRule creates or changes a rule, whose alerts begin anew. Problems name the fields.
func (d *Desk) SaveRule(ctx context.Context, rule alert.Rule) (id int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	book, err := d.Ledger.FindAlerts(ctx)
	if err != nil {
		return 0, err
	}
	if faults := slices.Concat(rule.Faults(), unknownChannels(rule, book.Channels)); len(faults) > 0 {
		return 0, faults
	}
	if rule.ID == 0 && len(book.Rules) >= alert.MostRules {
		return 0, problem.Conflict(fmt.Sprintf("There are %d rules already.", alert.MostRules), "Remove a rule that is not used.")
	}
	return d.Ledger.SaveRule(ctx, rule)
}

// unknownChannels refuses a rule that names a channel which there is not.
func unknownChannels(rule alert.Rule, channels []alert.Channel) problem.Problems {
	for _, id := range rule.Channels {
		if !slices.ContainsFunc(channels, func(c alert.Channel) bool { return c.ID == id }) {
			return problem.Problems{alert.NoChannel(strconv.FormatInt(id, 10))}
		}
	}
	return nil
}

// DeleteRule removes a rule with its alerts.
func (d *Desk) DeleteRule(ctx context.Context, id int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Ledger.DeleteRule(ctx, id)
}

func noChannel() error {
	return problem.NotFound("There is no such channel.", "See Settings, Alerts.")
}
