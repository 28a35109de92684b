package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"berth/controller/problem"
)

const packageJSON = "package.json"

// nodePackage holds the fields of a package.json that decide how the app is built and
// started.
type nodePackage struct {
	Main    string            `json:"main"`
	Scripts map[string]string `json:"scripts"`
	Engines struct {
		Node string `json:"node"`
	} `json:"engines"`
	PackageManager  string            `json:"packageManager"`
	Dependencies    map[string]string `json:"dependencies"`
	DevDependencies map[string]string `json:"devDependencies"`
	Optional        map[string]string `json:"optionalDependencies"`
	Workspaces      json.RawMessage   `json:"workspaces"`
}

// nodeMains are the usual names of the program in Node.js projects without a script.
var nodeMains = []string{"server.js", "server.mjs", "index.js", "index.mjs", "app.js", "app.mjs", "main.js", "main.mjs"}

// simpleStart is a start script that needs no shell: node, with names of files and plain
// arguments.
var simpleStart = regexp.MustCompile(`^node( [A-Za-z0-9@_./=:-]+)+$`)

// filePattern is a name of a file that can be a word of a command.
var filePattern = regexp.MustCompile(`^[A-Za-z0-9_@][A-Za-z0-9_@./-]*$`)

// knowsNode reports whether a package.json starts or builds something. A package.json
// that only helps the developer of a static site does neither.
func knowsNode(p *project) bool {
	if !p.has(packageJSON) {
		return false
	}
	description, err := p.nodePackage()
	if err != nil || !knowsSite(p) {
		return true // writeNode reports the error
	}
	return description.Scripts["build"] != "" || description.Scripts["start"] != "" || p.nodeMain(description) != "" || p.has(procfile)
}

func (p *project) nodePackage() (nodePackage, error) {
	var description nodePackage
	text, err := p.read(packageJSON)
	if err != nil {
		return nodePackage{}, err
	}
	if err := json.Unmarshal([]byte(text), &description); err != nil {
		return nodePackage{}, refuseJSON(packageJSON, text, err)
	}
	return description, nil
}

// refuseJSON gives the place of an error in JSON.
func refuseJSON(file, text string, err error) *problem.Refusal {
	refusal := &problem.Refusal{File: file, Reason: "The file cannot be read as JSON.", Hint: "Correct the file and make the archive again."}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		refusal.Line = lineAt(text, int(syntax.Offset)-1)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		refusal.Line = lineAt(text, int(wrong.Offset)-1)
		refusal.Reason = fmt.Sprintf("The value of %.60q is not of the kind that it must be.", wrong.Field)
	}
	return refusal
}

// writeNode installs the packages, runs a build script if there is one, and starts the
// app or serves the built site.
func writeNode(p *project, o Options) (*recipe, error) {
	description, err := p.nodePackage()
	if err != nil {
		return nil, err
	}
	tool, err := p.nodeTool(description)
	if err != nil {
		return nil, err
	}
	r := newRecipe("Node.js")
	base, err := p.nodeBase(r, description, tool)
	if err != nil {
		return nil, err
	}
	served, err := p.nodeSite(description)
	if err != nil {
		return nil, err
	}
	if served.folder != "" {
		p.serveBuilt(r, o, base, description, tool, served)
		return r, nil
	}
	return r, p.runNode(r, base, description, tool, o.Variables)
}

// nodeBase returns the image to build and run on.
func (p *project) nodeBase(r *recipe, description nodePackage, tool nodeTool) (string, error) {
	if tool.name == "bun" {
		r.because("There is a %s, so the app is built and run with Bun.", tool.lock)
		return "oven/bun:1-slim", nil
	}
	source, version := packageJSON, description.Engines.Node
	if file := p.first(".node-version", ".nvmrc"); file != "" {
		text, err := p.read(file)
		if err != nil {
			return "", err
		}
		source, version = file, text
	}
	line, reason := nodeJS.choose(source, version)
	r.because("%s", reason)
	if tool.lock == "" && description.needsPackages() {
		r.because("There is no lock file, so the versions of packages may differ from build to build.")
	} else if tool.lock != "" {
		r.because("There is a %s, so %s installs the packages.", tool.lock, tool.name)
	}
	return "node:" + line + "-slim", nil
}

// serveBuilt serves the folder that the build script fills.
func (p *project) serveBuilt(r *recipe, o Options, base string, description nodePackage, tool nodeTool, served builtSite) {
	r.because("It is built with %s, which puts a static site into %s.", served.tool, served.folder)
	o.Fallback = o.Fallback || served.fallback
	r.kept = siteSettings // the image holds the built folder alone
	p.buildNode(r, base, description, tool, o.Variables)
	r.add("FROM", "scratch")
	r.serveFolder(o, "--from=build /app/"+served.folder+"/")
}

// runNode starts the app by the Procfile, or the start script, or the framework's server,
// or the main file.
func (p *project) runNode(r *recipe, base string, description nodePackage, tool nodeTool, variables []string) error {
	source := ". ."
	if description.needsPackages() || description.Scripts["build"] != "" {
		source = "--from=build /app /app"
		p.buildNode(r, base, description, tool, variables)
		if description.needsPackages() {
			r.add("RUN", tool.cached(tool.prune))
		}
	}
	r.add("FROM", base)
	r.add("ENV", "NODE_ENV=production HOST=0.0.0.0 HOME=/tmp npm_config_update_notifier=false PATH=/app/node_modules/.bin:$PATH")
	r.add("WORKDIR", "/app")
	r.add("COPY", source)
	r.unprivileged()
	done, err := p.startByProcfile(r)
	if done || err != nil {
		return err
	}
	return p.startNode(r, description, tool)
}

func (p *project) startNode(r *recipe, description nodePackage, tool nodeTool) error {
	if script := strings.TrimSpace(description.Scripts["start"]); script != "" && !isDevelopment(script) {
		return startByScript(r, description, tool, script)
	}
	if server := description.server(); server != nil {
		r.because("It is built with %s, which brings a server.", server.tool)
		r.words("CMD", server.command...)
		return nil
	}
	if main := p.nodeMain(description); main != "" {
		r.because("There is no start script, so %s is started.", main)
		r.words("CMD", "node", main)
		return nil
	}
	return &problem.Refusal{
		File: packageJSON, Reason: "It says neither how the app is started nor what its main file is.",
		Hint: `Add "start": "node server.js" to its scripts, with your file's name, or a Procfile with a web: line.`,
	}
}

// startByScript runs the script like the package manager.
func startByScript(r *recipe, description nodePackage, tool nodeTool, script string) error {
	script, err := parseCommand(packageJSON, 0, script)
	if err != nil {
		return err
	}
	r.because("The start script of package.json starts the app.")
	switch {
	case description.Scripts["prestart"] != "" || description.Scripts["poststart"] != "":
		r.words("CMD", tool.program(), "run", "start")
	case simpleStart.MatchString(script) && tool.name != "bun":
		r.words("CMD", strings.Fields(script)...)
	default:
		r.shell(script)
	}
	return nil
}

// nodeMain returns the file of the program; empty if there is none.
func (p *project) nodeMain(description nodePackage) string {
	main := strings.TrimPrefix(description.Main, "./")
	if main != "" && filePattern.MatchString(main) && p.has(main) {
		return main
	}
	return p.first(nodeMains...)
}

// buildNode is the stage with the packages; it runs the build script.
func (p *project) buildNode(r *recipe, base string, description nodePackage, tool nodeTool, variables []string) {
	r.add("FROM", base+" AS build")
	r.add("ENV", strings.TrimSpace("CI=true "+tool.environment))
	r.add("WORKDIR", "/app")
	if tool.setup != "" {
		r.add("RUN", tool.setup)
	}
	switch {
	case !description.needsPackages():
		r.add("COPY", ". .")
	case p.installNeedsAll(description, tool):
		r.add("COPY", ". .")
		r.add("RUN", tool.cached(tool.install))
	default:
		r.add("COPY", p.present("./", packageJSON, tool.lock, ".npmrc"))
		r.add("RUN", tool.cached(tool.install))
		r.add("COPY", ". .")
	}
	if description.Scripts["build"] != "" {
		r.because("The build script of package.json is run.")
		r.declare(variables)
		r.add("RUN", tool.program()+" run build")
	}
}

// installNeedsAll reports whether the install reads more files than the manifest and the
// lock.
func (p *project) installNeedsAll(description nodePackage, tool nodeTool) bool {
	hooks := []string{"preinstall", "install", "postinstall", "prepare"}
	return tool.wantsAll || len(description.Workspaces) > 0 || p.has("pnpm-workspace.yaml") || p.hasFolder("patches") || p.hasFolder("prisma") ||
		slices.ContainsFunc(hooks, func(hook string) bool { return description.Scripts[hook] != "" }) || description.linksFolders()
}

func (d nodePackage) needsPackages() bool {
	return len(d.Dependencies)+len(d.DevDependencies)+len(d.Optional) > 0
}

func (d nodePackage) has(name string) bool {
	return d.Dependencies[name] != "" || d.DevDependencies[name] != ""
}

// linksFolders reports whether a dependency is a folder of the archive.
func (d nodePackage) linksFolders() bool {
	local := func(version string) bool {
		return strings.HasPrefix(version, "file:") || strings.HasPrefix(version, "link:") || strings.HasPrefix(version, "workspace:")
	}
	for _, group := range []map[string]string{d.Dependencies, d.DevDependencies, d.Optional} {
		if slices.ContainsFunc(slices.Collect(maps.Values(group)), local) {
			return true
		}
	}
	return false
}
