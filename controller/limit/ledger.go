package limit

import (
	"context"
	"time"
)

// Ledger keeps what a limiter must not forget. What a method of its parts has returned
// without an error survives a crash. To delete what is missing is no error.
type Ledger struct {
	Counters  CounterLedger
	Addresses AddressLedger
	Budgets   BudgetLedger
	Refusals  RefusalLedger
}

// CounterLedger keeps the counters.
type CounterLedger interface {
	// ChangeCounters gives change the counters of the keys, in the order of the keys
	// and empty where there is none, and keeps what it made of them, in one
	// transaction that no other change comes between. A counter whose Ends is zero
	// is deleted.
	ChangeCounters(ctx context.Context, keys []Key, change func(counters []Counter)) error
	// SaveCounters replaces the counters, or makes them.
	SaveCounters(ctx context.Context, counters []Counter) error
	// ListCounters gives the whole counters of a class.
	ListCounters(ctx context.Context, class Class) ([]Counter, error)
	// ListSubjects gives whom a class has counters of.
	ListSubjects(ctx context.Context, class Class) ([]Subject, error)
	HasCounter(ctx context.Context, key Key) (bool, error)
	// FindCounter gives the counter of the key, an empty one where there is none.
	FindCounter(ctx context.Context, key Key) (Counter, error)
	CountCounters(ctx context.Context, class Class) (int, error)
	// TallyCounters counts the counters of each class that count something, and
	// those of them that are limited.
	TallyCounters(ctx context.Context, now time.Time) ([]Tally, error)
	// ListLimited gives up to most counters that are limited, without their
	// windows, the latest first.
	ListLimited(ctx context.Context, now time.Time, most int) ([]Counter, error)
	DeleteCounters(ctx context.Context, keys []Key) error
	DeleteCountersOf(ctx context.Context, class Class) error
	// DeleteEndedCounters removes every counter that counts nothing at the moment now.
	DeleteEndedCounters(ctx context.Context, now time.Time) error
}

// AddressLedger keeps the addresses at which accounts were signed in to.
type AddressLedger interface {
	// KnowsAddress reports whether the account was signed in to at the address since then.
	KnowsAddress(ctx context.Context, account, address string, since time.Time) (bool, error)
	// RememberAddress notes the address, and forgets all but the latest most of the account.
	RememberAddress(ctx context.Context, account, address string, at time.Time, most int) error
	// ForgetAddresses removes every address that was not used since then.
	ForgetAddresses(ctx context.Context, since time.Time) error
}

// BudgetLedger keeps the budgets that operators chose.
type BudgetLedger interface {
	// ListBudgets gives the budgets that operators chose. One that cannot be read
	// is left out.
	ListBudgets(ctx context.Context) (Budgets, error)
	SaveBudget(ctx context.Context, class Class, budget Budget) error
	DeleteBudget(ctx context.Context, class Class) error
}

// RefusalLedger keeps how many requests did not fit.
type RefusalLedger interface {
	// AddRefusals adds to the count of each hour and class.
	AddRefusals(ctx context.Context, refusals []Refusals) error
	ListRefusals(ctx context.Context, since time.Time) ([]Refusals, error)
	DeleteRefusals(ctx context.Context, before time.Time) error
}

// Tally is how many counters there are of a class.
type Tally struct {
	Class   Class
	Counted int
	Limited int
}

// Refusals are the requests of one class that did not fit in one hour.
type Refusals struct {
	Hour  time.Time
	Class Class
	Count int
}
