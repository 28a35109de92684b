package router

import (
	"net/http"
	"time"

	"berth/controller/alert"
	"berth/controller/alert/channel"
)

const apiAlerts = "/api/v1/alerts"

// alertsJSON is what fires, the rules and the channels, as the API shows them.
type alertsJSON struct {
	Firing   []firingJSON  `json:"firing"`
	Rules    []ruleJSON    `json:"rules"`
	Channels []channelJSON `json:"channels"`
	Mutes    []muteJSON    `json:"mutes"`
}

type firingJSON struct {
	Rule    int64      `json:"rule"`
	Subject string     `json:"subject"`
	Since   time.Time  `json:"since"`
	Told    bool       `json:"told"`
	Detail  string     `json:"detail,omitempty"`
	Muted   *mutedJSON `json:"muted"` // null: it is not
}

type ruleJSON struct {
	ID        int64       `json:"id"`
	Name      string      `json:"name"`
	On        bool        `json:"on"`
	Watch     string      `json:"watch"` // such as event:release.failed or metric:disk_percent
	Apps      []string    `json:"apps,omitempty"`
	Threshold float64     `json:"threshold"`
	Clear     float64     `json:"clear"`
	For       string      `json:"for"`
	Pause     string      `json:"pause"`
	TellOver  bool        `json:"tell_over"`
	Quiet     alert.Quiet `json:"quiet"`
	Channels  []int64     `json:"channels,omitempty"` // none means all
}

// channelJSON never holds a secret.
type channelJSON struct {
	ID           int64            `json:"id"`
	Name         string           `json:"name"`
	Settings     channel.Settings `json:"settings"`
	HasSecret    bool             `json:"has_secret"`
	FailingSince *time.Time       `json:"failing_since"`
	LastError    string           `json:"last_error,omitempty"`
}

// apiShowAlerts answers with what fires, the rules and the channels.
func (a *admin) apiShowAlerts(v *visit) error {
	book, err := a.alerts.View(v.context())
	if err != nil {
		return err
	}
	answer := alertsJSON{Firing: []firingJSON{}, Rules: []ruleJSON{}, Channels: []channelJSON{}, Mutes: []muteJSON{}}
	for _, s := range book.States {
		if s.Phase == alert.Firing {
			made := firingJSON{s.Rule, s.Subject.Words(), s.Since, s.Told, s.Detail, nil}
			if mute := muteOf(book, s, a.now()); mute != nil {
				muted := mutedJSONOf(*mute)
				made.Muted = &muted
			}
			answer.Firing = append(answer.Firing, made)
		}
	}
	for _, m := range book.Mutes {
		if !m.Ended(a.now()) {
			answer.Mutes = append(answer.Mutes, muteJSON{m.Rule, m.Words(), timeOrNull(m.Until), m.By})
		}
	}
	for _, r := range book.Rules {
		answer.Rules = append(answer.Rules, ruleJSON{
			r.ID, r.Name, r.On, watchOf(r), r.Apps, r.Threshold, r.Clear, shortTime(r.For), shortTime(r.Pause), r.TellOver, r.Quiet, r.Channels,
		})
	}
	for _, c := range book.Channels {
		made := channelJSON{ID: c.ID, Name: c.Name, Settings: c.Settings, HasSecret: len(c.Sealed) > 0, LastError: c.LastError}
		if !c.FailingSince.IsZero() {
			made.FailingSince = &c.FailingSince
		}
		answer.Channels = append(answer.Channels, made)
	}
	return v.json(http.StatusOK, answer)
}
