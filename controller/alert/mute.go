package alert

import (
	"slices"
	"time"

	"berth/controller/problem"
)

// Mute says that nothing is told of a rule, or of one subject of it.
type Mute struct {
	Rule    int64
	Subject string    // its key; empty: every subject of the rule
	Until   time.Time // zero: until it is over
	By      string    // the person or the token that muted it
}

// Words are what is muted, beside the rule; empty where it is all of the rule.
func (m Mute) Words() string {
	if m.Subject == "" {
		return ""
	}
	return subjectOf(m.Subject).Words()
}

// Ended reports whether the time of the mute is over.
func (m Mute) Ended(now time.Time) bool { return !m.Until.IsZero() && !now.Before(m.Until) }

// covers reports whether the mute is about an alert.
func (m Mute) covers(rule int64, s Subject) bool {
	return m.Rule == rule && (m.Subject == "" || m.Subject == s.Key())
}

// MuteOf returns the mute that holds for an alert.
func (b Book) MuteOf(rule int64, s Subject, now time.Time) (Mute, bool) {
	at := slices.IndexFunc(b.Mutes, func(m Mute) bool { return m.covers(rule, s) && !m.Ended(now) })
	if at < 0 {
		return Mute{}, false
	}
	return b.Mutes[at], true
}

// MuteOfRule returns the mute that holds for every subject of a rule.
func (b Book) MuteOfRule(rule int64, now time.Time) (Mute, bool) {
	at := slices.IndexFunc(b.Mutes, func(m Mute) bool { return m.Rule == rule && m.Subject == "" && !m.Ended(now) })
	if at < 0 {
		return Mute{}, false
	}
	return b.Mutes[at], true
}

// Outlived are the mutes that end now: their time is over, or what they wait for fires no
// more.
func Outlived(mutes []Mute, states []State, now time.Time) (over []Mute) {
	for _, m := range mutes {
		fires := slices.ContainsFunc(states, func(s State) bool { return s.Phase == Firing && m.covers(s.Rule, s.Subject) })
		if m.Ended(now) || m.Until.IsZero() && !fires {
			over = append(over, m)
		}
	}
	return over
}

// Hush is a state after a step about which nothing was told. People count as not told, so
// that one message follows if it still fires when the mute ends.
func Hush(s State) State {
	if s.Phase == Firing {
		s.Told, s.LastAt = false, time.Time{}
	}
	return s
}

// MuteTime is how long a mute can last.
type MuteTime struct {
	Word  string // as scripts write it
	Label string

	span time.Duration // zero: until it is over
}

var muteTimes = []MuteTime{
	{"1h", "1 hour", time.Hour}, {"8h", "8 hours", 8 * time.Hour}, {"24h", "24 hours", 24 * time.Hour}, {"over", "Until it is over", 0},
}

// MuteTimes returns them in the order of a list to choose from.
func MuteTimes() []MuteTime { return slices.Clone(muteTimes) }

// FieldMute is the field that problems of ParseMuteTime name.
const FieldMute = "for"

// ParseMuteTime reads the word of a MuteTime.
func ParseMuteTime(word string) (MuteTime, error) {
	at := slices.IndexFunc(muteTimes, func(t MuteTime) bool { return t.Word == word })
	if at < 0 {
		return MuteTime{}, problem.Invalid("A mute does not last so long.", "Choose 1h, 8h, 24h or over.").At(FieldMute)
	}
	return muteTimes[at], nil
}

// UntilOver reports whether the mute lasts until what fires is over.
func (t MuteTime) UntilOver() bool { return t.span == 0 }

// From returns the end of a mute that begins now; zero: once it is over.
func (t MuteTime) From(now time.Time) time.Time {
	if t.UntilOver() {
		return time.Time{}
	}
	return now.Add(t.span)
}
