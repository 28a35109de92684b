package dockerfile

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"berth/controller/problem"
	"berth/controller/registry"
)

// Base is the part of a base image that a build inherits.
type Base struct {
	Environment []string // NAME=value
	Triggers    []string // the instructions of ONBUILD, in order
}

// Rules are the rules for a Dockerfile that do not come from its own text.
type Rules struct {
	Arguments  map[string]string
	Registries []string // that the operator allows beside the public ones
	Secrets    []string // of the app, by name
	// Bases are the images that it names, as in the engine; empty before the build.
	Bases map[string]Base
}

// Bounds on the growth of a Dockerfile of 256 KB while it is read: each variable can hold
// others many times, and each stage has the variables of the stage before.
const (
	mostStages     = 100
	mostVariables  = 500
	mostTriggers   = 500
	mostReferences = 50  // of variables in one word
	longestValue   = 512 // bytes
)

// replacement begins a variable with a replacement of each match, as in ${A//x/y}.
var replacement = regexp.MustCompile(`\$\{\w+/`)

var errTooMuch = errors.New("the word holds too many variables")

// sources walks a Dockerfile like the build program, and finds the sources of its steps.
// Build programs differ in whether ARG or ENV of one name wins. keepFirst is the older
// way, and a file has to pass in both.
type sources struct {
	Rules
	keepFirst bool
	lex       *shell.Lex
	stages    []*stageScope
	names     []string // of the images, each once
	faults    []*problem.Refusal
	triggered int // triggers so far
}

// stageScope is the known state of a stage at one of its lines.
type stageScope struct {
	name     string
	values   map[string]string
	unknown  map[string]bool // set, to a value that only the build knows
	triggers []string
	full     bool // there were more variables than the limit
}

// Get implements shell.EnvGetter.
func (s *stageScope) Get(name string) (string, bool) {
	value, found := s.values[name]
	return value, found && !s.unknown[name]
}

// Keys implements shell.EnvGetter.
func (s *stageScope) Keys() []string { return slices.Sorted(maps.Keys(s.values)) }

// put sets a variable. A variable that is too long, or over the limit, counts as unknown.
func (s *stageScope) put(name, value string, known bool) {
	if _, there := s.values[name]; !there && len(s.values) >= mostVariables {
		s.full = true
		return
	}
	if len(value) > longestValue {
		value, known = "", false
	}
	s.values[name] = value
	if known {
		delete(s.unknown, name)
	} else {
		s.unknown[name] = true
	}
}

func newScope(name string) *stageScope {
	return &stageScope{name: name, values: map[string]string{}, unknown: map[string]bool{}}
}

// checkSources refuses sources that the build program would fetch itself, in the host's
// network. It returns the images that the build begins with or copies from.
func checkSources(stages []instructions.Stage, meta []instructions.ArgCommand, escape rune, rules Rules) ([]string, []*problem.Refusal) {
	var names []string
	var faults []*problem.Refusal
	for _, keepFirst := range []bool{false, true} {
		s := &sources{Rules: rules, keepFirst: keepFirst, lex: shell.NewLex(escape)}
		s.walk(stages, meta)
		names, faults = append(names, s.names...), append(faults, s.faults...)
	}
	slices.Sort(names)
	return slices.Compact(names), faults
}

func (s *sources) walk(stages []instructions.Stage, meta []instructions.ArgCommand) {
	global := newScope("")
	platform := "linux/" + runtime.GOARCH
	for _, side := range []string{"BUILD", "TARGET"} {
		global.values[side+"PLATFORM"], global.values[side+"OS"], global.values[side+"ARCH"] = platform, "linux", runtime.GOARCH
	}
	for _, command := range meta {
		s.declare(global, global, command.Args)
	}
	for _, stage := range stages {
		if len(s.stages) == mostStages {
			s.fault(lineOf(stage.Location), fmt.Sprintf("The Dockerfile has more than %d stages.", mostStages), "Divide it into several images.")
			return
		}
		s.stage(stage, global)
	}
}

// expand is the build program's own expansion, with a bound on the growth of words.
func (s *sources) expand(word string, scope *stageScope) (string, map[string]struct{}, error) {
	if strings.Count(word, "$") > mostReferences || len(replacement.FindAllStringIndex(word, 2)) > 1 {
		return "", nil, errTooMuch
	}
	return s.lex.ProcessWord(word, scope)
}

// stage follows one stage from its FROM line to its end.
func (s *sources) stage(stage instructions.Stage, global *stageScope) {
	line := lineOf(stage.Location)
	scope := newScope(strings.ToLower(stage.Name))
	if platform, unmatched, err := s.expand(stage.Platform, global); err != nil || len(unmatched) > 0 || platform != "" && !OnThisMachine(platform) {
		s.fault(line, fmt.Sprintf("FROM names the platform %.60q, which is not this machine's.", stage.Platform), "Remove --platform: an image is built for the machine that runs it.")
	}
	triggers := s.begin(scope, stage.BaseName, global, line)
	s.stages = append(s.stages, scope)
	for _, trigger := range triggers {
		s.trigger(scope, global, trigger, line)
	}
	for _, command := range stage.Commands {
		at := line
		if places := command.Location(); len(places) > 0 {
			at = lineOf(places)
		}
		s.command(scope, global, command, at)
	}
}

// begin gives the stage the variables of its base, and returns the base's triggers.
func (s *sources) begin(scope *stageScope, written string, global *stageScope, line int) []string {
	name, unmatched, err := s.expand(written, global)
	if err != nil || len(unmatched) > 0 || name == "" {
		s.fault(line, fmt.Sprintf("Which image FROM %.80q means is known only during the build.", written), "Write the image's name, or give the variable a default with ARG before the first FROM.")
		return nil
	}
	if name == "scratch" {
		return nil
	}
	if base := s.find(name, false); base != nil {
		maps.Copy(scope.values, base.values)
		maps.Copy(scope.unknown, base.unknown)
		scope.full = base.full
		return base.triggers
	}
	base := s.Bases[s.image(name, "FROM", line)]
	for _, variable := range base.Environment {
		key, value, _ := strings.Cut(variable, "=")
		scope.put(key, value, true)
	}
	return base.Triggers
}

// find returns an earlier stage, by its name, or by its number if that is allowed.
func (s *sources) find(name string, numbered bool) *stageScope {
	for _, stage := range slices.Backward(s.stages) {
		if stage.name != "" && strings.EqualFold(stage.name, name) {
			return stage
		}
	}
	if number, err := strconv.Atoi(name); numbered && err == nil && number >= 0 && number < len(s.stages) {
		return s.stages[number]
	}
	return nil
}

// image notes an image that the build reads, and returns its full name.
func (s *sources) image(name, instruction string, line int) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		s.fault(line, fmt.Sprintf("%s reads from %.80q, which is not the name of an image or a stage.", instruction, name), "Write an image such as debian:12, or the name of an earlier stage.")
		return ""
	}
	if refusal := registry.Check(named, s.Registries); refusal != nil {
		s.fault(line, refusal.Reason, refusal.Hint)
		return ""
	}
	full := reference.TagNameOnly(named).String()
	s.names = append(s.names, full)
	return full
}

// OnThisMachine reports whether a platform, such as linux/amd64, is this machine's.
func OnThisMachine(platform string) bool {
	return platform == "linux" || platform == "linux/"+runtime.GOARCH || strings.HasPrefix(platform, "linux/"+runtime.GOARCH+"/")
}

func (s *sources) command(scope, global *stageScope, command instructions.Command, line int) {
	switch command := command.(type) {
	case *instructions.ArgCommand:
		s.declare(scope, global, command.Args)
	case *instructions.EnvCommand:
		s.set(scope, command.Env)
	case *instructions.AddCommand:
		for _, source := range command.SourcePaths {
			s.added(scope, source, line)
		}
	case *instructions.CopyCommand:
		s.from(command.From, "COPY --from", line)
	case *instructions.RunCommand:
		for _, mount := range instructions.GetMounts(command) {
			s.from(mount.From, "RUN --mount", line)
		}
	case *instructions.OnbuildCommand:
		scope.triggers = append(scope.triggers, command.Expression)
		// The variables of a later stage are not known yet.
		s.trigger(newScope(""), newScope(""), command.Expression, line)
	}
}

func (s *sources) from(name, instruction string, line int) {
	if name == "" || name == "scratch" || s.find(name, true) != nil {
		return
	}
	s.image(name, instruction, line)
}

// trigger follows the instruction of an ONBUILD.
func (s *sources) trigger(scope, global *stageScope, expression string, line int) {
	if s.triggered++; s.triggered > mostTriggers {
		s.fault(line, fmt.Sprintf("More than %d ONBUILD instructions take effect.", mostTriggers), "Use fewer.")
		return
	}
	file, err := parser.Parse(strings.NewReader(expression))
	if err != nil {
		s.fault(line, "An ONBUILD that takes effect here cannot be read.", "Build on another image, or correct the ONBUILD.")
		return
	}
	for _, node := range file.AST.Children {
		command, err := instructions.ParseInstruction(node)
		if err != nil {
			s.fault(line, "An ONBUILD that takes effect here cannot be read.", "Build on another image, or correct the ONBUILD.")
			continue
		}
		if refusal := new(checker).instruction(node); refusal != nil {
			s.fault(line, refusal.Reason, refusal.Hint)
		}
		if parsed, ok := command.(instructions.Command); ok {
			s.command(scope, global, parsed, line)
		}
	}
}

// declare sets arguments: from outside, or by their default, or as before the first FROM.
func (s *sources) declare(scope, global *stageScope, arguments []instructions.KeyValuePairOptional) {
	for _, argument := range arguments {
		name := argument.Key
		if _, known := scope.values[name]; known && s.keepFirst {
			continue
		}
		given, found := s.Arguments[name]
		switch {
		case found:
			scope.put(name, given, true)
		case argument.Value != nil:
			s.assign(scope, name, *argument.Value)
		default:
			if value, known := global.values[name]; known {
				scope.put(name, value, !global.unknown[name])
			}
		}
	}
}

// set handles ENV: it reads all values before it sets the first.
func (s *sources) set(scope *stageScope, variables instructions.KeyValuePairs) {
	before := scope
	if len(variables) > 1 {
		before = &stageScope{values: maps.Clone(scope.values), unknown: maps.Clone(scope.unknown)}
	}
	for _, variable := range variables {
		value, unmatched, err := s.expand(variable.Value, before)
		scope.put(variable.Key, value, err == nil && len(unmatched) == 0)
	}
}

func (s *sources) assign(scope *stageScope, name, text string) {
	value, unmatched, err := s.expand(text, scope)
	scope.put(name, value, err == nil && len(unmatched) == 0)
}

// added refuses a source of ADD that is an address, or could become one.
func (s *sources) added(scope *stageScope, source string, line int) {
	value, unmatched, err := s.expand(source, scope)
	switch {
	case isRemote(value):
		s.fault(line, fmt.Sprintf("ADD would fetch %.120q in the server's own network.", source),
			"Fetch it with RUN, such as RUN curl -fsSLO URL, which uses the network of the build, or put the file into the archive.")
	case (err != nil || len(unmatched) > 0 || scope.full && strings.Contains(source, "$")) && !isPath(source):
		s.fault(line, fmt.Sprintf("The source %.80q of ADD is known only during the build, and could be an address.", source),
			"Write COPY instead of ADD, or begin the source with ./, so that it is always a file of the archive.")
	}
}

// isPath reports whether a source begins as only a path of the context can.
func isPath(source string) bool {
	return strings.HasPrefix(source, "./") || strings.HasPrefix(source, "/")
}

// isRemote reports whether a build program of any age could read the source as an
// address: http://host, git@host:path, ssh://host, github.com/owner/name.
func isRemote(source string) bool {
	if isPath(source) {
		return false
	}
	first, _, _ := strings.Cut(strings.TrimLeft(source, " \t\"'"), "/")
	return strings.Contains(first, ":") || strings.EqualFold(first, "github.com")
}

func (s *sources) fault(line int, reason, hint string) {
	s.faults = append(s.faults, &problem.Refusal{Line: line, Reason: reason, Hint: hint})
}

// together joins several refusals, so that a person can fix all at once; nil for none.
func together(faults []*problem.Refusal) *problem.Refusal {
	const mostFaults = 8
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b *problem.Refusal) int { return a.Line - b.Line })
	all := *faults[0]
	said, hints := map[problem.Refusal]bool{*faults[0]: true}, []string{all.Hint}
	for _, fault := range faults[1:] {
		if said[*fault] {
			continue
		}
		said[*fault] = true
		if len(said) > mostFaults {
			all.Reason += " There is more of this below."
			break
		}
		all.Reason += fmt.Sprintf(" Line %d: %s", fault.Line, fault.Reason)
		if !slices.Contains(hints, fault.Hint) {
			hints = append(hints, fault.Hint)
		}
	}
	all.Hint = strings.Join(hints, " ")
	return &all
}
