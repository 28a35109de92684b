package router

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/alert/desk"
	"berth/controller/secret"
)

// alertIDJSON is the number of what was created.
type alertIDJSON struct {
	ID int64 `json:"id"`
}

// alertRuleJSON is a rule as a client shows and sends it.
type alertRuleJSON struct {
	Name      string      `json:"name"`
	On        bool        `json:"on"`
	Watch     string      `json:"watch"` // such as event:release.failed or metric:disk_percent
	Apps      []string    `json:"apps,omitempty"`
	Threshold float64     `json:"threshold"`
	Clear     *float64    `json:"clear,omitempty"` // absent: the threshold
	For       string      `json:"for,omitempty"`
	Pause     string      `json:"pause,omitempty"`
	TellOver  bool        `json:"tell_over"`
	Quiet     alert.Quiet `json:"quiet"`
	Channels  []int64     `json:"channels,omitempty"` // none means all
}

// alertChannelJSON is a channel as a client shows and sends it; the secret is never in an
// answer.
type alertChannelJSON struct {
	Name     string           `json:"name"`
	Settings channel.Settings `json:"settings"`
	Secret   string           `json:"secret,omitempty"` // absent keeps the stored one, unless the address is another
}

const (
	ruleExample    = `{"name": "Disk", "on": true, "watch": "metric:disk_percent", "threshold": 85, "for": "5m"}`
	channelExample = `{"name": "ops", "settings": {"kind": "webhook", "address": "https://hooks.example.com"}, "secret": "..."}`
)

func alertRuleJSONOf(r alert.Rule) alertRuleJSON {
	return alertRuleJSON{
		r.Name, r.On, watchOf(r), r.Apps, r.Threshold, &r.Clear, shortTime(r.For), shortTime(r.Pause), r.TellOver, r.Quiet, r.Channels,
	}
}

// watchOf is what a rule watches, as people choose it.
func watchOf(r alert.Rule) string {
	if r.Event != "" {
		return watchEvent + string(r.Event)
	}
	return watchMetric + string(r.Metric)
}

// form is the form of the page with the same rule.
func (r alertRuleJSON) form() url.Values {
	number := func(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }
	form := url.Values{
		alert.FieldName: {r.Name}, alert.FieldWatch: {r.Watch}, alert.FieldApps: {strings.Join(r.Apps, ", ")},
		alert.FieldThreshold: {number(r.Threshold)}, alert.FieldFor: {r.For}, alert.FieldPause: {r.Pause},
		alert.FieldQuiet: {r.Quiet.From}, fieldQuietTo: {r.Quiet.To}, alert.FieldZone: {r.Quiet.Zone},
	}
	if r.Clear != nil {
		form.Set(alert.FieldClear, number(*r.Clear))
	}
	if r.On {
		form.Set(fieldOn, "1")
	}
	if r.TellOver {
		form.Set(fieldTellOver, "1")
	}
	for _, id := range r.Channels {
		form.Add(fieldChannel, strconv.FormatInt(id, 10))
	}
	return form
}

func (a *admin) apiShowRule(v *visit) error {
	r, err := a.findRule(v)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, alertRuleJSONOf(r))
}

func (a *admin) apiCreateRule(v *visit) error {
	var wish alertRuleJSON
	if err := decodeJSON(v.request(), &wish, ruleExample); err != nil {
		return err
	}
	made, err := a.keepRule(v, 0, wish.form())
	if err != nil {
		return err
	}
	return v.json(http.StatusCreated, alertIDJSON{made.ID})
}

// apiUpdateRule replaces the whole rule.
func (a *admin) apiUpdateRule(v *visit) error {
	found, err := a.findRule(v)
	if err != nil {
		return err
	}
	var wish alertRuleJSON
	if err := decodeJSON(v.request(), &wish, ruleExample); err != nil {
		return err
	}
	if _, err := a.keepRule(v, found.ID, wish.form()); err != nil {
		return err
	}
	return v.emptyAnswer()
}

func (a *admin) apiDeleteRule(v *visit) error {
	if _, err := a.dropRule(v); err != nil {
		return err
	}
	return v.emptyAnswer()
}

func (c alertChannelJSON) wish() desk.Wish {
	return desk.Wish{Name: strings.TrimSpace(c.Name), Settings: c.Settings, Secret: secret.Text(strings.TrimSpace(c.Secret))}
}

func (a *admin) apiShowChannel(v *visit) error {
	found, err := a.findChannel(v)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, alertChannelJSON{Name: found.Name, Settings: found.Settings})
}

func (a *admin) apiCreateChannel(v *visit) error {
	var wish alertChannelJSON
	if err := decodeJSON(v.request(), &wish, channelExample); err != nil {
		return err
	}
	id, err := a.keepChannel(v, 0, wish.wish())
	if err != nil {
		return err
	}
	return v.json(http.StatusCreated, alertIDJSON{id})
}

// apiUpdateChannel replaces the settings of a channel.
func (a *admin) apiUpdateChannel(v *visit) error {
	found, err := a.findChannel(v)
	if err != nil {
		return err
	}
	var wish alertChannelJSON
	if err := decodeJSON(v.request(), &wish, channelExample); err != nil {
		return err
	}
	if _, err := a.keepChannel(v, found.ID, wish.wish()); err != nil {
		return err
	}
	return v.emptyAnswer()
}

func (a *admin) apiDeleteChannel(v *visit) error {
	if _, err := a.dropChannel(v); err != nil {
		return err
	}
	return v.emptyAnswer()
}
