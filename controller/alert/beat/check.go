package beat

import (
	"fmt"
	"net/http"
	"net/url"

	"berth/controller/alert"
	"berth/controller/alert/channel"
	"berth/controller/problem"
	"berth/controller/secret"
)

// The fields that problems name.
const (
	FieldURL     = "url"
	FieldMinutes = "minutes"
	FieldMethod  = "method"
	FieldPrivate = "private"
)

// Wish is a heartbeat as a person types it.
type Wish struct {
	Address secret.Text // empty keeps the stored one
	Minutes int         // 0 stands for 1
	Method  string      // empty stands for GET
	Private bool
}

// MostMinutes is the longest time between two beats.
const MostMinutes = 60

// check returns the heartbeat of a wish without the sealed address, and all that is wrong
// as problem.Problems. A stored address counts as typed.
func check(wish Wish, stored bool) (alert.Heartbeat, error) {
	var faults problem.Problems
	refuse := func(field, message, hint string) { faults = append(faults, problem.Invalid(message, hint).At(field)) }
	made := alert.Heartbeat{Minutes: wish.Minutes, Method: wish.Method, Private: wish.Private}
	const copied = "Copy the address that your monitor shows, such as https://hc-ping.com/..."
	switch {
	case wish.Address == "" && !stored:
		refuse(FieldURL, "The address is missing.", copied)
	case wish.Address != "" && !channel.IsURL(wish.Address.Reveal()):
		refuse(FieldURL, "This is not an address that can be requested.", copied)
	case wish.Address != "":
		made.Host = hostOf(wish.Address)
	}
	if made.Minutes == 0 {
		made.Minutes = 1
	}
	if made.Minutes < 1 || made.Minutes > MostMinutes {
		refuse(FieldMinutes, "This is not a number of minutes.", fmt.Sprintf("Write 1 to %d.", MostMinutes))
	}
	switch made.Method {
	case "":
		made.Method = http.MethodGet
	case http.MethodGet, http.MethodPost:
	default:
		refuse(FieldMethod, "There is no such method.", "Choose GET or POST.")
	}
	if len(faults) > 0 {
		return alert.Heartbeat{}, faults
	}
	return made, nil
}

// hostOf is the part of an address that is no secret.
func hostOf(address secret.Text) string {
	at, err := url.Parse(address.Reveal())
	if err != nil {
		return ""
	}
	return at.Scheme + "://" + at.Host
}
