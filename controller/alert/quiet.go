package alert

import (
	"time"

	"berth/controller/problem"
)

// Quiet are hours of each day in which nothing is told. The zero Quiet has none.
type Quiet struct {
	From string `json:"from,omitempty"` // HH:MM, on the clocks of the zone
	To   string `json:"to,omitempty"`   // exclusive; may be on the next day
	Zone string `json:"zone,omitempty"` // such as Europe/Berlin
}

const clock = "15:04"

// Holds reports whether now is in the quiet hours. The clocks of the zone decide, so a
// change of the clock makes a night an hour longer or shorter.
func (q Quiet) Holds(now time.Time) bool {
	from, fromErr := time.Parse(clock, q.From)
	to, toErr := time.Parse(clock, q.To)
	zone, err := time.LoadLocation(q.Zone)
	if fromErr != nil || toErr != nil || err != nil {
		return false
	}
	local := now.In(zone)
	minute := func(t time.Time) int { return 60*t.Hour() + t.Minute() }
	begin, end, present := minute(from), minute(to), minute(local)
	if begin <= end {
		return begin <= present && present < end
	}
	return present >= begin || present < end
}

func (q Quiet) check() (faults problem.Problems) {
	if q.From == "" && q.To == "" {
		return nil
	}
	from, fromErr := time.Parse(clock, q.From)
	to, toErr := time.Parse(clock, q.To)
	if fromErr != nil || toErr != nil || from.Equal(to) {
		faults = append(faults, problem.Invalid("These are not quiet hours.", "Write two times of day, such as 22:00 and 07:00.").At(FieldQuiet))
	}
	if _, err := time.LoadLocation(q.Zone); err != nil || q.Zone == "" || q.Zone == "Local" {
		faults = append(faults, problem.Invalid("This is not a time zone.", "Write one such as Europe/Berlin or UTC.").At(FieldZone))
	}
	return faults
}
