package volumes

import (
	"context"

	"berth/controller/app"
	"berth/controller/volume"
)

// Halt says which services of an app are to stop for what they write, and why.
type Halt struct {
	App      app.Name
	Services []string    // that write
	Volume   volume.Name // that is over its quota; empty where the disk is nearly full
	Reason   string      // for the person
}

// Apps is what volumes ask of who runs the apps.
type Apps interface {
	// Halt stops the services, and lets the others of the app go on. The pages of the app
	// show the reason until it is started again.
	Halt(context.Context, Halt) error
	// Reword changes what the pages of an app say of a volume that it waits for.
	Reword(ctx context.Context, name app.Name, of volume.Name, reason string) error
}

// writer is an app that runs, with its services that write into one volume.
type writer struct {
	app      app.Name
	services []string
}
