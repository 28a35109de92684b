package app

import "berth/traefik"

// Renaming is what a new name changes of an app.
type Renaming struct {
	App, To Name
	Routes  []traefik.Route // of the app, whose path is its name: the path follows
	// Redirect lets the former ones of Routes redirect to the new ones, until an app claims them.
	Redirect bool
	Reseal   Reseal
}

// Reseal seals anew, for another place, what is sealed for one. What it cannot open, it
// returns as it is: nobody could open that before.
type Reseal func(sealed []byte, from, to string) []byte

// NamePath is the path of a route that an app has by its name.
func NamePath(name Name) traefik.Path { return traefik.Path("/" + string(name)) }
