// Package house keeps the house in order: which package may import which, how long a package and how large an interface may be.
package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "berth"
	below  = "controller/" // left out of the names on the board
)

// room is a package of the board. mayImport are its arrows, apart by spaces.
type room struct {
	name, mayImport string
}

// source is one file of the product, whatever its build tags.
type source struct {
	room, path string
	file       *ast.File
	positions  *token.FileSet
	lines      int
}

func TestHouse_ImportsOnlyWhatIsOnTheBoard(t *testing.T) {
	t.Parallel()
	for _, file := range readSources(t) {
		row := rowOf(file.room)
		if row < 0 {
			t.Errorf("%s: %s has no row on the board. Add one to test/house/board_test.go, and a line to the table of docs/ARCHITECTURE.md",
				file.path, file.room)
			continue
		}
		for _, imported := range file.file.Imports {
			name, ours := roomOf(t, imported)
			if !ours || mayImport(board[row], name) {
				continue
			}
			t.Errorf("%s:%d: %s imports %s, and the board has no such arrow. Declare the interface that %[3]s needs in %[3]s itself, or "+
				"move this code up to a package that may import %[4]s. If the arrow is right, draw it in test/house/board_test.go and "+
				"say why in docs/ARCHITECTURE.md", file.path, file.positions.Position(imported.Pos()).Line, file.room, name)
		}
	}
}

func TestHouse_BoardPointsDownwards(t *testing.T) {
	t.Parallel()
	for at, row := range board {
		if rowOf(row.name) != at {
			t.Errorf("the board has two rows of %s: keep one", row.name)
		}
		for name := range strings.FieldsSeq(row.mayImport) {
			if name != "*" && rowOf(name) <= at {
				t.Errorf("the board lets %s import %s, which does not stand below it: draw arrows downwards only", row.name, name)
			}
		}
	}
}

func TestHouse_BoardHasNoPackageThatIsGone(t *testing.T) {
	t.Parallel()
	var there []string
	for _, file := range readSources(t) {
		there = append(there, file.room)
	}
	for _, row := range board {
		if !slices.Contains(there, row.name) && !slices.Contains(announced, row.name) {
			t.Errorf("the board has a row of %s, which is no package: remove it from test/house/board_test.go", row.name)
		}
	}
}

func TestHouse_PackagesBelowControllerStayShort(t *testing.T) {
	t.Parallel()
	lines := make(map[string]int)
	for _, file := range readSources(t) {
		if strings.HasPrefix(file.path, below) {
			lines[file.room] += file.lines
		}
	}
	wantWithin(t, "lines without tests", "move one of its nouns to a package of its own", lines, mostLines, longPackages)
}

func TestHouse_InterfacesStaySmall(t *testing.T) {
	t.Parallel()
	declared := make(map[string]*ast.InterfaceType)
	for _, file := range readSources(t) {
		ast.Inspect(file.file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.TypeSpec); ok {
				if body, ok := spec.Type.(*ast.InterfaceType); ok {
					declared[file.room+"."+spec.Name.Name] = body
				}
			}
			return true
		})
	}
	sizes := make(map[string]int)
	for name := range declared {
		sizes[name] = len(methodsOf(declared, name))
	}
	if len(sizes) < 20 {
		t.Errorf("only %d interfaces were found", len(sizes))
	}
	wantWithin(t, "methods", "declare a smaller one where each caller is", sizes, mostMethods, largeInterfaces)
}

// wantWithin fails for each size over its limit, and for each exception that is needed no more or is a tenth too generous.
func wantWithin(t *testing.T, unit, advice string, sizes map[string]int, most int, exceptions map[string]int) {
	t.Helper()
	for name, size := range sizes {
		if allowed := max(most, exceptions[name]); size > allowed {
			t.Errorf("%s has %d %s, and may have %d: %s", name, size, unit, allowed, advice)
		}
	}
	for name, allowed := range exceptions {
		switch size := sizes[name]; {
		case size <= most:
			t.Errorf("%s has %d %s, which all may have: remove its exception from test/house/board_test.go", name, size, unit)
		case size < allowed*9/10:
			t.Errorf("%s has only %d %s by now: lower its exception from %d to %[2]d in test/house/board_test.go", name, size, unit, allowed)
		}
	}
}

// methodsOf returns the names of the methods of an interface. An embedded one of another module counts as one method.
func methodsOf(declared map[string]*ast.InterfaceType, name string) map[string]bool {
	found := make(map[string]bool)
	home, _, _ := strings.Cut(name, ".")
	for _, entry := range declared[name].Methods.List {
		for _, method := range entry.Names {
			found[method.Name] = true
		}
		if len(entry.Names) > 0 {
			continue
		}
		embedded := nameOf(home, entry.Type)
		if _, ours := declared[embedded]; !ours {
			found[embedded] = true
			continue
		}
		for method := range methodsOf(declared, embedded) {
			found[method] = true
		}
	}
	return found
}

// nameOf returns an embedded type as PACKAGE.NAME. Packages of ours have names of their own, which are their folders'.
func nameOf(home string, embedded ast.Expr) string {
	switch typed := embedded.(type) {
	case *ast.Ident:
		return home + "." + typed.Name
	case *ast.SelectorExpr:
		return fmt.Sprint(typed.X) + "." + typed.Sel.Name
	default:
		return fmt.Sprintf("%s.%T", home, embedded) // a set of types
	}
}

func mayImport(row room, name string) bool {
	for allowed := range strings.FieldsSeq(row.mayImport) {
		if allowed == name || allowed == "*" && rowOf(name) > rowOf(row.name) {
			return true
		}
	}
	return false
}

func rowOf(name string) int {
	return slices.IndexFunc(board, func(row room) bool { return row.name == name })
}

// roomOf returns the name on the board of what is imported, and whether it is ours.
func roomOf(t *testing.T, imported *ast.ImportSpec) (name string, ours bool) {
	t.Helper()
	path, err := strconv.Unquote(imported.Path.Value)
	if err != nil {
		t.Fatal(err)
	}
	folder, ours := strings.CutPrefix(path, module+"/")
	return strings.TrimPrefix(folder, below), ours
}

// readSources reads every file of the module but the tests, which may ask anything.
func readSources(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipOthers(path, entry)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := readSource(path)
		found = append(found, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 100 {
		t.Fatalf("only %d files were found", len(found))
	}
	return found
}

// skipOthers leaves out hidden folders, what tests read, and modules of their own.
func skipOthers(path string, folder fs.DirEntry) error {
	if path == root {
		return nil
	}
	if name := folder.Name(); strings.HasPrefix(name, ".") || name == "testdata" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func readSource(path string) (source, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return source{}, err
	}
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, content, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return source{}, err
	}
	relative = filepath.ToSlash(relative)
	return source{
		room: strings.TrimPrefix(filepath.ToSlash(filepath.Dir(relative)), below), path: relative,
		file: file, positions: positions, lines: strings.Count(string(content), "\n"),
	}, nil
}
