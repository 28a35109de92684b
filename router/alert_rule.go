package router

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth/controller/address"
	"berth/controller/alert"
	"berth/controller/event"
	"berth/controller/problem"
)

// The fields of the form of a rule that package alert does not name.
const (
	fieldTellOver  = "tell_over"
	fieldQuietTo   = "quiet_to"
	fieldChannel   = "channel"
	watchEvent     = "event:"
	watchMetric    = "metric:"
	defaultPause   = 15 * time.Minute
	defaultZone    = "UTC"
	defaultFor     = 2 * time.Minute
	defaultPercent = 85
)

type rulePage struct {
	frame
	ID       int64
	Typed    map[string]string
	Chosen   map[int64]bool // channels
	Events   []event.Kind
	Metrics  []alert.Metric
	Channels []alert.Channel
	Mute     *alert.Mute // of the whole rule; nil: none
	Times    []alert.MuteTime
	Problems fieldProblems
	Action   string
}

// Wrong is the problem of a field.
func (p rulePage) Wrong(field string) *problem.Problem { return p.Problems[field] }

func (p rulePage) field(id, label, hint string) textField {
	return textField{id, label, p.Typed[id], hint, p.Problems[id]}
}

// Limits are the fields that say when it fires.
func (p rulePage) Limits() []textField {
	return []textField{
		p.field(alert.FieldApps, "Only these apps (empty: all)", "shop, blog"),
		p.field(alert.FieldThreshold, "Threshold (of a metric)", "85"),
		p.field(alert.FieldClear, "Over once it is back at", "80"),
		p.field(alert.FieldFor, "For at least", "2m"),
	}
}

// Telling are the fields that say when people are told.
func (p rulePage) Telling() []textField {
	return []textField{
		p.field(alert.FieldPause, "Least pause between two messages", "15m"),
		p.field(alert.FieldQuiet, "Quiet hours from (optional)", "22:00"),
		p.field(fieldQuietTo, "Quiet hours until", "07:00"),
		p.field(alert.FieldZone, "Time zone of the quiet hours", "Europe/Berlin"),
	}
}

func (a *admin) newRule(v *visit) error {
	rule := alert.Rule{On: true, Metric: alert.DiskPercent, Threshold: defaultPercent, Clear: defaultPercent, For: defaultFor, Pause: defaultPause, TellOver: true}
	return a.ruleForm(v, 0, typedRule(rule), nil)
}

func (a *admin) showRule(v *visit) error {
	found, err := a.findRule(v)
	if err != nil {
		return err
	}
	return a.ruleForm(v, found.ID, typedRule(found), nil)
}

func (a *admin) findRule(v *visit) (alert.Rule, error) {
	id, err := v.number("id")
	if err != nil {
		return alert.Rule{}, err
	}
	book, err := a.alerts.View(v.context())
	at := slices.IndexFunc(book.Rules, func(r alert.Rule) bool { return r.ID == id })
	if err != nil || at < 0 {
		return alert.Rule{}, noSuchAlert(err)
	}
	return book.Rules[at], nil
}

// typedRule is the form of a rule.
func typedRule(r alert.Rule) url.Values { return alertRuleJSONOf(r).form() }

// shortTime is a duration without parts that are zero, such as 2m or 24h.
func shortTime(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func (a *admin) ruleForm(v *visit, id int64, form url.Values, problems fieldProblems) error {
	book, err := a.alerts.View(v.context())
	if err != nil {
		return err
	}
	page := rulePage{
		frame: v.frame("New rule"), ID: id, Typed: make(map[string]string), Chosen: make(map[int64]bool),
		Events: event.Kinds(), Metrics: alert.Metrics(), Channels: book.Channels, Times: alert.MuteTimes(), Problems: problems, Action: rulesPath,
	}
	if mute, muted := book.MuteOfRule(id, a.now()); muted {
		page.Mute = &mute
	}
	if id != 0 {
		page.Title, page.Action = "Rule", rulesPath+"/"+strconv.FormatInt(id, 10)
	}
	for field := range form {
		page.Typed[field] = form.Get(field)
	}
	for _, text := range form[fieldChannel] {
		chosen, _ := strconv.ParseInt(text, 10, 64)
		page.Chosen[chosen] = true
	}
	page.Section, page.Tab, page.Problem = "settings", "alerts", problems[""]
	return v.page(problems.status(), "alert_rule", page)
}

// ruleOf reads the form of a rule. Faults are of numbers and times alone.
func ruleOf(form url.Values) (alert.Rule, problem.Problems) {
	var faults problem.Problems
	number := func(field string) float64 {
		text := strings.TrimSpace(form.Get(field))
		value, err := strconv.ParseFloat(text, 64)
		if err != nil && text != "" {
			faults = append(faults, problem.Invalid("This is not a number.", "Write a number such as 85.").At(field))
		}
		return value
	}
	lasting := func(field string) time.Duration {
		text := strings.TrimSpace(form.Get(field))
		value, err := time.ParseDuration(text)
		if err != nil && text != "" {
			faults = append(faults, problem.Invalid("This is not a time.", "Write seconds, minutes or hours, such as 30s, 2m or 24h.").At(field))
		}
		return value
	}
	trimmed := func(field string) string { return strings.TrimSpace(form.Get(field)) }
	r := alert.Rule{
		Name: trimmed(alert.FieldName), On: form.Get(fieldOn) != "", Apps: address.SplitList(form.Get(alert.FieldApps)),
		Threshold: number(alert.FieldThreshold), Clear: number(alert.FieldClear), For: lasting(alert.FieldFor), Pause: lasting(alert.FieldPause),
		TellOver: form.Get(fieldTellOver) != "", Quiet: alert.Quiet{From: trimmed(alert.FieldQuiet), To: trimmed(fieldQuietTo), Zone: trimmed(alert.FieldZone)},
	}
	if kind, ok := strings.CutPrefix(form.Get(alert.FieldWatch), watchEvent); ok {
		r.Event = event.Kind(kind)
	} else if metric, ok := strings.CutPrefix(form.Get(alert.FieldWatch), watchMetric); ok {
		r.Metric = alert.Metric(metric)
	}
	if form.Get(alert.FieldClear) == "" {
		r.Clear = r.Threshold
	}
	if r.Quiet.From == "" && r.Quiet.To == "" {
		r.Quiet = alert.Quiet{}
	} else if r.Quiet.Zone == "" {
		r.Quiet.Zone = defaultZone
	}
	for _, text := range form[fieldChannel] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			faults = append(faults, alert.NoChannel(text))
		}
		r.Channels = append(r.Channels, id)
	}
	return r, faults
}

func (a *admin) createRule(v *visit) error { return a.saveRule(v, 0) }

func (a *admin) updateRule(v *visit) error {
	found, err := a.findRule(v)
	if err != nil {
		return err
	}
	return a.saveRule(v, found.ID)
}

// saveRule creates or changes a rule: 303 to the page of alerts.
func (a *admin) saveRule(v *visit, id int64) error {
	form := v.request().PostForm
	rule, err := a.keepRule(v, id, form)
	problems, err := fileProblems(err)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return a.ruleForm(v, id, form, problems)
	}
	if err := v.notify("Saved: " + rule.Name + "."); err != nil {
		return err
	}
	return v.seeOther(alertsPath)
}

// keepRule creates or changes a rule, of the form that pages and the API fill in.
func (a *admin) keepRule(v *visit, id int64, form url.Values) (alert.Rule, error) {
	rule, faults := ruleOf(form)
	if len(faults) > 0 {
		return rule, faults
	}
	rule.ID = id
	made, err := a.alerts.SaveRule(v.context(), rule)
	if err != nil {
		return rule, err
	}
	rule.ID, v.done.resource = made, "alert rule "+rule.Name
	return rule, nil
}

func (a *admin) deleteRule(v *visit) error {
	name, err := a.dropRule(v)
	if err != nil {
		return err
	}
	if err := v.notify("The rule " + name + " was removed."); err != nil {
		return err
	}
	return v.seeOther(alertsPath)
}

// dropRule removes the rule that the path names.
func (a *admin) dropRule(v *visit) (name string, err error) {
	found, err := a.findRule(v)
	if err != nil {
		return "", err
	}
	v.done.resource = "alert rule " + found.Name
	return found.Name, a.alerts.DeleteRule(v.context(), found.ID)
}
