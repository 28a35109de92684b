// Package diagnosis says in words why an app did not start, did not stay, or did not answer, and what to do.
package diagnosis

import (
	"fmt"
	"strings"

	"berth/controller/execfailure"
	"berth/controller/plan"
	"berth/controller/problem"
)

// symptom is a known way in which an app dies inside the hardening, as its own
// output tells it.
type symptom struct {
	texts         []string // lower case; any of them in one line
	message, hint string
	remedy        problem.Remedy
}

// symptoms are looked for in order, in the last lines of the app.
var symptoms = []symptom{
	{
		[]string{"read-only file system", "erofs", "errno 30"},
		"The app wrote to a read-only place and ended.",
		"Only /tmp is writable. Write there, or allow the setting \"Writable root\" on the app's page.",
		problem.Remedy{WritableRoot: true},
	},
	{
		[]string{"address already in use", "eaddrinuse"},
		"The app could not bind its port: the address is in use inside the container.",
		"Start one server only, and let it listen on the port of the setting \"Port\".",
		problem.Remedy{},
	},
	{
		[]string{"bind: permission denied", "eacces: permission denied, listen", "listen eacces", "cannot bind", "could not bind", "bind() to", "failed to bind"},
		"The app could not bind its port.",
		"Let it listen on 0.0.0.0 and on the port that the variable PORT names, and say which in the setting \"Port\".",
		problem.Remedy{},
	},
	{
		[]string{"heap out of memory", "memoryerror", "cannot allocate memory", "out of memory", "outofmemoryerror", "std::bad_alloc"},
		"The app ran out of memory and ended.",
		"Raise the setting \"Memory\" on the app's page, or make the app use less.",
		problem.Remedy{Memory: true},
	},
	{
		[]string{"can't start new thread", "resource temporarily unavailable", "pthread_create failed", "unable to create native thread", "eagain"},
		"The app reached its limit of processes and threads.",
		"Raise the setting \"Processes\" on the app's page, or start fewer workers.",
		problem.Remedy{},
	},
	{
		[]string{"chown", "setgid", "setuid", "setgroups", "operation not permitted", "su-exec", "gosu", "initdb: error", "effective user id", "as root", "must be root", "are you root"},
		"The app tried to change its user or the owner of files, which it may not.",
		"Give the image a USER that is not root and owns its files, so that nothing needs to be changed at the start. What starts as root and drops root later, as databases do, needs the security exception \"root start\".",
		problem.Remedy{RootStart: plan.MainService}, // look.Offer names the service
	},
	{
		[]string{"permission denied", "eacces"},
		"The app may not read or write a file that it needs.",
		"It does not run as root: make the file readable for all in the Dockerfile (COPY --chown, or chmod).",
		problem.Remedy{},
	},
}

// Output explains what an app printed last, where that tells it; nil where it does not.
func Output(lines []string, cause error) *problem.Problem {
	if found := findSymptom(lines); found != nil {
		return found.problem(lines, cause)
	}
	return nil
}

// problem says it of the app that printed lines.
func (s *symptom) problem(lines []string, cause error) *problem.Problem {
	problem := &problem.Problem{Kind: problem.KindInvalid, Message: s.message, Hint: s.hint, Remedy: s.remedy, Err: cause}
	if !s.remedy.WritableRoot {
		return problem
	}
	written, folder := execfailure.FindWritten(lines)
	if written != "" {
		problem.Message = fmt.Sprintf("The app wrote to %.200s, which is read-only.", written)
	}
	if folder != "" {
		problem.Remedy.Folder = string(folder)
		problem.Hint = fmt.Sprintf("Mount a volume at %s, which keeps what is written there, and try again. Else allow the setting \"Writable root\" on the app's page.", folder)
	}
	return problem
}

func findSymptom(lines []string) *symptom {
	for i := range symptoms {
		for _, line := range lines {
			line = strings.ToLower(line)
			for _, text := range symptoms[i].texts {
				if strings.Contains(line, text) {
					return &symptoms[i]
				}
			}
		}
	}
	return nil
}
