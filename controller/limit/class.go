package limit

import (
	"slices"
	"time"
)

// Class names a budget that requests are counted against.
type Class string

// The classes.
const (
	Login         Class = "login"
	Upload        Class = "upload"
	Update        Class = "update"
	VolumeCreate  Class = "volumecreate"
	VolumeUpload  Class = "volumeupload"
	Hosts         Class = "hosts"
	Containers    Class = "containers"
	Notifications Class = "notifications"
	WebSocket     Class = "websocket"
	Default       Class = "default" // every request, also those that another class counts
)

// Description is what there is to know of a class, for people and for the limiter.
type Description struct {
	Class  Class
	Title  string // what is limited, such as "App upload"
	Counts string // what each count is, such as "attempts to sign in"
	Per    string // whose count it is, such as "account or token"
	Budget Budget // unless the configuration says otherwise
	Work   bool   // counts what was accepted alone
}

// Descriptions returns every class, the narrowest concern first. This is the one list of them.
func Descriptions() []Description { return slices.Clone(descriptions) }

var descriptions = []Description{
	{Class: Login, Title: "Sign-in and second factor", Counts: "attempts to sign in", Per: "account and each address", Budget: Budget{{5, 15 * time.Minute}}},
	{Class: Upload, Title: "App upload", Counts: "uploads of new apps", Per: "account or token", Budget: Budget{{10, time.Hour}}, Work: true},
	{Class: Update, Title: "App update", Counts: "updates of apps", Per: "account or token", Budget: Budget{{5, time.Hour}}, Work: true},
	{Class: VolumeCreate, Title: "New volume", Counts: "new volumes", Per: "account or token", Budget: Budget{{20, time.Hour}}, Work: true},
	{Class: VolumeUpload, Title: "Volume upload", Counts: "uploads into volumes", Per: "account or token", Budget: Budget{{30, time.Hour}}, Work: true},
	{Class: Hosts, Title: "Hosts API", Counts: "requests to the API of hosts", Per: "account or token", Budget: Budget{{30, time.Minute}}},
	{Class: Containers, Title: "Containers API", Counts: "requests to the API of apps", Per: "account or token", Budget: Budget{{60, time.Minute}}},
	{Class: Notifications, Title: "Notifications", Counts: "requests to the API of alerts", Per: "account or token", Budget: Budget{{20, time.Minute}}},
	{Class: WebSocket, Title: "WebSocket", Counts: "messages over a WebSocket", Per: "account or token", Budget: Budget{{30, time.Minute}}},
	{Class: Default, Title: "Every request", Counts: "requests", Per: "address, session or token", Budget: Budget{{100, time.Minute}, {1000, time.Hour}}},
}

// Describe returns what there is to know of the class; false where there is no such class.
func Describe(class Class) (Description, bool) {
	at := slices.IndexFunc(descriptions, func(d Description) bool { return d.Class == class })
	if at < 0 {
		return Description{}, false
	}
	return descriptions[at], true
}

// Budgets are the configured budgets. A class that is missing has the one of its description.
type Budgets map[Class]Budget

// of returns the budget of a class. An unknown class allows nothing.
func (b Budgets) of(class Class) Budget {
	if configured := b[class]; len(configured) > 0 {
		return configured
	}
	described, _ := Describe(class)
	return described.Budget
}
