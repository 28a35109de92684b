package recipe

import (
	"cmp"
	"fmt"

	"berth/controller/archive"
	"berth/controller/printable"
	"berth/controller/problem"
)

const (
	indexPage = "index.html"
	// ownServer is the place of the server of static sites in the build context.
	ownServer = ownFolder + "/berth"
	// runningProgram opens the running program, even if its file was replaced since.
	runningProgram = "/proc/self/exe"
)

// siteFolders are the usual output folders of tools.
var siteFolders = []string{"public", "dist", "build", "_site", "site", "www", "htdocs"}

// knowsSite reports whether there is an index page, at the top or in a usual output
// folder.
func knowsSite(p *project) bool { return p.has(indexPage) || len(p.siteFolders()) > 0 }

func (p *project) siteFolders() []string {
	var found []string
	for _, folder := range siteFolders {
		if p.has(folder + "/" + indexPage) {
			found = append(found, folder)
		}
	}
	return found
}

// writeSite serves files unchanged, in an image that holds only Berth's own server and
// them.
func writeSite(p *project, o Options) (*recipe, error) {
	r := newRecipe("Static site")
	source := "site/"
	if p.has(indexPage) {
		r.because("There is an index.html at the top, so all files are served as they are.")
	} else {
		found := p.siteFolders()
		if len(found) > 1 {
			return nil, &problem.Refusal{
				Reason: fmt.Sprintf("The folders %s each hold an index.html, so it is not clear which one is the site.", printable.List(found)),
				Hint:   "Make the archive of one of them alone.",
			}
		}
		r.because("There is an index.html in the folder %s, which alone is served.", found[0])
		source += found[0] + "/"
	}
	if p.has("package.json") {
		r.because("The package.json has no script that builds or starts the app, so it is not used.")
	}
	// The files are in a folder of the context, apart from the server.
	r.below = "site"
	r.add("FROM", "scratch")
	r.serveFolder(o, source)
	return r, nil
}

// serveFolder ends a recipe with Berth's server and the folder that it serves. The folder
// is given as the arguments of COPY before its target.
func (r *recipe) serveFolder(o Options, source string) {
	program := cmp.Or(o.Server, runningProgram)
	r.because("Berth's own server answers, in an image that holds nothing else.")
	r.extras = append(r.extras, archive.Extra{Path: ownServer, File: program})
	r.add("COPY", ownServer+" /berth")
	r.add("COPY", source+" /site/")
	r.unprivileged()
	r.words("ENTRYPOINT", "/berth", "static")
	r.site = true
	if o.Fallback {
		r.because("Unknown paths are answered with index.html, for apps that route in the browser.")
		r.words("CMD", "--fallback")
	}
}
