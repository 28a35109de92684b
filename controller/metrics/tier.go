package metrics

import "time"

// Tier is how finely the past is kept, and for how long. Its number is stored.
type Tier struct {
	Number int
	Width  time.Duration // of one bucket
	Keep   time.Duration
}

// Tiers are the tiers, from the finest on. Each is added up from the one before, and its
// width is a multiple of that one's.
func Tiers() []Tier {
	const day = 24 * time.Hour
	return []Tier{
		{Number: 0, Width: 15 * time.Second, Keep: time.Hour},
		{Number: 1, Width: time.Minute, Keep: day},
		{Number: 2, Width: 10 * time.Minute, Keep: 31 * day},
		{Number: 3, Width: 2 * time.Hour, Keep: 366 * day},
	}
}

// Bucket is the number of the bucket that holds the moment.
func (t Tier) Bucket(at time.Time) int64 { return at.Unix() / int64(t.Width/time.Second) }

// At is when a bucket begins.
func (t Tier) At(bucket int64) time.Time {
	return time.Unix(bucket*int64(t.Width/time.Second), 0).UTC()
}

// Range is how much of the past a page shows.
type Range struct {
	Name string // in the page's address
	Long time.Duration
	Tier Tier
}

// Ranges are those that pages offer. Each reads a tier that gives a few hundred points.
func Ranges() []Range {
	tiers := Tiers()
	const day = 24 * time.Hour
	return []Range{
		{"hour", time.Hour, tiers[0]},
		{"day", day, tiers[1]},
		{"week", 7 * day, tiers[2]},
		{"month", 30 * day, tiers[3]},
	}
}

// RangeNamed returns the range of that name; of another name it is the first.
func RangeNamed(name string) Range {
	for _, r := range Ranges() {
		if r.Name == name {
			return r
		}
	}
	return Ranges()[0]
}
