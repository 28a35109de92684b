package router

import (
	"net/http"
	"strings"
	"time"

	"berth/controller/alert"
	"berth/controller/alert/desk"
)

const fieldSubject = "subject"

// muteOf is the mute that holds for an alert; nil where none does.
func muteOf(book alert.Book, s alert.State, now time.Time) *alert.Mute {
	mute, muted := book.MuteOf(s.Rule, s.Subject, now)
	if !muted {
		return nil
	}
	return &mute
}

func (a *admin) muteAlert(v *visit) error {
	form := v.request().PostForm
	if _, err := a.keepMute(v, form.Get(fieldSubject), form.Get(alert.FieldMute)); err != nil {
		return err
	}
	if err := v.notify("Muted."); err != nil {
		return err
	}
	return v.seeOther(alertsPath)
}

// keepMute mutes the rule that the path names, or one subject of it.
func (a *admin) keepMute(v *visit, subject, span string) (alert.Mute, error) {
	rule, err := a.findRule(v)
	if err != nil {
		return alert.Mute{}, err
	}
	lasts, err := alert.ParseMuteTime(span)
	if err != nil {
		return alert.Mute{}, err
	}
	v.done.resource, v.done.detail = "alert rule "+rule.Name, strings.TrimSpace("muted: "+lasts.Word+" "+subject)
	return a.alerts.Mute(v.context(), desk.MuteWish{Rule: rule.ID, Subject: subject, For: lasts, By: v.caller.name()})
}

func (a *admin) unmuteAlert(v *visit) error {
	if err := a.dropMute(v, v.request().PostForm.Get(fieldSubject)); err != nil {
		return err
	}
	if err := v.notify("No longer muted."); err != nil {
		return err
	}
	return v.seeOther(alertsPath)
}

// dropMute ends the mute of the rule that the path names, or of one subject of it.
func (a *admin) dropMute(v *visit, subject string) error {
	rule, err := a.findRule(v)
	if err != nil {
		return err
	}
	v.done.resource, v.done.detail = "alert rule "+rule.Name, strings.TrimSpace("no longer muted "+subject)
	return a.alerts.Unmute(v.context(), rule.ID, subject)
}

// mutedJSON is until when nothing is told, and who chose that.
type mutedJSON struct {
	Until *time.Time `json:"until"` // null: until it is over
	By    string     `json:"by"`
}

// muteJSON is a rule, or one subject of it, of which nothing is told.
type muteJSON struct {
	Rule    int64      `json:"rule"`
	Subject string     `json:"subject,omitempty"` // absent: the whole rule
	Until   *time.Time `json:"until"`             // null: until it is over
	By      string     `json:"by"`
}

// muteWishJSON is a mute as a client asks for it.
type muteWishJSON struct {
	For     string `json:"for"`               // 1h, 8h, 24h or over
	Subject string `json:"subject,omitempty"` // of what fires; absent: the whole rule
}

// unmuteJSON says which mute ends.
type unmuteJSON struct {
	Subject string `json:"subject,omitempty"` // absent: that of the whole rule
}

const muteExample = `{"for": "8h", "subject": "shop"}`

func mutedJSONOf(m alert.Mute) mutedJSON { return mutedJSON{timeOrNull(m.Until), m.By} }

func (a *admin) apiMute(v *visit) error {
	if _, err := a.findRule(v); err != nil {
		return err
	}
	var wish muteWishJSON
	if err := decodeJSON(v.request(), &wish, muteExample); err != nil {
		return err
	}
	made, err := a.keepMute(v, wish.Subject, wish.For)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, mutedJSONOf(made))
}

func (a *admin) apiUnmute(v *visit) error {
	var wish unmuteJSON
	if v.request().ContentLength != 0 {
		if err := decodeJSON(v.request(), &wish, `{"subject": "shop"}`); err != nil {
			return err
		}
	}
	if err := a.dropMute(v, wish.Subject); err != nil {
		return err
	}
	return v.emptyAnswer()
}
