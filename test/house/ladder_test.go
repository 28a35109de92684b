package house

import (
	"go/ast"
	"testing"
)

// makers are the steps of a release, by the value that they alone make.
var makers = map[string]string{
	"queued": "begin", "images": "obtainImages", "instances": "start", "proof": "verify", "promoted": "promote",
}

func TestLadder_OnlyTheStepBeforeMakesTheValueThatAStepTakes(t *testing.T) {
	t.Parallel()
	made := make(map[string]bool)
	for _, source := range readSources(t) {
		if source.room != "release" {
			continue
		}
		for _, declared := range source.file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for _, literal := range filledLiterals(function) {
				step, rung := makers[literal]
				if !rung {
					continue
				}
				made[literal] = true
				if function.Name.Name != step {
					t.Errorf("%s: %s makes a value of %s, which only %s may make", source.path, function.Name.Name, literal, step)
				}
			}
		}
	}
	if len(made) != len(makers) {
		t.Errorf("found the makers of %v alone", made)
	}
}

// filledLiterals names the types of the literals in a function that are not zero values.
func filledLiterals(function *ast.FuncDecl) []string {
	var found []string
	ast.Inspect(function, func(node ast.Node) bool {
		if literal, ok := node.(*ast.CompositeLit); ok && len(literal.Elts) > 0 {
			if name, ok := literal.Type.(*ast.Ident); ok {
				found = append(found, name.Name)
			}
		}
		return true
	})
	return found
}
