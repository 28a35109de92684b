package planner

import (
	"fmt"
	"strings"
	"testing"

	"berth/controller/archive/archivetest"
	"berth/controller/plan"
	"berth/controller/problem"
)

// TestFrom_BoundsTheFilesThatTheFoldersOfAServiceBringTogether has each service mount many
// folders of an archive with many files, each folder within the bound.
func TestFrom_BoundsTheFilesThatTheFoldersOfAServiceBringTogether(t *testing.T) {
	var text strings.Builder
	text.WriteString("services:\n")
	for service := range 6 {
		fmt.Fprintf(&text, "  s%d:\n    image: x\n    ports: [80]\n    volumes:\n", service)
		for bind := range 32 {
			fmt.Fprintf(&text, "      - ./d%d:/app/d%d:ro\n", bind%16, bind)
		}
	}
	files := []string{"compose.yaml", text.String()}
	for file := range 40_000 {
		files = append(files, fmt.Sprintf("d%d/%d", file%20, file), "")
	}
	tree := archivetest.Tree(t, files...)
	_, err := From(t.Context(), tree, plan.Options{Limits: plan.DefaultLimits()})
	faults := problem.RefusalsIn(err)
	if len(faults) == 0 || !strings.Contains(faults[0].Reason, "more than 2000 files") {
		t.Errorf("got %.300v", err)
	}
}
