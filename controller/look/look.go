// Package look says what an image will not do under the hardening policy, and what fixes it.
package look

import (
	"fmt"

	"berth/controller/docker"
	"berth/controller/plan"
	"berth/controller/problem"
)

// RootStart is the sign that a service with the image starts as root and drops root later; empty
// where there is none.
func RootStart(service plan.Service, image docker.Image) string {
	return service.SignsOf(plan.Signs{User: image.User, Entrypoint: image.Entrypoint, Command: image.Command}).StartsAsRoot()
}

// Notes says, as whole sentences, what the service cannot do as it is planned, and what
// of its data is not kept.
func Notes(service plan.Service, image docker.Image) []string {
	var notes []string
	if sign := RootStart(service, image); sign != "" && !service.Waivers.RunsAsRoot() {
		notes = append(notes, fmt.Sprintf("%s %s, which starts as root and drops root later; it runs as another user here. If it fails, give it the security exception %q.", service.Name, sign, rootStart))
	}
	if len(service.Scratch) > 0 {
		notes = append(notes, plan.UnmountedNote(service.Name, service.Scratch))
	}
	return notes
}

// rootStart is the security exception as people read it.
const rootStart = "root start"

// Offer adds the security exception to the problem of a service that failed, where its
// image begins as root and it lacks that right. A problem whose symptom is a start
// without root comes with a remedy for any service.
func Offer(found *problem.Problem, service plan.Service, image docker.Image) *problem.Problem {
	offered := *found
	offered.Remedy.RootStart = ""
	user := service.User
	if user == "" {
		user = image.User
	}
	sign := RootStart(service, image)
	if service.Waivers.RootStart || !plan.IsRoot(user) || sign == "" && found.Remedy.RootStart == "" {
		return &offered
	}
	offered.Remedy.RootStart = service.Name
	if sign != "" {
		offered.Hint += fmt.Sprintf(" The image %s, which starts as root and drops root later: it needs the security exception %q.", sign, rootStart)
	}
	return &offered
}
