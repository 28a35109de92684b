package router

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"berth/controller/alert"
	"berth/controller/alert/beat"
	"berth/controller/problem"
	"berth/controller/secret"
)

// Heart requests an address while Berth is healthy.
type Heart interface {
	Heartbeat(context.Context) (alert.Heartbeat, error)
	SaveHeartbeat(context.Context, beat.Wish) error
	DeleteHeartbeat(context.Context) error
	TestHeartbeat(context.Context) error
}

const (
	heartbeatPath = alertsPath + "/heartbeat"
	heartbeatName = "alert heartbeat" // in the audit log
)

type heartbeatPage struct {
	frame
	Now      alert.Heartbeat
	Badge    badge
	Minutes  string
	Method   string
	Private  bool
	Problems fieldProblems
}

// Wrong is the problem of a field.
func (p heartbeatPage) Wrong(field string) *problem.Problem { return p.Problems[field] }

func heartbeatBadge(h alert.Heartbeat) badge {
	switch {
	case !h.On():
		return badge{Word: "off"}
	case h.Error != "":
		return badge{Word: "failing", Tone: toneBad}
	case h.GoodAt.IsZero():
		return badge{Word: "not sent yet"}
	default:
		return badge{Word: "works", Tone: toneGood}
	}
}

func (a *admin) showHeartbeat(v *visit) error { return a.heartbeatForm(v, nil, nil) }

// heartbeatForm shows the form as it was typed, or as it is stored.
func (a *admin) heartbeatForm(v *visit, typed *heartbeatPage, problems fieldProblems) error {
	now, err := a.heart.Heartbeat(v.context())
	if err != nil {
		return err
	}
	page := heartbeatPage{Minutes: strconv.Itoa(max(now.Minutes, 1)), Method: now.Method, Private: now.Private}
	if typed != nil {
		page = *typed
	}
	page.frame, page.Now, page.Badge, page.Problems = v.frame("Heartbeat"), now, heartbeatBadge(now), problems
	page.Section, page.Tab, page.Problem = "settings", "alerts", problems[""]
	return v.page(problems.status(), "alert_heartbeat", page)
}

func (a *admin) updateHeartbeat(v *visit) error {
	typed, wish := typedHeartbeat(v.request().PostForm)
	problems, err := fileProblems(a.keepHeartbeat(v, wish))
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return a.heartbeatForm(v, &typed, problems)
	}
	if err := v.notify("Saved. Send a test to see whether it arrives."); err != nil {
		return err
	}
	return v.seeOther(heartbeatPath)
}

// typedHeartbeat reads the form: the page as typed, and the wish.
func typedHeartbeat(form url.Values) (heartbeatPage, beat.Wish) {
	typed := heartbeatPage{Minutes: strings.TrimSpace(form.Get(beat.FieldMinutes)), Method: form.Get(beat.FieldMethod), Private: form.Get(beat.FieldPrivate) != ""}
	minutes, err := strconv.Atoi(typed.Minutes)
	if err != nil && typed.Minutes != "" {
		minutes = -1 // refused with the other faults
	}
	return typed, beat.Wish{
		Address: secret.Text(strings.TrimSpace(form.Get(beat.FieldURL))), Method: typed.Method, Private: typed.Private, Minutes: minutes,
	}
}

// keepHeartbeat saves the heartbeat, for the page and the API.
func (a *admin) keepHeartbeat(v *visit, wish beat.Wish) error {
	v.done.resource = heartbeatName
	return a.heart.SaveHeartbeat(v.context(), wish)
}

func (a *admin) testHeartbeat(v *visit) error {
	v.done.resource = heartbeatName
	problems, err := fileProblems(a.heart.TestHeartbeat(v.context()))
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return a.heartbeatForm(v, nil, problems)
	}
	if err := v.notify("The heartbeat was sent."); err != nil {
		return err
	}
	return v.seeOther(heartbeatPath)
}

func (a *admin) deleteHeartbeat(v *visit) error {
	if err := a.dropHeartbeat(v); err != nil {
		return err
	}
	if err := v.notify("The heartbeat was removed. Pause its check in your monitor too."); err != nil {
		return err
	}
	return v.seeOther(alertsPath)
}

func (a *admin) dropHeartbeat(v *visit) error {
	v.done.resource = heartbeatName
	return a.heart.DeleteHeartbeat(v.context())
}

// heartbeatJSON is the heartbeat as the API shows it: never the whole address.
type heartbeatJSON struct {
	On         bool       `json:"on"`
	Host       string     `json:"host,omitempty"`
	Minutes    int        `json:"minutes,omitempty"`
	Method     string     `json:"method,omitempty"`
	Private    bool       `json:"private"`
	LastGood   *time.Time `json:"last_good"`
	LastFailed *time.Time `json:"last_failed"`
	LastError  string     `json:"last_error,omitempty"` // empty: the last one was taken
}

// heartbeatWishJSON is the heartbeat as a client sends it.
type heartbeatWishJSON struct {
	URL     string `json:"url,omitempty"`     // absent keeps the stored one
	Minutes int    `json:"minutes,omitempty"` // absent: 1
	Method  string `json:"method,omitempty"`  // absent: GET
	Private bool   `json:"private,omitempty"` // addresses of private networks may be reached
}

const heartbeatExample = `{"url": "https://hc-ping.com/...", "minutes": 1}`

func heartbeatJSONOf(h alert.Heartbeat) heartbeatJSON {
	return heartbeatJSON{h.On(), h.Host, h.Minutes, h.Method, h.Private, timeOrNull(h.GoodAt), timeOrNull(h.FailedAt), h.Error}
}

func (a *admin) apiShowHeartbeat(v *visit) error {
	found, err := a.heart.Heartbeat(v.context())
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, heartbeatJSONOf(found))
}

func (a *admin) apiUpdateHeartbeat(v *visit) error {
	var wish heartbeatWishJSON
	if err := decodeJSON(v.request(), &wish, heartbeatExample); err != nil {
		return err
	}
	err := a.keepHeartbeat(v, beat.Wish{Address: secret.Text(strings.TrimSpace(wish.URL)), Minutes: wish.Minutes, Method: wish.Method, Private: wish.Private})
	if err != nil {
		return err
	}
	return a.apiShowHeartbeat(v)
}

func (a *admin) apiDeleteHeartbeat(v *visit) error {
	if err := a.dropHeartbeat(v); err != nil {
		return err
	}
	return v.emptyAnswer()
}

// apiTestHeartbeat answers 200 once the monitor took a heartbeat.
func (a *admin) apiTestHeartbeat(v *visit) error {
	v.done.resource = heartbeatName
	if err := a.heart.TestHeartbeat(v.context()); err != nil {
		return err
	}
	return a.apiShowHeartbeat(v)
}
