package router

import (
	"slices"

	"berth/controller"
	"berth/controller/alert"
	"berth/controller/certificates"
)

// troubles are what is wrong with apps beside what the list of apps itself tells.
type troubles struct {
	apps  map[string][]string // rules of alerts that fire, by app
	hosts map[string]string   // what is wrong with the certificate, by host
}

func troublesOf(book alert.Book, domains []certificates.DomainAlert) troubles {
	made := troubles{apps: make(map[string][]string), hosts: make(map[string]string)}
	names := make(map[int64]string, len(book.Rules))
	for _, rule := range book.Rules {
		names[rule.ID] = rule.Name
	}
	for _, state := range book.States {
		if state.Phase == alert.Firing && state.Subject.App != "" {
			made.apps[state.Subject.App] = append(made.apps[state.Subject.App], "Alert: "+names[state.Rule])
		}
	}
	for _, domain := range domains {
		made.hosts[string(domain.Host)] = "Certificate of " + domain.Host.Unicode()
	}
	return made
}

// of returns what is wrong with an app, each once.
func (t troubles) of(view *controller.AppView) []string {
	found := slices.Clone(t.apps[string(view.Name)])
	if len(t.hosts) == 0 {
		return found
	}
	for _, route := range slices.Concat(view.Routes, view.Derived) {
		if text, bad := t.hosts[string(route.Host)]; bad && !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return found
}
