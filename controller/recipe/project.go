package recipe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"berth/controller/archive"
	"berth/controller/dockerfile"
	"berth/controller/problem"
)

const (
	projectBytes = 1 << 20  // of a file that says how to build a project
	lockBytes    = 16 << 20 // of a lock file
	lineBytes    = 4096     // of a command that a project gives
	// deepReads bounds the single reads of files below the top: in a tar.gz, each costs a
	// pass.
	deepReads = 8
	// aheadFiles and aheadBytes bound one pass that reads ahead.
	aheadFiles = 200
	aheadBytes = 64 << 10 // of each
)

// ignoredAlways are files that no image needs, unless the archive's own .dockerignore
// asks for them. Settings of a developer's machine may hold secrets.
const ignoredAlways = `
.git
.hg
.svn
**/.DS_Store
**/node_modules
**/__pycache__
**/*.pyc
**/.venv
**/venv
.env
.env.*
!.env.example
`

// project reads an archive without a Dockerfile.
type project struct {
	ctx   context.Context //nolint:containedctx // every recipe may read files; lives as long as one Write
	tree  *archive.Tree
	deep  int               // reads below the top so far
	ahead map[string][]byte // path -> content that was read ahead
}

// readAhead reads many files in one pass. The files that it leaves out are read when they
// are needed.
func (p *project) readAhead(paths []string) error {
	paths = slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return !p.has(path) || p.ahead[path] != nil })
	texts, err := p.tree.ReadFiles(p.ctx, paths[:min(len(paths), aheadFiles)], aheadBytes)
	if err != nil {
		return err
	}
	if p.ahead == nil {
		p.ahead = map[string][]byte{}
	}
	maps.Copy(p.ahead, texts)
	return nil
}

// has reports whether path is a file.
func (p *project) has(path string) bool {
	entry, found := p.tree.Entry(path)
	return found && entry.Kind == archive.File
}

// hasFolder reports whether path is a folder.
func (p *project) hasFolder(path string) bool {
	entry, found := p.tree.Entry(path)
	return found && entry.Kind == archive.Directory
}

// first returns the first of the paths that is a file; empty if none is.
func (p *project) first(paths ...string) string {
	for _, path := range paths {
		if p.has(path) {
			return path
		}
	}
	return ""
}

// present returns the paths that are files, and the target, in the form of COPY.
func (p *project) present(target string, paths ...string) string {
	var found []string
	for _, path := range paths {
		if p.has(path) {
			found = append(found, path)
		}
	}
	return strings.Join(append(found, target), " ")
}

// read returns the text of a file; empty if there is none.
func (p *project) read(path string) (string, error) { return p.readUpTo(path, projectBytes) }

// readLock is read for a file that a tool wrote.
func (p *project) readLock(path string) (string, error) { return p.readUpTo(path, lockBytes) }

func (p *project) readUpTo(path string, limit int64) (string, error) {
	if !p.has(path) {
		return "", nil
	}
	text, err := p.content(path, limit)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(text) {
		return "", &problem.Refusal{File: path, Reason: "The file is not text in UTF-8.", Hint: "Save the file as UTF-8 text."}
	}
	return strings.TrimPrefix(string(text), "\ufeff"), nil
}

func (p *project) content(path string, limit int64) ([]byte, error) {
	if text, found := p.ahead[path]; found {
		return text, nil
	}
	if !strings.Contains(path, "/") {
		return p.tree.ReadFile(p.ctx, path, limit)
	}
	if p.deep++; p.deep > deepReads {
		return nil, &problem.Refusal{
			Reason: "To find out how the app starts, too many files would have to be read.",
			Hint:   "Add a Dockerfile that says how to build and start the app.",
		}
	}
	return p.tree.ReadFile(p.ctx, path, limit)
}

// keep chooses the archive's files for the build context: those that neither the
// archive's .dockerignore nor the general rule ignores.
func (p *project) keep(more ...string) (func(archive.Entry) bool, error) {
	own := ""
	if p.has(dockerfile.IgnoreFile) {
		text, err := p.tree.ReadFile(p.ctx, dockerfile.IgnoreFile, dockerfile.MostIgnoreBytes)
		if err != nil {
			return nil, err
		}
		own = strings.TrimPrefix(string(text), "\ufeff")
	}
	before := ignoredAlways + strings.Join(more, "\n") + "\n"
	ignore, err := archive.ParseIgnore([]byte(before + own))
	if refusal, ok := errors.AsType[*archive.Refusal](err); ok {
		refusal.File, refusal.Line = dockerfile.IgnoreFile, max(refusal.Line-strings.Count(before, "\n"), 0)
	}
	if err != nil {
		return nil, err
	}
	return func(e archive.Entry) bool {
		ours := e.Path == dockerfile.IgnoreFile || e.Path == ownFolder || strings.HasPrefix(e.Path, ownFolder+"/")
		return !ours && ignore.Keep(e)
	}, nil
}

// parseCommand checks a command line of the project. A shell in the project's own image
// will read it.
func parseCommand(file string, line int, text string) (string, error) {
	text = strings.TrimSpace(text)
	var reason string
	switch {
	case text == "":
		reason = "The command is empty."
	case len(text) > lineBytes:
		reason = fmt.Sprintf("The command is longer than %d bytes.", lineBytes)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		reason = "The command holds a control character, such as a line break."
	default:
		return text, nil
	}
	return "", &problem.Refusal{File: file, Line: line, Reason: reason, Hint: "Write one command on one line."}
}

// lineAt returns the line of a position in a text, from 1.
func lineAt(text string, position int) int {
	return 1 + strings.Count(text[:min(max(position, 0), len(text))], "\n")
}

// Keep returns the files of an archive that a recipe would send to the engine.
func Keep(ctx context.Context, tree *archive.Tree) (func(archive.Entry) bool, error) {
	return (&project{ctx: ctx, tree: tree}).keep()
}
