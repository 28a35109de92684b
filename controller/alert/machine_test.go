package alert

import (
	"testing"
	"time"

	"berth/controller/event"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// run steps a rule through readings, one after each step, and returns what was told.
func run(r Rule, from time.Time, step time.Duration, values ...float64) (told []Tell, s State) {
	for at, value := range values {
		var tell Tell
		if s, tell = StepMetric(r, s, value, true, from.Add(time.Duration(at)*step)); tell != Nothing {
			told = append(told, tell)
		}
	}
	return told, s
}

func repeated(values ...float64) (all []float64) {
	for at := 0; at < len(values); at += 2 {
		for range int(values[at]) {
			all = append(all, values[at+1])
		}
	}
	return all
}

var disk = Rule{ID: 1, Name: "Disk", On: true, Metric: DiskPercent, Threshold: 85, Clear: 80, For: time.Minute, TellOver: true}

func want(t *testing.T, got []Tell, wanted ...Tell) {
	t.Helper()
	if len(got) != len(wanted) {
		t.Fatalf("told %v, want %v", got, wanted)
	}
	for at := range got {
		if got[at] != wanted[at] {
			t.Fatalf("told %v, want %v", got, wanted)
		}
	}
}

func TestMachine_FiftyNineSecondsAreNothingAndSixtyOneAreOne(t *testing.T) {
	told, _ := run(disk, noon, time.Second, repeated(59, 90, 600, 10)...)
	want(t, told)
	told, _ = run(disk, noon, time.Second, repeated(62, 90)...)
	want(t, told, ThatItFires)
	told, _ = run(disk, noon, time.Second, repeated(62, 90, 600, 10)...)
	want(t, told, ThatItFires, ThatItIsOver)
}

func TestMachine_AHundredFlapsAreOneAlertAndOneEnd(t *testing.T) {
	at := disk
	at.For = 0
	var values []float64
	for range 100 {
		values = append(values, 90, 10) // every 6 s for 10 minutes
	}
	told, _ := run(at, noon, 3*time.Second, append(values, repeated(100, 10)...)...)
	want(t, told, ThatItFires, ThatItIsOver)
}

func TestMachine_StaysUntilTheClearThresholdAndKeepsThePause(t *testing.T) {
	r := disk
	r.Pause = time.Hour
	told, _ := run(r, noon, 10*time.Second, repeated(10, 90, 100, 83)...) // not below 80
	want(t, told, ThatItFires)
	told, s := run(r, noon, 10*time.Second, repeated(10, 90, 30, 10, 30, 90, 30, 10, 5, 90)...)
	want(t, told, ThatItFires, ThatItIsOver) // the second and third fell into the pause
	if s.Phase != Pending && s.Phase != Firing {
		t.Errorf("%+v", s)
	}
	told, _ = run(r, noon, 10*time.Second, repeated(10, 90, 30, 10, 400, 90)...)
	want(t, told, ThatItFires, ThatItIsOver, ThatItFires) // still there when the pause ended
}

func TestQuiet_TellsAtItsEndOnlyWhatStillFires(t *testing.T) {
	r := disk
	r.Quiet = Quiet{From: "22:00", To: "07:00", Zone: "UTC"}
	night := time.Date(2026, 11, 29, 23, 0, 0, 0, time.UTC)
	told, _ := run(r, night, time.Minute, repeated(60, 90, 500, 10)...) // over before the morning
	want(t, told)
	told, s := run(r, night, time.Minute, repeated(479, 90)...)
	want(t, told)
	if !s.Held || s.Phase != Firing {
		t.Errorf("%+v", s)
	}
	told, _ = run(r, night, time.Minute, repeated(481, 90)...)
	want(t, told, ThatItFires)
	evening := night.Add(-70 * time.Minute)                              // told before the night
	told, _ = run(r, evening, time.Minute, repeated(30, 90, 480, 10)...) // and over in it
	want(t, told, ThatItFires)
	told, _ = run(r, evening, time.Minute, repeated(30, 90, 540, 10)...)
	want(t, told, ThatItFires, ThatItIsOver)
}

func TestQuiet_GoesByTheClocksOfItsZone(t *testing.T) {
	q := Quiet{From: "22:00", To: "07:00", Zone: "Europe/Berlin"}
	for text, holds := range map[string]bool{
		"2026-10-24T19:59:00Z": false, "2026-10-24T20:00:00Z": true, // 22:00 in summer
		"2026-10-25T05:59:00Z": true, "2026-10-25T06:00:00Z": false, // 07:00 in winter: ten hours
		"2026-03-28T20:59:00Z": false, "2026-03-28T21:00:00Z": true, // 22:00 in winter
		"2026-03-29T04:59:00Z": true, "2026-03-29T05:00:00Z": false, // 07:00 in summer: eight hours
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if q.Holds(at) != holds {
			t.Errorf("%s: %v", text, !holds)
		}
	}
	day := Quiet{From: "12:00", To: "13:00", Zone: "UTC"}
	if !day.Holds(noon) || day.Holds(noon.Add(time.Hour)) || (Quiet{}).Holds(noon) {
		t.Error("noon")
	}
}

func TestMachine_TellsEachEventButKeepsThePause(t *testing.T) {
	r := Rule{ID: 1, Event: event.ReleaseFailed, TellOver: true}
	s, tell := StepEvent(r, State{}, &event.Event{ID: 7, Detail: "one"}, false, noon)
	if tell != ThatItFires {
		t.Fatal("the first was not told")
	}
	if s, tell = StepEvent(r, s, nil, false, noon.Add(time.Minute)); tell != Nothing {
		t.Error("told again")
	}
	if s, tell = StepEvent(r, s, &event.Event{ID: 8, Detail: "two"}, false, noon.Add(2*time.Minute)); tell != ThatItFires || s.Detail != "two" {
		t.Error("the second was not told")
	}
	if s, tell = StepEvent(r, s, nil, true, noon.Add(3*time.Minute)); tell != ThatItIsOver || s.Phase != "" {
		t.Errorf("%v %+v", tell, s)
	}
	r.Pause = time.Hour
	s, _ = StepEvent(r, State{}, &event.Event{ID: 9}, false, noon)
	for minute := 1; minute < 60; minute++ {
		if s, tell = StepEvent(r, s, &event.Event{ID: 9 + int64(minute)}, false, noon.Add(time.Duration(minute)*time.Minute)); tell != Nothing {
			t.Fatal("told within the pause")
		}
	}
	if _, tell = StepEvent(r, s, nil, false, noon.Add(time.Hour)); tell != ThatItFires {
		t.Error("nothing after the pause")
	}
}

func TestDefaults_AreRulesThatHold(t *testing.T) {
	for _, r := range Defaults() {
		if faults := r.Faults(); len(faults) > 0 {
			t.Errorf("%s: %v", r.Name, faults)
		}
	}
	told, _ := run(Defaults()[0], noon, 10*time.Second, repeated(12, 1)...) // 110 s
	want(t, told)
	told, _ = run(Defaults()[0], noon, 10*time.Second, repeated(13, 1, 30, 0)...)
	want(t, told, ThatItFires, ThatItIsOver)
}

func TestRule_SaysEveryFaultAtOnce(t *testing.T) {
	faults := Rule{Metric: DiskPercent, Threshold: 80, Clear: 90, For: -1, Pause: -1, Quiet: Quiet{From: "25:00", To: "7", Zone: "Mars"}}.Faults()
	if len(faults) != 6 {
		t.Errorf("got %v", faults)
	}
}
