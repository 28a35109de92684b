package router

import (
	"sync"
	"time"
)

// limitClass names a budget that requests are counted against.
type limitClass string

// The classes. A class without a budget is not counted.
const (
	limitDefault limitClass = ""
	limitLogin   limitClass = "login"
	limitUpload  limitClass = "upload"
	limitUpdate  limitClass = "update"
)

// budget is how many requests of one address fit in a window.
type budget struct {
	requests int
	window   time.Duration
}

// loginBudget bounds guessing of passwords. What was right is given back.
var loginBudget = map[limitClass]budget{limitLogin: {requests: 5, window: 15 * time.Minute}}

// limiter says whether a request still fits in its budget. The table names the
// class, admit asks, and a handler may give a request back.
type limiter interface {
	// take counts a request of the address. Where it does not fit, wait says
	// how long until one does; refund undoes the count.
	take(class limitClass, address string) (refund func(), wait time.Duration, ok bool)
}

// limitSweep is at how many counted addresses those that have run out are dropped.
const limitSweep = 10_000

// addressLimiter counts in memory: a restart forgets.
type addressLimiter struct {
	budgets map[limitClass]budget
	now     func() time.Time

	mu    sync.Mutex
	taken map[limitKey][]time.Time
}

type limitKey struct {
	class   limitClass
	address string
}

func newAddressLimiter(budgets map[limitClass]budget) *addressLimiter {
	return &addressLimiter{budgets: budgets, now: time.Now, taken: make(map[limitKey][]time.Time)}
}

func (l *addressLimiter) take(class limitClass, address string) (refund func(), wait time.Duration, ok bool) {
	allowed, counted := l.budgets[class]
	if !counted {
		return func() {}, 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if len(l.taken) >= limitSweep {
		l.sweep(now)
	}
	key := limitKey{class, address}
	recent := since(l.taken[key], now.Add(-allowed.window))
	if len(recent) >= allowed.requests {
		l.taken[key] = recent
		return nil, recent[0].Add(allowed.window).Sub(now), false
	}
	l.taken[key] = append(recent, now)
	return func() { l.giveBack(key, now) }, 0, true
}

func (l *addressLimiter) giveBack(key limitKey, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, taken := range l.taken[key] {
		if taken.Equal(at) {
			l.taken[key] = append(l.taken[key][:i:i], l.taken[key][i+1:]...)
			break
		}
	}
	if len(l.taken[key]) == 0 {
		delete(l.taken, key)
	}
}

func (l *addressLimiter) sweep(now time.Time) {
	for key, taken := range l.taken {
		if len(since(taken, now.Add(-l.budgets[key.class].window))) == 0 {
			delete(l.taken, key)
		}
	}
}

// since drops what lies before the moment; times are in order.
func since(times []time.Time, moment time.Time) []time.Time {
	for len(times) > 0 && !times[0].After(moment) {
		times = times[1:]
	}
	return times
}
