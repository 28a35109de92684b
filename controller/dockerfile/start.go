package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// Start is how the image of a Dockerfile starts, as far as the file says. What the file
// leaves out comes from the image that it is built on.
type Start struct {
	From       string // the image that the last stage is built on, as the file names it; empty for scratch
	User       string // of the last USER; empty where there is none
	Entrypoint []string
	Command    []string
	Volumes    []string // that the file declares
	// StepDown is a program that drops root, which the file installs; empty where it
	// names none.
	StepDown string
}

// steppers are programs that drop root and run another one.
var steppers = []string{"gosu", "su-exec", "s6-overlay", "setpriv"}

// Start returns how the image of the stage starts; an empty stage is the last one.
func (f File) Start(target string) Start {
	at := len(f.Stages) - 1
	if found := f.stage(target, len(f.Stages)); target != "" && found >= 0 {
		at = found
	}
	var start Start
	for at >= 0 {
		stage := f.Stages[at]
		start.readBackwards(stage)
		start.From = stage.BaseName
		at = f.stage(stage.BaseName, at)
	}
	switch {
	case strings.EqualFold(start.From, "scratch"):
		start.From = ""
	case strings.Contains(start.From, "$") && len(f.Bases) == 1:
		start.From = f.Bases[0] // its name in full
	}
	slices.Sort(start.Volumes)
	start.Volumes = slices.Compact(start.Volumes)
	return start
}

// stage returns where the stage of the name is, among those before the given place; -1
// where there is none.
func (f File) stage(name string, before int) int {
	return slices.IndexFunc(f.Stages[:before], func(stage instructions.Stage) bool {
		return name != "" && strings.EqualFold(stage.Name, name)
	})
}

// readBackwards adds what the stage says, where no later instruction has said it.
func (s *Start) readBackwards(stage instructions.Stage) {
	for _, command := range slices.Backward(stage.Commands) {
		switch command := command.(type) {
		case *instructions.UserCommand:
			if s.User == "" {
				s.User = command.User
			}
		case *instructions.EntrypointCommand:
			if s.Entrypoint == nil {
				s.Entrypoint = words(command.CmdLine)
			}
		case *instructions.CmdCommand:
			if s.Command == nil && s.Entrypoint == nil {
				s.Command = words(command.CmdLine)
			}
		case *instructions.VolumeCommand:
			s.Volumes = append(s.Volumes, command.Volumes...)
		case *instructions.RunCommand:
			s.readRun(command)
		}
	}
}

func (s *Start) readRun(run *instructions.RunCommand) {
	text := strings.Join(run.CmdLine, " ")
	for _, file := range run.Files {
		text += " " + file.Data
	}
	for _, name := range steppers {
		if s.StepDown == "" && strings.Contains(text, name) {
			s.StepDown = name
		}
	}
}

// words splits a command that the file gives as a line for the shell.
func words(line []string) []string {
	if len(line) == 1 {
		return strings.Fields(line[0])
	}
	return append([]string{}, line...)
}
