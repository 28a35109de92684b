package limit

import (
	"context"
	"fmt"
	"maps"
)

// Choose sets the budget of a class from now on, also for what is counted
// already. The ledger keeps it before the budgets of the configuration.
func (l *Limiter) Choose(ctx context.Context, class Class, budget Budget) error {
	if err := l.ledger.Budgets.SaveBudget(ctx, class, budget); err != nil {
		return fmt.Errorf("choose limit %s: %w", class, err)
	}
	l.allow(class, budget)
	return nil
}

// Reset gives a class the budget of the configuration again.
func (l *Limiter) Reset(ctx context.Context, class Class) error {
	if err := l.ledger.Budgets.DeleteBudget(ctx, class); err != nil {
		return fmt.Errorf("reset limit %s: %w", class, err)
	}
	l.allow(class, nil)
	return nil
}

// allow takes the budget over; an empty one is that of the configuration.
func (l *Limiter) allow(class Class, budget Budget) {
	l.mu.Lock()
	chosen := maps.Clone(l.chosen)
	if chosen == nil {
		chosen = make(Budgets)
	}
	delete(chosen, class)
	if len(budget) > 0 {
		chosen[class] = budget
	}
	l.chosen = chosen
	l.mu.Unlock()
	if class == Default {
		l.crowd.allow(l.budget(Default))
	}
}

// budget is the budget that is in force.
func (l *Limiter) budget(class Class) Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	if chosen := l.chosen[class]; len(chosen) > 0 {
		return chosen
	}
	return l.initial.of(class)
}

func (l *Limiter) isChosen(class Class) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.chosen[class]) > 0
}
