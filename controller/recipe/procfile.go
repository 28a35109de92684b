package recipe

import (
	"regexp"
	"strings"

	"berth/controller/printable"
	"berth/controller/problem"
)

const procfile = "Procfile"

// procfilePattern is a line of a Procfile: the name of a process and its command.
var procfilePattern = regexp.MustCompile(`^([A-Za-z0-9_-]+)\s*:\s*(.*)$`)

// webCommand returns the command of the Procfile's web process; empty if there is none.
// others names the other processes.
func (p *project) webCommand() (command string, others []string, err error) {
	text, err := p.read(procfile)
	if err != nil {
		return "", nil, err
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if trimmed := strings.TrimSpace(line); trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		found := procfilePattern.FindStringSubmatch(strings.TrimSpace(line))
		switch {
		case found == nil:
			return "", nil, &problem.Refusal{
				File: procfile, Line: number, Reason: "The line is no process with its command.",
				Hint: "Write it as web: and the command that starts the app.",
			}
		case found[1] != "web":
			others = append(others, found[1])
		case command != "":
			return "", nil, &problem.Refusal{File: procfile, Line: number, Reason: "There is a second web process.", Hint: "Keep one web: line."}
		default:
			if command, err = parseCommand(procfile, number, found[2]); err != nil {
				return "", nil, err
			}
		}
	}
	return command, others, nil
}

// startByProcfile ends a recipe with the Procfile's command. It returns false if there is
// none.
func (p *project) startByProcfile(r *recipe) (bool, error) {
	command, others, err := p.webCommand()
	if err != nil {
		return false, err
	}
	if len(others) > 0 {
		r.because("Of the Procfile, only web is run, not %s.", printable.List(others))
	}
	if command == "" {
		return false, nil
	}
	r.because("The Procfile says how the app is started.")
	r.shell(command)
	return true, nil
}
