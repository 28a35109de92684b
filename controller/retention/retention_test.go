package retention

import (
	"context"
	"errors"
	"testing"

	"berth/controller/problem"
)

type ledger map[string]string

func (l ledger) FindSetting(_ context.Context, key string) (string, error) {
	if value, ok := l[key]; ok {
		return value, nil
	}
	return "", problem.ErrNotFound
}

func (l ledger) UpdateSetting(_ context.Context, key, value string) error {
	l[key] = value
	return nil
}

func TestBook_KeepsFiveReleasesUntilAPersonSaysOtherwise(t *testing.T) {
	book := Book{ledger{}}
	if got := book.Releases(t.Context()); got != 5 {
		t.Errorf("%d releases are kept", got)
	}
	want := Rules{Releases: 2, AuditDays: 30, LogDays: 0}
	if err := book.Update(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if got, err := book.Find(t.Context()); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBook_RemovesNothingWhereTheRulesCannotBeRead(t *testing.T) {
	if got := (Book{ledger{settingKey: "no JSON"}}).Releases(t.Context()); got != MostReleases {
		t.Errorf("%d releases are kept", got)
	}
}

func TestParse_SaysEveryFaultAtOnceAtItsField(t *testing.T) {
	typed := map[string]string{FieldReleases: "0", FieldAudit: "7", FieldLogs: "-1"}
	_, err := Parse(Default(), func(field string) string { return typed[field] })
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Fatalf("got %v", err)
	}
	for i, field := range []string{FieldReleases, FieldAudit, FieldLogs} {
		if fault, ok := errors.AsType[*problem.Problem](joined.Unwrap()[i]); !ok || fault.Field != field || fault.Hint == "" {
			t.Errorf("%d: %v", i, joined.Unwrap()[i])
		}
	}
	if _, err := Parse(Default(), func(string) string { return "five" }); err == nil {
		t.Error("a word became a number")
	}
	if got, err := Parse(Default(), func(string) string { return "" }); err != nil || got != Default() {
		t.Errorf("nothing typed: %+v, %v", got, err)
	}
}
