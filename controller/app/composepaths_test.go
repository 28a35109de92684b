package app

import (
	"path"
	"strings"
	"testing"

	"berth/controller/problem"
)

func TestParseComposePaths_KeepsTheOrderAndRefuses(t *testing.T) {
	got, err := ParseComposePaths(" ./deploy/compose.yaml, prod.yml\r\na b/./c.yaml,")
	if err != nil || got != "deploy/compose.yaml,prod.yml,a b/c.yaml" || len(got.List()) != 3 {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := ParseComposePaths(" ,\n"); err != nil || got != "" || got.List() != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, text := range []string{
		"/etc/passwd", "../x.yaml", "a/../../x.yaml", ".", "..", "a/", `a\b.yaml`, "a\x00.yaml", "a\x1b.yaml", "a\xff.yaml",
		strings.Repeat("x", 201), "a.yaml,./a.yaml", "1,2,3,4,5,6,7,8,9",
	} {
		_, err := ParseComposePaths(text)
		if found, ok := err.(*problem.Problem); !ok || found.Field != FieldCompose || found.Kind != problem.KindInvalid { //nolint:errorlint // it returns no other
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzParseComposePaths(f *testing.F) {
	for _, text := range []string{"compose.yaml, deploy/prod.yaml", "../x", "a/./b", "\x00", strings.Repeat("a,", 20)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		paths, err := ParseComposePaths(text)
		if err != nil {
			return
		}
		if again, err := ParseComposePaths(string(paths)); err != nil || again != paths {
			t.Errorf("%q became %q, %v", paths, again, err)
		}
		for _, one := range paths.List() {
			if path.Clean(one) != one || path.IsAbs(one) || strings.HasPrefix(one, "..") && (one == ".." || one[2] == '/') {
				t.Errorf("%q was taken", one)
			}
		}
	})
}
