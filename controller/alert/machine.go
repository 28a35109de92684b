package alert

import (
	"strings"
	"time"

	"berth/controller/event"
)

// Subject is what an alert is about: an app, a host, or the server.
type Subject struct {
	App  string `json:"app,omitempty"`
	Host string `json:"host,omitempty"`
}

// Key names the subject within a rule.
func (s Subject) Key() string {
	switch {
	case s.App != "":
		return "app/" + s.App
	case s.Host != "":
		return "host/" + s.Host
	default:
		return "server"
	}
}

// subjectOf is the subject of a key.
func subjectOf(key string) Subject {
	if app, ok := strings.CutPrefix(key, "app/"); ok {
		return Subject{App: app}
	}
	if host, ok := strings.CutPrefix(key, "host/"); ok {
		return Subject{Host: host}
	}
	return Subject{}
}

// Words are the subject in a sentence.
func (s Subject) Words() string {
	if s.App == "" && s.Host == "" {
		return "the server"
	}
	return s.App + s.Host
}

// Phase is how far an alert is.
type Phase string

// The phases. An alert that is over has no state.
const (
	Pending Phase = "pending" // beyond the threshold, but not for long enough
	Firing  Phase = "firing"
	Resting Phase = "resting" // over; the pause after its last message still runs
)

// State is that of one rule and subject, as the ledger keeps it. The zero State is of an
// alert that does not fire.
type State struct {
	Rule    int64     `json:"rule"`
	Subject Subject   `json:"subject"`
	Phase   Phase     `json:"phase"`
	Since   time.Time `json:"since"`            // of the phase
	Back    time.Time `json:"back,omitzero"`    // since when the value is back while it fires
	Told    bool      `json:"told,omitempty"`   // people know that it fires
	Held    bool      `json:"held,omitempty"`   // it began in quiet hours
	LastAt  time.Time `json:"last_at,omitzero"` // of the last message that it fires
	Event   int64     `json:"event,omitempty"`  // the newest one, of a rule of events
	Value   float64   `json:"value,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// Tell is what to tell of a step.
type Tell uint8

// What a step can tell.
const (
	Nothing Tell = iota
	ThatItFires
	ThatItIsOver
)

const (
	// settle is how long a value must be back at least before an alert is over, so that one
	// that flaps is one alert.
	settle = time.Minute
	// eventLife is how long an event without an end fires: a night's is told in the morning.
	eventLife = 12 * time.Hour
)

// StepMetric takes a reading. Without one the subject is gone, or is not measured: that
// counts as back.
func StepMetric(r Rule, s State, value float64, known bool, now time.Time) (State, Tell) {
	firing := s.Phase == Firing
	breached := known && r.breached(value, firing)
	if known {
		s.Value = value
	}
	switch {
	case breached && firing:
		s.Back = time.Time{}
	case breached:
		if s.Phase != Pending {
			s.Phase, s.Since = Pending, now
		}
		if now.Sub(s.Since) >= r.For {
			s = s.fire(r, now)
		}
	case !firing:
		return s.rest(r, now), Nothing
	case s.Back.IsZero():
		s.Back = now
	}
	if s.Phase == Firing && !s.Back.IsZero() && now.Sub(s.Back) >= max(r.For, settle) {
		return s.end(r, now)
	}
	return s.tell(r, now)
}

// StepEvent takes the newest event of the rule's kind since the step before, and whether a
// later one ended it. Either may be missing.
func StepEvent(r Rule, s State, began *event.Event, ended bool, now time.Time) (State, Tell) {
	if began != nil {
		s = s.fire(r, now)
		s.Event, s.Detail = began.ID, began.Detail
	}
	switch {
	case s.Phase != Firing:
		return s.rest(r, now), Nothing
	case ended, !s.Back.IsZero():
		s.Back = now
		return s.end(r, now)
	case now.Sub(s.Since) >= eventLife:
		s.Phase = Resting
		return s.rest(r, now), Nothing
	}
	return s.tell(r, now)
}

// fire makes the alert fire, anew if it fires already.
func (s State) fire(r Rule, now time.Time) State {
	s.Phase, s.Since, s.Back, s.Told, s.Held = Firing, now, time.Time{}, false, r.Quiet.Holds(now)
	return s
}

// tell says that the alert fires, if nobody knows yet and somebody may be told.
func (s State) tell(r Rule, now time.Time) (State, Tell) {
	if s.Phase != Firing || s.Told || !s.Back.IsZero() || r.Quiet.Holds(now) || !s.LastAt.IsZero() && now.Sub(s.LastAt) < r.Pause {
		return s, Nothing
	}
	s.Told, s.LastAt = true, now
	return s, ThatItFires
}

// end ends the alert. Who was told that it fires is told that it is over, after quiet hours.
func (s State) end(r Rule, now time.Time) (State, Tell) {
	told := s.Told && r.TellOver
	if told && r.Quiet.Holds(now) {
		return s, Nothing
	}
	s.Phase, s.Told = Resting, false
	if told {
		return s.rest(r, now), ThatItIsOver
	}
	return s.rest(r, now), Nothing
}

// rest is the zero State once no pause runs any more.
func (s State) rest(r Rule, now time.Time) State {
	if s.LastAt.IsZero() || now.Sub(s.LastAt) >= r.Pause {
		return State{Rule: s.Rule, Subject: s.Subject}
	}
	s.Phase, s.Back, s.Held = Resting, time.Time{}, false
	return s
}

// ends are the events after which what another one told is over.
var ends = map[event.Kind]event.Kind{
	event.ReleaseFailed: event.ReleaseLive, event.BackupFailed: event.BackupDone,
	event.AppDown: event.AppRunning, event.AppExited: event.AppRunning, event.AppOutOfMemory: event.AppRunning,
	event.AppUnhealthy: event.AppRunning, event.AppRestarted: event.AppRunning,
	event.DiskLow: event.DiskEnough, event.DiskFull: event.DiskEnough,
	event.CertificateFailed: event.CertificateGood, event.CertificateExpiring: event.CertificateGood,
}

// Ends returns the kind of event that ends what one of this kind told; empty where none does.
func Ends(kind event.Kind) event.Kind { return ends[kind] }
