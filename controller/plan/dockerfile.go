package plan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"berth/controller/archive"
	"berth/controller/nearmiss"
)

const (
	ignoreFile      = ".dockerignore"
	dockerfileBytes = 256 << 10
	ignoreBytes     = 64 << 10
)

var (
	commentPattern = regexp.MustCompile(`^\s*(#|//)`)
	syntaxPattern  = regexp.MustCompile(`(?i)^\s*(#|//)\s*syntax\s*=`)
	// officialPattern is the build program of the engine's makers. Many Dockerfiles name
	// it, and Docker's own tools write it.
	officialPattern = regexp.MustCompile(`(?i)^\s*#\s*syntax\s*=\s*(docker\.io/)?docker/dockerfile(:[a-z0-9._-]+)?(@sha256:[0-9a-f]{64})?\s*$`)
)

// fromDockerfile plans an app of one service from the Dockerfile at path.
func fromDockerfile(ctx context.Context, tree *archive.Tree, path string, service Service, o Options) (Plan, error) {
	file, text, err := nearmiss.Read(ctx, tree, path, dockerfileBytes)
	if err != nil {
		return Plan{}, err
	}
	service.Build = Build{Dockerfile: file}
	if refusal := service.Build.take(text, o.Registries); refusal != nil {
		refusal.File = file
		return Plan{}, refusal
	}
	keep, err := contextOf(ctx, tree, "", path)
	if err != nil {
		return Plan{}, err
	}
	service.Build.Keep = func(e archive.Entry) bool { return e.Path == file || keep(e) }
	return Plan{Services: []Service{service}, Main: service.Name}, nil
}

// contextOf returns the part of the tree that is the build context. A .dockerignore named
// after the Dockerfile wins over the general one, as in BuildKit. Paths are relative to
// the context, which is the folder of the archive.
func contextOf(ctx context.Context, tree *archive.Tree, folder, dockerfile string) (func(archive.Entry) bool, error) {
	if folder != "" {
		folder += "/"
	}
	path, found := findFile(tree, []string{folder + dockerfile + ignoreFile, folder + ignoreFile})
	if !found {
		return func(archive.Entry) bool { return true }, nil
	}
	text, err := tree.ReadFile(ctx, path, ignoreBytes)
	if err != nil {
		return nil, err
	}
	ignore, err := archive.ParseIgnore(text)
	if refusal, ok := errors.AsType[*archive.Refusal](err); ok {
		refusal.File = path
	}
	if err != nil {
		return nil, err
	}
	return func(e archive.Entry) bool { return e.Path == dockerfile || ignore.Keep(e) }, nil
}

// take checks the Dockerfile of the build against the rules, and notes its content.
func (b *Build) take(text []byte, registries []string) *Refusal {
	b.source, b.rules = string(text), buildRules{arguments: b.Arguments, registries: registries}
	file, refusal := readDockerfile(text, b.rules)
	if refusal != nil {
		return refusal
	}
	b.Exposed, b.Bases = exposed(file.stages[len(file.stages)-1]), file.bases
	return nil
}

// dockerfile is a checked Dockerfile: it has at least one stage.
type dockerfile struct {
	stages []instructions.Stage
	bases  []string // the images that it names
}

// checkDockerfile is readDockerfile without arguments.
func checkDockerfile(text []byte) ([]instructions.Stage, *Refusal) {
	file, refusal := readDockerfile(text, buildRules{})
	return file.stages, refusal
}

// readDockerfile refuses, with its line, every part that cannot be built or would reach
// past the build's sandbox. It reports all of them at once. The engine refuses some of
// them too, unless somebody has allowed them; here the refusal costs no build.
func readDockerfile(text []byte, rules buildRules) (dockerfile, *Refusal) {
	if line := syntaxLine(text); line != 0 {
		return dockerfile{}, &Refusal{
			Line:   line,
			Reason: "The syntax line fetches a build program that is not the official one.",
			Hint:   "Remove the line: the engine's own reads Dockerfiles as they are today. Allowed is docker/dockerfile.",
		}
	}
	file, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return dockerfile{}, refuseSyntax(err)
	}
	var faults []*Refusal
	for _, node := range file.AST.Children {
		if refusal := checkInstruction(node); refusal != nil {
			faults = append(faults, refusal)
		}
	}
	stages, meta, err := instructions.Parse(file.AST, nil)
	switch {
	case err != nil && len(faults) > 0:
		return dockerfile{}, together(faults)
	case err != nil:
		return dockerfile{}, refuseSyntax(err)
	case len(stages) == 0:
		return dockerfile{}, &Refusal{
			Reason: "The Dockerfile has no FROM instruction, so there is no image to build.",
			Hint:   "Begin it with FROM and the image to start from, such as FROM scratch.",
		}
	}
	bases, more := checkSources(stages, meta, file.EscapeToken, rules)
	return dockerfile{stages: stages, bases: bases}, together(append(faults, more...))
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

// checkInstruction checks one instruction, and the instruction inside an ONBUILD for a
// later stage.
func checkInstruction(node *parser.Node) *Refusal {
	command, err := instructions.ParseInstruction(node)
	if err != nil {
		return refuseSyntax(parser.WithLocation(err, node.Location()))
	}
	switch command := command.(type) {
	case *instructions.RunCommand:
		return checkRun(command, node.StartLine)
	case *instructions.LabelCommand:
		return checkLabels(command, node.StartLine)
	case *instructions.OnbuildCommand:
		return checkOnbuild(command, node.StartLine)
	default:
		return nil
	}
}

// checkRun refuses the flags that give a build step the host's network, its devices, or a
// kernel without the sandbox.
func checkRun(run *instructions.RunCommand, line int) *Refusal {
	for _, dangerous := range []struct {
		flag  string
		given bool
	}{
		{"--security=insecure", instructions.GetSecurity(run) != instructions.SecuritySandbox},
		{"--network=host", instructions.GetNetwork(run) == instructions.NetworkHost},
		{"--device", len(instructions.GetDevices(run)) > 0},
	} {
		if dangerous.given {
			return &Refusal{
				Line:   line,
				Reason: fmt.Sprintf("RUN %s would let the build reach the host.", dangerous.flag),
				Hint:   fmt.Sprintf("Remove %s; a build has the network and needs no more.", dangerous.flag),
			}
		}
	}
	// Types are read only together with variables; the build reports its own errors.
	_ = run.Expand(func(word string) (string, error) { return word, nil })
	for _, mount := range instructions.GetMounts(run) {
		if mount.Type == instructions.MountTypeSecret || mount.Type == instructions.MountTypeSSH {
			return &Refusal{
				Line:   line,
				Reason: fmt.Sprintf("RUN --mount=type=%s asks for a secret of the builder, and builds have none.", mount.Type),
				Hint:   "Remove the mount; give a secret to the app when it runs, and put what the build fetches into the archive.",
			}
		}
	}
	return nil
}

// checkLabels refuses the labels that Berth uses. An image that forges them would be
// refused after its build.
func checkLabels(label *instructions.LabelCommand, line int) *Refusal {
	for _, pair := range label.Labels {
		name := strings.ToLower(strings.Trim(pair.Key, `"'`))
		if strings.HasPrefix(name, "traefik.") || strings.HasPrefix(name, "berth.") {
			return &Refusal{
				Line:   line,
				Reason: fmt.Sprintf("The label %.60q is one that only the platform sets.", name),
				Hint:   "Remove the label; the route is chosen on the upload form.",
			}
		}
	}
	return nil
}

func checkOnbuild(onbuild *instructions.OnbuildCommand, line int) *Refusal {
	file, err := parser.Parse(strings.NewReader(onbuild.Expression))
	if err != nil {
		return &Refusal{Line: line, Reason: sentence(err), Hint: hintSyntax}
	}
	for _, node := range file.AST.Children {
		if refusal := checkInstruction(node); refusal != nil {
			refusal.Line = line
			return refusal
		}
	}
	return nil
}

const hintSyntax = "Correct the line and make the archive again."

// refuseSyntax turns an error of the parser, with its line, into a refusal.
func refuseSyntax(err error) *Refusal {
	refusal := &Refusal{Reason: sentence(err), Hint: hintSyntax}
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
