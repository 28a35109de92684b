// Package recovery makes apps and their live releases again from what their containers tell, for a server that lost its ledger.
package recovery

import (
	"encoding/json"

	"berth/controller/app"
	"berth/controller/plan"
	"berth/traefik"
)

// mostRecord bounds the text that a container carries, in bytes. A longer one is left out:
// the rest of the container still tells a lot.
const mostRecord = 16 << 10

// record is what a container carries of its release. Variables and files are not in it:
// their values may be secrets.
type record struct {
	App       app.Name `json:",omitempty"` // its name, where the label has another word
	Service   plan.Service
	Main      bool                `json:",omitempty"`
	Sole      bool                `json:",omitempty"`
	Settings  app.Settings        // of the release
	Mounts    []app.Mount         `json:",omitempty"`
	Routes    []routeRecord       // as they were when the container started
	Address   string              // of the main service
	Addresses map[string]string   `json:",omitempty"`
	Reference plan.ImageReference `json:",omitempty"`
	Digest    string              `json:",omitempty"`
}

// routeRecord is a route with its destination.
type routeRecord struct {
	Route   string
	Service string `json:",omitempty"`
	Port    uint16 `json:",omitempty"`
}

// Describe returns the record of one service of a release; empty where it would be too long.
func Describe(found app.App, release app.Release, run app.ServiceRun) string {
	told := record{
		Service: run.Spec, Main: run.Main, Sole: run.Sole, Settings: release.Settings, Mounts: release.Mounts,
		Address: release.Address, Addresses: release.Addresses, Reference: release.Reference, Digest: release.Digest,
	}
	if found.Key() != found.Name {
		told.App = found.Name
	}
	told.Service.Build, told.Service.Environment, told.Service.Files = plan.Build{}, nil, nil
	for _, route := range found.Routes {
		to := found.Destinations[route]
		told.Routes = append(told.Routes, routeRecord{route.String(), to.Service, to.Port})
	}
	text, err := json.Marshal(told)
	if err != nil || len(text) > mostRecord {
		return ""
	}
	return string(text)
}

// read reads a record; ok is false for none, and for one that no Berth wrote.
func read(text string) (told record, ok bool) {
	if text == "" || len(text) > mostRecord || json.Unmarshal([]byte(text), &told) != nil {
		return record{}, false
	}
	return told, true
}

// claim gives the app the routes of the record that are well formed.
func (r record) claim(found *app.App) {
	for _, told := range r.Routes {
		if route, err := traefik.ParseRoute(told.Route); err == nil {
			found.Lead(route, app.Destination{Service: told.Service, Port: told.Port})
		}
	}
}
