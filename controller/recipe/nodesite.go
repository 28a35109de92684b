package recipe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"berth/controller/problem"
)

// builtSite is a tool that turns sources into a static site.
type builtSite struct {
	dependency string
	tool       string
	folder     string
	fallback   bool // its pages route in the browser
}

// siteTools are the tools with a known output folder. Frameworks come before the tools
// that they use.
var siteTools = []builtSite{
	{"astro", "Astro", "dist", false},
	{"@sveltejs/adapter-static", "SvelteKit", "build", false},
	{"gatsby", "Gatsby", "public", false},
	{"@docusaurus/core", "Docusaurus", "build", false},
	{"@11ty/eleventy", "Eleventy", "_site", false},
	{"react-scripts", "Create React App", "build", true},
	{"@vue/cli-service", "Vue CLI", "dist", true},
	{"vite", "Vite", "dist", true},
}

// nodeServer is a framework with a server that is not in the start script.
type nodeServer struct {
	dependency string
	tool       string
	command    []string
}

var nodeServers = []nodeServer{
	{"next", "Next.js", []string{"next", "start"}},
	{"nuxt", "Nuxt", []string{"node", ".output/server/index.mjs"}},
	{"@astrojs/node", "Astro", []string{"node", "dist/server/entry.mjs"}},
	{"@sveltejs/adapter-node", "SvelteKit", []string{"node", "build/index.js"}},
	{"@remix-run/serve", "Remix", []string{"remix-serve", "build/server/index.js"}},
	{"@react-router/serve", "React Router", []string{"react-router-serve", "build/server/index.js"}},
}

// serverSigns are packages that answer requests. Beside such a package, a tool that can
// make a static site makes the pages of a program.
var serverSigns = []string{"express", "fastify", "koa", "@hapi/hapi", "@nestjs/core", "hono", "polka"}

var (
	nextExport = regexp.MustCompile(`(?m)^[^/\n]*\boutput\s*:\s*['"]export['"]`)
	viteOutput = regexp.MustCompile(`\boutDir\b|\bssr\s*:`)
	// developmentPattern is a start script that runs a tool's server for developers.
	developmentPattern = regexp.MustCompile(`^(?:npx )?(?:vite|vite preview|vite dev|react-scripts start|vue-cli-service serve|ng serve|astro (?:dev|preview|start)|gatsby (?:develop|serve)|docusaurus (?:start|serve)|eleventy --serve|next dev|nuxt dev|svelte-kit dev)\b`)
)

func isDevelopment(script string) bool { return developmentPattern.MatchString(script) }

func (d nodePackage) server() *nodeServer {
	at := slices.IndexFunc(nodeServers, func(s nodeServer) bool { return d.has(s.dependency) })
	if at < 0 {
		return nil
	}
	return &nodeServers[at]
}

// nodeSite returns the static site that the build script makes. Its folder is empty if
// the app is a program: a start script means a program.
func (p *project) nodeSite(d nodePackage) (builtSite, error) {
	script := strings.TrimSpace(d.Scripts["start"])
	if d.Scripts["build"] == "" || p.has(procfile) {
		return builtSite{}, nil
	}
	if exported, err := p.exportsNext(d); err != nil || exported {
		return builtSite{tool: "Next.js", folder: "out"}, err
	}
	if script != "" && !isDevelopment(script) || d.server() != nil || slices.ContainsFunc(serverSigns, d.has) {
		return builtSite{}, nil
	}
	if d.has("@sveltejs/kit") && !d.has("@sveltejs/adapter-static") {
		return builtSite{}, &problem.Refusal{
			File: packageJSON, Reason: "SvelteKit has no adapter that says what it is built for.",
			Hint: "Install @sveltejs/adapter-node for a server, or @sveltejs/adapter-static for a static site.",
		}
	}
	for _, known := range siteTools {
		if d.has(known.dependency) {
			return known, p.checkOutput(known)
		}
	}
	return builtSite{}, nil
}

// exportsNext reports whether Next.js writes a static site.
func (p *project) exportsNext(d nodePackage) (bool, error) {
	if !d.has("next") {
		return false, nil
	}
	text, err := p.read(p.first("next.config.js", "next.config.mjs", "next.config.ts"))
	return nextExport.MatchString(text), err
}

// checkOutput refuses a Vite project with another output folder than Vite's.
func (p *project) checkOutput(tool builtSite) error {
	if tool.dependency != "vite" {
		return nil
	}
	file := p.first("vite.config.js", "vite.config.ts", "vite.config.mjs", "vite.config.mts")
	text, err := p.read(file)
	if err != nil {
		return err
	}
	if found := viteOutput.FindStringIndex(text); found != nil {
		return &problem.Refusal{
			File: file, Line: lineAt(text, found[0]), Reason: "The output is not the site in dist that Vite makes by itself.",
			Hint: fmt.Sprintf("Remove the setting, add a start script to %s, or add a Dockerfile.", packageJSON),
		}
	}
	return nil
}
