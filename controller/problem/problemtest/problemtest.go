// Package problemtest checks refusals in tests.
package problemtest

import (
	"errors"
	"strings"
	"testing"

	"berth/controller/problem"
)

// MustRefuse checks that err is a Refusal with all of its sentences.
func MustRefuse(t testing.TB, err error, file string, line int, reason string) {
	t.Helper()
	refusal, ok := errors.AsType[*problem.Refusal](err)
	if !ok {
		t.Fatalf("got %v, want a Refusal", err)
	}
	if refusal.File != file || refusal.Line != line {
		t.Errorf("the refusal is about %q line %d, want %q line %d", refusal.File, refusal.Line, file, line)
	}
	if !strings.Contains(refusal.Reason, reason) {
		t.Errorf("the reason is %q, want %q in it", refusal.Reason, reason)
	}
	if !strings.HasSuffix(refusal.Reason, ".") || !strings.HasSuffix(refusal.Hint, ".") {
		t.Errorf("not whole sentences: %q, %q", refusal.Reason, refusal.Hint)
	}
}
