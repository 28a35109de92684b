// Package docs keeps the documents true: what they name exists.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var (
	pathPattern = regexp.MustCompile("`([a-z][a-zA-Z0-9_./-]*/[a-zA-Z0-9_./-]+)`")
	testPattern = regexp.MustCompile(`\bTest[A-Z][A-Za-z]*_[A-Za-z0-9]+`)
)

func TestDocs_EveryPromiseNamesATestThatExists(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(root, "docs", "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	promises := 0
	for line := range strings.Lines(string(document)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || !strings.Contains(cells[2], "_test.go`") {
			continue
		}
		promises++
		for _, path := range pathPattern.FindAllStringSubmatch(cells[1]+cells[2], -1) {
			if _, err := os.Stat(filepath.Join(root, path[1])); err != nil {
				t.Errorf("%s: %v", strings.TrimSpace(cells[0]), err)
			}
		}
		// Each file is followed by the tests of it.
		for part := range strings.SplitSeq(cells[2], ";") {
			file := pathPattern.FindStringSubmatch(part)
			if file == nil {
				t.Errorf("%s: no file in %q", strings.TrimSpace(cells[0]), part)
				continue
			}
			source, err := os.ReadFile(filepath.Join(root, file[1]))
			if err != nil {
				t.Error(err)
				continue
			}
			for _, name := range testPattern.FindAllString(part, -1) {
				if !strings.Contains(string(source), "func "+name+"(") {
					t.Errorf("%s: %s has no %s", strings.TrimSpace(cells[0]), file[1], name)
				}
			}
		}
	}
	if promises < 50 {
		t.Errorf("only %d promises were found", promises)
	}
}
