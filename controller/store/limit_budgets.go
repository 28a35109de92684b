package store

import (
	"context"
	"fmt"

	"berth/controller/limit"
	"berth/controller/store/sqlite"
)

// ListBudgets returns the budgets that operators chose, without those that this
// version cannot read.
func (s *Store) ListBudgets(ctx context.Context) (limit.Budgets, error) {
	type stored struct {
		class limit.Class
		text  string
	}
	rows, err := s.reader.QueryContext(ctx, `SELECT class, budget FROM limit_budgets`)
	all, err := sqlite.Collect(rows, err, func(columns sqlite.Row) (one stored, err error) {
		err = columns.Scan(&one.class, &one.text)
		return one, err
	})
	if err != nil {
		return nil, fmt.Errorf("list budgets: %w", err)
	}
	budgets := make(limit.Budgets, len(all))
	for _, one := range all {
		if budget, err := limit.ParseBudget(one.text); err == nil {
			budgets[one.class] = budget
		}
	}
	return budgets, nil
}

// SaveBudget keeps the budget of a class.
func (s *Store) SaveBudget(ctx context.Context, class limit.Class, budget limit.Budget) error {
	_, err := s.writer.ExecContext(ctx, `
INSERT INTO limit_budgets (class, budget) VALUES (?, ?) ON CONFLICT (class) DO UPDATE SET budget = excluded.budget`,
		class, budget.String())
	return sqlite.Failure(err, "save budget of %s", class)
}

// DeleteBudget forgets the budget of a class.
func (s *Store) DeleteBudget(ctx context.Context, class limit.Class) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM limit_budgets WHERE class = ?`, class)
	return sqlite.Failure(err, "delete budget of %s", class)
}
