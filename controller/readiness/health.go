package readiness

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"berth/controller/app"
	"berth/controller/docker"
	"berth/controller/printable"
)

// mostShown is how many bytes of a health check's output a message shows.
const mostShown = 300

// missingPrograms match what a shell and the engine print of a program that is not there.
var missingPrograms = []*regexp.Regexp{
	regexp.MustCompile(`sh: (?:line )?(?:\d+: )?([^\s:]+): (?:command )?not found`),
	regexp.MustCompile(`exec: "([^"]+)": (?:executable file not found|stat [^:]*: no such file)`),
}

// Unhealthy says that a service did not become healthy in time, and what its health check
// printed. works is what the service does in spite of it.
func Unhealthy(wanted app.Readiness, works string, waited time.Duration, condition docker.Condition) string {
	message := fmt.Sprintf("%s, but its HEALTHCHECK did not turn healthy within %s.", works, printable.Duration(waited))
	if wanted.By == app.ReadyHealth {
		message = fmt.Sprintf("The HEALTHCHECK did not turn healthy within %s.", printable.Duration(waited))
	}
	if failure := LastFailure(condition); failure != "" {
		message += " " + strings.TrimSuffix(failure, ".") + "."
	}
	return message
}

// Failing says that the health check of a live instance fails, and what its last run
// printed.
func Failing(condition docker.Condition) string {
	const fails = "Its own health check fails."
	if failure := LastFailure(condition); failure != "" {
		return fails + " " + strings.TrimSuffix(failure, ".") + "."
	}
	return fails
}

// LastFailure says in a sentence how the last run of a health check ended; empty where
// none is known.
func LastFailure(condition docker.Condition) string {
	if !condition.HealthRan || condition.HealthExit == 0 {
		return ""
	}
	said := "it printed nothing"
	if output := oneLine(condition.HealthOutput); output != "" {
		said = "it printed: " + output
	}
	if condition.HealthExit < 0 {
		return fmt.Sprintf("Its last run did not end by itself; %s", said)
	}
	return fmt.Sprintf("Its last run ended with exit code %d; %s", condition.HealthExit, said)
}

// Mend is what to do about a failing health check.
func Mend(condition docker.Condition) string {
	for _, pattern := range missingPrograms {
		if found := pattern.FindStringSubmatch(condition.HealthOutput); found != nil {
			return fmt.Sprintf("The image does not hold %s: install it in the Dockerfile, or let the health check run a program that the image has.", printable.Name(found[1], 60))
		}
	}
	if condition.Health == "starting" {
		return "It was still starting. If it needs longer, set \"Start time\" in the settings, or a start period in the health check."
	}
	return "See what the health check runs, and that the image holds the program it needs."
}

// oneLine keeps the end, which says most.
func oneLine(output string) string {
	text := strings.Join(strings.FieldsFunc(output, func(r rune) bool { return r == '\n' }), " / ")
	if len(text) > mostShown {
		text = "..." + strings.ToValidUTF8(text[len(text)-mostShown:], "")
	}
	return text
}
