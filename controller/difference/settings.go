package difference

import (
	"cmp"
	"slices"
)

// Setting is something that a release runs with, or is built with, and that differs.
type Setting struct {
	Service  string // empty for the whole app
	Name     string // such as "memory"
	From, To string // as a person reads it; empty if it is not set, or is hidden
	Hidden   bool   // the texts are not shown, because they can hold secrets
}

// fact is one setting of one release.
type fact struct {
	service, name, text string
	hidden              bool
}

// facts are settings in the order in which they are shown.
type facts []fact

// add adds a setting that is set.
func (f *facts) add(service, name, text string) {
	if text != "" {
		*f = append(*f, fact{service: service, name: name, text: text})
	}
}

// hide adds a setting whose text is only compared.
func (f *facts) hide(service, name, text string) {
	*f = append(*f, fact{service: service, name: name, text: text, hidden: true})
}

func (f facts) find(wanted fact) (found fact) {
	at := slices.IndexFunc(f, func(other fact) bool { return other.service == wanted.service && other.name == wanted.name })
	if at < 0 {
		return fact{}
	}
	return f[at]
}

// compareFacts returns what differs: the app's own first, then that of each service.
func compareFacts(before, after facts) []Setting {
	var settings []Setting
	add := func(key, was, now fact) {
		if was == now {
			return
		}
		setting := Setting{Service: key.service, Name: key.name, From: was.text, To: now.text, Hidden: key.hidden}
		if setting.Hidden {
			setting.From, setting.To = "", ""
		}
		settings = append(settings, setting)
	}
	for _, now := range after {
		add(now, before.find(now), now)
	}
	for _, was := range before {
		if after.find(was) == (fact{}) {
			add(was, was, fact{})
		}
	}
	slices.SortStableFunc(settings, func(a, b Setting) int { return cmp.Compare(a.Service, b.Service) })
	return settings
}
