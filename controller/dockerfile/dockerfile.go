// Package dockerfile reads what a Dockerfile builds on, exposes and fetches, and refuses
// what would reach past its build.
package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"berth/controller/problem"
)

const (
	// IgnoreFile is the file beside a Dockerfile that says what its build leaves out.
	IgnoreFile = ".dockerignore"
	// MostBytes is the most of a Dockerfile.
	MostBytes = 256 << 10
	// MostIgnoreBytes is the most of an IgnoreFile.
	MostIgnoreBytes = 64 << 10
)

var (
	commentPattern = regexp.MustCompile(`^\s*(#|//)`)
	syntaxPattern  = regexp.MustCompile(`(?i)^\s*(#|//)\s*syntax\s*=`)
	// officialPattern is the build program of the engine's makers. Many Dockerfiles name
	// it, and Docker's own tools write it.
	officialPattern = regexp.MustCompile(`(?i)^\s*#\s*syntax\s*=\s*(docker\.io/)?docker/dockerfile(:[a-z0-9._-]+)?(@sha256:[0-9a-f]{64})?\s*$`)
)

// File is a checked Dockerfile: it has at least one stage.
type File struct {
	Stages []instructions.Stage
	Bases  []string // the images that it names, in full
	// Secrets are the app's secrets that its steps read, by name, each once.
	Secrets []string
}

// Exposed returns the TCP ports that the last stage exposes as plain numbers.
func (f File) Exposed() []uint16 { return exposed(f.Stages[len(f.Stages)-1]) }

// Read refuses, with its line, every part that cannot be built or would reach
// past the build's sandbox. It reports all of them at once. The engine refuses some of
// them too, unless somebody has allowed them; here the refusal costs no build.
func Read(text []byte, rules Rules) (File, *problem.Refusal) {
	if line := syntaxLine(text); line != 0 {
		return File{}, &problem.Refusal{
			Line:   line,
			Reason: "The syntax line fetches a build program that is not the official one.",
			Hint:   "Remove the line: the engine's own reads Dockerfiles as they are today. Allowed is docker/dockerfile.",
		}
	}
	file, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return File{}, refuseSyntax(err)
	}
	var faults []*problem.Refusal
	check := &checker{secrets: rules.Secrets}
	for _, node := range file.AST.Children {
		if refusal := check.instruction(node); refusal != nil {
			faults = append(faults, refusal)
		}
	}
	stages, meta, err := instructions.Parse(file.AST, nil)
	switch {
	case err != nil && len(faults) > 0:
		return File{}, together(faults)
	case err != nil:
		return File{}, refuseSyntax(err)
	case len(stages) == 0:
		return File{}, &problem.Refusal{
			Reason: "The Dockerfile has no FROM instruction, so there is no image to build.",
			Hint:   "Begin it with FROM and the image to start from, such as FROM scratch.",
		}
	}
	bases, more := checkSources(stages, meta, file.EscapeToken, rules)
	slices.Sort(check.asked)
	return File{Stages: stages, Bases: bases, Secrets: slices.Compact(check.asked)}, together(append(faults, more...))
}

// exposed returns the TCP ports of a stage's EXPOSE instructions. It skips variables,
// which only the build knows.
func exposed(stage instructions.Stage) []uint16 {
	var ports []uint16
	for _, command := range stage.Commands {
		expose, ok := command.(*instructions.ExposeCommand)
		if !ok {
			continue
		}
		for _, specification := range expose.Ports {
			if port, err := strconv.ParseUint(strings.TrimSuffix(specification, "/tcp"), 10, 16); err == nil {
				ports = append(ports, uint16(port))
			}
		}
	}
	return ports
}

// syntaxLine returns the line of a foreign syntax directive among the comments at the
// start of the file, or 0. It accepts more forms than today's builder, because older
// engines read further.
func syntaxLine(text []byte) int {
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))) {
		number++
		if !commentPattern.Match(line) {
			return 0
		}
		if syntaxPattern.Match(line) && !officialPattern.Match(line) {
			return number
		}
	}
	return 0
}

// instruction checks one instruction, and the instruction inside an ONBUILD for a later
// stage.
func (c *checker) instruction(node *parser.Node) *problem.Refusal {
	command, err := instructions.ParseInstruction(node)
	if err != nil {
		return refuseSyntax(parser.WithLocation(err, node.Location()))
	}
	switch command := command.(type) {
	case *instructions.RunCommand:
		return c.run(command, node.StartLine)
	case *instructions.LabelCommand:
		return checkLabels(command, node.StartLine)
	case *instructions.OnbuildCommand:
		return checkOnbuild(command, node.StartLine)
	default:
		return nil
	}
}

// run refuses the flags that give a build step the host's network, its devices, or a
// kernel without the sandbox, and secrets that the app does not have.
func (c *checker) run(run *instructions.RunCommand, line int) *problem.Refusal {
	for _, dangerous := range []struct {
		flag  string
		given bool
	}{
		{"--security=insecure", instructions.GetSecurity(run) != instructions.SecuritySandbox},
		{"--network=host", instructions.GetNetwork(run) == instructions.NetworkHost},
		{"--device", len(instructions.GetDevices(run)) > 0},
	} {
		if dangerous.given {
			return &problem.Refusal{
				Line:   line,
				Reason: fmt.Sprintf("RUN %s would let the build reach the host.", dangerous.flag),
				Hint:   fmt.Sprintf("Remove %s; a build has the network and needs no more.", dangerous.flag),
			}
		}
	}
	// Types are read only together with variables; the build reports its own errors.
	_ = run.Expand(func(word string) (string, error) { return word, nil })
	var faults []*problem.Refusal
	for _, mount := range instructions.GetMounts(run) {
		switch mount.Type {
		case instructions.MountTypeSSH:
			faults = append(faults, &problem.Refusal{
				Line:   line,
				Reason: "RUN --mount=type=ssh asks for a key of the builder, and builds have none.",
				Hint:   "Use RUN --mount=type=secret with a secret of the app, or put what the build fetches into the archive.",
			})
		case instructions.MountTypeSecret:
			if refusal := c.secretMount(mount, line); refusal != nil {
				faults = append(faults, refusal)
			}
		}
	}
	return together(faults)
}

// checkLabels refuses the labels that Berth uses. An image that forges them would be
// refused after its build.
func checkLabels(label *instructions.LabelCommand, line int) *problem.Refusal {
	for _, pair := range label.Labels {
		name := strings.ToLower(strings.Trim(pair.Key, `"'`))
		if strings.HasPrefix(name, "traefik.") || strings.HasPrefix(name, "berth.") {
			return &problem.Refusal{
				Line:   line,
				Reason: fmt.Sprintf("The label %.60q is one that only the platform sets.", name),
				Hint:   "Remove the label; the route is chosen on the upload form.",
			}
		}
	}
	return nil
}

// checkOnbuild gives no secrets: the image that the line is from may be somebody else's.
func checkOnbuild(onbuild *instructions.OnbuildCommand, line int) *problem.Refusal {
	file, err := parser.Parse(strings.NewReader(onbuild.Expression))
	if err != nil {
		return &problem.Refusal{Line: line, Reason: sentence(err), Hint: hintSyntax}
	}
	for _, node := range file.AST.Children {
		if refusal := new(checker).instruction(node); refusal != nil {
			refusal.Line = line
			return refusal
		}
	}
	return nil
}

const hintSyntax = "Correct the line and make the archive again."

// refuseSyntax turns an error of the parser, with its line, into a refusal.
func refuseSyntax(err error) *problem.Refusal {
	refusal := &problem.Refusal{Reason: sentence(err), Hint: hintSyntax}
	if located, ok := errors.AsType[*parser.LocationError](err); ok && len(located.Locations) > 0 {
		refusal.Line = lineOf(located.Locations[0])
	}
	return refusal
}

func lineOf(location []parser.Range) int {
	if len(location) == 0 {
		return 0
	}
	return max(location[0].Start.Line, 1)
}

// sentence makes the parser's message fit on a page.
func sentence(err error) string {
	const longest = 200
	text := strings.ToValidUTF8(err.Error(), "?")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return "The Dockerfile cannot be read: " + strings.TrimSuffix(text, ".") + "."
}
