package recipe

import (
	"errors"
	"fmt"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"berth/controller/printable"
	"berth/controller/problem"
)

const goMod = "go.mod"

// goAssets are folders that Go programs read at run time.
var goAssets = []string{"assets", "data", "locales", "migrations", "public", "static", "templates", "views", "web"}

// goForeign are folders with programs that are not the app.
var goForeign = regexp.MustCompile(`(^|/)(vendor|testdata|node_modules|examples?|tools|hack|scripts|internal/tools|[._][^/]*)(/|$)`)

// folderPattern is a path that is safe in a shell's line.
var folderPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]*$`)

// needsC are modules that do not work without a C compiler.
var needsC = []string{"github.com/mattn/go-sqlite3"}

func knowsGo(p *project) bool { return p.has(goMod) }

// writeGo builds one static program, and runs it alone in an image.
func writeGo(p *project, _ Options) (*recipe, error) {
	module, err := p.goModule()
	if err != nil {
		return nil, err
	}
	folder, err := p.goProgram()
	if err != nil {
		return nil, err
	}
	r := newRecipe("Go")
	source, version := goVersion(module)
	line, reason := golang.choose(source, version)
	r.because("%s", reason)
	r.because("The program in %s is built.", shownFolder(folder))
	if p.has(procfile) {
		r.because("The Procfile is not used: the program is started as it is.")
	}
	p.buildGo(r, line, folder, module)
	p.runGo(r)
	return r, nil
}

// goModule reads go.mod.
func (p *project) goModule() (*modfile.File, error) {
	text, err := p.read(goMod)
	if err != nil {
		return nil, err
	}
	module, err := modfile.Parse(goMod, []byte(text), nil)
	if err != nil { // go.mod may be newer than the parser
		module, err = modfile.ParseLax(goMod, []byte(text), nil)
	}
	if err == nil {
		return module, nil
	}
	refusal := &problem.Refusal{File: goMod, Reason: "The file cannot be read as a Go module.", Hint: "Run go mod tidy and make the archive again."}
	if list, ok := errors.AsType[modfile.ErrorList](err); ok && len(list) > 0 {
		refusal.Line = list[0].Pos.Line
	}
	return nil, refusal
}

// goVersion is the newer of the version that go.mod needs and the one that it prefers.
func goVersion(module *modfile.File) (source, version string) {
	switch {
	case module.Toolchain != nil && strings.HasPrefix(module.Toolchain.Name, "go"):
		return "The toolchain line of go.mod", module.Toolchain.Name
	case module.Go != nil:
		return goMod, module.Go.Version
	default:
		return goMod, ""
	}
}

func (p *project) buildGo(r *recipe, line, folder string, module *modfile.File) {
	r.add("FROM", "golang:"+line+" AS build")
	r.add("WORKDIR", "/src")
	withC := requiresAny(module, needsC)
	if withC {
		r.because("go.mod names go-sqlite3, so the program is linked with C, statically.")
	}
	// If the image lacks a release of Go, the build fetches it, as on a developer's
	// machine.
	r.add("ENV", fmt.Sprintf("GOTOOLCHAIN=auto GOFLAGS=-trimpath CGO_ENABLED=%d", map[bool]int{true: 1}[withC]))
	const modules = "--mount=type=cache,target=/go/pkg/mod "
	switch {
	case p.has("vendor/modules.txt"):
		r.because("The modules are in vendor, so none are fetched.")
	case p.has("go.sum") && !p.has("go.work") && !replacesLocally(module):
		r.add("COPY", "go.mod go.sum ./")
		r.add("RUN", modules+"go mod download")
	}
	r.add("COPY", ". .")
	link := "-s -w"
	tags := ""
	if withC {
		link += " -linkmode external -extldflags -static"
		tags = " -tags netgo,osusergo,sqlite_omit_load_extension"
	}
	r.add("RUN", fmt.Sprintf("%s--mount=type=cache,target=/root/.cache/go-build go build%s -ldflags=%q -o /out/app %s", modules, tags, link, folder))
}

// runGo is an image with the program, the system files that every program may need, and
// the folders that programs read at run time.
func (p *project) runGo(r *recipe) {
	r.add("FROM", "scratch")
	r.add("COPY", "--from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/")
	r.add("COPY", "--from=build /usr/local/go/lib/time/zoneinfo.zip /zoneinfo.zip")
	r.add("ENV", "ZONEINFO=/zoneinfo.zip")
	r.add("WORKDIR", "/app")
	r.add("COPY", "--from=build /out/app /app/app")
	var beside []string
	for _, folder := range goAssets {
		if p.hasFolder(folder) {
			beside = append(beside, folder)
			r.add("COPY", fmt.Sprintf("%s /app/%s", folder, folder))
		}
	}
	if len(beside) > 0 {
		r.because("The folders %s stand beside the program at run time.", strings.Join(beside, ", "))
	}
	r.unprivileged()
	r.words("CMD", "/app/app")
}

func requiresAny(module *modfile.File, names []string) bool {
	return slices.ContainsFunc(module.Require, func(r *modfile.Require) bool { return slices.Contains(names, r.Mod.Path) })
}

func replacesLocally(module *modfile.File) bool {
	return slices.ContainsFunc(module.Replace, func(r *modfile.Replace) bool { return r.New.Version == "" })
}

// goProgram returns the folder of the one main package, in the form of go build: the
// top's, or the only one below cmd, or the only one in the archive.
func (p *project) goProgram() (string, error) {
	folders := p.goFolders()
	for _, in := range []func(string) bool{
		func(folder string) bool { return folder == "." },
		func(folder string) bool { return path.Dir(folder) == "cmd" },
		func(folder string) bool { return folder != "." && path.Dir(folder) != "cmd" },
	} {
		found, err := p.mainPackages(folders, in)
		if err != nil {
			return "", err
		}
		switch {
		case len(found) > 1:
			return "", &problem.Refusal{
				Reason: fmt.Sprintf("There are several programs, in %s, so it is not clear which one is the app.", printable.List(found)),
				Hint:   "Add a Dockerfile that builds the one that answers requests.",
			}
		case len(found) == 1 && !folderPattern.MatchString(found[0]) && found[0] != ".":
			return "", &problem.Refusal{
				File: found[0], Reason: "The program's folder has a name that no Go package can be built by.",
				Hint: "Rename the folder, with letters, digits, hyphens and underscores.",
			}
		case len(found) == 1 && found[0] == ".":
			return ".", nil
		case len(found) == 1:
			return "./" + found[0], nil
		}
	}
	return "", &problem.Refusal{
		File: goMod, Reason: "The module has no main package, so there is no program to start.",
		Hint: "Put package main with its func main at the top or in a folder of cmd.",
	}
}

// goFolders returns the folders with Go files, and those files.
func (p *project) goFolders() map[string][]string {
	folders := map[string][]string{}
	for _, entry := range p.tree.Entries() {
		if p.has(entry.Path) && strings.HasSuffix(entry.Path, ".go") && !strings.HasSuffix(entry.Path, "_test.go") {
			folder := path.Dir(entry.Path)
			if !goForeign.MatchString(folder) || folder == "." {
				folders[folder] = append(folders[folder], entry.Path)
			}
		}
	}
	return folders
}

func (p *project) mainPackages(folders map[string][]string, in func(string) bool) ([]string, error) {
	var found, first []string
	for folder, files := range folders {
		if in(folder) && folder != "." {
			first = append(first, files[0])
		}
	}
	slices.Sort(first)
	if err := p.readAhead(first); err != nil {
		return nil, err
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		if !in(folder) {
			continue
		}
		main, err := p.isMain(folders[folder])
		if err != nil {
			return nil, err
		}
		if main {
			found = append(found, folder)
		}
	}
	return found, nil
}

// isMain reports whether the files are package main. The first file that is built on
// Linux decides.
func (p *project) isMain(files []string) (bool, error) {
	for _, file := range files {
		text, err := p.read(file)
		if err != nil {
			return false, err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), "", text, parser.PackageClauseOnly)
		if err != nil || !builtOnLinux(text) {
			continue
		}
		return parsed.Name.Name == "main", nil
	}
	return false, nil
}

// builtOnLinux reads the build constraint above the package clause.
func builtOnLinux(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "package ") {
			return true
		}
		if !constraint.IsGoBuild(line) {
			continue
		}
		expression, err := constraint.Parse(line)
		if err != nil {
			return true
		}
		return expression.Eval(func(tag string) bool {
			return slices.Contains([]string{"linux", "amd64", "arm64", "unix", "gc"}, tag) || strings.HasPrefix(tag, "go1.")
		})
	}
	return true
}

func shownFolder(folder string) string {
	if folder == "." {
		return "the archive's top"
	}
	return strings.TrimPrefix(folder, "./")
}
