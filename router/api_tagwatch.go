package router

import (
	"cmp"
	"net/http"
	"time"

	"berth/controller/tagwatch"
)

// tagWatchWish is what a request chooses.
type tagWatchWish struct {
	On      bool `json:"on"`
	Minutes int  `json:"minutes,omitempty"` // between two looks: 5 to 1440; 15 where it is left out
}

// tagWatchJSON is the watch of an app's tag as the API shows it.
type tagWatchJSON struct {
	On       bool       `json:"on"`
	Minutes  int        `json:"minutes"`             // between two looks
	Seen     string     `json:"seen"`                // the digest that the tag meant at the last look; empty before the first
	LookedAt *time.Time `json:"looked_at,omitempty"` // missing before the first look
	Fault    string     `json:"fault"`               // why the last look failed; empty where it did not
	HasHook  bool       `json:"has_hook"`            // the registry can tell of pushes
}

func tagWatchJSONOf(w tagwatch.Watch) tagWatchJSON {
	made := tagWatchJSON{On: w.On, Minutes: w.Minutes, Seen: w.Seen, Fault: w.Fault, HasHook: w.HasHook()}
	if !w.LookedAt.IsZero() {
		made.LookedAt = &w.LookedAt
	}
	return made
}

// apiShowTagWatch answers with the watch of an app's tag.
func (a *admin) apiShowTagWatch(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	found, err := a.tagWatches.Show(v.context(), named.Name)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, tagWatchJSONOf(found))
}

// apiUpdateTagWatch switches the watch of an app's tag on or off.
func (a *admin) apiUpdateTagWatch(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	var wish tagWatchWish
	if err := decodeJSON(v.request(), &wish, `{"on": true, "minutes": 15}`); err != nil {
		return err
	}
	saved, err := a.saveTagWatch(v, named.Name, wish.On, cmp.Or(wish.Minutes, tagwatch.DefaultMinutes))
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, tagWatchJSONOf(saved))
}

// tagHookJSON is what a registry is given.
type tagHookJSON struct {
	Address string `json:"address"`
	Secret  string `json:"secret"` // in this answer and in no other one
}

// apiCheckTag looks at the tag now, and answers with what came of it.
func (a *admin) apiCheckTag(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	found, err := a.lookAtTag(v, named.Name)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, tagWatchJSONOf(found))
}

// apiCreateTagHook answers with a new address and a new secret.
func (a *admin) apiCreateTagHook(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	made, err := a.makeTagHook(v, named.Name)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, tagHookJSON{a.tagHookAddress(v.request(), made.Path), made.Secret.Reveal()})
}

// apiDeleteTagHook ends the address.
func (a *admin) apiDeleteTagHook(v *visit) error {
	named, err := a.appOf(v)
	if err != nil {
		return err
	}
	if err := a.dropTagHook(v, named.Name); err != nil {
		return err
	}
	return v.emptyAnswer()
}
