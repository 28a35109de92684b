package limit

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// crowd holds the counters of the class Default: every address that asks for
// anything. They are in memory, because a page is many requests.
type crowd struct {
	budget Budget
	most   int

	mu       sync.Mutex
	counters map[Subject]*crowdCounter
	gone     []Key // in the ledger and no longer here
}

type crowdCounter struct {
	Counter
	changed bool      // since it was last written
	written time.Time // what the ledger has of it ends then; zero where it has nothing
}

func newCrowd(budget Budget, most int, remembered []Counter) *crowd {
	c := &crowd{budget: budget, most: most, counters: make(map[Subject]*crowdCounter, len(remembered))}
	for _, counter := range remembered {
		c.counters[counter.Subject] = &crowdCounter{Counter: counter, written: counter.Ends}
	}
	return c
}

// allow changes the budget for what was counted, too.
func (c *crowd) allow(budget Budget) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.budget = budget
}

// take counts a request; nil means that it fits.
func (c *crowd) take(subject Subject, now time.Time) *Exceeded {
	c.mu.Lock()
	defer c.mu.Unlock()
	counter := c.counters[subject]
	if counter == nil {
		c.makeRoom(now)
		counter = &crowdCounter{Counter: Counter{Key: Key{Default, subject}}}
		c.counters[subject] = counter
	}
	counter.changed = true
	wait := counter.wait(c.budget, now)
	if wait == 0 {
		counter.add(c.budget, now)
		return nil
	}
	counter.refuse(c.budget, now)
	return &Exceeded{Key: counter.Key, Budget: c.budget, Wait: wait, Until: now.Add(wait), Refused: counter.Refused}
}

func (c *crowd) forget(subject Subject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.counters, subject)
}

// sweep drops who is not counted any more. The ledger drops them by itself.
func (c *crowd) sweep(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropEnded(now)
}

// state gives the numbers of counters, and those that are limited.
func (c *crowd) state(now time.Time) (Tally, []Counter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropEnded(now)
	tally := Tally{Class: Default, Counted: len(c.counters)}
	var limited []Counter
	for _, counter := range c.counters {
		if counter.wait(c.budget, now) > 0 {
			counter.settle(c.budget, now)
			limited = append(limited, counter.Counter)
		}
	}
	tally.Limited = len(limited)
	return tally, limited
}

// unwritten returns copies of what changed since the last call, and what went.
func (c *crowd) unwritten() (changed []Counter, gone []Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, counter := range c.counters {
		if !counter.changed {
			continue
		}
		counter.changed = false
		changed = append(changed, counter.copied())
	}
	gone, c.gone = c.gone, nil
	return changed, gone
}

// noteWritten notes what the ledger has of the counters now, or that it could not be written.
func (c *crowd) noteWritten(counters []Counter, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, written := range counters {
		counter := c.counters[written.Subject]
		switch {
		case counter == nil:
		case err != nil:
			counter.changed = true
		default:
			counter.written = written.Ends
		}
	}
}

// keep drops the counters that the ledger should have and has not: another process cleared them.
func (c *crowd) keep(subjects []Subject, now time.Time) {
	there := make(map[Subject]bool, len(subjects))
	for _, subject := range subjects {
		there[subject] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for subject, counter := range c.counters {
		if counter.written.After(now) && !there[subject] {
			delete(c.counters, subject)
		}
	}
}

// makeRoom keeps the crowd below its bound: first goes who is counted no more,
// then a tenth, the quietest first and those that are limited last.
func (c *crowd) makeRoom(now time.Time) {
	if len(c.counters) < c.most {
		return
	}
	c.dropEnded(now)
	if len(c.counters) < c.most {
		return
	}
	all := make([]*crowdCounter, 0, len(c.counters))
	for _, counter := range c.counters {
		all = append(all, counter)
	}
	slices.SortFunc(all, func(a, b *crowdCounter) int {
		return cmp.Or(a.Until.Compare(b.Until), a.Ends.Compare(b.Ends))
	})
	for _, counter := range all[:c.most/10+1] {
		c.drop(counter)
	}
}

func (c *crowd) dropEnded(now time.Time) {
	for _, counter := range c.counters {
		if !counter.Ends.After(now) {
			c.drop(counter)
		}
	}
}

func (c *crowd) drop(counter *crowdCounter) {
	delete(c.counters, counter.Subject)
	if !counter.written.IsZero() {
		c.gone = append(c.gone, counter.Key)
	}
}

func (c *crowdCounter) copied() Counter {
	made := c.Counter
	made.Windows = slices.Clone(made.Windows)
	for i := range made.Windows {
		made.Windows[i].Hits = slices.Clone(made.Windows[i].Hits)
	}
	return made
}
