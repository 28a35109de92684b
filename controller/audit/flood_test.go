package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAuditFloods_CountWhatOneStrangerSendsBeyondTheMost(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	floods := newFloods()
	floods.now = func() time.Time { return now }
	var later []func()
	floods.after = func(_ time.Duration, do func()) { later = append(later, do) }
	var told []Event
	send := func(count int, event Event) (admitted int) {
		for range count {
			if floods.admit(event, func(e Event) { told = append(told, e) }) {
				admitted++
			}
		}
		return admitted
	}
	stranger := Event{Action: ActionRateLimitExceeded, Address: "203.0.113.50", Resource: "limit login"}
	if got := send(1000, stranger); got != floodMost {
		t.Errorf("%d entries", got)
	}
	for name, event := range map[string]Event{
		"another address": {Action: ActionRateLimitExceeded, Address: "203.0.113.51"},
		"another action":  {Action: ActionAccessDenied, Address: "203.0.113.50"},
		"an account":      {Action: ActionAppDelete, Address: "203.0.113.50", Account: "admin"},
		"a success":       {Action: ActionLoginSuccess, Address: "203.0.113.50", Success: true},
	} {
		if send(1, event) != 1 {
			t.Errorf("%s is not let in", name)
		}
	}
	if len(later) != 1 {
		t.Fatalf("%d counts to come", len(later))
	}
	later[0]()
	if len(told) != 1 || !strings.HasPrefix(told[0].Detail, "700 more like this") || told[0].Action != ActionRateLimitExceeded || told[0].Address != "203.0.113.50" {
		t.Errorf("told %+v", told)
	}
	now = now.Add(floodWindow)
	if send(1, stranger) != 1 {
		t.Error("the next window lets nothing in")
	}
}

func TestAuditFloods_OneMachineHasOneIPv6Network(t *testing.T) {
	floods := newFloods()
	floods.after = func(time.Duration, func()) {}
	admitted := 0
	for i := range 2 * floodMost {
		if floods.admit(Event{Action: ActionAccessDenied, Address: fmt.Sprintf("2001:db8::%x", i)}, nil) {
			admitted++
		}
	}
	if admitted != floodMost {
		t.Errorf("%d entries", admitted)
	}
}

func TestAuditFloods_ForgetAddressesOfThePast(t *testing.T) {
	now := time.Now()
	floods := newFloods()
	floods.now = func() time.Time { return now }
	for i := range floodKeys {
		floods.admit(Event{Action: ActionAccessDenied, Address: fmt.Sprint(i)}, nil)
	}
	now = now.Add(floodWindow)
	floods.admit(Event{Action: ActionAccessDenied, Address: "192.0.2.1"}, nil)
	if len(floods.floods) != 1 {
		t.Errorf("remembers %d", len(floods.floods))
	}
}
