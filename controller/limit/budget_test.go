package limit_test

import (
	"reflect"
	"testing"
	"time"

	"berth/controller/limit"
)

func TestParseBudget_ReadsNumbersAndDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]limit.Budget{
		"10/1h": {{10, time.Hour}}, "5/15m": {{5, 15 * time.Minute}}, "1/s": {{1, time.Second}}, "2/1h30m": {{2, 90 * time.Minute}},
		"100/1m, 1000/1h": {{100, time.Minute}, {1000, time.Hour}},
	} {
		if got, err := limit.ParseBudget(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "10", "10/", "/1h", "0/1h", "-1/1h", "10/-1h", "10/0s", "10/1ms", "10/9000h", "99999999999/1h", "ten/1h", "10/hour", "10/1h/2",
		"1/1h,", "1/1h,2/60m", "1/1m,1/2m,1/3m,1/4m,1/5m",
	} {
		if got, err := limit.ParseBudget(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestBudget_WordsAreForPeople(t *testing.T) {
	t.Parallel()
	for _, d := range limit.Descriptions() {
		read, err := limit.ParseBudget(d.Budget.String())
		if err != nil || !reflect.DeepEqual(read, d.Budget) {
			t.Errorf("%s: %v, %v", d.Class, read, err)
		}
	}
	for text, want := range map[string]string{
		"100/1m,1000/1h": "100 per minute and 1,000 per hour", "5/15m": "5 per 15 minutes", "1/90s": "1 per minute 30 seconds", "1234567/24h": "1,234,567 per day",
	} {
		budget, err := limit.ParseBudget(text)
		if err != nil || budget.Words() != want {
			t.Errorf("%s: %q, %v", text, budget.Words(), err)
		}
	}
	for span, want := range map[time.Duration]string{
		time.Second: "1 second", 59*time.Second + time.Millisecond: "1 minute", 125 * time.Second: "2 minutes 5 seconds", 900 * time.Second: "15 minutes", 3601 * time.Second: "60 minutes 1 second",
	} {
		if got := limit.SpanWords(span); got != want {
			t.Errorf("%s: %q", span, got)
		}
	}
}

func FuzzParseBudget(f *testing.F) {
	f.Add("10/1h")
	f.Add("5/m,100/1h")
	f.Fuzz(func(t *testing.T, text string) {
		budget, err := limit.ParseBudget(text)
		if err != nil {
			return
		}
		for _, w := range budget {
			if w.Requests < 1 || w.Span < time.Second {
				t.Errorf("%q gave a window that allows nothing or everything: %v", text, w)
			}
		}
		if again, err := limit.ParseBudget(budget.String()); err != nil || !reflect.DeepEqual(again, budget) {
			t.Errorf("%q is written as %s, which reads as %v, %v", text, budget, again, err)
		}
	})
}
