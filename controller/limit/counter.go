package limit

import (
	"slices"
	"time"
)

// grains is how many counts a window keeps apart. A budget of up to so many
// requests is counted exactly; a larger one to a grain of its span, and always
// on the safe side: never more than the budget in any span.
const grains = 64

// Key is what a counter counts.
type Key struct {
	Class   Class
	Subject Subject
}

// Counter is what one subject has used of one budget.
type Counter struct {
	Key
	Windows []Used
	Refused int       // requests since the last one that fitted
	Since   time.Time // when the budget was used up; zero where there is room
	Until   time.Time // when there is room again; zero where there is room
	Ends    time.Time // when nothing is counted any more; zero where nothing is
}

// Used is what was counted in one window.
type Used struct {
	Span time.Duration `json:"span"`
	Hits []Hit         `json:"hits"` // in the order of time
}

// Hit is some requests at one moment.
type Hit struct {
	At    int64 `json:"at"` // microseconds
	Count int   `json:"n"`
}

// wait is how long until a request fits; zero means that it does now.
func (c *Counter) wait(budget Budget, now time.Time) time.Duration {
	if len(budget) == 0 {
		return maxSpan
	}
	c.fit(budget, now)
	var wait time.Duration
	for i, w := range budget {
		wait = max(wait, w.wait(c.Windows[i].Hits, now))
	}
	return wait
}

// add counts a request that fits, and returns what gives it back.
func (c *Counter) add(budget Budget, now time.Time) receipt {
	at := make(receipt, 0, len(budget))
	for i, w := range budget {
		moment := w.moment(now)
		c.Windows[i].add(moment)
		at = append(at, moment)
	}
	c.Refused = 0
	c.settle(budget, now)
	return at
}

// giveBack takes one request out again.
func (c *Counter) giveBack(budget Budget, at receipt, now time.Time) {
	c.fit(budget, now)
	for i := range min(len(at), len(c.Windows)) {
		c.Windows[i].remove(at[i])
	}
	c.settle(budget, now)
}

// refuse counts a request that did not fit.
func (c *Counter) refuse(budget Budget, now time.Time) {
	c.Refused++
	c.settle(budget, now)
}

// receipt is where a request was counted, by window.
type receipt []int64

// fit brings the windows into the form of the budget, which may have changed
// since they were stored, and drops what lies outside.
func (c *Counter) fit(budget Budget, now time.Time) {
	fitted := make([]Used, len(budget))
	for i, w := range budget {
		fitted[i].Span = w.Span
		at := slices.IndexFunc(c.Windows, func(u Used) bool { return u.Span == w.Span })
		if at >= 0 {
			fitted[i].Hits = inside(c.Windows[at].Hits, now.Add(-w.Span))
		}
	}
	c.Windows = fitted
}

// settle works out Since, Until and Ends.
func (c *Counter) settle(budget Budget, now time.Time) {
	latest := int64(0)
	for _, used := range c.Windows {
		if last := len(used.Hits) - 1; last >= 0 {
			latest = max(latest, used.Hits[last].At)
		}
	}
	c.Ends, c.Since, c.Until = time.Time{}, time.Time{}, time.Time{}
	if latest == 0 {
		return
	}
	c.Ends = time.UnixMicro(latest).Add(budget.longest())
	if wait := c.wait(budget, now); wait > 0 {
		c.Since, c.Until = earlier(time.UnixMicro(latest), now), now.Add(wait)
	}
}

// wait is how long until a request fits into the window.
func (w Window) wait(hits []Hit, now time.Time) time.Duration {
	total := 0
	for _, hit := range hits {
		total += hit.Count
	}
	for _, hit := range hits {
		if total < w.Requests {
			return 0
		}
		if total -= hit.Count; total < w.Requests {
			return time.UnixMicro(hit.At).Add(w.Span).Sub(now)
		}
	}
	return 0
}

// moment is where a request is counted: now, or the end of the present grain.
func (w Window) moment(now time.Time) int64 {
	at := now.UnixMicro()
	if w.Requests <= grains {
		return at
	}
	grain := w.Span.Microseconds() / grains
	return (at/grain + 1) * grain
}

func (u *Used) add(at int64) {
	// A clock that was set back leaves the order of time as it was.
	if last := len(u.Hits) - 1; last >= 0 && u.Hits[last].At >= at {
		if u.Hits[last].At == at {
			u.Hits[last].Count++
			return
		}
		place, _ := slices.BinarySearchFunc(u.Hits, at, func(h Hit, at int64) int { return int(min(max(h.At-at, -1), 1)) })
		u.Hits = slices.Insert(u.Hits, place, Hit{At: at, Count: 1})
		return
	}
	u.Hits = append(u.Hits, Hit{At: at, Count: 1})
}

func (u *Used) remove(at int64) {
	place := slices.IndexFunc(u.Hits, func(h Hit) bool { return h.At == at })
	if place < 0 {
		return
	}
	if u.Hits[place].Count--; u.Hits[place].Count == 0 {
		u.Hits = slices.Delete(u.Hits, place, place+1)
	}
}

// inside drops what lies before the moment.
func inside(hits []Hit, moment time.Time) []Hit {
	first := slices.IndexFunc(hits, func(h Hit) bool { return h.At > moment.UnixMicro() })
	if first < 0 {
		return nil
	}
	return hits[first:]
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
