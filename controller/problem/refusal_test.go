package problem

import (
	"errors"
	"fmt"
	"testing"
)

func TestRefusal_SaysWhere(t *testing.T) {
	for want, refusal := range map[string]Refusal{
		"No.":                     {Reason: "No."},
		"Line 3: No.":             {Line: 3, Reason: "No."},
		"Dockerfile: No.":         {File: "Dockerfile", Reason: "No."},
		"Dockerfile, line 3: No.": {File: "Dockerfile", Line: 3, Reason: "No."},
	} {
		if got := refusal.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRefused_WordsARefusalAndNothingElse(t *testing.T) {
	refusal := &Refusal{File: "Dockerfile", Reason: "No.", Hint: "Write another."}
	worded, ok := errors.AsType[*Problem](Refused("archive", fmt.Errorf("open: %w", refusal)))
	if !ok || worded.Kind != KindInvalid || worded.Field != "archive" || worded.Message != "Dockerfile: No." || worded.Hint != refusal.Hint || !errors.Is(worded, refusal) {
		t.Errorf("got %+v", worded)
	}
	other := errors.New("other")
	if err := Refused("archive", other); !errors.Is(err, other) || KindOf(err) != KindInternal {
		t.Errorf("got %v", err)
	}
	if err := Refused("archive", nil); err != nil {
		t.Errorf("got %v", err)
	}
}
