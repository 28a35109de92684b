package problem

import (
	"errors"
	"fmt"
	"strings"
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

func TestRefusals_SayWhatIsOfferedAndMissingOnce(t *testing.T) {
	faults := Refusals{
		{Reason: "One.", Offer: OfferPlain, Subject: "A,B"},
		{Reason: "Two.", Offer: OfferPlain, Subject: "B,C"},
		{Reason: "The variable DB_PASSWORD has no value: give one.", Offer: OfferDotenv},
		{Reason: "The variable DB_PASSWORD has no value."},
	}
	if names, offered := faults.Subjects(OfferPlain); !offered || fmt.Sprint(names) != "[A B C]" {
		t.Errorf("got %v, %v", names, offered)
	}
	if names, offered := faults.Subjects(OfferDotenv); !offered || len(names) != 0 {
		t.Errorf("got %v, %v", names, offered)
	}
	if _, offered := faults.Subjects(OfferMain); offered {
		t.Error("it is not offered")
	}
	if names := faults.Variables(); fmt.Sprint(names) != "[DB_PASSWORD]" {
		t.Errorf("got %v", names)
	}
}

func TestRemedy_KeepsSeveralFaultsMaskedEachOnALine(t *testing.T) {
	mask := func(text string) string { return strings.ReplaceAll(text, "hush", "***") }
	faults := Refusals{{File: "a", Line: 2, Reason: "One\nhush.", Hint: "Do."}, {Reason: "Two."}}
	if got := (Remedy{Port: 80}).With(faults, mask); got.Faults != "a, line 2: One ***. Do.\nTwo. " || got.Port != 80 {
		t.Errorf("got %q", got.Faults)
	}
	if got := (Remedy{}).With(faults[:1], mask); got != (Remedy{}) {
		t.Errorf("one fault is the reason: %+v", got)
	}
}
