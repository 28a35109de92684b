// Package limit counts requests against budgets, and remembers the counts over a restart.
//
// A class of requests has a budget of one or more sliding windows, and each
// subject (an address, an account, a token) uses it up by itself. The counts of
// the narrow classes are in the ledger alone: each request is one transaction
// there, so that parallel ones, other processes and a crash see the same. The
// counts of the class Default, which every request is counted by, are in memory
// and written every few seconds.
package limit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

const (
	maxCounters       = 50_000 // of a narrow class, before new subjects share one
	maxCrowd          = 10_000 // of the class Default, before the quietest are forgotten
	knownFor          = 90 * 24 * time.Hour
	maxKnownAddresses = 50 // of one account
)

// Limiter says whether a request still fits. It is safe for concurrent use.
type Limiter struct {
	ledger  Ledger
	initial Budgets // of the configuration
	logger  *slog.Logger
	now     func() time.Time
	most    int // counters of a narrow class

	crowd *crowd

	mu       sync.Mutex
	chosen   Budgets          // by an operator, before those of the configuration
	takes    int              // since the counters were counted
	crowded  map[Class]bool   // classes that hold most counters
	refusals map[Refusals]int // not yet in the ledger; Count is zero in the key
}

// Options are what a limiter needs. Fields are required unless they say otherwise.
type Options struct {
	Ledger  Ledger
	Budgets Budgets // until an operator chooses others; what is missing has its default
	Logger  *slog.Logger
	Now     func() time.Time // nil: the clock
}

// Open returns the limiter with the counts that the ledger remembers.
func Open(ctx context.Context, o Options) (*Limiter, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	remembered, err := o.Ledger.Counters.ListCounters(ctx, Default)
	if err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	chosen, err := o.Ledger.Budgets.ListBudgets(ctx)
	if err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	l := &Limiter{
		ledger: o.Ledger, initial: o.Budgets, chosen: chosen, logger: o.Logger, now: o.Now, most: maxCounters,
		crowded: make(map[Class]bool), refusals: make(map[Refusals]int),
	}
	l.crowd = newCrowd(l.budget(Default), maxCrowd, remembered)
	return l, nil
}

// TakeDefault counts a request of the subject by the class Default. Where it
// does not fit, the error is an *Exceeded.
func (l *Limiter) TakeDefault(subject Subject) error {
	exceeded := l.crowd.take(subject, l.now())
	if exceeded == nil {
		return nil
	}
	l.noteRefusal(Default)
	return exceeded
}

// Take counts a request of the subject by a narrow class, and returns what gives
// it back. Where it does not fit, the error is an *Exceeded.
func (l *Limiter) Take(ctx context.Context, class Class, subject Subject) (refund func(), err error) {
	key, err := l.keyOf(ctx, class, subject)
	if err != nil {
		return nil, err
	}
	return l.take(ctx, key)
}

// TakeLogin counts an attempt to sign in to the account from the address: by the
// address, and by the account. Where somebody signed in to the account from the
// address before, it is counted by the two together and not by the account, so
// that attempts from elsewhere lock nobody out there. An account that there is
// not is counted the same.
func (l *Limiter) TakeLogin(ctx context.Context, account string, address netip.Addr) (refund func(), err error) {
	known, err := l.ledger.Addresses.KnowsAddress(ctx, folded(account), network(address), l.now().Add(-knownFor))
	if err != nil {
		return nil, fmt.Errorf("find known address: %w", err)
	}
	if known {
		// These are few, and there is always room for them.
		return l.take(ctx, Key{Login, Address(address)}, Key{Login, AccountAt(account, address)})
	}
	byAddress, err := l.keyOf(ctx, Login, Address(address))
	if err != nil {
		return nil, err
	}
	byAccount, err := l.keyOf(ctx, Login, Account(account))
	if err != nil {
		return nil, err
	}
	return l.take(ctx, byAddress, byAccount)
}

// Remember notes that somebody signed in to the account from the address.
func (l *Limiter) Remember(ctx context.Context, account string, address netip.Addr) error {
	err := l.ledger.Addresses.RememberAddress(ctx, folded(account), network(address), l.now(), maxKnownAddresses)
	if err != nil {
		return fmt.Errorf("remember address: %w", err)
	}
	return nil
}

// Clear forgets what was counted of one subject by one class.
func (l *Limiter) Clear(ctx context.Context, key Key) error {
	if key.Class == Default {
		l.crowd.forget(key.Subject)
	}
	if err := l.ledger.Counters.DeleteCounters(ctx, []Key{key}); err != nil {
		return fmt.Errorf("clear limit %s of %s: %w", key.Class, key.Subject, err)
	}
	return nil
}

// take counts one request by every key or, where one of them is used up, by none.
func (l *Limiter) take(ctx context.Context, keys ...Key) (refund func(), err error) {
	budget := l.budget(keys[0].Class)
	receipts := make([]receipt, len(keys))
	var exceeded *Exceeded
	err = l.ledger.Counters.ChangeCounters(ctx, keys, func(counters []Counter) {
		now := l.now() // within the transaction, so that the order of time is that of the counts
		if exceeded = firstExceeded(counters, budget, now); exceeded != nil {
			return
		}
		for i := range counters {
			receipts[i] = counters[i].add(budget, now)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("count request: %w", err)
	}
	if exceeded != nil {
		l.noteRefusal(exceeded.Class)
		return nil, exceeded
	}
	// Given back also where the caller went away meanwhile.
	ctx = context.WithoutCancel(ctx)
	return sync.OnceFunc(func() { l.giveBack(ctx, keys, receipts) }), nil
}

// firstExceeded counts the refusal by each counter that is used up, and returns
// the one that will be so the longest; nil where the request fits.
func firstExceeded(counters []Counter, budget Budget, now time.Time) *Exceeded {
	var longest *Exceeded
	for i := range counters {
		wait := counters[i].wait(budget, now)
		if wait == 0 {
			continue
		}
		counters[i].refuse(budget, now)
		if longest == nil || wait > longest.Wait {
			longest = &Exceeded{Key: counters[i].Key, Budget: budget, Wait: wait, Until: now.Add(wait), Refused: counters[i].Refused}
		}
	}
	return longest
}

func (l *Limiter) giveBack(ctx context.Context, keys []Key, receipts []receipt) {
	budget := l.budget(keys[0].Class)
	err := l.ledger.Counters.ChangeCounters(ctx, keys, func(counters []Counter) {
		for i := range counters {
			counters[i].giveBack(budget, receipts[i], l.now())
		}
	})
	if err != nil { // then it runs out by itself
		l.logger.ErrorContext(ctx, "a request stays counted", "class", keys[0].Class, "error", err)
	}
}

// keyOf is the key that a subject is counted by: its own or, where a flood has
// filled the class, one that all newcomers share. Whoever is counted stays so.
func (l *Limiter) keyOf(ctx context.Context, class Class, subject Subject) (Key, error) {
	key := Key{class, subject}
	crowded, err := l.isCrowded(ctx, class)
	if err != nil || !crowded {
		return key, err
	}
	has, err := l.ledger.Counters.HasCounter(ctx, key)
	if err != nil {
		return Key{}, fmt.Errorf("find counter: %w", err)
	}
	if !has {
		key.Subject = subject.overflow()
	}
	return key, nil
}

// isCrowded counts the counters now and then: the bound need not be exact.
func (l *Limiter) isCrowded(ctx context.Context, class Class) (bool, error) {
	l.mu.Lock()
	l.takes++
	due := l.crowded[class] || l.takes >= max(1, l.most/100)
	if due {
		l.takes = 0
	}
	l.mu.Unlock()
	if !due {
		return false, nil
	}
	count, err := l.ledger.Counters.CountCounters(ctx, class)
	if err != nil {
		return false, fmt.Errorf("count counters: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.crowded[class] = count >= l.most
	return l.crowded[class], nil
}

func (l *Limiter) noteRefusal(class Class) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refusals[Refusals{Hour: l.now().UTC().Truncate(time.Hour), Class: class}]++
}

// takeRefusals returns what is not yet in the ledger, and leaves none.
func (l *Limiter) takeRefusals() []Refusals {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := make([]Refusals, 0, len(l.refusals))
	for at, count := range l.refusals {
		at.Count = count
		taken = append(taken, at)
	}
	clear(l.refusals)
	return taken
}

// ClearAll forgets every count in the ledger. A limiter that runs beside it
// follows within seconds.
func ClearAll(ctx context.Context, ledger CounterLedger) error {
	var errs []error
	for _, d := range descriptions {
		errs = append(errs, ClearClass(ctx, ledger, d.Class))
	}
	return errors.Join(errs...)
}

// ClearClass forgets every count of one class in the ledger.
func ClearClass(ctx context.Context, ledger CounterLedger, class Class) error {
	if err := ledger.DeleteCountersOf(ctx, class); err != nil {
		return fmt.Errorf("clear limit %s: %w", class, err)
	}
	return nil
}
