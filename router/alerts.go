package router

import (
	"context"
	"net/http"

	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/alert/desk"
)

// Alerts are the rules and channels of alerts. View asks the ledger alone.
type Alerts interface {
	View(context.Context) (alert.Book, error)
	SaveRule(context.Context, alert.Rule) (id int64, err error)
	DeleteRule(ctx context.Context, id int64) error
	SaveChannel(context.Context, desk.Wish) (id int64, err error)
	DeleteChannel(ctx context.Context, id int64) error
	TestChannel(ctx context.Context, id int64) error
	Mute(context.Context, desk.MuteWish) (alert.Mute, error)
	Unmute(ctx context.Context, rule int64, subject string) error
}

const (
	alertsPath   = "/settings/alerts"
	channelsPath = alertsPath + "/channels"
	rulesPath    = alertsPath + "/rules"
)

type alertsPage struct {
	frame
	Channels []channelRow
	Rules    []ruleRow
	Forms    []channel.Form
	Firing   []firingRow
	Muted    []muteRow
	Times    []alert.MuteTime

	Heartbeat alert.Heartbeat
	Beat      badge
}

type channelRow struct {
	alert.Channel
	Label string
	Badge badge
}

type ruleRow struct {
	alert.Rule
	Watches string
	Badge   badge
}

// firingRow is an alert that fires now.
type firingRow struct {
	Name, Words string
	alert.State

	Mute *alert.Mute // nil: it is not muted
}

// muteRow is a rule, or one alert of it, of which nothing is told.
type muteRow struct {
	Name string
	alert.Mute
}

// showAlerts lists what fires, the channels and the rules.
func (a *admin) showAlerts(v *visit) error {
	book, err := a.alerts.View(v.context())
	if err != nil {
		return err
	}
	heartbeat, err := a.heart.Heartbeat(v.context())
	if err != nil {
		return err
	}
	page := alertsPage{frame: v.frame("Alerts"), Forms: channel.Forms(), Times: alert.MuteTimes(), Heartbeat: heartbeat, Beat: heartbeatBadge(heartbeat)}
	page.Section, page.Tab = "settings", "alerts"
	for _, c := range book.Channels {
		page.Channels = append(page.Channels, channelRow{c, labelOf(c.Settings.Kind), channelBadge(c)})
	}
	names := make(map[int64]string)
	for _, r := range book.Rules {
		names[r.ID] = r.Name
		row := ruleRow{r, watchedWords(r), badge{Word: "on", Tone: toneGood}}
		if !r.On {
			row.Badge = badge{Word: "off"}
		}
		page.Rules = append(page.Rules, row)
	}
	for _, s := range book.States {
		if s.Phase == alert.Firing {
			page.Firing = append(page.Firing, firingRow{names[s.Rule], s.Subject.Words(), s, muteOf(book, s, a.now())})
		}
	}
	for _, m := range book.Mutes {
		if !m.Ended(a.now()) {
			page.Muted = append(page.Muted, muteRow{names[m.Rule], m})
		}
	}
	return v.page(http.StatusOK, "alerts", page)
}

func labelOf(kind channel.Kind) string {
	form, _ := channel.FormOf(kind)
	return form.Label
}

func channelBadge(c alert.Channel) badge {
	switch {
	case !c.FailingSince.IsZero():
		return badge{Word: "failing", Tone: toneBad}
	case c.LastError != "":
		return badge{Word: "trying again", Tone: toneWarn}
	case c.LastAt.IsZero():
		return badge{Word: "not used yet"}
	default:
		return badge{Word: "works", Tone: toneGood}
	}
}

func watchedWords(r alert.Rule) string {
	if r.Event != "" {
		return "Event: " + r.Event.Words()
	}
	return r.Metric.Label()
}

// failingChannels are the names of those that the dashboard warns of.
func (a *admin) failingChannels(v *visit) (names []string, err error) {
	book, err := a.alerts.View(v.context())
	for _, c := range book.Channels {
		if !c.FailingSince.IsZero() {
			names = append(names, c.Name)
		}
	}
	return names, err
}
