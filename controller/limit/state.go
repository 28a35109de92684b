package limit

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	maxListed  = 200 // limited subjects, shown at once
	shownHours = 24  // of refusals
)

// State is what the limits are doing, for people.
type State struct {
	Classes []ClassState // every class, in the order of Descriptions
	Limited []Counter    // the latest first, without their windows
	Hours   []Refusals   // of the last day, one for each hour and class that had any
	Begins  time.Time    // the first hour of that day
}

// ClassState is one class with what it counts.
type ClassState struct {
	Description
	Budget Budget // the one in force
	Chosen bool   // by an operator: Reset brings back the first one
	Tally
}

// State reads what the limits are doing.
func (l *Limiter) State(ctx context.Context) (State, error) {
	now := l.now()
	state := State{Begins: now.UTC().Truncate(time.Hour).Add(-(shownHours - 1) * time.Hour)}
	tallies, err := l.ledger.Counters.TallyCounters(ctx, now)
	if err != nil {
		return State{}, fmt.Errorf("tally counters: %w", err)
	}
	if state.Limited, err = l.ledger.Counters.ListLimited(ctx, now, maxListed); err != nil {
		return State{}, fmt.Errorf("list limited: %w", err)
	}
	if state.Hours, err = l.ledger.Refusals.ListRefusals(ctx, state.Begins); err != nil {
		return State{}, fmt.Errorf("list refusals: %w", err)
	}
	state.Hours = l.withUnwritten(state.Hours)
	// Of the class Default the ledger is some seconds behind.
	ofDefault, limited := l.crowd.state(now)
	state.Limited = slices.DeleteFunc(state.Limited, func(c Counter) bool { return c.Class == Default })
	state.Limited = append(state.Limited, limited...)
	slices.SortFunc(state.Limited, func(a, b Counter) int { return b.Since.Compare(a.Since) })
	state.Limited = state.Limited[:min(len(state.Limited), maxListed)]
	tallies = slices.DeleteFunc(tallies, func(t Tally) bool { return t.Class == Default })
	state.Classes = l.classes(append(tallies, ofDefault))
	return state, nil
}

func (l *Limiter) classes(tallies []Tally) []ClassState {
	classes := make([]ClassState, 0, len(descriptions))
	for _, d := range descriptions {
		class := ClassState{Description: d, Budget: l.budget(d.Class), Chosen: l.isChosen(d.Class), Tally: Tally{Class: d.Class}}
		at := slices.IndexFunc(tallies, func(t Tally) bool { return t.Class == d.Class })
		if at >= 0 {
			class.Tally = tallies[at]
		}
		classes = append(classes, class)
	}
	return classes
}

func (l *Limiter) withUnwritten(hours []Refusals) []Refusals {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at, count := range l.refusals {
		at.Count = count
		hours = append(hours, at)
	}
	return hours
}
