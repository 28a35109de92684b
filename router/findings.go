package router

import (
	"berth/controller/app"
	"berth/controller/plan"
)

// Found reports whether the look at the archive came to a plan.
func (h heldView) Found() bool { return len(h.Preview.Plan)+len(h.Preview.Services) > 0 }

// loosened is a security exception that a service of a preview has.
type loosened struct{ Service, Label, Why string }

// looseness says what each security exception gives away, by its label.
var looseness = map[string]string{
	app.WaiverDatabase.Label():     "It starts as root inside the container, and may change file owners and drop root, as the image of a database needs.",
	app.WaiverRootStart.Label():    "It starts as root inside the container, prepares its files, and continues as another user. It can write to its own file system.",
	app.WaiverWritableRoot.Label(): "It can write outside /tmp. What it writes there is gone with the next release.",
}

// Loosened are the security exceptions of all services.
func (h heldView) Loosened() (all []loosened) {
	for _, service := range h.Preview.Plan {
		for _, label := range service.Loosens {
			all = append(all, loosened{service.Name, label, looseness[label]})
		}
	}
	return all
}

// Restarts says what is started again when it ends, a sentence for each kind.
func (h heldView) Restarts() (said []string) {
	var once, failed []string
	for _, service := range h.Preview.Plan {
		switch service.Runs {
		case plan.Never:
			once = append(once, service.Name)
		case plan.OnFailure:
			failed = append(failed, service.Name)
		}
	}
	rest := len(h.Preview.Plan) - len(once) - len(failed)
	switch {
	case rest == 0:
	case len(once)+len(failed) == 0 && rest == 1:
		said = append(said, "The service is started again whenever it ends.")
	case len(once)+len(failed) == 0:
		said = append(said, "Each service is started again whenever it ends.")
	default:
		said = append(said, "All other services are started again whenever they end.")
	}
	if len(failed) > 0 {
		said = append([]string{app.NameList(failed) + ": started again only after a failure."}, said...)
	}
	if len(once) > 0 {
		said = append([]string{app.NameList(once) + ": runs once, and is not started again."}, said...)
	}
	return said
}
