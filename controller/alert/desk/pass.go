package desk

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"berth/controller/alert"
	"berth/controller/event"
)

// told is one thing to tell.
type told struct {
	rule  alert.Rule
	state alert.State
	tell  alert.Tell
	since time.Time // when it began to fire
}

// key names an alert: a rule and a subject.
type key struct {
	rule    int64
	subject string
}

// pass steps the states of all alerts.
type pass struct {
	now     time.Time
	book    alert.Book
	states  map[key]alert.State
	told    []told
	changed bool
}

func newPass(book alert.Book, now time.Time) *pass {
	p := &pass{now: now, book: book, states: make(map[key]alert.State)}
	for _, state := range book.States {
		p.states[key{state.Rule, state.Subject.Key()}] = state
	}
	return p
}

// forget drops the alerts of a rule that is off.
func (p *pass) forget(rule alert.Rule) {
	for at := range p.states {
		if at.rule == rule.ID {
			delete(p.states, at)
			p.changed = true
		}
	}
}

// of returns the alerts that a rule has, in order.
func (p *pass) of(rule alert.Rule) (all []alert.State) {
	for at, state := range p.states {
		if at.rule == rule.ID {
			all = append(all, state)
		}
	}
	slices.SortFunc(all, func(a, b alert.State) int { return cmp.Compare(a.Subject.Key(), b.Subject.Key()) })
	return all
}

func (p *pass) find(rule alert.Rule, subject alert.Subject) alert.State {
	if state, ok := p.states[key{rule.ID, subject.Key()}]; ok {
		return state
	}
	return alert.State{Rule: rule.ID, Subject: subject}
}

// keep keeps what a step made of a state, and what it tells unless it is muted.
func (p *pass) keep(rule alert.Rule, before, after alert.State, tell alert.Tell) {
	if _, muted := p.book.MuteOf(rule.ID, after.Subject, p.now); muted {
		after, tell = alert.Hush(after), alert.Nothing
	}
	at := key{rule.ID, after.Subject.Key()}
	if after.Phase == "" {
		delete(p.states, at)
	} else {
		p.states[at] = after
	}
	value := before
	value.Value, value.Detail = after.Value, after.Detail
	p.changed = p.changed || value != after // a value alone is not worth a write
	if tell == alert.Nothing {
		return
	}
	shown := after
	if tell == alert.ThatItIsOver {
		shown = before
		shown.Value = after.Value
	}
	p.told = append(p.told, told{rule, shown, tell, before.Since})
}

// stepMetric steps a rule with the readings of its metric. What has none is gone.
func (p *pass) stepMetric(rule alert.Rule, readings []alert.Reading) {
	seen := make(map[string]bool)
	for _, reading := range readings {
		if !rule.Covers(reading.Subject) {
			continue
		}
		seen[reading.Subject.Key()] = true
		before := p.find(rule, reading.Subject)
		before.Detail = reading.Detail
		after, tell := alert.StepMetric(rule, before, reading.Value, true, p.now)
		p.keep(rule, before, after, tell)
	}
	for _, before := range p.of(rule) {
		if !seen[before.Subject.Key()] {
			after, tell := alert.StepMetric(rule, before, 0, false, p.now)
			p.keep(rule, before, after, tell)
		}
	}
}

// stepEvents steps a rule with each event of its kind, and with those that end one.
func (p *pass) stepEvents(rule alert.Rule, events []event.Event) {
	for _, e := range events {
		subject := alert.Subject{App: e.App}
		began, ended := e.Kind == rule.Event, e.Kind == alert.Ends(rule.Event)
		if !began && !ended || !rule.Covers(subject) {
			continue
		}
		before := p.find(rule, subject)
		newest := &e
		if !began {
			newest = nil
		}
		after, tell := alert.StepEvent(rule, before, newest, ended, p.now)
		p.keep(rule, before, after, tell)
	}
	for _, before := range p.of(rule) {
		after, tell := alert.StepEvent(rule, before, nil, false, p.now)
		p.keep(rule, before, after, tell)
	}
}

// list is all states, in order.
func (p *pass) list() []alert.State {
	return slices.SortedFunc(maps.Values(p.states), func(a, b alert.State) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Subject.Key(), b.Subject.Key()))
	})
}
