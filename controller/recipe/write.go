package recipe

import (
	"context"
	"slices"

	"berth/controller/archive"
	"berth/controller/nearmiss"
)

// Options are the operator's decisions about a project.
type Options struct {
	// Fallback makes a static site answer unknown paths with its index.html, for apps
	// that route in the browser.
	Fallback bool
	// Server is the file of the program that serves static sites; empty means the running
	// program.
	Server string
	// Variables are the names of variables that a build script reads.
	Variables []string
}

// recipes are the kinds of projects. The first kind that recognises the archive decides.
// A program comes before its own pages and scripts.
var recipes = []struct {
	knows func(*project) bool
	write func(*project, Options) (*recipe, error)
	// ignored are the files of such a project that no image needs, beside ignoredAlways.
	ignored []string
}{
	{knowsGo, writeGo, nil},
	{knowsComposer, writePHP, []string{"vendor"}},
	{knowsPython, writePython, nil},
	{knowsNode, writeNode, []string{".next", ".nuxt", ".svelte-kit"}},
	{knowsPHP, writePHP, nil},
	{knowsSite, writeSite, nil},
}

// Knows reports whether the files at the top of the archive are a project that Write takes.
func Knows(ctx context.Context, tree *archive.Tree) bool {
	p := &project{ctx: ctx, tree: tree}
	for _, candidate := range recipes {
		if candidate.knows(p) {
			return true
		}
	}
	return false
}

// Write returns the Dockerfile for the project in tree, and which of the archive's files
// its build gets. It returns a *problem.Refusal if the project is of no known kind or
// cannot be built, or if a file of the archive cannot be read.
func Write(ctx context.Context, tree *archive.Tree, o Options) (*Generated, func(archive.Entry) bool, error) {
	p := &project{ctx: ctx, tree: tree}
	for _, candidate := range recipes {
		if !candidate.knows(p) {
			continue
		}
		r, err := candidate.write(p, o)
		if err != nil {
			return nil, nil, err
		}
		keep, err := p.keep(append(slices.Clone(candidate.ignored), r.kept...)...)
		if err != nil {
			return nil, nil, err
		}
		r.tellSettings(p, keep)
		made, err := r.finish()
		return made, keep, err
	}
	return nil, nil, nearmiss.Refuse(tree)
}
